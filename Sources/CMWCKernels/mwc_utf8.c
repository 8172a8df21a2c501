#include "mwc_utf8.h"

#include <string.h>

// A byte-at-a-time automaton over character classes. States are multiples of 12, so that state +
// class indexes one row of `next`. The rows say which continuation bytes may follow which lead
// bytes (The Unicode Standard, table 3-7).
enum { CLASSES = 12 };

// 8 is never valid.
static const uint8_t class_of[256] = {
    [0x00 ... 0x7F] = 0, [0x80 ... 0x8F] = 1, [0x90 ... 0x9F] = 9,  [0xA0 ... 0xBF] = 7,
    [0xC0 ... 0xC1] = 8, [0xC2 ... 0xDF] = 2, [0xE0] = 10,          [0xE1 ... 0xEC] = 3,
    [0xED] = 4,          [0xEE ... 0xEF] = 3, [0xF0] = 11,          [0xF1 ... 0xF3] = 6,
    [0xF4] = 5,          [0xF5 ... 0xFF] = 8,
};

#define R MWC_UTF8_REJECT
static const uint8_t next[] = {
    //0  1   2   3   4   5   6   7  8   9  10  11
    0, R, 24, 36, 60, 96, 84, R, R, R, 48, 72,  // 0: between characters
    R, R, R,  R,  R,  R,  R,  R, R, R, R,  R,   // 12: rejected
    R, 0, R,  R,  R,  R,  R,  0, R, 0, R,  R,   // 24: one more, 80..BF
    R, 24, R, R,  R,  R,  R, 24, R, 24, R, R,   // 36: two more, 80..BF
    R, R, R,  R,  R,  R,  R, 24, R, R, R,  R,   // 48: after E0, A0..BF
    R, 24, R, R,  R,  R,  R,  R, R, 24, R, R,   // 60: after ED, 80..9F
    R, R, R,  R,  R,  R,  R, 36, R, 36, R, R,   // 72: after F0, 90..BF
    R, 36, R, R,  R,  R,  R, 36, R, 36, R, R,   // 84: after F1..F3, 80..BF
    R, 36, R, R,  R,  R,  R,  R, R, R, R,  R,   // 96: after F4, 80..8F
};
#undef R
_Static_assert(sizeof next == 9 * CLASSES, "one row for each state");

// MARK: By blocks

/// What a block leaves to the one after it.
typedef struct utf8_debt {
  uint64_t expected;             // where continuation bytes have to stand
  uint64_t high_only, low_only;  // restrictions of the first byte, bit 0: A0…BF, 80…9F
  uint64_t high_half, low_half;  // 90…BF, 80…8F
} utf8_debt;

/// `length` without a character at the end of `bytes` that is not whole; all before it is well-formed.
static size_t whole_characters(const uint8_t *bytes, size_t length) {
  for (size_t back = 1; back <= 3 && back <= length; back++) {
    uint8_t byte = bytes[length - back];
    if (byte < 0x80) break;
    if (byte < 0xC0) continue;
    size_t count = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return count > back ? length - back : length;
  }
  return length;
}

#define MWC_TEXT "mwc_utf8.inc.h"
#include "mwc_levels.h"

/// Skips well-formed text, as much as is worth it.
static size_t skip_sound(const uint8_t *bytes, size_t length) {
  if (length < 64) return 0;
  int level = mwc_simd_level();
  return MWC_CALL_AT_LEVEL(level, sound_prefix, (bytes, length));
}

bool mwc_utf8_is_valid(const uint8_t *bytes, size_t length) {
  int level = mwc_simd_level();
  return MWC_CALL_AT_LEVEL(level, is_sound, (bytes, length));
}

// MARK: The ends, by bytes

static uint64_t high_bits(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, 8);
  return word & 0x8080808080808080u;
}

/// How many leading bytes are ASCII, in steps of eight.
static size_t ascii_prefix(const uint8_t *bytes, size_t length) {
  size_t i = 0;
  while (length - i >= 8 && !high_bits(bytes + i)) i += 8;
  return i;
}

mwc_utf8_state mwc_utf8_continue(mwc_utf8_state state, const uint8_t *bytes, size_t length) {
  size_t i = 0;
  // The rest of a character that began in the piece before.
  while (i < length && state != MWC_UTF8_COMPLETE) {
    state = next[state + class_of[bytes[i++]]];
    if (state == MWC_UTF8_REJECT) return state;
  }
  i += skip_sound(bytes + i, length - i);
  while (i < length) {
    if (state == MWC_UTF8_COMPLETE) {
      i += ascii_prefix(bytes + i, length - i);
      if (i == length) break;
    }
    state = next[state + class_of[bytes[i++]]];
    if (state == MWC_UTF8_REJECT) return state;
  }
  return state;
}

size_t mwc_utf8_valid_prefix(const uint8_t *bytes, size_t length) {
  // Nearly all text is valid; only of the rest is more to be known.
  if (length >= 16 && mwc_utf8_is_valid(bytes, length)) return length;
  mwc_utf8_state state = MWC_UTF8_COMPLETE;
  size_t i = skip_sound(bytes, length);
  size_t start = i;
  while (i < length) {
    if (state == MWC_UTF8_COMPLETE) {
      i += ascii_prefix(bytes + i, length - i);
      start = i;
      if (i == length) return length;
    }
    state = next[state + class_of[bytes[i++]]];
    if (state == MWC_UTF8_REJECT) return start;
  }
  return state == MWC_UTF8_COMPLETE ? length : start;
}
