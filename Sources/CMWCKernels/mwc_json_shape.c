#include "mwc_json_shape.h"

#include <string.h>

#include "mwc_json_number.h"
#include "mwc_json_scanner.h"
#include "mwc_simd.h"

enum {
  /// A message with more new values than this does not become the template.
  REREAD_MAX = 64,
  /// In the time that it takes to read a value anew, so many bytes are scanned without a shape.
  WORK_BYTES = 96,
  /// When so many more messages of a kind were costly than were not, …
  COST_MAX = 8,
  /// … one of so many is followed, to see whether that has changed.
  COST_RETRY = 32,
  /// After so many messages whose values had other lengths, the layout of one becomes the template's.
  SETTLE_AFTER = 32,
};

/// A message on its way along strands.
typedef struct follower {
  shape_memory *memory;
  const uint8_t *json;
  size_t length, readable;
  const shape_output *output;
  uint32_t terminal;   // number of the literal after the last value
  uint32_t count;      // of pieces so far
  uint32_t reread_count;
  uint32_t work;       // values read anew and turns taken
  uint64_t seen;       // nodes of the trie met in strands that were left by a turn
  uint64_t base;       // and before the slot where this one was entered
  bool ended;          // at the end of the message
  bool turned;         // along a turn: the message is not one strand
  bool shifted;        // not taken as a whole
  bool settles;        // its layout is to become the template's
  struct {
    uint16_t slot;
    uint8_t type, flags;
  } reread[REREAD_MAX];                 // values that were read anew; counted beyond the end, too
  shape_place places[SHAPE_SLOTS + 1];  // those of the message, as long as it has not turned
} follower;

/// A value that was read anew.
typedef struct reading {
  uint32_t offset, length;
  uint8_t type, flags;
  spelling spelling;
} reading;

/// Slots of a strand that the message has in a row, all at the same distance.
typedef struct run {
  const shape_strand *strand;
  uint32_t first, last;     // slots
  uint32_t arrived;         // the slot that a turn led to, the literal before it being
  uint32_t literal;         // this one
  uint32_t from;            // where in the template to compare on
  int64_t shift;            // offset in the message minus offset in the template
  const uint64_t *changed;  // one bit for each byte of the template
} run;

static inline uint64_t below(int64_t count) {
  return count >= 64 ? ~0ull : (1ull << count) - 1;
}

/// Whether a byte of `changed[start..<end)` is set.
static inline bool has_changed(const uint64_t *changed, uint32_t start, uint32_t end) {
  if (start == end) return false;
  uint32_t first = start / 64, last = (end - 1) / 64;
  uint64_t head = changed[first] & ~0ull << (start % 64);
  uint64_t tail = ~0ull >> (63 - (end - 1) % 64);
  if (first == last) return (head & tail) != 0;
  if (head != 0) return true;
  while (++first < last) {
    if (changed[first] != 0) return true;
  }
  return (changed[last] & tail) != 0;
}

/// The spelling of a number with a point.
static inline spelling make_spelling(uint32_t whole, uint32_t places, uint32_t negative) {
  uint32_t digits = whole + places;
  // The digits before the last sixteen have to stand together.
  if (digits > MWC_DIGITS_EXACT || (digits > 16 && whole < digits - 16)) return (spelling){0};
  return (spelling){(uint8_t)digits, (uint8_t)places, (uint8_t)negative, 0};
}

/// How the number of `length` bytes is spelled.
static spelling spelling_of(const uint8_t *number, uint32_t length) {
  uint32_t negative = number[0] == '-';
  uint32_t whole = negative;
  while (whole < length && (uint8_t)(number[whole] - '0') < 10) whole++;
  spelling result = {.digits = (uint8_t)(whole - negative),
                     .places = SPELLING_INTEGER,
                     .negative = (uint8_t)negative};
  if (length > 24) return (spelling){0};
  if (whole == length) return result.digits <= 18 ? result : (spelling){0};
  if (number[whole] != '.') return (spelling){0};
  uint32_t places = length - whole - 1;
  for (uint32_t i = whole + 1; i < length; i++) {
    if ((uint8_t)(number[i] - '0') >= 10) return (spelling){0};
  }
  return make_spelling(whole - negative, places, negative);
}

/// Converts a number of any spelling.
static __attribute__((noinline)) void convert_slowly(const uint8_t *json, mwc_json_value *value) {
  value->flags &= (uint8_t)~MWC_JSON_INT64;
  mwc_json_convert(json, value);
}

