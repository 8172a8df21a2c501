// Sixty-four bytes at a time: what a level of vector instructions can do, in the same words for all.
//
// A block is a value that lives in registers. What is asked of it is answered by a mask with one bit
// for each byte, the lowest for the first, so that places are found by counting zeros and runs by
// adding and shifting. This header says what there is; `mwc_block_LEVEL.h` says how, and
// `mwc_levels.h` includes those once each.
//
//   mwc_block                                   64 bytes
//   mwc_block_load(bytes)                       reads bytes[0..<64]
//   mwc_block_load_part(bytes, count, fill)     reads bytes[0..<count], count ≤ 64, no byte beyond;
//                                               the rest of the block is `fill`
//   mwc_block_copy_part(copy, bytes, count)     the same, filled with spaces; `copy`, of 65 bytes, then
//                                               is the `source` of the block for mwc_tokens_put
//   mwc_block_or(left, right)                   the bits of both
//   mwc_block_equal(block, byte)                which bytes are `byte`
//   mwc_block_range(block, low, span)           which are low … low + span
//   mwc_block_high(block)                       which are above 0x7F
//   mwc_block_space(block)                      which are white space of JSON
//   mwc_block_operator(block)                   which are one of { } [ ] : , or 0x0C or 0x1A
//   mwc_block_differ(left, right)               which bytes are not the same in both
//   mwc_block_sorts(block, sorts)               which bytes are of a sort that the byte at the same
//                                               place of `sorts` has the bit of (MWC_SORT_DIGIT …)
//   mwc_prefix_xor(mask)                        bit i: whether an odd number of bits 0 … i is set
//   mwc_nondigits(bytes, count, end)            which of bytes[0..<count], count ≤ 31, are not '0' …
//                                               '9'; reads nothing at or after `end`
//   mwc_same_bytes(left, right, count)          whether count ≥ 0 bytes are equal; no byte beyond
//   mwc_same_name(bytes, name, count)           the same for count ≤ 32; of name, 32 may be read
//   mwc_join_digits(end, count)                 the number that count (1 … 16) digits before `end`
//                                               spell; reads 16 bytes before `end`
//   mwc_join_decimal(end, count, places)        the same with a point, which does not count, in front
//                                               of the last `places` (1 … 16) digits; reads 17 bytes
//   mwc_tokens_put(mask, source, block, base, positions, bytes)
//                                               appends base + i and source[i] for every set bit i;
//                                               returns how many. `source` is where the block came
//                                               from, and has one byte more. May write up to 64
//                                               entries to either
#ifndef MWC_BLOCK_H
#define MWC_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define mwc_block MWC_AT_LEVEL(mwc_block)
#define mwc_block_load MWC_AT_LEVEL(mwc_block_load)
#define mwc_block_load_part MWC_AT_LEVEL(mwc_block_load_part)
#define mwc_block_copy_part MWC_AT_LEVEL(mwc_block_copy_part)
#define mwc_block_or MWC_AT_LEVEL(mwc_block_or)
#define mwc_block_equal MWC_AT_LEVEL(mwc_block_equal)
#define mwc_block_range MWC_AT_LEVEL(mwc_block_range)
#define mwc_block_high MWC_AT_LEVEL(mwc_block_high)
#define mwc_block_space MWC_AT_LEVEL(mwc_block_space)
#define mwc_block_operator MWC_AT_LEVEL(mwc_block_operator)
#define mwc_block_differ MWC_AT_LEVEL(mwc_block_differ)
#define mwc_block_sorts MWC_AT_LEVEL(mwc_block_sorts)
#define mwc_prefix_xor MWC_AT_LEVEL(mwc_prefix_xor)
#define mwc_nondigits MWC_AT_LEVEL(mwc_nondigits)
#define mwc_same_bytes MWC_AT_LEVEL(mwc_same_bytes)
#define mwc_same_name MWC_AT_LEVEL(mwc_same_name)
#define mwc_join_eights MWC_AT_LEVEL(mwc_join_eights)
#define mwc_join_digits MWC_AT_LEVEL(mwc_join_digits)
#define mwc_join_decimal MWC_AT_LEVEL(mwc_join_decimal)
#define mwc_tokens_put MWC_AT_LEVEL(mwc_tokens_put)

