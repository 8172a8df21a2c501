#include "mwc_utf8.h"

#include <string.h>

// A byte-at-a-time automaton over character classes. States are multiples of 12, so that state +
// class indexes one row of `next`. The rows say which continuation bytes may follow which lead
// bytes (The Unicode Standard, table 3-7).
enum { CLASSES = 12 };

// Classes: 0 ASCII; 1 80..8F; 2 C2..DF; 3 E1..EC, EE, EF; 4 ED; 5 F4; 6 F1..F3; 7 A0..BF;
// 8 never valid; 9 90..9F; 10 E0; 11 F0.
static uint32_t class_of(uint8_t byte) {
  if (byte < 0x80) return 0;
  if (byte < 0x90) return 1;
  if (byte < 0xA0) return 9;
  if (byte < 0xC0) return 7;
  if (byte < 0xC2) return 8;
  if (byte < 0xE0) return 2;
  if (byte == 0xE0) return 10;
  if (byte == 0xED) return 4;
  if (byte < 0xF0) return 3;
  if (byte == 0xF0) return 11;
  if (byte < 0xF4) return 6;
  return byte == 0xF4 ? 5 : 8;
}

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

/// How many leading bytes are ASCII, in steps of eight.
static size_t ascii_prefix(const uint8_t *bytes, size_t length) {
  size_t i = 0;
  while (length - i >= 8) {
    uint64_t word;
    memcpy(&word, bytes + i, 8);
    if (word & 0x8080808080808080u) break;
    i += 8;
  }
  return i;
}

mwc_utf8_state mwc_utf8_continue(mwc_utf8_state state, const uint8_t *bytes, size_t length) {
  size_t i = 0;
  while (i < length) {
    if (state == MWC_UTF8_COMPLETE) {
      i += ascii_prefix(bytes + i, length - i);
      if (i == length) break;
    }
    state = next[state + class_of(bytes[i])];
    if (state == MWC_UTF8_REJECT) return state;
    i += 1;
  }
  return state;
}

size_t mwc_utf8_valid_prefix(const uint8_t *bytes, size_t length) {
  mwc_utf8_state state = MWC_UTF8_COMPLETE;
  size_t i = 0;
  size_t start = 0;
  while (i < length) {
    if (state == MWC_UTF8_COMPLETE) {
      i += ascii_prefix(bytes + i, length - i);
      start = i;
      if (i == length) return length;
    }
    state = next[state + class_of(bytes[i])];
    if (state == MWC_UTF8_REJECT) return start;
    i += 1;
  }
  return state == MWC_UTF8_COMPLETE ? length : start;
}
