/// Fuzzes scanners with the neighbours of one message: learned well, then met with one byte changed,
/// removed or added, at every place in turn; and in between the message itself again.
///
/// The first byte is options and chance, the rest the message.
#include <string.h>

#include "chance.h"
#include "check.h"
#include "stage.h"

enum { MESSAGE_MAX = 1500, LESSONS = 12 };

typedef struct neighbour {
  uint8_t bytes[MESSAGE_MAX + 1];
  size_t length;
} neighbour;

/// Bytes that mean something: one of these, or any.
static uint8_t some_byte(chance *chance) {
  static const uint8_t bytes[] = "\"\\{}[]:,0159-+.eE tfn/ub\x1F\x7F\x80\xC3\xE2\xF0\xFF\n";
  uint32_t dice = chance_below(chance, sizeof bytes + 4);
  return dice < sizeof bytes ? bytes[dice] : (uint8_t)chance_next(chance);
}

static int read_neighbours(stage *stage, chance *chance, const uint8_t *json, size_t length) {
  neighbour changed;
  for (size_t i = 0; i < LESSONS; i++) PASS(stage_read(stage, json, length));
  for (size_t i = 0; i <= length; i++) {
    for (unsigned how = 0; how < 5; how++) {
      memcpy(changed.bytes, json, i);
      changed.length = length;
      // Changed, changed a little, removed, added, cut.
      size_t behind = how < 3 ? i + 1 : i;
      size_t front = how == 2 ? i : i + 1;
      if (how < 3 && i == length) continue;
      changed.bytes[i] = how == 1 ? json[i] ^ (uint8_t)(1u << chance_below(chance, 8))
                                  : some_byte(chance);
      memcpy(changed.bytes + front, json + behind, length - behind);
      changed.length = how == 4 ? i : length - behind + front;
      PASS(stage_read(stage, changed.bytes, changed.length));
      if (chance_of(chance, 25)) PASS(stage_read(stage, json, length));
    }
  }
  return stage_finish(stage);
}

int mwc_fuzz_neighbours(const uint8_t *data, size_t size) {
  if (size < 2 || size > MESSAGE_MAX) return 0;
  const uint8_t *json = data + 1;
  size_t length = size - 1;
  chance chance = {data[0]};
  uint32_t options = data[0] & 1 ? MWC_JSON_NONFINITE : 0;
  oracle_path paths[12];
  size_t count = stage_choose_paths(json, length, options, chance_next(&chance), paths, 12);
  stage *stage = stage_open(paths, count, options, 0);
  CHECK(stage != NULL);
  int failed = read_neighbours(stage, &chance, json, length);
  stage_close(stage);
  return failed;
}
