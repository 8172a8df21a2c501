/// Fuzzes the compiler of JSON paths and the trie behind it.
///
/// The input is paths, one per line, then a NUL, then a document. Whatever the paths say, compiling
/// them stays inside its memory and answers with a scanner or with an error that names a path; and a
/// scanner for all of them together finds exactly what one scanner for each of them finds.

#include <stdlib.h>
#include <string.h>

#include "mwc_json.h"

enum { PATHS = 12 };

typedef struct compiled {
  void *memory;
  mwc_json_scanner *scanner;
  int error;
  size_t bad_path;
} compiled;

/// Compiles into memory of exactly the size that was asked for.
static compiled compile(const mwc_json_text *paths, size_t count) {
  compiled result = {0};
  size_t size = mwc_json_scanner_size(paths, count);
  result.memory = malloc(size);
  result.scanner = mwc_json_scanner_init(result.memory, size, paths, count, MWC_JSON_NONFINITE, 0,
                                         &result.error, &result.bad_path);
  if (result.scanner == NULL && (result.error >= 0 || result.bad_path >= count)) abort();
  return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *end = memchr(data, 0, size);
  if (end == NULL) return 0;
  mwc_json_text paths[PATHS];
  size_t count = 0;
  const uint8_t *at = data;
  while (count < PATHS) {
    const uint8_t *line = memchr(at, '\n', (size_t)(end - at));
    size_t length = (size_t)((line == NULL ? end : line) - at);
    // A copy of exactly this size: a read beyond it is seen by the sanitizer.
    uint8_t *copy = malloc(length ? length : 1);
    memcpy(copy, at, length);
    paths[count++] = (mwc_json_text){copy, length};
    if (line == NULL) break;
    at = line + 1;
  }
  size_t length = size - (size_t)(end + 1 - data);
  uint8_t *json = malloc(length ? length : 1);
  memcpy(json, end + 1, length);

  compiled all = compile(paths, count);
  mwc_json_value values[PATHS];
  size_t offset = 0;
  int result = 0;
  if (all.scanner != NULL) {
    // A scanner may be moved.
    size_t room = mwc_json_scanner_size(paths, count);
    void *moved = malloc(room);
    memcpy(moved, all.memory, room);
    memset(all.memory, 0xA5, room);
    result = mwc_json_scan(moved, json, length, values, &offset);
    free(moved);
  }
  for (size_t i = 0; i < count; i++) {
    compiled one = compile(&paths[i], 1);
    // Together they fail where one of them fails, or where two are the same.
    if (all.scanner != NULL && one.scanner == NULL) abort();
    if (all.scanner == NULL && all.bad_path == i && one.scanner != NULL &&
        all.error != MWC_JSON_E_PATH_DUPLICATE) {
      abort();
    }
    if (all.scanner != NULL) {
      mwc_json_value value;
      size_t one_offset = 0;
      if (mwc_json_scan(one.scanner, json, length, &value, &one_offset) != result) abort();
      if (result == 0 && memcmp(&value, &values[i], sizeof value) != 0) abort();
      if (result != 0 && one_offset != offset) abort();
    }
    free(one.memory);
  }
  free(all.memory);
  free(json);
  for (size_t i = 0; i < count; i++) free((void *)paths[i].bytes);
  return 0;
}
