/// Fuzzes blocks in columns: what goes in comes out, and what comes from elsewhere does no harm.
///
/// The first byte chooses what the rest is. Even: records, one per line; a line's first byte is its
/// source and kind, its second the step of time. They are encoded, decoded and compared; then bytes of
/// the streams are changed as the second byte of the input says, and decoded again. Odd: the streams
/// themselves, each behind two bytes of length.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mwc_column.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define MWC_POISONED
#endif
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define MWC_UNKNOWN
#endif
#endif

enum { RECORDS_MAX = 256, SIZE_MAX_HERE = 1 << 16 };

/// Memory of some megabytes that a kernel is given. Mapping it anew each time would take most of the
/// time; sanitizers are told that it is new, and where it ends.
typedef struct lent {
  uint8_t *bytes;
  size_t capacity;
} lent;

static void *lend(lent *lent, size_t size) {
  if (lent->capacity < size) {
#ifdef MWC_POISONED
    if (lent->bytes != NULL) __asan_unpoison_memory_region(lent->bytes, lent->capacity);
#endif
    free(lent->bytes);
    lent->capacity = size + size / 2;
    lent->bytes = malloc(lent->capacity);
    if (lent->bytes == NULL) abort();
  }
#ifdef MWC_POISONED
  __asan_unpoison_memory_region(lent->bytes, size);
  __asan_poison_memory_region(lent->bytes + size, lent->capacity - size);
#endif
#ifdef MWC_UNKNOWN
  __msan_allocated_memory(lent->bytes, size);
#endif
  return lent->bytes;
}

typedef struct block {
  uint8_t *bytes;
  size_t size;
  mwc_entry entries[RECORDS_MAX];
  size_t count;
} block;

static uint8_t *padded(const uint8_t *bytes, size_t size) {
  uint8_t *copy = malloc(size + MWC_COLUMN_PADDING);
  if (copy == NULL) abort();
  if (size > 0) memcpy(copy, bytes, size);
  memset(copy + size, 0x5A, MWC_COLUMN_PADDING);
  return copy;
}

static void read_records(block *block, const uint8_t *data, size_t size) {
  block->bytes = padded(data, size);
  block->size = 0;
  block->count = 0;
  int64_t time = 1000000007;
  for (size_t at = 0; at < size && block->count < RECORDS_MAX;) {
    const uint8_t *end = memchr(data + at, '\n', size - at);
    size_t length = end == NULL ? size - at : (size_t)(end - (data + at));
    uint8_t first = length > 0 ? data[at] : 0, second = length > 1 ? data[at + 1] : 0;
    size_t skipped = length < 2 ? length : 2;
    time = (int64_t)((uint64_t)time + (second < 250 ? second * 1000003u : (uint64_t)second << 55));
    mwc_entry *entry = &block->entries[block->count++];
    memset(entry, 0, sizeof *entry);
    entry->wall_ns = time + (first >> 6) * 1000;
    entry->monotonic_ns = time;
    entry->connection = first & 3;
    entry->direction = first >> 2 & 1;
    entry->kind = first >> 3 & 7 ? 1 : first >> 3;
    entry->offset = block->size;
    entry->length = (uint32_t)(length - skipped);
    memcpy(block->bytes + block->size, data + at + skipped, length - skipped);
    block->size += length - skipped;
    at += length + 1;
  }
}

static const uint8_t *no_source(void *context, size_t stream) {
  (void)context, (void)stream;
  return NULL;
}

enum { PATHS = 5, SETS = 2 };
/// The same paths twice, wanted in different ways.
static const uint8_t wants[SETS][PATHS] = {
    {0, MWC_COLUMN_AMOUNT, MWC_COLUMN_PRESENCE, 0, 0},
    {MWC_COLUMN_AMOUNT, 0, 0, MWC_COLUMN_AMOUNT | MWC_COLUMN_PRESENCE, 0},
};

static mwc_json_scanner *open_scanner(void) {
  static const char *const names[PATHS] = {"type", "v", "data.gpu", "[0]", "timestamp"};
  mwc_json_text paths[PATHS];
  for (size_t i = 0; i < PATHS; i++)
    paths[i] = (mwc_json_text){(const uint8_t *)names[i], strlen(names[i])};
  size_t size = mwc_json_scanner_size(paths, PATHS), bad_path;
  void *memory = malloc(size);
  int error;
  mwc_json_scanner *scanner =
      memory == NULL ? NULL
                     : mwc_json_scanner_init(memory, size, paths, PATHS,
                                             MWC_JSON_NONFINITE | MWC_JSON_CONVERT, 0, &error,
                                             &bad_path);
  if (scanner == NULL) abort();
  return scanner;
}

