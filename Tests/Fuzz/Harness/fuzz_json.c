/// Fuzzes one document: what a walk meets lies inside of it and can be used, and every scanner says
/// the same of it, again and again.
///
/// The first byte chooses options; the rest is the document.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mwc_utf8.h"
#include "stage.h"

static int check_string(const uint8_t *at, size_t count, bool is_escaped, uint8_t *out) {
  size_t written = mwc_json_unescape(at, count, out);
  CHECK(written <= count && mwc_utf8_valid_prefix(out, written) == written);
  CHECK(mwc_json_equal(at, count, out, written));
  CHECK(is_escaped || (written == count && memcmp(out, at, count) == 0));
  for (size_t position = 0; position < count;) {
    size_t before = position;
    mwc_json_next_scalar(at, count, &position);
    CHECK(position > before && position <= count);
  }
  return 0;
}

static int check_number(const uint8_t *at, size_t count, bool is_integer) {
  char spelled[MWC_REPR_MAX];
  CHECK(mwc_json_respell(at, count, spelled) <= sizeof spelled);
  double value = mwc_json_double(at, count);
  int64_t integer;
  if (mwc_json_int64(at, count, &integer)) CHECK(is_integer && (double)integer == value);
  return 0;
}

static int check_event(const uint8_t *json, size_t length, const mwc_json_event *event) {
  CHECK(event->offset <= length && event->length <= length - event->offset);
  const uint8_t *at = json + event->offset;
  if (event->kind == MWC_JSON_STRING || event->kind == MWC_JSON_KEY) {
    uint8_t *out = malloc(event->length ? event->length : 1);
    int failed = check_string(at, event->length, event->flags & MWC_JSON_ESCAPED, out);
    free(out);
    return failed;
  }
  if (event->kind == MWC_JSON_NUMBER) {
    return check_number(at, event->length, event->flags & MWC_JSON_INTEGER);
  }
  return 0;
}

static int walk_all(const uint8_t *json, size_t length, uint32_t options, uint32_t depth_max) {
  mwc_json_walk walk;
  mwc_json_event event = {0};
  CHECK(mwc_json_walk_init(&walk, json, length, options, depth_max) == 0);
  int result;
  while ((result = mwc_json_walk_next(&walk, &event)) == 1) {
    PASS(check_event(json, length, &event));
  }
  CHECK(mwc_json_walk_next(&walk, &event) == result);
  CHECK(result == 0 || event.offset <= length);
  return 0;
}

static oracle_step name(const char *text) {
  oracle_step step = {.name_length = strlen(text)};
  memcpy(step.name, text, step.name_length);
  return step;
}

int mwc_fuzz_json(const uint8_t *data, size_t size) {
  if (size < 1) return 0;
  uint32_t options = data[0] & 1 ? MWC_JSON_NONFINITE : 0;
  uint32_t depth_max = data[0] & 2 ? 4 : 0;
  size_t length = size - 1;
  // A copy of exactly this size: a read beyond it is seen by the sanitizer.
  uint8_t *json = malloc(length ? length : 1);
  CHECK(json != NULL);
  if (length > 0) memcpy(json, data + 1, length);
  int failed = walk_all(json, length, options, depth_max);
  free(json);
  PASS(failed);

  const oracle_step second = {.is_element = true, .index = 1};
  const oracle_path paths[] = {
      {{{0}}, 0},
      {{name("type")}, 1},
      {{name("a")}, 1},
      {{name("a"), name("a")}, 2},
      {{name("a"), second, name("b")}, 3},
      {{second}, 1},
  };
  stage *stage = stage_open(paths, sizeof paths / sizeof paths[0], options, depth_max);
  CHECK(stage != NULL);
  for (int turn = 0; failed == 0 && turn < 3; turn++) failed = stage_read(stage, data + 1, length);
  if (failed == 0) failed = stage_finish(stage);
  stage_close(stage);
  return failed;
}
