/// Fuzzes scanners with generated streams: shapes that learn, hit, miss and are learned again.
///
/// The input is options (1 byte), the seed of the shapes and the paths (4 bytes), then 2 bytes for
/// one to four messages: what kind, and their seed. So an input that gets longer keeps its beginning.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "drift.h"
#include "stage.h"

enum {
  SHAPES = 3,
  LESSONS = 21,  // messages before the input is asked
  UNITS_MAX = 16,
  PRICKS = 12,
};

typedef struct stream {
  drift_shape shapes[SHAPES];
  drift_message message;
  drift_message before;
} stream;

/// The next message of a shape, maybe damaged, to all scanners.
static int read_next(stream *stream, stage *stage, unsigned shape, bool is_damaged,
                     chance *chance) {
  drift_next(&stream->shapes[shape], chance, &stream->before, &stream->message);
  drift_message whole = stream->message;
  if (is_damaged) {
    uint32_t times = 1 + chance_below(chance, 2);
    for (uint32_t k = 0; k < times; k++) drift_damage(&stream->message, chance, &stream->before);
  }
  PASS(stage_read(stage, (const uint8_t *)stream->message.bytes, stream->message.length));
  if (chance_of(chance, 20)) {
    // The same with one byte changed, again and again: nearly what was just learned.
    for (uint32_t k = 0; k < PRICKS; k++) {
      stream->message = whole;
      drift_prick(&stream->message, chance);
      PASS(stage_read(stage, (const uint8_t *)stream->message.bytes, stream->message.length));
    }
  }
  stream->before = whole;
  return 0;
}

static int read_stream(stream *stream, stage *stage, const uint8_t *data, size_t size) {
  for (size_t i = 0; i < LESSONS; i++) {
    chance chance = {i};
    PASS(read_next(stream, stage, i % 7 == 6, false, &chance));
  }
  for (size_t i = 0; i + 1 < size && i / 2 < UNITS_MAX; i += 2) {
    unsigned kind = data[i];
    // The place counts as well: equal bytes do not mean equal messages.
    chance chance = {(uint64_t)data[i + 1] << 16 | i};
    unsigned shape = kind % 8 < 5 ? 0 : kind % 8 < 7 ? 1 : 2;
    unsigned messages = kind >= 200 ? 1 : 1 + kind / 8 % 4;
    for (unsigned k = 0; k < messages; k++) {
      PASS(read_next(stream, stage, shape, kind >= 200, &chance));
    }
  }
  return stage_finish(stage);
}

int mwc_fuzz_drift(const uint8_t *data, size_t size) {
  if (size < 5) return 0;
  uint32_t options = data[0] & 1 ? MWC_JSON_NONFINITE : 0;
  uint32_t depth_max = (data[0] & 6) == 6 ? 3 : 0;
  uint32_t seed;
  memcpy(&seed, data + 1, 4);
  chance chance = {seed};
  stream *stream = calloc(1, sizeof *stream);
  CHECK(stream != NULL);
  static _Thread_local oracle_path paths[ORACLE_PATHS_MAX];
  size_t count = 0;
  // Few as a rule; sometimes more steps than fit into a word of bits.
  uint32_t most = chance_of(&chance, 10) ? 13 : 5;
  for (size_t i = 0; i < SHAPES; i++) {
    drift_shape_make(&stream->shapes[i], &chance);
    // Drawn from two messages of each shape, so that optional members are among them.
    for (size_t k = 0; k < 2; k++) {
      drift_next(&stream->shapes[i], &chance, &stream->before, &stream->message);
      count += stage_choose_paths((const uint8_t *)stream->message.bytes, stream->message.length,
                                  options, chance_next(&chance), paths + count,
                                  chance_below(&chance, most));
    }
  }
  stage *stage = stage_open(paths, count, options, depth_max);
  int failed = stage == NULL ? __LINE__ : read_stream(stream, stage, data + 5, size - 5);
  stage_close(stage);
  free(stream);
  return failed;
}