/// For every function of a level: part of its caller, or the attributes would stand in the way of
/// keeping blocks in registers.
#define MWC_INLINE static inline __attribute__((always_inline, unused))

// MARK: What several levels share

/// Sorts of bytes for `mwc_block_sorts`.
enum {
  MWC_SORT_DIGIT = 1,     ///< 0 … 9
  MWC_SORT_NOT_ZERO = 2,  ///< 1 … 9
  MWC_SORT_TEXT = 28,     ///< 0x20 … 0x7F but `"` and `\`: three bits, by the upper half of the byte
};

/// What sorts a byte is of is in both tables: by its lower and by its upper half.
#define MWC_SORTS_BY_LOWER 29, 31, 23, 31, 31, 31, 31, 31, 31, 31, 28, 28, 12, 28, 28, 28
#define MWC_SORTS_BY_UPPER 0, 0, 8, 7, 4, 16, 4, 4, 0, 0, 0, 0, 0, 0, 0, 0

/// The tail of a text as a whole block: a copy with `fill` behind it.
static inline __attribute__((unused)) void mwc_copy_part(uint8_t copy[64], const uint8_t *bytes,
                                                         size_t count, uint8_t fill) {
  memset(copy, fill, 64);
  if (count != 0) memcpy(copy, bytes, count);
}

/// `mwc_prefix_xor` by doubling, for processors without a carry-less multiplication.
static inline __attribute__((unused)) uint64_t mwc_prefix_xor_by_shifts(uint64_t mask) {
  mask ^= mask << 1;
  mask ^= mask << 2;
  mask ^= mask << 4;
  mask ^= mask << 8;
  mask ^= mask << 16;
  return mask ^ mask << 32;
}

/// `mwc_nondigits` a byte at a time, for the last bytes of a text.
static inline __attribute__((unused)) uint32_t mwc_nondigits_by_bytes(const uint8_t *bytes,
                                                                      size_t count) {
  uint32_t mask = 0;
  for (size_t i = 0; i < count; i++) mask |= (uint32_t)((uint8_t)(bytes[i] - '0') > 9) << i;
  return mask;
}

/// `mwc_same_bytes` by words that may overlap.
static inline __attribute__((always_inline, unused)) bool mwc_same_bytes_by_words(
    const uint8_t *left, const uint8_t *right, size_t count) {
  if (count >= 8) {
    uint64_t a, b;
    for (size_t i = 0; i + 8 < count; i += 8) {
      memcpy(&a, left + i, 8);
      memcpy(&b, right + i, 8);
      if (a != b) return false;
    }
    memcpy(&a, left + count - 8, 8);
    memcpy(&b, right + count - 8, 8);
    return a == b;
  }
  if (count >= 4) {
    uint32_t a, b, c, d;
    memcpy(&a, left, 4);
    memcpy(&b, right, 4);
    memcpy(&c, left + count - 4, 4);
    memcpy(&d, right + count - 4, 4);
    return ((a ^ b) | (c ^ d)) == 0;
  }
  for (size_t i = 0; i < count; i++) {
    if (left[i] != right[i]) return false;
  }
  return true;
}

/// Loaded from 16 bytes into it less a count, the last bytes of a register by that count are 0xFF.
static const uint8_t mwc_last_bytes[32] __attribute__((unused)) = {[16 ... 31] = 0xFF};

/// `mwc_tokens_put` bit by bit.
static inline __attribute__((always_inline, unused)) uint32_t mwc_tokens_put_by_bits(
    uint64_t mask, const uint8_t *source, uint32_t base, uint32_t *positions, uint8_t *bytes) {
  uint32_t count = (uint32_t)__builtin_popcountll(mask);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t bit = (uint32_t)__builtin_ctzll(mask);
    positions[i] = base + bit;
    bytes[i] = source[bit];
    mask &= mask - 1;
  }
  return count;
}

#endif
