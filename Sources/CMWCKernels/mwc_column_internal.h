/// What the parts of the column codec share. See `mwc_column.h` for the whole.
#ifndef MWC_COLUMN_INTERNAL_H
#define MWC_COLUMN_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mwc_column.h"
#include "mwc_json_number.h"

// MARK: Memory

/// Memory that is given out piece by piece and taken back all at once.
typedef struct mwc_arena {
  uint8_t *next;
  uint8_t *end;
} mwc_arena;

/// `size` bytes aligned to 16; NULL when there is not enough left.
static inline void *mwc_arena_take(mwc_arena *arena, size_t size) {
  size_t room = (size_t)(arena->end - arena->next);
  if (size > room || room - size < 16) return NULL;
  uint8_t *taken = arena->next;
  arena->next += (size + 15) & ~(size_t)15;
  return taken;
}

static inline uint64_t mwc_load64(const void *bytes) {
  uint64_t value;
  memcpy(&value, bytes, sizeof value);
  return value;
}

/// How many of the first `length` bytes are the same. Reads up to 15 bytes behind both.
static inline size_t mwc_same_length(const uint8_t *one, const uint8_t *other, size_t length) {
  size_t at = 0;
  for (; at < length; at += 16) {
    uint64_t low = mwc_load64(one + at) ^ mwc_load64(other + at);
    uint64_t high = mwc_load64(one + at + 8) ^ mwc_load64(other + at + 8);
    if ((low | high) == 0) continue;
    at += low != 0 ? (size_t)__builtin_ctzll(low) / 8 : 8 + (size_t)__builtin_ctzll(high) / 8;
    break;
  }
  return at < length ? at : length;
}

/// Whether `length` bytes are the same. Reads up to 7 bytes behind both.
static inline bool mwc_same_bytes(const uint8_t *one, const uint8_t *other, size_t length) {
  while (length > 8) {
    if (mwc_load64(one) != mwc_load64(other)) return false;
    one += 8;
    other += 8;
    length -= 8;
  }
  if (length == 0) return true;
  return ((mwc_load64(one) ^ mwc_load64(other)) << (64 - 8 * length)) == 0;
}

/// As `mwc_arena_take`, but from the end: for what is needed until `end` is set back.
static inline void *mwc_arena_take_end(mwc_arena *arena, size_t size) {
  size_t room = (size_t)(arena->end - arena->next) & ~(size_t)15;
  if (size > room || room - size < 32) return NULL;
  arena->end = (uint8_t *)((uintptr_t)(arena->end - size) & ~(uintptr_t)15);
  return arena->end;
}

// MARK: Integers

