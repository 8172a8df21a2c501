#include "codecs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "mwc_column.h"
#include "mwc_crc32c.h"

_Static_assert((int)PADDING >= (int)MWC_COLUMN_PADDING, "blocks are padded for the kernels");

static void require(bool condition, const char *what) {
  if (condition) return;
  fprintf(stderr, "bench-format: %s failed\n", what);
  exit(1);
}

static void *zeroed(size_t size) {
  void *memory = calloc(1, size);
  require(memory != NULL, "allocation");
  return memory;
}

uint8_t *buffer_reserve(buffer *buffer, size_t more) {
  if (buffer->size + more > buffer->room) {
    buffer->room = 2 * (buffer->size + more);
    buffer->bytes = realloc(buffer->bytes, buffer->room);
    require(buffer->bytes != NULL, "allocation");
  }
  return buffer->bytes + buffer->size;
}

static void put_varint(buffer *buffer, uint64_t value) {
  uint8_t *out = buffer_reserve(buffer, 10);
  size_t count = 0;
  for (; value >= 128; value >>= 7) out[count++] = (uint8_t)(value | 128);
  out[count++] = (uint8_t)value;
  buffer->size += count;
}

static void put_signed(buffer *buffer, int64_t value) {
  put_varint(buffer, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

static uint64_t get_varint(const uint8_t **at) {
  uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    uint8_t byte = *(*at)++;
    value |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return value;
  }
}

// MARK: Lines with zstd and gzip, one stream over all blocks

typedef struct zstd_state {
  ZSTD_CCtx *encoder;
  ZSTD_DCtx *decoder;
} zstd_state;

static void *zstd_open(int level) {
  zstd_state *state = zeroed(sizeof *state);
  state->encoder = ZSTD_createCCtx();
  state->decoder = ZSTD_createDCtx();
  ZSTD_CCtx_setParameter(state->encoder, ZSTD_c_compressionLevel, level);
  return state;
}

static void zstd_encode(void *opened, const block *block, buffer *output) {
  zstd_state *state = opened;
  ZSTD_inBuffer in = {block->lines, block->line_size, 0};
  size_t room = ZSTD_compressBound(block->line_size) + 1024, left;
  do {
    ZSTD_outBuffer out = {buffer_reserve(output, room), room, 0};
    left = ZSTD_compressStream2(state->encoder, &out, &in, ZSTD_e_flush);
    require(!ZSTD_isError(left), "zstd");
    output->size += out.pos;
  } while (left > 0);
}

static const mwc_entry *zstd_decode(void *opened, const uint8_t *bytes, size_t size,
                                      buffer *output) {
  zstd_state *state = opened;
  ZSTD_inBuffer in = {bytes, size, 0};
  bool is_full;
  do {
    size_t room = (size_t)4 << 20;
    ZSTD_outBuffer out = {buffer_reserve(output, room), room, 0};
    require(!ZSTD_isError(ZSTD_decompressStream(state->decoder, &out, &in)), "zstd -d");
    output->size += out.pos;
    is_full = out.pos == room;
  } while (in.pos < size || is_full);
  return NULL;
}

typedef struct zlib_state {
  z_stream encoder;
  z_stream decoder;
} zlib_state;

static void *gzip_open(int level) {
  zlib_state *state = zeroed(sizeof *state);
  require(deflateInit2(&state->encoder, level, Z_DEFLATED, 31, 8, 0) == Z_OK, "deflateInit2");
  require(inflateInit2(&state->decoder, 31) == Z_OK, "inflateInit2");
  return state;
}

static void zlib_run(z_stream *stream, int (*run)(z_stream *, int), int flush,
                     const uint8_t *bytes, size_t size, buffer *output) {
  stream->next_in = (uint8_t *)(uintptr_t)bytes;
  stream->avail_in = (uInt)size;
  do {
    size_t room = (size_t)1 << 20;
    stream->next_out = buffer_reserve(output, room);
    stream->avail_out = (uInt)room;
    int result = run(stream, flush);
    require(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR, "zlib");
    output->size += room - stream->avail_out;
  } while (stream->avail_out == 0);
}

static void gzip_encode(void *opened, const block *block, buffer *output) {
  zlib_state *state = opened;
  zlib_run(&state->encoder, deflate, Z_SYNC_FLUSH, block->lines, block->line_size, output);
}

static const mwc_entry *gzip_decode(void *opened, const uint8_t *bytes, size_t size,
                                      buffer *output) {
  zlib_state *state = opened;
  zlib_run(&state->decoder, inflate, Z_SYNC_FLUSH, bytes, size, output);
  return NULL;
}

// MARK: Rows, as in docs/FORMAT.md

typedef struct rows_state {
  zlib_state zlib;
  buffer rows;
} rows_state;

static void *rows_open(int level) {
  rows_state *state = zeroed(sizeof *state);
  require(deflateInit2(&state->zlib.encoder, level, Z_DEFLATED, -15, 8, 0) == Z_OK, "deflateInit2");
  require(inflateInit2(&state->zlib.decoder, -15) == Z_OK, "inflateInit2");
  return state;
}

static void put_checksum(buffer *output, size_t start) {
  uint32_t sum = mwc_crc32c(0, output->bytes + start, output->size - start);
  memcpy(buffer_reserve(output, 4), &sum, 4);
  output->size += 4;
}

static void check_sum(const uint8_t *bytes, size_t size) {
  uint32_t sum;
  memcpy(&sum, bytes + size - 4, 4);
  require(mwc_crc32c(0, bytes, size - 4) == sum, "checksum");
}

static void rows_encode(void *opened, const block *block, buffer *output) {
  rows_state *state = opened;
  state->rows.size = 0;
  int64_t monotonic = block->entries[0].monotonic_ns, offset = 0;
  for (size_t i = 0; i < block->count; i++) {
    const mwc_entry *entry = &block->entries[i];
    *buffer_reserve(&state->rows, 1) = entry->kind;
    state->rows.size++;
    put_varint(&state->rows, (uint64_t)entry->connection << 1 | entry->direction);
    put_signed(&state->rows, entry->monotonic_ns - monotonic);
    put_signed(&state->rows, entry->wall_ns - entry->monotonic_ns - offset);
    put_varint(&state->rows, entry->length);
    monotonic = entry->monotonic_ns;
    offset = entry->wall_ns - entry->monotonic_ns;
    memcpy(buffer_reserve(&state->rows, entry->length), block->bytes + entry->offset,
           entry->length);
    state->rows.size += entry->length;
  }
  size_t start = output->size;
  require(deflateReset(&state->zlib.encoder) == Z_OK, "deflateReset");
  zlib_run(&state->zlib.encoder, deflate, Z_FINISH, state->rows.bytes, state->rows.size, output);
  put_checksum(output, start);
}

static const mwc_entry *rows_decode(void *opened, const uint8_t *bytes, size_t size,
                                      buffer *output) {
  rows_state *state = opened;
  check_sum(bytes, size);
  state->rows.size = 0;
  require(inflateReset(&state->zlib.decoder) == Z_OK, "inflateReset");
  zlib_run(&state->zlib.decoder, inflate, Z_SYNC_FLUSH, bytes, size - 4, &state->rows);
  const uint8_t *at = state->rows.bytes, *end = at + state->rows.size;
  while (at < end) {
    at++;
    get_varint(&at);
    get_varint(&at);
    get_varint(&at);
    size_t length = get_varint(&at);
    memcpy(buffer_reserve(output, length), at, length);
    output->size += length;
    at += length;
  }
  return NULL;
}

// MARK: Columns, as in docs/FORMAT.md: the kernel's streams, each deflated as its hint says

typedef struct columns_state {
  z_stream text, noise, decoder;
  buffer memory, table, body;
  mwc_entry *entries;
  size_t entry_room;
} columns_state;

static void *columns_open(int level) {
  columns_state *state = zeroed(sizeof *state);
  require(deflateInit2(&state->text, level, Z_DEFLATED, -15, 8, 0) == Z_OK, "deflateInit2");
  require(deflateInit2(&state->noise, level, Z_DEFLATED, -15, 8, Z_RLE) == Z_OK, "deflateInit2");
  require(inflateInit2(&state->decoder, -15) == Z_OK, "inflateInit2");
  return state;
}

/// The bytes of a stream, deflated where that makes them shorter; returns how many.
static size_t put_stream(columns_state *state, const mwc_column_stream *stream) {
  buffer *body = &state->body;
  if (stream->length >= 16 && stream->hint != MWC_COLUMN_BITS) {
    z_stream *zlib = stream->hint == MWC_COLUMN_NOISE ? &state->noise : &state->text;
    require(deflateReset(zlib) == Z_OK, "deflateReset");
    zlib->next_in = (uint8_t *)(uintptr_t)stream->bytes;
    zlib->avail_in = (uInt)stream->length;
    zlib->next_out = buffer_reserve(body, stream->length);
    zlib->avail_out = (uInt)stream->length - 1;
    if (deflate(zlib, Z_FINISH) == Z_STREAM_END) {
      size_t stored = stream->length - 1 - zlib->avail_out;
      body->size += stored;
      return stored;
    }
  }
  memcpy(buffer_reserve(body, stream->length), stream->bytes, stream->length);
  body->size += stream->length;
  return stream->length;
}

static void columns_encode(void *opened, const block *block, buffer *output) {
  columns_state *state = opened;
  size_t size = mwc_column_encoder_size(block->size, block->count);
  state->memory.size = 0;
  void *memory = buffer_reserve(&state->memory, size);
  static mwc_column_stream streams[MWC_COLUMN_STREAMS_MAX];
  size_t count = mwc_column_encode(memory, size, block->bytes, block->entries, block->count,
                                   block->entries[0].wall_ns, block->entries[0].monotonic_ns,
                                   streams);
  require(count > 0, "mwc_column_encode");
  size_t start = output->size;
  state->body.size = 0;
  // What the block's header would hold for the decoder.
  put_varint(output, (uint64_t)block->entries[0].wall_ns);
  put_varint(output, (uint64_t)block->entries[0].monotonic_ns);
  put_varint(output, block->size);
  put_varint(output, block->count);
  put_varint(output, count);
  for (size_t i = 0; i < count; i++) {
    size_t stored = put_stream(state, &streams[i]);
    put_varint(output, streams[i].length);
    put_varint(output, stored);
  }
  memcpy(buffer_reserve(output, state->body.size), state->body.bytes, state->body.size);
  output->size += state->body.size;
  put_checksum(output, start);
}

static const mwc_entry *columns_decode(void *opened, const uint8_t *bytes, size_t size,
                                      buffer *output) {
  columns_state *state = opened;
  check_sum(bytes, size);
  const uint8_t *at = bytes;
  int64_t wall = (int64_t)get_varint(&at), monotonic = (int64_t)get_varint(&at);
  size_t payload = get_varint(&at), records = get_varint(&at), count = get_varint(&at);
  static mwc_column_stream streams[MWC_COLUMN_STREAMS_MAX];
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    streams[i].length = get_varint(&at);
    streams[i].hint = (uint32_t)get_varint(&at);
    total += streams[i].length + PADDING;
  }
  state->body.size = 0;
  uint8_t *target = buffer_reserve(&state->body, total);
  for (size_t i = 0; i < count; i++) {
    size_t stored = streams[i].hint, length = streams[i].length;
    streams[i].bytes = target;
    if (stored == length) {
      memcpy(target, at, length);
    } else {
      require(inflateReset(&state->decoder) == Z_OK, "inflateReset");
      state->decoder.next_in = (uint8_t *)(uintptr_t)at;
      state->decoder.avail_in = (uInt)stored;
      state->decoder.next_out = target;
      state->decoder.avail_out = (uInt)length;
      require(inflate(&state->decoder, Z_FINISH) == Z_STREAM_END, "inflate");
    }
    memset(target + length, 0, PADDING);
    target += length + PADDING;
    at += stored;
  }
  if (records > state->entry_room) {
    state->entries = realloc(state->entries, records * sizeof *state->entries);
    require(state->entries != NULL, "allocation");
    state->entry_room = records;
  }
  size_t room = mwc_column_decoder_size(total, payload + 16 * records);
  state->memory.size = 0;
  void *memory = buffer_reserve(&state->memory, room);
  uint8_t *out = buffer_reserve(output, payload + PADDING);
  int64_t written = mwc_column_decode(memory, room, streams, count, wall, monotonic, out, payload,
                                      state->entries, records);
  require(written == (int64_t)payload, "mwc_column_decode");
  output->size += payload;
  return state->entries;
}

const codec codecs[] = {
    {"zstd -3, lines", zstd_open, 3, zstd_encode, zstd_decode, true},
    {"gzip -6, lines", gzip_open, 6, gzip_encode, gzip_decode, true},
    {"rows, level 6", rows_open, 6, rows_encode, rows_decode, false},
    {"rows, level 1", rows_open, 1, rows_encode, rows_decode, false},
    {"columns, level 6", columns_open, 6, columns_encode, columns_decode, false},
    {"columns, level 1", columns_open, 1, columns_encode, columns_decode, false},
};
const size_t codec_count = sizeof codecs / sizeof codecs[0];
