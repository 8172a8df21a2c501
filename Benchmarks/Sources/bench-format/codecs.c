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
  buffer memory, body;
  mwc_entry *entries;
  size_t entry_room, room;
  mwc_json_scanner *scanner;
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

/// A block as `columns_encode` wrote it.
typedef struct encoded_block {
  int64_t wall, monotonic;
  size_t payload, records, count, stored[MWC_COLUMN_STREAMS_MAX], inflated;
  const uint8_t *bodies[MWC_COLUMN_STREAMS_MAX];
  mwc_column_stream streams[MWC_COLUMN_STREAMS_MAX];
  columns_state *state;
} encoded_block;

/// Inflates a stream that somebody asks for.
static const uint8_t *inflate_stream(void *context, size_t index) {
  encoded_block *block = context;
  size_t length = block->streams[index].length, stored = block->stored[index];
  // There is room for all of them, so that nothing moves.
  buffer *body = &block->state->body;
  uint8_t *target = body->bytes + body->size;
  body->size += length + PADDING;
  if (stored == length) {
    memcpy(target, block->bodies[index], length);
  } else {
    z_stream *decoder = &block->state->decoder;
    require(inflateReset(decoder) == Z_OK, "inflateReset");
    decoder->next_in = (uint8_t *)(uintptr_t)block->bodies[index];
    decoder->avail_in = (uInt)stored;
    decoder->next_out = target;
    decoder->avail_out = (uInt)length;
    require(inflate(decoder, Z_FINISH) == Z_STREAM_END, "inflate");
  }
  memset(target + length, 0, PADDING);
  return target;
}

/// Checks a block, finds its streams, and makes room to decode it.
static void columns_begin(columns_state *state, encoded_block *block, const uint8_t *bytes,
                          size_t size) {
  check_sum(bytes, size);
  const uint8_t *at = bytes;
  block->state = state;
  block->wall = (int64_t)get_varint(&at);
  block->monotonic = (int64_t)get_varint(&at);
  block->payload = get_varint(&at);
  block->records = get_varint(&at);
  block->count = get_varint(&at);
  block->inflated = 0;
  for (size_t i = 0; i < block->count; i++) {
    block->streams[i] = (mwc_column_stream){.length = get_varint(&at)};
    block->stored[i] = get_varint(&at);
    block->inflated += block->streams[i].length + PADDING;
  }
  for (size_t i = 0; i < block->count; i++) {
    block->bodies[i] = at;
    at += block->stored[i];
  }
  state->body.size = 0;
  buffer_reserve(&state->body, block->inflated);
  if (block->records > state->entry_room) {
    state->entries = realloc(state->entries, block->records * sizeof *state->entries);
    require(state->entries != NULL, "allocation");
    state->entry_room = block->records;
  }
  state->memory.size = 0;
  state->room = mwc_column_decoder_size(block->inflated, block->payload + 16 * block->records);
  buffer_reserve(&state->memory, state->room);
}

static const mwc_entry *columns_decode(void *opened, const uint8_t *bytes, size_t size,
                                      buffer *output) {
  columns_state *state = opened;
  static encoded_block block;
  columns_begin(state, &block, bytes, size);
  uint8_t *out = buffer_reserve(output, block.payload + PADDING);
  int64_t written = mwc_column_decode(
      state->memory.bytes, state->room, block.streams, block.count, inflate_stream, &block,
      block.wall, block.monotonic, out, block.payload, state->entries, block.records);
  require(written == (int64_t)block.payload, "mwc_column_decode");
  output->size += block.payload;
  return state->entries;
}

// MARK: The values that `mwc-replay --format compact` shows

typedef struct wish {
  const char *path;
  uint8_t wants;
} wish;

static const wish compact[] = {
    {"type", 0},
    {"message", 0},
    {"payload.message", 0},
    {"error", 0},
    {"data.gpu", MWC_COLUMN_PRESENCE},
    {"timestamp", 0},
    {"data.processor.usage_percent", MWC_COLUMN_AMOUNT},
    {"cpu.percent_total", MWC_COLUMN_AMOUNT},
    {"data.memory.percentage", MWC_COLUMN_AMOUNT},
    {"data.memory.usage_percent", MWC_COLUMN_AMOUNT},
    {"memory.percent", MWC_COLUMN_AMOUNT},
    {"data.disk.percentage", MWC_COLUMN_AMOUNT},
    {"data.disk.usage_percent", MWC_COLUMN_AMOUNT},
    {"disk.percent", MWC_COLUMN_AMOUNT},
    {"data.gpu.gpu_usage_percent", MWC_COLUMN_AMOUNT},
    {"data.gpu.usage_percent", MWC_COLUMN_AMOUNT},
    {"data.gpu.gpus[0].gpu_usage_percent", MWC_COLUMN_AMOUNT},
    {"data.gpu.gpus[0].usage_percent", MWC_COLUMN_AMOUNT},
    {"data.memory.used", MWC_COLUMN_AMOUNT},
    {"data.memory.used_gb", MWC_COLUMN_AMOUNT},
    {"data.memory.used_mb", MWC_COLUMN_AMOUNT},
    {"memory.used_mb", MWC_COLUMN_AMOUNT},
    {"data.memory.total", MWC_COLUMN_AMOUNT},
    {"data.memory.total_gb", MWC_COLUMN_AMOUNT},
    {"data.memory.total_mb", MWC_COLUMN_AMOUNT},
    {"memory.total_mb", MWC_COLUMN_AMOUNT},
    {"data.gpu.memory_percentage", MWC_COLUMN_AMOUNT},
    {"data.gpu.memory_percent", MWC_COLUMN_AMOUNT},
    {"data.gpu.gpus[0].memory_percentage", MWC_COLUMN_AMOUNT},
    {"data.gpu.gpus[0].memory_percent", MWC_COLUMN_AMOUNT},
};
enum { COMPACT_PATHS = sizeof compact / sizeof compact[0] };

