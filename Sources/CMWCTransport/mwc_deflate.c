#include "mwc_deflate.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

// Every message ends with an empty stored block, of which the sender leaves out the last four bytes
// and the receiver puts them back (RFC 7692, section 7.2).
static const uint8_t tail[4] = {0x00, 0x00, 0xFF, 0xFF};

/// zlib counts in `unsigned`; more is done in turns.
static uInt at_most_uint(size_t length) { return length < UINT_MAX ? (uInt)length : UINT_MAX; }

// MARK: Deflate

struct mwc_deflater {
  z_stream stream;
  bool no_context_takeover;
};

mwc_deflater *mwc_deflater_create(int level, int window_bits, bool no_context_takeover) {
  if (window_bits < 9 || window_bits > 15 || level < 1 || level > 9) return NULL;
  mwc_deflater *deflater = calloc(1, sizeof *deflater);
  if (deflater == NULL) return NULL;
  deflater->no_context_takeover = no_context_takeover;
  if (deflateInit2(&deflater->stream, level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    free(deflater);
    return NULL;
  }
  return deflater;
}

void mwc_deflater_destroy(mwc_deflater *deflater) {
  if (deflater == NULL) return;
  deflateEnd(&deflater->stream);
  free(deflater);
}

size_t mwc_deflater_bound(mwc_deflater *deflater, size_t length) {
  // zlib's bound is that of a finished stream; the flush adds a block header and its tail.
  return deflateBound(&deflater->stream, length) + 16;
}

void mwc_deflater_reset(mwc_deflater *deflater) { deflateReset(&deflater->stream); }

size_t mwc_deflater_compress(mwc_deflater *deflater, const uint8_t *payload, size_t length,
                             uint8_t *out) {
  if (length == 0) {
    // An empty block without its tail. zlib would refuse a second flush with nothing in between.
    out[0] = 0x00;
    return 1;
  }
  z_stream *stream = &deflater->stream;
  if (deflater->no_context_takeover) deflateReset(stream);
  size_t room = mwc_deflater_bound(deflater, length);
  const uint8_t *start = out;
  do {
    const uInt in_turn = at_most_uint(length);
    const uInt out_turn = at_most_uint(room);
    stream->next_in = (Bytef *)(uintptr_t)payload;
    stream->avail_in = in_turn;
    stream->next_out = out;
    stream->avail_out = out_turn;
    if (deflate(stream, length == in_turn ? Z_SYNC_FLUSH : Z_NO_FLUSH) != Z_OK) return 0;
    payload += in_turn - stream->avail_in;
    length -= in_turn - stream->avail_in;
    out += out_turn - stream->avail_out;
    room -= out_turn - stream->avail_out;
  } while (length > 0 || stream->avail_out == 0);
  return (size_t)(out - start) - sizeof tail;
}

// MARK: Inflate

struct mwc_inflater {
  z_stream stream;
  bool no_context_takeover;
  bool between_streams;    // nothing read since the message began or since a block with BFINAL
  bool between_blocks;     // what was read ends where a block does
  uint8_t tail_used;       // bytes of `tail` that this message has been given
};

mwc_inflater *mwc_inflater_create(bool no_context_takeover) {
  mwc_inflater *inflater = calloc(1, sizeof *inflater);
  if (inflater == NULL) return NULL;
  inflater->no_context_takeover = no_context_takeover;
  inflater->between_streams = true;
  if (inflateInit2(&inflater->stream, -MAX_WBITS) != Z_OK) {
    free(inflater);
    return NULL;
  }
  return inflater;
}

void mwc_inflater_destroy(mwc_inflater *inflater) {
  if (inflater == NULL) return;
  inflateEnd(&inflater->stream);
  free(inflater);
}

/// Inflates until the input is used or the output full.
static mwc_inflate_result inflate_some(mwc_inflater *inflater, const uint8_t **input,
                                       size_t *length, uint8_t **out, size_t *room) {
  z_stream *stream = &inflater->stream;
  for (;;) {
    const uInt in_turn = at_most_uint(*length);
    const uInt out_turn = at_most_uint(*room);
    stream->next_in = (Bytef *)(uintptr_t)*input;
    stream->avail_in = in_turn;
    stream->next_out = *out;
    stream->avail_out = out_turn;
    const int status = inflate(stream, Z_SYNC_FLUSH);
    const uInt used = in_turn - stream->avail_in;
    *input += used;
    *length -= used;
    *out += out_turn - stream->avail_out;
    *room -= out_turn - stream->avail_out;
    if (used > 0) {
      inflater->between_streams = false;
      inflater->between_blocks = stream->data_type & 128;
    }
    if (status == Z_STREAM_END) {
      // A block with BFINAL is legal (RFC 7692, section 7.2.3.4) but zlib takes it for the end.
      // Go on behind it with the same window: inflateResetKeep, unlike inflateReset, leaves it. In
      // zlib.h it has no description; the documented way copies the window twice, so that a stream
      // of tiny final blocks would cost its receiver a thousand times its length.
      if (inflateResetKeep(stream) != Z_OK) return MWC_INFLATE_CORRUPT;
      inflater->between_streams = true;
      if (*length == 0) return MWC_INFLATE_DONE;
      continue;
    }
    if (status != Z_OK && status != Z_BUF_ERROR) return MWC_INFLATE_CORRUPT;
    if (*room == 0) return MWC_INFLATE_FULL;
    if (*length == 0) return MWC_INFLATE_DONE;
  }
}

mwc_inflate_result mwc_inflater_continue(mwc_inflater *inflater, const uint8_t **input,
                                         size_t *length, bool last, uint8_t **out, size_t *room) {
  if (*length > 0 || inflater->tail_used == 0) {
    const mwc_inflate_result result = inflate_some(inflater, input, length, out, room);
    if (result != MWC_INFLATE_DONE || !last) return result;
  }
  // A message without any byte, or one that ends with BFINAL, is complete without the tail.
  if (!inflater->between_streams) {
    const uint8_t *rest = tail + inflater->tail_used;
    size_t rest_length = sizeof tail - inflater->tail_used;
    const mwc_inflate_result result = inflate_some(inflater, &rest, &rest_length, out, room);
    inflater->tail_used = (uint8_t)(sizeof tail - rest_length);
    if (result != MWC_INFLATE_DONE) return result;
    if (!inflater->between_blocks) return MWC_INFLATE_CORRUPT;
  }
  inflater->tail_used = 0;
  inflater->between_streams = true;
  if (inflater->no_context_takeover && inflateReset(&inflater->stream) != Z_OK) {
    return MWC_INFLATE_CORRUPT;
  }
  return MWC_INFLATE_DONE;
}
