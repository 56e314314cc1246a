#pragma once
#include <stddef.h>
#include <stdint.h>

/* Reads WebM through libwebm's parser, which speaks C++ only. No exception leaves these functions.
   A file is never trusted: no element makes the parser allocate more than the bounds in webm.cc. */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct virtue_webm_reader virtue_webm_reader;

/* What virtue_webm_next found. */
static const int virtue_webm_packet_read = 0;
static const int virtue_webm_ended = 1;   /* also a file that is cut short */
static const int virtue_webm_damaged = 2; /* nothing more can be read */

/* Kinds of tracks. */
static const int virtue_webm_video = 1;
static const int virtue_webm_audio = 2;

/* The first track of a kind. */
typedef struct {
  char codec[32];               /* as Matroska names it: "V_VP8" */
  uint64_t width;               /* pixels, of pictures */
  uint64_t height;
  uint64_t default_duration;    /* nanoseconds of a frame; 0 when the file doesn't say */
  uint64_t codec_delay;         /* nanoseconds */
  int is_encoded;               /* compressed or encrypted on top of the codec */
} virtue_webm_track;

typedef struct {
  int kind;
  const uint8_t *bytes; /* valid until the next call */
  size_t size;
  int64_t nanoseconds;
  int is_keyframe; /* as the file says, 0 in block groups */
} virtue_webm_packet;

/* The reader, or NULL with errno's value in *error. */
virtue_webm_reader *virtue_webm_open(const char *path, int *error);
void virtue_webm_close(virtue_webm_reader *reader);
/* The next packet of the first video or the first audio track. */
int virtue_webm_next(virtue_webm_reader *reader, virtue_webm_packet *packet);
/* Whether what was read so far says that the file goes on beyond its end. */
int virtue_webm_is_cut_short(const virtue_webm_reader *reader);
/* Fills in *track; 0 when no track of that kind has been seen so far. */
int virtue_webm_track_of_kind(
    const virtue_webm_reader *reader, int kind, virtue_webm_track *track);
/* Starts again at the file's first byte. */
void virtue_webm_rewind(virtue_webm_reader *reader);

#ifdef __cplusplus
}
#endif
