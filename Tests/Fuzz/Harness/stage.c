#include "stage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mwc_simd.h"

/// The ways to read: at every level of vector instructions that this processor has, or once with
/// another level for each message.
typedef struct way {
  const char *name;
  uint32_t options;
  bool at_every_level;
} way;

static const way ways[] = {
    {"speculative", MWC_JSON_CONVERT, true},
    {"general", MWC_JSON_CONVERT | MWC_JSON_GENERAL, true},
    {"speculative", MWC_JSON_CONVERT, false},
    {"speculative without conversion", 0, false},
    {"general without conversion", MWC_JSON_GENERAL, false},
};
enum { WAYS = sizeof ways / sizeof ways[0] };

/// One scanner and how it reads.
typedef struct reader {
  const way *way;
  int level;  // NO_LEVEL: another one for every message
  void *memory;
  mwc_json_scanner *scanner;
} reader;

enum {
  NO_LEVEL = -1,
  READERS_MAX = WAYS * (MWC_SIMD_LEVELS + 1),
  PADDING = 64,
};

/// A message that was read, kept for the batch.
typedef struct kept {
  uint8_t *bytes;
  size_t length;
  oracle_verdict verdict;
} kept;

struct stage {
  oracle_path paths[ORACLE_PATHS_MAX];
  size_t path_count;
  uint32_t options;
  uint32_t depth_max;
  size_t scanner_size;
  reader readers[READERS_MAX];
  size_t reader_count;
  int usual_level;
  size_t messages;
  kept kept[STAGE_BATCH_MAX];
  size_t kept_count;
};

static bool open_reader(stage *stage, const way *way, int level, const mwc_json_text *texts) {
  reader *reader = &stage->readers[stage->reader_count++];
  reader->way = way;
  reader->level = level;
  reader->memory = malloc(stage->scanner_size);
  if (reader->memory == NULL) return false;
  int error;
  size_t bad_path;
  reader->scanner = mwc_json_scanner_init(reader->memory, stage->scanner_size, texts,
                                          stage->path_count, stage->options | way->options,
                                          stage->depth_max, &error, &bad_path);
  return reader->scanner != NULL;
}

/// A scanner may be moved, also to another alignment.
static bool move(const stage *stage, reader *reader) {
  size_t shift = stage->messages % 8 * 8;
  uint8_t *memory = malloc(stage->scanner_size + shift);
  if (memory == NULL) return false;
  memcpy(memory + shift, reader->scanner, stage->scanner_size);
  memset(reader->scanner, 0xA5, stage->scanner_size);
  free(reader->memory);
  reader->memory = memory;
  reader->scanner = (mwc_json_scanner *)(void *)(memory + shift);
  return true;
}

stage *stage_open(const oracle_path *paths, size_t count, uint32_t options, uint32_t depth_max) {
  stage *stage = calloc(1, sizeof *stage);
  if (stage == NULL) return NULL;
  stage->options = options;
  stage->depth_max = depth_max;
  for (size_t i = 0; i < count && stage->path_count < ORACLE_PATHS_MAX; i++) {
    bool is_new = true;
    for (size_t k = 0; k < stage->path_count; k++) {
      is_new = is_new && !oracle_same_path(&paths[i], &stage->paths[k]);
    }
    if (is_new) stage->paths[stage->path_count++] = paths[i];
  }
  char(*spelled)[ORACLE_SPELLED_MAX] = calloc(ORACLE_PATHS_MAX, sizeof *spelled);
  mwc_json_text texts[ORACLE_PATHS_MAX];
  bool opened = spelled != NULL;
  for (size_t i = 0; opened && i < stage->path_count; i++) {
    texts[i].bytes = (const uint8_t *)spelled[i];
    texts[i].length = oracle_spell(&stage->paths[i], spelled[i]);
  }
  stage->scanner_size = opened ? mwc_json_scanner_size(texts, stage->path_count) : 0;
  stage->usual_level = mwc_simd_level();
  for (int level = NO_LEVEL; level < MWC_SIMD_LEVELS; level++) {
    if (level != NO_LEVEL && !mwc_simd_has(level)) continue;
    for (size_t i = 0; opened && i < WAYS; i++) {
      if (ways[i].at_every_level != (level != NO_LEVEL)) continue;
      opened = open_reader(stage, &ways[i], level, texts);
    }
  }
  free(spelled);
  if (opened) return stage;
  stage_close(stage);
  return NULL;
}

