#pragma once
#include <zlib.h>

/* inflateInit2 is a macro. Negative window bits: no zlib header, as in a ZIP file. */
static inline int virtue_inflate_raw_init(z_stream *stream) {
  return inflateInit2(stream, -MAX_WBITS);
}