/// Reads a value that is long or rare, by the grammar itself.
static __attribute__((noinline)) bool read_slowly(const follower *f, int64_t at, bool is_string,
                                                  reading *value) {
  size_t from = (size_t)at - is_string;
  mwc_json_walk walk;
  mwc_json_event event;
  mwc_json_walk_init(&walk, f->json + from, f->length - from,
                     f->memory->options & MWC_JSON_NONFINITE, 0);
  if (mwc_json_walk_next(&walk, &event) != 1) return false;
  if (is_string ? event.kind != MWC_JSON_STRING : event.kind >= MWC_JSON_STRING) return false;
  value->length = event.length;
  value->type = event.kind;
  value->flags = event.flags;
  value->spelling = (spelling){0};
  return true;
}

/// Lists the numbers of a strand that are to be converted.
static void list_numbers(shape_memory *memory, shape_strand *strand) {
  const uint8_t *bytes = shape_at(memory, strand->bytes);
  const shape_wanted *wanted = shape_at(memory, strand->wanted);
  const shape_place *places = shape_at(memory, strand->places);
  shape_slot *slots = shape_at(memory, strand->slots);
  shape_number *numbers = shape_at(memory, strand->numbers);
  uint16_t count = 0;
  uint32_t i = 0;
  for (uint32_t slot = 0; slot <= strand->slot_count; slot++) {
    slots[slot].numbers = count;
    for (; i < strand->wanted_count && wanted[i].slot == slot; i++) {
      if (wanted[i].kind != SHAPE_VALUE || slots[slot].type != MWC_JSON_NUMBER ||
          !(memory->options & MWC_JSON_CONVERT)) {
        continue;
      }
      shape_place place = places[slot];
      numbers[count++] = (shape_number){
          .slot = (uint16_t)slot,
          .path = wanted[i].path,
          .spelling = spelling_of(bytes + place.start, (uint32_t)place.end - place.start)};
    }
  }
  strand->number_count = count;
}

/// A message turns away from a strand for the first time: what it would have found behind `slot` is
/// missing as yet.
static void leave(follower *f, const shape_strand *strand, uint32_t slot) {
  if (f->output->values == NULL) return;
  const shape_slot *slots = shape_at(f->memory, strand->slots);
  const shape_wanted *wanted = shape_at(f->memory, strand->wanted);
  for (uint32_t i = slots[slot + 1].wanted; i < strand->wanted_count; i++) {
    if (wanted[i].kind == SHAPE_END) continue;
    f->output->values[wanted[i].path] = (mwc_json_value){0};
  }
}

// MARK: The levels

#define MWC_IS_X86_sse4 1
#define MWC_IS_X86_avx2 1
#define MWC_IS_X86_avx512 1
#define MWC_TEXT "mwc_json_shape.inc.h"
#include "mwc_levels.h"

void shape_index(shape_memory *memory, shape_strand *strand) {
  list_numbers(memory, strand);
  int level = mwc_simd_level();
  MWC_CALL_AT_LEVEL(level, index_blocks, (memory, strand));
}

// MARK: After a message

/// Makes the message the template, after its values have changed their lengths or types.
static void settle(follower *f, shape_strand *strand) {
  shape_memory *memory = f->memory;
  if (f->length > strand->capacity || f->reread_count > REREAD_MAX) return;
  uint8_t *bytes = shape_at(memory, strand->bytes);
  memcpy(bytes, f->json, f->length);
  if (f->length < strand->length) memset(bytes + f->length, 0, strand->length - f->length);
  strand->length = (uint32_t)f->length;
  uint32_t count = strand->slot_count;
  memcpy(shape_at(memory, strand->places), f->places, count * sizeof(shape_place));
  shape_place *places = shape_at(memory, strand->places);
  places[count] = (shape_place){(uint16_t)f->length, (uint16_t)f->length};
  shape_slot *slots = shape_at(memory, strand->slots);
  for (uint32_t i = 0; i < count; i++) {
    slots[i].stale = 0;
  }
  for (uint32_t i = 0; i < f->reread_count; i++) {
    slots[f->reread[i].slot].type = f->reread[i].type;
    slots[f->reread[i].slot].flags = f->reread[i].flags;
  }
  if (f->output->values != NULL) {
    memcpy(shape_at(memory, strand->values), f->output->values,
           memory->path_count * sizeof(mwc_json_value));
  }
  shape_index(memory, strand);
}

/// What was given of a message that could not be followed to its end was not given after all.
static void take_back(shape_memory *memory, const mwc_json_piece *pieces, uint32_t count) {
  uint32_t strand = 0;
  for (uint32_t i = 0; i < count; i++) {
    while (pieces[i].slot - memory->strands[strand].first_literal >=
           memory->strands[strand].slot_count) {
      strand = (strand + 1) % memory->strand_count;
    }
    shape_slot *slots = shape_at(memory, memory->strands[strand].slots);
    slots[pieces[i].slot - memory->strands[strand].first_literal].stale = 1;
  }
}

