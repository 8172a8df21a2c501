/// What a scan has to find, the slow way: a walk through the whole document that holds every value
/// against every path, step by step. The walk itself is held against a reference in Swift.
#ifndef ORACLE_H
#define ORACLE_H

#include <stdbool.h>

#include "mwc_json.h"

enum {
  ORACLE_PATHS_MAX = 80,
  ORACLE_STEPS_MAX = 8,
  ORACLE_NAME_MAX = 96,
  ORACLE_SPELLED_MAX = ORACLE_STEPS_MAX * (6 * ORACLE_NAME_MAX + 8) + 2,
};

typedef struct oracle_step {
  bool is_element;
  uint32_t index;
  uint8_t name[ORACLE_NAME_MAX];  // escapes resolved
  size_t name_length;
} oracle_step;

typedef struct oracle_path {
  oracle_step steps[ORACLE_STEPS_MAX];
  size_t count;
} oracle_path;

typedef struct oracle_verdict {
  int result;
  size_t error_offset;
  mwc_json_value values[ORACLE_PATHS_MAX];
} oracle_verdict;

/// What `mwc_json_scan` has to say about `json` and these paths.
void oracle_scan(const oracle_path *paths, size_t count, uint32_t options, uint32_t depth_max,
                 const uint8_t *json, size_t length, oracle_verdict *verdict);

/// Spells a path as `mwc_json_scanner_init` reads it; returns its length.
size_t oracle_spell(const oracle_path *path, char out[ORACLE_SPELLED_MAX]);

bool oracle_same_path(const oracle_path *a, const oracle_path *b);

/// The path of value number `wanted` (in the order of the document, modulo how many there are).
/// False if the document has errors or the path has too many steps or too long names.
bool oracle_path_of_value(const uint8_t *json, size_t length, uint32_t options, size_t wanted,
                          oracle_path *path);

#endif
