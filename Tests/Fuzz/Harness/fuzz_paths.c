/// Fuzzes the compiler of JSON paths and the trie behind it.
///
/// The input is paths, one per line, then a NUL, then a document. Whatever the paths say, compiling
/// them stays inside its memory and answers with a scanner or with an error that names a path; and a
/// scanner for all of them together finds exactly what one scanner for each of them finds.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mwc_json.h"

enum { PATHS = 12 };

typedef struct input {
  mwc_json_text paths[PATHS];  // each a copy of exactly its size: a read beyond it is seen
  size_t count;
  uint8_t *json;
  size_t length;
} input;

static uint8_t *copy(const uint8_t *bytes, size_t length) {
  uint8_t *copy = malloc(length ? length : 1);
  if (copy != NULL && length > 0) memcpy(copy, bytes, length);
  return copy;
}

static void take_apart(const uint8_t *data, size_t size, const uint8_t *end, input *input) {
  const uint8_t *at = data;
  while (input->count < PATHS) {
    const uint8_t *line = memchr(at, '\n', (size_t)(end - at));
    size_t length = (size_t)((line == NULL ? end : line) - at);
    input->paths[input->count++] = (mwc_json_text){copy(at, length), length};
    if (line == NULL) break;
    at = line + 1;
  }
  input->length = size - (size_t)(end + 1 - data);
  input->json = copy(end + 1, input->length);
}

typedef struct compiled {
  void *memory;
  size_t size;
  mwc_json_scanner *scanner;
  int error;
  size_t bad_path;
} compiled;

/// Compiles into memory of exactly the size that was asked for.
static int compile(const mwc_json_text *paths, size_t count, compiled *result) {
  memset(result, 0, sizeof *result);
  result->size = mwc_json_scanner_size(paths, count);
  result->memory = malloc(result->size);
  CHECK(result->memory != NULL);
  result->scanner = mwc_json_scanner_init(result->memory, result->size, paths, count,
                                          MWC_JSON_NONFINITE, 0, &result->error,
                                          &result->bad_path);
  CHECK(result->scanner != NULL || (result->error < 0 && result->bad_path < count));
  return 0;
}

/// What all found together, against what path `i` finds alone.
static int check_alone(const input *input, const compiled *all, const compiled *one, size_t i,
                       int result, size_t offset, const mwc_json_value *values) {
  if (all->scanner == NULL) {
    // Together they fail where one of them fails, or where two are the same.
    CHECK(all->bad_path != i || one->scanner == NULL ||
          all->error == MWC_JSON_E_PATH_DUPLICATE);
    return 0;
  }
  CHECK(one->scanner != NULL);
  mwc_json_value value;
  size_t one_offset = 0;
  CHECK(mwc_json_scan(one->scanner, input->json, input->length, &value, &one_offset) == result);
  CHECK(result != 0 || (value.type == values[i].type && value.flags == values[i].flags &&
                        value.offset == values[i].offset && value.length == values[i].length));
  CHECK(result == 0 || one_offset == offset);
  return 0;
}

static int compare(const input *input) {
  compiled all;
  PASS(compile(input->paths, input->count, &all));
  mwc_json_value values[PATHS];
  size_t offset = 0;
  int result = 0;
  if (all.scanner != NULL) {
    // A scanner may be moved.
    void *moved = copy(all.memory, all.size);
    memset(all.memory, 0xA5, all.size);
    result = mwc_json_scan(moved, input->json, input->length, values, &offset);
    free(moved);
  }
  int failed = 0;
  for (size_t i = 0; failed == 0 && i < input->count; i++) {
    compiled one;
    failed = compile(&input->paths[i], 1, &one);
    if (failed == 0) failed = check_alone(input, &all, &one, i, result, offset, values);
    free(one.memory);
  }
  free(all.memory);
  return failed;
}

int mwc_fuzz_paths(const uint8_t *data, size_t size) {
  const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
  if (end == NULL) return 0;
  input input = {.count = 0};
  take_apart(data, size, end, &input);
  int failed = compare(&input);
  for (size_t i = 0; i < input.count; i++) free((void *)(uintptr_t)input.paths[i].bytes);
  free(input.json);
  return failed;
}