void stage_close(stage *stage) {
  if (stage == NULL) return;
  mwc_simd_force(stage->usual_level);
  for (size_t i = 0; i < stage->reader_count; i++) free(stage->readers[i].memory);
  for (size_t i = 0; i < stage->kept_count; i++) free(stage->kept[i].bytes);
  free(stage);
}

static const char *level_name(const reader *reader) {
  return reader->level == NO_LEVEL ? "changing levels" : mwc_simd_name(reader->level);
}

/// Has the kernels use the level of a reader.
static void use_level(const stage *stage, const reader *reader) {
  int level = reader->level;
  if (level == NO_LEVEL) {
    level = (int)(stage->messages % MWC_SIMD_LEVELS);
    if (!mwc_simd_has(level)) level = MWC_SIMD_SCALAR;
  }
  mwc_simd_force(level);
}

/// One value of a scan against that of the oracle.
static int compare_value(const stage *stage, const reader *reader, size_t path,
                         const uint8_t *json, const mwc_json_value *value,
                         const mwc_json_value *expected) {
  char spelled[ORACLE_SPELLED_MAX];
  uint8_t flags = expected->flags;
  double real = 0;
  int64_t integer = 0;
  if (expected->type == MWC_JSON_NUMBER && reader->way->options & MWC_JSON_CONVERT) {
    const uint8_t *number = json + expected->offset;
    real = mwc_json_double(number, expected->length);
    // The integer -0 is only a double.
    bool is_int64 = mwc_json_int64(number, expected->length, &integer) &&
                    !(real == 0 && signbit(real));
    if (is_int64) flags |= MWC_JSON_INT64;
  }
  bool equal = value->type == expected->type && value->offset == expected->offset &&
               value->length == expected->length && value->flags == flags;
  if (equal && reader->way->options & MWC_JSON_CONVERT) {
    equal = flags & MWC_JSON_INT64 ? value->number.integer == integer
                                   : memcmp(&value->number.real, &real, sizeof real) == 0 ||
                                         (isnan(real) && isnan(value->number.real));
  }
  if (!equal) spelled[oracle_spell(&stage->paths[path], spelled)] = 0;
  CHECK(equal,
        "%s at %s, message %zu, path %s: type %u, %u bytes at %u, flags %u, number %llx; "
        "not type %u, %u bytes at %u, flags %u, number %lld or %a: %.*s",
        reader->way->name, level_name(reader), stage->messages, spelled, value->type,
        value->length, value->offset, value->flags, (unsigned long long)value->number.integer,
        expected->type, expected->length, expected->offset, flags, (long long)integer, real, 100,
        (const char *)json + expected->offset);
  return 0;
}

static int compare(const stage *stage, const reader *reader, int result, size_t error_offset,
                   const uint8_t *json, const mwc_json_value *values,
                   const oracle_verdict *verdict) {
  CHECK(result == verdict->result && (result == 0 || error_offset == verdict->error_offset),
        "%s at %s, message %zu: %d at %zu, not %d at %zu", reader->way->name, level_name(reader), stage->messages, result,
        error_offset, verdict->result, verdict->error_offset);
  if (result != 0) return 0;
  for (size_t i = 0; i < stage->path_count; i++) {
    PASS(compare_value(stage, reader, i, json, &values[i], &verdict->values[i]));
  }
  return 0;
}

int stage_read_here(stage *stage, const uint8_t *json, size_t length) {
  oracle_verdict verdict;
  mwc_simd_force(MWC_SIMD_SCALAR);
  oracle_scan(stage->paths, stage->path_count, stage->options, stage->depth_max, json, length,
              &verdict);
  for (size_t i = 0; i < stage->reader_count; i++) {
    reader *reader = &stage->readers[i];
    if (reader->level == NO_LEVEL && stage->messages % 40 == 39) CHECK(move(stage, reader));
    mwc_json_value values[ORACLE_PATHS_MAX];
    memset(values, 0xA5, sizeof values);
    size_t error_offset = SIZE_MAX;
    use_level(stage, reader);
    int result = mwc_json_scan(reader->scanner, json, length, values, &error_offset);
    PASS(compare(stage, reader, result, error_offset, json, values, &verdict));
  }
  stage->messages++;
  return 0;
}