static inline uint64_t mwc_zigzag(int64_t value) {
  return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t mwc_unzigzag(uint64_t value) {
  return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

static inline int64_t mwc_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
static inline int64_t mwc_sub(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
static inline int64_t mwc_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }

/// Writes a LEB128 integer of up to 10 bytes.
static inline uint8_t *mwc_put_varint(uint8_t *at, uint64_t value) {
  while (value >= 0x80) {
    *at++ = (uint8_t)(value | 0x80);
    value >>= 7;
  }
  *at++ = (uint8_t)value;
  return at;
}

/// Reads integers from bytes; once something is missing or does not fit, `failed` stays set and
/// everything reads as 0.
typedef struct mwc_column_cursor {
  const uint8_t *at;
  const uint8_t *end;
  bool failed;
} mwc_column_cursor;

static inline uint64_t mwc_get_varint(mwc_column_cursor *cursor) {
  uint64_t value = 0;
  for (unsigned shift = 0; cursor->at < cursor->end && shift < 64; shift += 7) {
    uint8_t byte = *cursor->at++;
    if (shift == 63 && byte > 1) break;
    value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  cursor->failed = true;
  cursor->at = cursor->end;
  return 0;
}

static inline uint64_t mwc_get_limited(mwc_column_cursor *cursor, uint64_t limit) {
  uint64_t value = mwc_get_varint(cursor);
  if (value > limit) {
    cursor->failed = true;
    cursor->at = cursor->end;
    return 0;
  }
  return value;
}

// MARK: Numbers of a column

/// Longest chain of columns that are predicted from each other.
enum { MWC_COLUMN_CHAIN_MAX = 16 };

/// Most columns that one joins the texts of.
enum { MWC_COLUMN_PARTS_MAX = 16 };

/// How the values of a column are predicted; the fields stand in the block.
///
/// The prediction from other columns is taken off first; of what remains, `order` differences; of
/// these, `centre` is taken off and `divisor` divided out.
typedef struct mwc_column_model {
  uint8_t reference;  ///< MWC_COLUMN_NONE …
  uint8_t order;      ///< 0, 1 or 2 differences
  uint8_t low_bits;   ///< bits of each number that are stored as they are
  uint8_t negative[2];
  int64_t centre;
  int64_t start;    ///< what the first difference is taken from
  int64_t divisor;  ///< at least 1
  uint64_t scale;   ///< of a ratio: the factor; of a sum: what the first column is
                        ///< divided by; of a quotient: the decimal places, 32 × first + second
  uint32_t columns[2];  ///< 0: the wall time of the record; otherwise a node; or
  int64_t constant;     ///< the second one of a ratio or quotient when `columns[1]` is MWC_COLUMN_CONSTANT
} mwc_column_model;

enum {
  MWC_COLUMN_NONE = 0,
  MWC_COLUMN_SUM1 = 1,      ///< ± column / scale
  MWC_COLUMN_SUM2 = 2,      ///< ± column / scale ± column
  MWC_COLUMN_RATIO = 3,     ///< scale · column / column, in integers
  MWC_COLUMN_QUOTIENT = 4,  ///< column / column · 100 in doubles, as their bits
};
#define MWC_COLUMN_CONSTANT UINT32_MAX

/// Added to the kind of numbers that repeat others at the distances that a column gives.
enum { MWC_COLUMN_REPEATS = 32 };

/// scale · a / b, rounded half up; 0 where that has no meaning.
static inline int64_t mwc_ratio(uint64_t scale, int64_t a, int64_t b) {
  if (a < 0 || b <= 0) return 0;
  unsigned __int128 twice = (unsigned __int128)scale * (uint64_t)a * 2 + (uint64_t)b;
  unsigned __int128 divisor = (unsigned __int128)(uint64_t)b * 2;
  if (twice >> 64 == 0) return (int64_t)((uint64_t)twice / (uint64_t)divisor);
  return (int64_t)(uint64_t)(twice / divisor);
}

/// The percentage that Python computes from two numbers of so many decimal places.
static inline double mwc_quotient(int64_t a, unsigned a_places, int64_t b, unsigned b_places) {
  double above = (double)a / (double)mwc_tens[a_places];
  double under = (double)b / (double)mwc_tens[b_places];
  return under == 0 ? 0 : above / under * 100;
}

/// a / b rounded down, b > 0.
static inline int64_t mwc_floor_divide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return quotient - (a % b < 0);
}

/// What a column holds; the numbers stand in the block.
enum {
  MWC_TYPE_END = 0,       ///< no value: the message ends behind the literal
  MWC_TYPE_CONSTANT = 1,  ///< one text
  MWC_TYPE_TEXT = 2,      ///< texts, each ended by a zero byte
  MWC_TYPE_BYTES = 3,     ///< texts, each behind its length
  MWC_TYPE_CHOICE = 4,    ///< numbers of texts in a table
  MWC_TYPE_NUMBER = 5,    ///< decimals
  MWC_TYPE_DATE = 6,      ///< 2026-11-21T10:23:08.517999
  MWC_TYPE_FLOAT = 7,     ///< doubles as Python spells them
  MWC_TYPE_HEX = 8,       ///< lower-case hexadecimal digits
  MWC_TYPE_JOINED = 9,    ///< texts of other columns, one behind the other
  MWC_TYPE_DISTANCES = 10,  ///< no texts: where numbers of other columns have been before
};

/// A decimal number as it is spelled.
typedef struct mwc_spelled {
  int64_t digits;   ///< without the point
  uint8_t places;   ///< behind the point
  uint8_t trailing; ///< whether the last place is a zero
} mwc_spelled;

/// Takes a number apart; false for what `mwc_spell_number` would not give back: exponents, leading
/// zeros, -0, more than 18 digits.
bool mwc_take_number(const uint8_t *text, size_t length, mwc_spelled *number);

/// Spells value / 10^places with all places, then without trailing zeros beyond `least` of them.
/// Returns the length, at most 24. Writes up to 32 bytes.
size_t mwc_spell_number(int64_t value, unsigned places, unsigned least, uint8_t *out);

/// The form of a date: `2026-11-21T10:23:08`, or with a space; then the places, then a suffix.
typedef struct mwc_date_form {
  uint8_t places;
  uint8_t separator;
  uint8_t suffix_length;
  uint8_t suffix[7];
} mwc_date_form;

/// Takes a date apart: units of 10^-places seconds since 1970, as if it were UTC.
bool mwc_take_date(const uint8_t *text, size_t length, mwc_date_form *form, int64_t *value);

/// The day that was spelled last; all zeros: none.
typedef struct mwc_date_memo {
  int64_t days;  ///< since 1970
  uint8_t text[16];
} mwc_date_memo;

/// Spells a date; 0 when the year is not 1 … 9999. Writes up to 48 bytes. The next date is mostly of
/// the same day, which `memo` keeps.
size_t mwc_spell_date(int64_t value, const mwc_date_form *form, mwc_date_memo *memo, uint8_t *out);

/// Spells a double as Python does: as `mwc_decimal_repr`, and faster. Writes up to 32 bytes.
size_t mwc_spell_double(double value, uint8_t *out);

/// Spells bytes as two lower-case hexadecimal digits each.
void mwc_spell_hex(const uint8_t *bytes, size_t length, uint8_t *out);

/// Spells value / 2^shift, or the double whose bits these are when `shift` is 64.
size_t mwc_spell_float(int64_t value, unsigned shift, uint8_t *out);

#endif