/// Whether the values of a record are those of a scan of its message.
static int check_values(const uint8_t *payload, size_t payload_length, mwc_json_scanner *scanner,
                        const mwc_column_values *found) {
  mwc_json_value expected[PATHS];
  size_t offset;
  int code = mwc_json_scan(scanner, payload, payload_length, expected, &offset);
  CHECK(code == 0 || found->known == 0, "%d, but values", code);
  for (size_t i = 0; i < SETS * PATHS; i++) {
    if ((found->known >> i / PATHS & 1) == 0) continue;
    const mwc_json_value *one = &expected[i % PATHS], *other = &found->values[i];
    uint8_t want = wants[i / PATHS][i % PATHS];
    CHECK(one->type == other->type, "%zu: %d, not %d", i, other->type, one->type);
    if (one->type == MWC_JSON_NUMBER)
      CHECK(one->number.integer == other->number.integer, "%zu: %.17g, not %.17g", i,
            other->number.real, one->number.real);
    bool is_container = one->type == MWC_JSON_ARRAY || one->type == MWC_JSON_OBJECT;
    bool has_text = !(is_container && want & MWC_COLUMN_PRESENCE) && !(want & MWC_COLUMN_AMOUNT);
    if (has_text || one->type != MWC_JSON_STRING)
      CHECK(one->flags == other->flags, "%zu: flags %d, not %d", i, other->flags, one->flags);
    if (!has_text) continue;
    CHECK(one->length == other->length && other->offset + other->length <= found->length &&
              memcmp(payload + one->offset, found->json + other->offset, one->length) == 0,
          "%zu: %.*s, not %.*s", i, (int)other->length, (const char *)found->json + other->offset,
          (int)one->length, (const char *)payload + one->offset);
  }
  return 0;
}

/// Reads values and every third message of streams whose records have so many bytes, to the end or to
/// what is wrong. With a block, compares them with what it holds.
static int read_values(const mwc_column_stream *streams, size_t stream_count, size_t payload,
                       const block *block) {
  size_t stored = 0;
  for (size_t i = 0; i < stream_count; i++) stored += streams[i].length + MWC_COLUMN_PADDING;
  size_t size = mwc_column_decoder_size(stored, payload + 16 * RECORDS_MAX);
  void *memory = malloc(size);
  uint8_t *message = malloc(payload + MWC_COLUMN_PADDING);
  if (memory == NULL || message == NULL) abort();
  mwc_json_scanner *scanner = open_scanner();
  mwc_column_paths sets[SETS] = {{scanner, PATHS, wants[0]}, {scanner, PATHS, wants[1]}};
  mwc_column_reader *reader = mwc_column_reader_open(
      memory, size, streams, stream_count, no_source, NULL, 5, 7, payload, RECORDS_MAX, sets, SETS);
  mwc_entry entry;
  mwc_column_values found;
  size_t record = 0;
  int line = 0;
  for (; reader != NULL && line == 0; record++) {
    if (!mwc_column_reader_next(reader, &entry, &found)) break;
    const mwc_entry *expected = block == NULL ? NULL : &block->entries[record];
    if (expected != NULL && (entry.wall_ns != expected->wall_ns || entry.kind != expected->kind ||
                             entry.connection != expected->connection)) {
      line = __LINE__;
    } else if (expected != NULL) {
      line = check_values(block->bytes + expected->offset, expected->length, scanner, &found);
    } else {
      uint8_t sum = 0;
      for (size_t i = 0; i < SETS * PATHS; i++) {
        if ((found.known >> i / PATHS & 1) == 0) continue;
        const mwc_json_value *value = &found.values[i];
        for (size_t j = 0; j < value->length; j++) sum ^= found.json[value->offset + j];
      }
      message[0] = sum;
    }
    if (line != 0 || record % 3 == 0) continue;
    int64_t written = mwc_column_reader_message(reader, message, payload);
    if (expected != NULL && (written != (int64_t)expected->length ||
                             memcmp(message, block->bytes + expected->offset, expected->length) != 0))
      line = __LINE__;
  }
  if (reader != NULL && block != NULL && line == 0 && record != block->count) line = __LINE__;
  free(memory);
  free(message);
  free(scanner);
  return line;
}

/// Decodes streams whose records have so many bytes; the bytes of payload, or what is wrong.
static int64_t decode(const mwc_column_stream *streams, size_t stream_count, size_t payload,
                      uint8_t **bytes, mwc_entry *entries) {
  size_t stored = 0;
  for (size_t i = 0; i < stream_count; i++) stored += streams[i].length + MWC_COLUMN_PADDING;
  size_t size = mwc_column_decoder_size(stored, payload + 16 * RECORDS_MAX);
  static _Thread_local lent kept;
  void *memory = lend(&kept, size);
  *bytes = malloc(payload + MWC_COLUMN_PADDING);
  if (*bytes == NULL) abort();
  int64_t written = mwc_column_decode(memory, size, streams, stream_count, no_source, NULL, 5, 7,
                                      *bytes, payload, entries, RECORDS_MAX);
  return written;
}

