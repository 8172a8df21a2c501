#include "mwc_json_shape.h"

#include "mwc_json_number.h"
#include "mwc_simd.h"
#include "mwc_utf8.h"

enum {
  /// Work of a segment that does not fit, or of a value that is rare; passing over one by a word is
  /// 1.
  RARE_WORK = 4,
  /// In the time of that, so many bytes are scanned without a shape.
  WORK_BYTES = 6,
  /// When so many more messages of a kind were costly than were not, …
  COST_MAX = 8,
  /// … one of so many is followed, to see whether that has changed.
  COST_RETRY = 32,
};

/// A message to be followed.
typedef struct message {
  const uint8_t *json;
  size_t length, readable;
  uint32_t options;
  bool converts;
} message;

/// How a message was followed.
typedef struct way {
  uint64_t layout;  // a hash of the lengths of all values that vary
  uint32_t work;    // what was not as expected
  uint32_t values;  // that vary
} way;

/// Reads a value that is long or rare, by the grammar itself. Returns its length, or UINT32_MAX if
/// there is none.
static __attribute__((noinline)) uint32_t read_slowly(const message *message, size_t at,
                                                      bool is_string, uint8_t *flags) {
  size_t from = at - is_string;
  if (from > message->length) return UINT32_MAX;
  mwc_json_walk walk;
  mwc_json_event event;
  mwc_json_walk_init(&walk, message->json + from, message->length - from,
                     message->options & MWC_JSON_NONFINITE, 0);
  if (mwc_json_walk_next(&walk, &event) != 1) return UINT32_MAX;
  if (event.kind != (is_string ? MWC_JSON_STRING : MWC_JSON_NUMBER)) return UINT32_MAX;
  *flags = event.flags;
  return event.length;
}

/// Converts a number of any spelling.
static __attribute__((noinline)) void convert_slowly(const uint8_t *json, mwc_json_value *value) {
  value->flags &= (uint8_t)~MWC_JSON_INT64;
  mwc_json_convert(json, value);
}

/// Writes a number, if a path asks for it.
static inline void give_number(mwc_json_value *values, uint32_t place, size_t at, uint32_t length,
                               uint32_t flags, uint64_t number) {
  uint8_t *value = (uint8_t *)values + place;
  uint64_t first = at | (uint64_t)length << 32, second = MWC_JSON_NUMBER | flags << 8;
  memcpy(value, &first, 8);
  memcpy(value + 8, &second, 8);
  memcpy(value + 16, &number, 8);
}

/// Checks a number of any spelling, which has to have this length, and gives it its value, if
/// `place` is one. False if it is none.
static __attribute__((noinline)) bool take_slowly(const message *message, mwc_json_value *values,
                                                  size_t at, uint32_t length, uint32_t place) {
  uint8_t flags = 0;
  if (read_slowly(message, at, false, &flags) != length) return false;
  if (place == SHAPE_NONE) return true;
  give_number(values, place, at, length, flags, 0);
  if (message->converts) mwc_json_convert(message->json, &values[place / sizeof *values]);
  return true;
}

#if defined(__x86_64__)
/// For the text of a number with so many places behind the point: where digits come from.
static const uint8_t point_moves[16][16] = {
#define ROW(p)                                                                                  \
  {0xFF + (p > 15), 0 + (p > 14), 1 + (p > 13), 2 + (p > 12), 3 + (p > 11), 4 + (p > 10),       \
   5 + (p > 9),     6 + (p > 8),  7 + (p > 7),  8 + (p > 6),  9 + (p > 5),  10 + (p > 4),       \
   11 + (p > 3),    12 + (p > 2), 13 + (p > 1), 14 + (p > 0)}
    ROW(0), ROW(1), ROW(2),  ROW(3),  ROW(4),  ROW(5),  ROW(6),  ROW(7),
    ROW(8), ROW(9), ROW(10), ROW(11), ROW(12), ROW(13), ROW(14), ROW(15)};
#undef ROW
#endif

// MARK: The levels

#define MWC_IS_SCALAR_scalar 1
#define MWC_IS_X86_sse4 1
#define MWC_IS_X86_avx2 1
#define MWC_IS_X86_avx512 1
#define MWC_HAS_AVX2_avx2 1
#define MWC_HAS_AVX2_avx512 1
#define MWC_HAS_AVX512_avx512 1
#define MWC_TEXT "mwc_json_shape.inc.h"
#include "mwc_levels.h"

// MARK: Scanning

enum {
  /// Learning costs as much as a few scans; it is paid for by messages that were recognised.
  LEARNING_COST = 8,
  CREDIT_MAX = 64 * LEARNING_COST,
  /// So many misses in a row, and messages are passed over untried, each time twice as many, …
  MISSES_BEFORE_SKIPPING = 4,
  SKIP_BITS_MAX = 9,  // … up to this power of two.
  /// Layouts are worth it for messages with so many values that vary, …
  LAYOUT_VALUES = 2,
  /// … that have come so often already: learning one takes as long as some hundred messages gain.
  LAYOUT_OFTEN = 32,
  /// What to learn one is paid with: so many messages that were followed, …
  LAYOUT_COST = 1024,
  /// … or so many, when there are this many layouts and few messages are one of them.
  LAYOUT_COST_IN_VAIN = 16 * 1024,
  LAYOUTS_TO_JUDGE = 32,
  LAYOUT_CREDIT_MAX = SHAPE_LAYOUTS * LAYOUT_COST,
};

