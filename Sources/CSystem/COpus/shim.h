#pragma once
#include <opus.h>

/* opus_encoder_ctl is variadic, which Swift does not import. */
static inline int virtue_opus_encoder_set(OpusEncoder *encoder, int request, opus_int32 value) {
  return opus_encoder_ctl(encoder, request, value);
}
static const int virtue_opus_set_bitrate = OPUS_SET_BITRATE_REQUEST;
static const int virtue_opus_set_complexity = OPUS_SET_COMPLEXITY_REQUEST;
static const int virtue_opus_set_inband_fec = OPUS_SET_INBAND_FEC_REQUEST;
static const int virtue_opus_set_packet_loss = OPUS_SET_PACKET_LOSS_PERC_REQUEST;
static const int virtue_opus_set_dtx = OPUS_SET_DTX_REQUEST;
static const int virtue_opus_set_signal = OPUS_SET_SIGNAL_REQUEST;