int stage_read(stage *stage, const uint8_t *json, size_t length) {
  // A copy of exactly this size: a read beyond it is seen by the sanitizer.
  uint8_t *message = malloc(length ? length : 1);
  CHECK(message != NULL);
  if (length > 0) memcpy(message, json, length);
  int failed = stage_read_here(stage, message, length);
  if (stage->kept_count == STAGE_BATCH_MAX) {
    free(message);
    return failed;
  }
  kept *kept = &stage->kept[stage->kept_count++];
  kept->bytes = message;
  kept->length = length;
  oracle_scan(stage->paths, stage->path_count, stage->options, stage->depth_max, message, length,
              &kept->verdict);
  return failed;
}

/// Messages in one block, with other bytes between them.
typedef struct block {
  uint8_t *bytes;
  size_t readable;
  mwc_json_range *ranges;
  mwc_json_value *values;
  mwc_json_result *results;
} block;

static bool make_block(const stage *stage, bool is_padded, block *block) {
  static const uint8_t between[] = "\",}] 0\\";
  size_t size = is_padded ? PADDING : 0;
  for (size_t i = 0; i < stage->kept_count; i++) size += stage->kept[i].length + i % 3;
  block->bytes = malloc(size ? size : 1);
  block->ranges = calloc(stage->kept_count + 1, sizeof *block->ranges);
  block->values = calloc(stage->kept_count * stage->path_count + 1, sizeof *block->values);
  block->results = calloc(stage->kept_count + 1, sizeof *block->results);
  if (!block->bytes || !block->ranges || !block->values || !block->results) return false;
  size_t at = 0;
  for (size_t i = 0; i < stage->kept_count; i++) {
    for (size_t k = 0; k < i % 3; k++) block->bytes[at++] = between[(i + k) % (sizeof between - 1)];
    block->ranges[i].offset = at;
    block->ranges[i].length = (uint32_t)stage->kept[i].length;
    if (stage->kept[i].length > 0) {
      memcpy(block->bytes + at, stage->kept[i].bytes, stage->kept[i].length);
    }
    at += stage->kept[i].length;
  }
  memset(block->bytes + at, '"', size - at);
  block->readable = size;
  return true;
}

static int scan_block(stage *stage, const reader *reader, const block *block) {
  memset(block->values, 0xA5, stage->kept_count * stage->path_count * sizeof *block->values);
  size_t valid = mwc_json_scan_batch(reader->scanner, block->bytes, block->readable, block->ranges,
                                     stage->kept_count, block->values, block->results);
  for (size_t i = 0; i < stage->kept_count; i++) {
    stage->messages = i;
    const kept *kept = &stage->kept[i];
    PASS(compare(stage, reader, block->results[i].code, block->results[i].error_offset,
                 kept->bytes, block->values + i * stage->path_count, &kept->verdict));
    valid -= kept->verdict.result == 0;
  }
  CHECK(valid == 0, "%s at %s", reader->way->name, level_name(reader));
  return 0;
}

int stage_finish(stage *stage) {
  for (int padded = 0; padded < 2; padded++) {
    block block;
    CHECK(make_block(stage, padded, &block));
    int failed = 0;
    // The scanners know the messages from before, so that every one meets what it learned last.
    for (size_t i = 0; failed == 0 && i < stage->reader_count; i++) {
      stage->messages = (size_t)padded;
      use_level(stage, &stage->readers[i]);
      failed = scan_block(stage, &stage->readers[i], &block);
    }
    free(block.bytes);
    free(block.ranges);
    free(block.values);
    free(block.results);
    PASS(failed);
  }
  return 0;
}

size_t stage_choose_paths(const uint8_t *json, size_t length, uint32_t options, uint64_t choice,
                          oracle_path *paths, size_t count) {
  size_t chosen = 0;
  for (size_t i = 0; i < count; i++) {
    choice = choice * 0x5851F42D4C957F2Du + 0x14057B7EF767814Fu;
    chosen += oracle_path_of_value(json, length, options, (size_t)(choice >> 40), &paths[chosen]);
  }
  return chosen;
}
