/// Fuzzes the JSON kernels: scanning for paths, walking, and what is done with located values.
///
/// The first byte chooses options; the rest is the document. Scan and walk must agree on whether it
/// is JSON and on where it stops being JSON, and every located value must lie inside it.

#include <stdlib.h>
#include <string.h>

#include "mwc_json.h"
#include "mwc_utf8.h"

enum { PATHS = 6 };

static void check_value(const uint8_t *json, size_t length, unsigned type, unsigned flags,
                        size_t offset, size_t count) {
  if (offset > length || count > length - offset) abort();
  const uint8_t *at = json + offset;
  if (type == MWC_JSON_STRING || type == MWC_JSON_KEY) {
    uint8_t *out = malloc(count ? count : 1);
    size_t written = mwc_json_unescape(at, count, out);
    if (written > count || mwc_utf8_valid_prefix(out, written) != written) abort();
    if (!mwc_json_equal(at, count, out, written)) abort();
    if (!(flags & MWC_JSON_ESCAPED) && (written != count || memcmp(out, at, count) != 0)) abort();
    for (size_t position = 0; position < count;) {
      size_t before = position;
      mwc_json_next_scalar(at, count, &position);
      if (position <= before || position > count) abort();
    }
    free(out);
  }
  if (type == MWC_JSON_NUMBER) {
    char spelled[MWC_REPR_MAX];
    if (mwc_json_respell(at, count, spelled) > sizeof spelled) abort();
    double value = mwc_json_double(at, count);
    int64_t integer;
    if (mwc_json_int64(at, count, &integer)) {
      if (!(flags & MWC_JSON_INTEGER) || (double)integer != value) abort();
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  uint32_t options = data[0] & 1 ? MWC_JSON_NONFINITE : 0;
  uint32_t depth_max = data[0] & 2 ? 4 : 0;
  size_t length = size - 1;
  // A copy of exactly this size: a read beyond it is seen by the sanitizer.
  uint8_t *json = malloc(length ? length : 1);
  memcpy(json, data + 1, length);

  static const char *const spelled[PATHS] = {"type", "data.a", "data.b[1].c", "[0]", "$", "a.a"};
  mwc_json_text paths[PATHS];
  for (size_t i = 0; i < PATHS; i++) {
    paths[i] = (mwc_json_text){(const uint8_t *)spelled[i], strlen(spelled[i])};
  }
  size_t room = mwc_json_scanner_size(paths, PATHS);
  void *memory = malloc(room);
  int error = 0;
  size_t bad_path = 0;
  mwc_json_scanner *scanner =
      mwc_json_scanner_init(memory, room, paths, PATHS, options, depth_max, &error, &bad_path);
  if (scanner == NULL) abort();

  mwc_json_value values[PATHS];
  size_t scan_offset = 0;
  int scanned = 0;
  // Again and again: what a scanner remembers must not change what it says.
  for (int turn = 0; turn < 3; turn++) {
    size_t offset = 0;
    mwc_json_value now[PATHS];
    int result = mwc_json_scan(scanner, json, length, now, &offset);
    if (turn > 0) {
      if (result != scanned || (result != 0 && offset != scan_offset)) abort();
      if (result == 0 && memcmp(now, values, sizeof now) != 0) abort();
    }
    scanned = result;
    scan_offset = offset;
    memcpy(values, now, sizeof now);
  }
  if (scanned == 0) {
    for (size_t i = 0; i < PATHS; i++) {
      check_value(json, length, values[i].type, values[i].flags, values[i].offset,
                  values[i].length);
    }
  }

  mwc_json_walk walk;
  if (mwc_json_walk_init(&walk, json, length, options, depth_max) != 0) abort();
  mwc_json_event event = {0};
  int walked;
  while ((walked = mwc_json_walk_next(&walk, &event)) == 1) {
    check_value(json, length, event.kind, event.flags, event.offset, event.length);
  }
  if (walked != scanned) abort();
  if (walked != 0 && event.offset != scan_offset) abort();
  free(memory);
  free(json);
  return 0;
}