/// Whether messages like this one cost more to be followed than to be scanned without.
static void weigh(uint8_t *cost, uint32_t work, size_t length) {
  if ((work + 1) * WORK_BYTES > length) {
    if (*cost < COST_MAX) *cost += 1;
  } else {
    *cost = *cost > 2 ? *cost - 2 : 0;
  }
}

bool shape_follow(shape_memory *memory, const uint8_t *json, size_t length, size_t readable,
                  const shape_output *output) {
  if (memory->strand_count == 0 || length < SHAPE_SHORTEST) return false;
  uint32_t guess = shape_guess(json, length);
  uint32_t index = memory->guesses[guess] != 0 ? memory->guesses[guess] - 1u : memory->recent;
  shape_strand *strand = &memory->strands[index];
  memory->recent = (uint16_t)index;
  follower f;
  f.memory = memory;
  f.json = json;
  f.length = length;
  f.readable = readable;
  f.output = output;
  f.count = 0;
  f.reread_count = 0;
  f.work = 0;
  f.turned = false;
  f.shifted = false;
  f.settles = strand->shifts == SETTLE_AFTER;
  int level = mwc_simd_level();
  if (!MWC_CALL_AT_LEVEL(level, follow, (&f, strand))) {
    if (output->split != NULL) take_back(memory, output->pieces, f.count);
    return false;
  }
  if (output->split != NULL) {
    output->split->count = f.count;
    output->split->terminal = f.terminal;
    output->split->shape = f.turned ? 0 : index + 1;
    output->split->literals = memory->literals;
  }
  weigh(&memory->costs[shape_kind(json)], f.work, length);
  weigh(&memory->costs[guess], f.work, length);
  if (f.turned) {
    if (memory->turned[guess] < UINT8_MAX) memory->turned[guess]++;
  } else {
    memory->guesses[guess] = (uint8_t)(index + 1);
    if (f.settles) {
      strand->shifts = 0;
      if (f.shifted) settle(&f, strand);
    } else {
      strand->shifts += f.shifted;
    }
  }
  return true;
}

// MARK: Scanning

enum {
  /// Learning costs as much as a few scans; it is paid for by messages that were recognised.
  LEARNING_COST = 8,
  CREDIT_MAX = 64 * LEARNING_COST,
  /// So many misses in a row, and messages are passed over untried, each time twice as many, …
  MISSES_BEFORE_SKIPPING = 4,
  SKIP_BITS_MAX = 9,  // … up to this power of two.
  /// A message that needed turns this often gets a strand of its own.
  TURNED_OFTEN = 8,
};

void shape_init(shape_memory *memory, size_t path_count, uint32_t options, bool is_splitter) {
  memset(memory, 0, offsetof(shape_memory, strands));
  memory->path_count = (uint32_t)path_count;
  memory->options = options;
  memory->is_splitter = is_splitter;
  memory->credit = CREDIT_MAX;
  // Templates begin at cache lines, as long as the memory stays where it is.
  memory->base = (uint32_t)(-(uintptr_t)memory->pool & 63);
  shape_forget(memory);
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

/// Whether messages like this one were not worth following.
static bool is_costly(const shape_memory *memory, const uint8_t *json, size_t length) {
  return length >= SHAPE_SHORTEST && (memory->costs[shape_kind(json)] == COST_MAX ||
                                      memory->costs[shape_guess(json, length)] == COST_MAX);
}

int mwc_json_scan_shaped(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                         size_t readable, mwc_json_value *values, size_t *error_offset) {
  shape_memory *memory = shape_of(scanner);
  if (memory->skip > 0) {
    memory->skip--;
    return mwc_json_scan_general(scanner, json, length, values, error_offset);
  }
  if (is_costly(memory, json, length) && ++memory->passed % COST_RETRY != 0) {
    return mwc_json_scan_general(scanner, json, length, values, error_offset);
  }
  shape_output output = {.values = values};
  if (!shape_follow(memory, json, length, readable, &output)) {
    int result = mwc_json_scan_general(scanner, json, length, values, error_offset);
    miss(memory);
    if (result == 0 && may_learn(memory)) {
      shape_learn(memory, scanner, json, length, values, false);
    }
    return result;
  }
  *error_offset = 0;
  memory->misses = 0;
  if (memory->credit < CREDIT_MAX) memory->credit++;
  uint32_t guess = shape_guess(json, length);
  if (memory->turned[guess] == TURNED_OFTEN && may_learn(memory)) {
    memory->turned[guess] = TURNED_OFTEN + 1;
    shape_learn(memory, scanner, json, length, values, true);
  }
  return 0;
}