static int check_round_trip(const block *block, const mwc_column_stream *streams, size_t count) {
  mwc_entry entries[RECORDS_MAX];
  uint8_t *bytes;
  int64_t written = decode(streams, count, block->size, &bytes, entries);
  int failed = 0;
  for (size_t i = 0; i < block->count && failed == 0 && written >= 0; i++) {
    const mwc_entry *one = &entries[i], *other = &block->entries[i];
    if (one->wall_ns != other->wall_ns || one->monotonic_ns != other->monotonic_ns ||
        one->connection != other->connection || one->direction != other->direction ||
        one->kind != other->kind || one->length != other->length ||
        memcmp(bytes + one->offset, block->bytes + other->offset, one->length) != 0)
      failed = 1;
  }
  free(bytes);
  CHECK(written == (int64_t)block->size, "%lld of %zu bytes", (long long)written, block->size);
  CHECK(failed == 0, "a record is not what it was");
  return read_values(streams, count, block->size, block);
}

static void decode_changed(const block *block, const mwc_column_stream *streams, size_t count,
                           uint32_t chance) {
  mwc_column_stream changed[MWC_COLUMN_STREAMS_MAX];
  for (size_t i = 0; i < count; i++) {
    uint8_t *bytes = padded(streams[i].bytes, streams[i].length);
    changed[i] = (mwc_column_stream){.bytes = bytes, .length = streams[i].length};
    for (int change = 0; change < 2 && streams[i].length > 0; change++) {
      chance = chance * 1664525 + 1013904223;
      if (i > 0 && chance >> 29 > 2) continue;
      bytes[(chance >> 8) % streams[i].length] ^= (uint8_t)(1 << (chance >> 4 & 7));
    }
  }
  mwc_entry entries[RECORDS_MAX];
  uint8_t *bytes;
  decode(changed, count, block->size, &bytes, entries);
  free(bytes);
  (void)read_values(changed, count, block->size, NULL);
  for (size_t i = 0; i < count; i++) free((void *)changed[i].bytes);
}

static int check_records(const uint8_t *data, size_t size, uint8_t seed) {
  block block;
  read_records(&block, data, size);
  size_t memory_size = mwc_column_encoder_size(block.size, block.count);
  static _Thread_local lent kept;
  void *memory = lend(&kept, memory_size);
  mwc_column_stream streams[MWC_COLUMN_STREAMS_MAX];
  size_t count = mwc_column_encode(memory, memory_size, block.bytes, block.entries, block.count, 5, 7,
                                   streams);
  // What the kernels want readable behind a stream is not always theirs.
  for (size_t i = 0; i < count; i++) streams[i].bytes = padded(streams[i].bytes, streams[i].length);
  bool is_empty = block.count == 0;
  int line = (count == 0) != is_empty ? __LINE__ : 0;
  if (line == 0 && !is_empty) line = check_round_trip(&block, streams, count);
  for (uint32_t i = 0; i < 8 && line == 0 && !is_empty; i++) {
    decode_changed(&block, streams, count, (uint32_t)seed * 8 + i);
  }
  for (size_t i = 0; i < count; i++) free((void *)streams[i].bytes);
  free(block.bytes);
  return line;
}

static int check_streams(const uint8_t *data, size_t size) {
  mwc_column_stream streams[16];
  size_t count = 0;
  while (size >= 2 && count < 16) {
    size_t length = (size_t)data[0] << 8 | data[1];
    if (length > size - 2) length = size - 2;
    streams[count++] = (mwc_column_stream){.bytes = padded(data + 2, length), .length = length};
    data += 2 + length;
    size -= 2 + length;
  }
  mwc_entry entries[RECORDS_MAX];
  uint8_t *bytes;
  int64_t written = decode(streams, count, 4096, &bytes, entries);
  free(bytes);
  for (size_t i = 0; i < count; i++) free((void *)streams[i].bytes);
  CHECK(written <= 4096, "%lld", (long long)written);
  return 0;
}

int mwc_fuzz_columns(const uint8_t *data, size_t size) {
  if (size < 2 || size > SIZE_MAX_HERE) return 0;
  if (data[0] % 2 == 0) return check_records(data + 2, size - 2, data[1]);
  return check_streams(data + 1, size - 1);
}
