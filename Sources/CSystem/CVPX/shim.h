#pragma once
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

/* vpx_codec_enc_init and its kin are macros, vpx_codec_control_ is variadic, and the payload of a
   packet is a union: Swift imports none of them. */
static inline vpx_codec_err_t virtue_vpx_encoder_init(
    vpx_codec_ctx_t *context, vpx_codec_iface_t *interface, const vpx_codec_enc_cfg_t *settings,
    vpx_codec_flags_t flags) {
  return vpx_codec_enc_init(context, interface, settings, flags);
}
static inline vpx_codec_err_t virtue_vpx_decoder_init(
    vpx_codec_ctx_t *context, vpx_codec_iface_t *interface, const vpx_codec_dec_cfg_t *settings,
    vpx_codec_flags_t flags) {
  return vpx_codec_dec_init(context, interface, settings, flags);
}
static inline vpx_codec_err_t virtue_vpx_control(vpx_codec_ctx_t *context, int id, int value) {
  return vpx_codec_control_(context, id, value);
}
static inline const void *virtue_vpx_packet_bytes(const vpx_codec_cx_pkt_t *packet) {
  return packet->data.frame.buf;
}
static inline size_t virtue_vpx_packet_size(const vpx_codec_cx_pkt_t *packet) {
  return packet->data.frame.sz;
}
static inline int virtue_vpx_packet_is_keyframe(const vpx_codec_cx_pkt_t *packet) {
  return (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
}