/// Numbers are added up, of texts the lengths.
static void add_values(const mwc_json_value *values, values_sum *sum) {
  for (size_t i = 0; i < COMPACT_PATHS; i++) {
    const mwc_json_value *value = &values[i];
    if (value->type == MWC_JSON_NUMBER) {
      sum->numbers += value->flags & MWC_JSON_INT64 ? (double)value->number.integer
                                                    : value->number.real;
    }
    if (value->type == MWC_JSON_STRING) sum->texts += value->length;
    sum->count += value->type != MWC_JSON_MISSING;
  }
}

static mwc_json_scanner *open_scanner(void) {
  mwc_json_text paths[COMPACT_PATHS];
  for (size_t i = 0; i < COMPACT_PATHS; i++) {
    paths[i] = (mwc_json_text){(const uint8_t *)compact[i].path, strlen(compact[i].path)};
  }
  size_t size = mwc_json_scanner_size(paths, COMPACT_PATHS), bad_path;
  int error;
  mwc_json_scanner *scanner =
      mwc_json_scanner_init(zeroed(size), size, paths, COMPACT_PATHS,
                            MWC_JSON_NONFINITE | MWC_JSON_CONVERT, 0, &error, &bad_path);
  require(scanner != NULL, "mwc_json_scanner_init");
  return scanner;
}

values_sum scan_values(const block *block) {
  static mwc_json_scanner *scanner;
  if (scanner == NULL) scanner = open_scanner();
  values_sum sum = {0};
  for (size_t i = 0; i < block->count; i++) {
    mwc_json_value values[COMPACT_PATHS];
    size_t offset;
    const uint8_t *json = block->bytes + block->entries[i].offset;
    require(mwc_json_scan(scanner, json, block->entries[i].length, values, &offset) == 0, "scan");
    add_values(values, &sum);
  }
  return sum;
}

/// Reads the values and nothing else; appends their sum.
static const mwc_entry *columns_read(void *opened, const uint8_t *bytes, size_t size,
                                     buffer *output) {
  columns_state *state = opened;
  static encoded_block block;
  uint8_t wants[COMPACT_PATHS];
  for (size_t i = 0; i < COMPACT_PATHS; i++) wants[i] = compact[i].wants;
  if (state->scanner == NULL) state->scanner = open_scanner();
  columns_begin(state, &block, bytes, size);
  mwc_column_paths paths = {state->scanner, COMPACT_PATHS, wants};
  mwc_column_reader *reader = mwc_column_reader_open(
      state->memory.bytes, state->room, block.streams, block.count, inflate_stream, &block,
      block.wall, block.monotonic, block.payload, block.records, &paths, 1);
  require(reader != NULL, "mwc_column_reader_open");
  values_sum sum = {0};
  mwc_column_values found;
  for (size_t i = 0; i < block.records; i++) {
    require(mwc_column_reader_next(reader, &state->entries[i], &found) && found.known == 1,
            "mwc_column_reader_next");
    add_values(found.values, &sum);
  }
  memcpy(buffer_reserve(output, sizeof sum), &sum, sizeof sum);
  output->size += sizeof sum;
  return state->entries;
}

const codec codecs[] = {
    {"zstd -3, lines", zstd_open, 3, zstd_encode, zstd_decode, true},
    {"gzip -6, lines", gzip_open, 6, gzip_encode, gzip_decode, true},
    {"rows, level 6", rows_open, 6, rows_encode, rows_decode, false},
    {"rows, level 1", rows_open, 1, rows_encode, rows_decode, false},
    {"columns, level 6", columns_open, 6, columns_encode, columns_decode, false},
    {"columns, level 1", columns_open, 1, columns_encode, columns_decode, false},
    {"of them, compact's", columns_open, 1, columns_encode, columns_read, false, true},
};
const size_t codec_count = sizeof codecs / sizeof codecs[0];
