#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mwc_simd.h"

/// The ways to read: each at every level of vector instructions that this processor has.
typedef struct way {
  const char *name;
  uint32_t options;
} way;

static const way ways[] = {
    {"default", 0},
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
};

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
                         const mwc_json_value *value, const mwc_json_value *expected) {
  char spelled[ORACLE_SPELLED_MAX];
  bool equal = value->type == expected->type && value->offset == expected->offset &&
               value->length == expected->length && value->flags == expected->flags;
  if (!equal) spelled[oracle_spell(&stage->paths[path], spelled)] = 0;
  CHECK(equal,
        "%s at %s, message %zu, path %s: type %u, %u bytes at %u, flags %u; "
        "not type %u, %u bytes at %u, flags %u",
        reader->way->name, level_name(reader), stage->messages, spelled, value->type, value->length, value->offset,
        value->flags, expected->type, expected->length, expected->offset, expected->flags);
  return 0;
}

static int compare(const stage *stage, const reader *reader, int result, size_t error_offset,
                   const mwc_json_value *values, const oracle_verdict *verdict) {
  CHECK(result == verdict->result && (result == 0 || error_offset == verdict->error_offset),
        "%s at %s, message %zu: %d at %zu, not %d at %zu", reader->way->name, level_name(reader), stage->messages, result,
        error_offset, verdict->result, verdict->error_offset);
  if (result != 0) return 0;
  for (size_t i = 0; i < stage->path_count; i++) {
    PASS(compare_value(stage, reader, i, &values[i], &verdict->values[i]));
  }
  return 0;
}

int stage_read_here(stage *stage, const uint8_t *json, size_t length) {
  oracle_verdict verdict;
  mwc_simd_force(MWC_SIMD_SCALAR);
  oracle_scan(stage->paths, stage->path_count, stage->options, stage->depth_max, json, length,
              &verdict);
  for (size_t i = 0; i < stage->reader_count; i++) {
    const reader *reader = &stage->readers[i];
    mwc_json_value values[ORACLE_PATHS_MAX];
    memset(values, 0xA5, sizeof values);
    size_t error_offset = SIZE_MAX;
    use_level(stage, reader);
    int result = mwc_json_scan(reader->scanner, json, length, values, &error_offset);
    PASS(compare(stage, reader, result, error_offset, values, &verdict));
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
  free(message);
  return failed;
}

int stage_finish(stage *stage) {
  (void)stage;
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