void shape_init(shape_memory *memory, const mwc_json_scanner *scanner) {
  memset(memory, 0, offsetof(shape_memory, points));
  memory->path_count = scanner->path_count;
  memory->options = scanner->options;
  uint32_t words = (scanner->node_count + 63u) / 64;
  memory->node_words = words <= SHAPE_NODE_WORDS ? (uint16_t)words : 0;
  memory->credit = CREDIT_MAX;
  memory->layout_credit = LAYOUT_CREDIT_MAX;
  // Blocks begin at cache lines, as long as the memory stays where it is.
  memory->base = (uint32_t)(-(uintptr_t)memory->pool & 63);
  shape_forget(memory);
}

/// Where the cost is kept of messages that begin like this one, which has SHAPE_SHORTEST bytes.
static uint8_t *cost_of(shape_memory *memory, const uint8_t *json) {
  uint64_t head, next;
  memcpy(&head, json, 8);
  memcpy(&next, json + 8, 8);
  return &memory->costs[(head * 0x9E3779B97F4A7C15u ^ next) * 0xD6E8FEB86659FD93u >> 56];
}

/// Notes whether a message was costly. Costs are forgotten twice as fast as they come.
static __attribute__((noinline)) void weigh(shape_memory *memory, const uint8_t *json,
                                            bool is_costly) {
  uint8_t *cost = cost_of(memory, json);
  memory->has_costs = true;
  if (is_costly) {
    if (*cost < COST_MAX) *cost += 1;
  } else {
    *cost = *cost > 2 ? *cost - 2 : 0;
  }
}

/// Checks a message, which has SHAPE_SHORTEST bytes, against what is remembered. False if it does
/// not fit; the values then mean nothing.
static inline bool is_followed(shape_memory *memory, const uint8_t *json, size_t length,
                               size_t readable, mwc_json_value *values, way *way) {
  message message = {json, length, readable, memory->options,
                     (memory->options & MWC_JSON_CONVERT) != 0};
  int level = mwc_simd_level();
  if (!MWC_CALL_AT_LEVEL(level, follow, (memory, &message, values, way))) return false;
  // Whether such messages cost more to be followed than to be scanned without.
  bool is_costly = way->work * WORK_BYTES > length;
  if (__builtin_expect(is_costly || memory->has_costs, 0)) weigh(memory, json, is_costly);
  return true;
}

/// Whether to spend something on learning.
static bool may_learn(shape_memory *memory) {
  if (memory->credit < LEARNING_COST) return false;
  memory->credit -= LEARNING_COST;
  return true;
}

/// A message that was tried in vain.
static void miss(shape_memory *memory) {
  if (memory->misses < MISSES_BEFORE_SKIPPING + SKIP_BITS_MAX) memory->misses++;
  if (memory->misses > MISSES_BEFORE_SKIPPING) {
    memory->skip = 1u << (memory->misses - MISSES_BEFORE_SKIPPING);
  }
}

/// Whether to scan a message without what is remembered.
static bool is_passed_over(shape_memory *memory, const uint8_t *json, size_t length) {
  if (memory->skip > 0) {
    memory->skip--;
    return true;
  }
  if (length < SHAPE_SHORTEST || length > MWC_JSON_LENGTH_MAX) return true;
  if (!memory->has_costs || *cost_of(memory, json) != COST_MAX) return false;
  return ++memory->passed % COST_RETRY != 0;
}

/// Whether to remember the whole of a message that was followed.
static bool is_frequent(shape_memory *memory, const way *way) {
  uint8_t *seen = &memory->seen[way->layout >> 56];
  if (*seen < LAYOUT_OFTEN) {
    *seen += 1;
    return false;
  }
  bool in_vain = memory->layout_count >= LAYOUTS_TO_JUDGE &&
                 memory->layout_hits < memory->layout_misses / 4;
  uint32_t cost = in_vain ? LAYOUT_COST_IN_VAIN : LAYOUT_COST;
  if (memory->layout_credit < cost) return false;
  memory->layout_credit -= cost;
  *seen = 0;
  return true;
}

int mwc_json_scan_shaped(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                         size_t readable, mwc_json_value *values, size_t *error_offset) {
  shape_memory *memory = shape_of(scanner);
  if (is_passed_over(memory, json, length)) {
    return mwc_json_scan_general(scanner, json, length, values, error_offset);
  }
  way way;
  if (memory->segment_count != 0 && is_followed(memory, json, length, readable, values, &way)) {
    *error_offset = 0;
    memory->misses = 0;
    if (memory->credit < CREDIT_MAX) memory->credit++;
    if (memory->layout_credit < LAYOUT_CREDIT_MAX) memory->layout_credit++;
    if (way.values == 0) {
      memory->layout_hits++;
    } else {
      memory->layout_misses++;
      if (way.values >= LAYOUT_VALUES && is_frequent(memory, &way)) {
        shape_learn_layout(memory, scanner, json, length);
      }
    }
    return 0;
  }
  int result = mwc_json_scan_general(scanner, json, length, values, error_offset);
  miss(memory);
  if (result == 0 && may_learn(memory)) shape_learn(memory, scanner, json, length);
  return result;
}
