// Decimal digits to binary numbers, for the numbers of everyday: at most nineteen digits and a point.
#ifndef MWC_JSON_NUMBER_H
#define MWC_JSON_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
  /// Every number of that many digits fits in 64 bits.
  MWC_DIGITS_EXACT = 19,
};

/// 10^i, all that fit.
static const uint64_t mwc_tens[20] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

/// Powers of ten that a double holds exactly.
static const double mwc_exact_tens[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                          1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// The number that the first `count` (1 … 8) of eight digits spell. Digits are joined to pairs, pairs
/// to fours and fours to eight; missing ones are zeros in front, which on a little-endian machine is
/// a shift to the left.
static inline uint64_t mwc_digits_word(const uint8_t *digits, unsigned count) {
  uint64_t word;
  memcpy(&word, digits, 8);
  // What stands behind the digits is shifted out, whatever it was.
  word = (word - 0x3030303030303030u) << (64 - 8 * count);
  word = (word * 10 + (word >> 8)) & 0x00FF00FF00FF00FFu;
  word = (word * 100 + (word >> 16)) & 0x0000FFFF0000FFFFu;
  return (word * 10000 + (word >> 32)) & 0xFFFFFFFFu;
}

/// The number that `count` (1 … 19) digits spell. Reads at least 8 bytes.
static inline uint64_t mwc_digits_value(const uint8_t *digits, unsigned count) {
  if (count <= 8) return mwc_digits_word(digits, count);
  if (count <= 16) {
    return mwc_digits_word(digits, count - 8) * 100000000u + mwc_digits_word(digits + count - 8, 8);
  }
  uint64_t value = mwc_digits_word(digits, count - 16);
  value = value * 100000000u + mwc_digits_word(digits + count - 16, 8);
  return value * 100000000u + mwc_digits_word(digits + count - 8, 8);
}

/// A quotient of 64 bits, for a dividend whose upper half `high` is less than `divisor`. The lower
/// half is 0 but for its highest bit `top`.
static inline uint64_t mwc_divide_wide(uint64_t high, uint64_t top, uint64_t divisor,
                                       uint64_t *rest) {
  uint64_t low = top << 63;
#if defined(__x86_64__)
  uint64_t quotient;
  __asm__("divq %4" : "=a"(quotient), "=d"(*rest) : "a"(low), "d"(high), "r"(divisor) : "cc");
  return quotient;
#else
  unsigned __int128 dividend = (unsigned __int128)high << 64 | low;
  *rest = (uint64_t)(dividend % divisor);
  return (uint64_t)(dividend / divisor);
#endif
}

/// mantissa / 10^places, correctly rounded, for a mantissa that no double holds; places ≤ 19.
static inline double mwc_long_quotient(uint64_t mantissa, unsigned places) {
  if (places == 0) return (double)mantissa;
  // A long division. With the highest bits of both set, the quotient has 63 or 64 bits; that there
  // was a remainder is kept in the lowest, far below the one that is rounded to.
  unsigned up = (unsigned)__builtin_clzll(mantissa);
  unsigned down = (unsigned)__builtin_clzll(mwc_tens[places]);
  uint64_t high = mantissa << up;
  uint64_t rest;
  uint64_t quotient = mwc_divide_wide(high >> 1, high & 1, mwc_tens[places] << down, &rest);
  double rounded = (double)(quotient | (rest != 0));
  // The power of two puts the point where it belongs and is exact.
  uint64_t power = (uint64_t)(1023 - 63 + (int)down - (int)up) << 52;
  double scale;
  memcpy(&scale, &power, 8);
  return rounded * scale;
}

/// 10^-i for i > 0 as reciprocal / 2^(63 + bits), rounded down: 64 bits, the highest of which is set.
typedef struct mwc_tenth {
  uint64_t reciprocal;
  uint64_t bits;  // of 10^i
} mwc_tenth;
static const mwc_tenth mwc_tenths[20] = {
#define BITS(power) (64 - __builtin_clzll(power))
#define TENTH(power) \
  {(uint64_t)(((unsigned __int128)1 << (63 + BITS(power))) / (power)), BITS(power)}
    {0, 1},
    TENTH(10u),
    TENTH(100u),
    TENTH(1000u),
    TENTH(10000u),
    TENTH(100000u),
    TENTH(1000000u),
    TENTH(10000000u),
    TENTH(100000000u),
    TENTH(1000000000u),
    TENTH(10000000000u),
    TENTH(100000000000u),
    TENTH(1000000000000u),
    TENTH(10000000000000u),
    TENTH(100000000000000u),
    TENTH(1000000000000000u),
    TENTH(10000000000000000u),
    TENTH(100000000000000000u),
    TENTH(1000000000000000000u),
    TENTH(10000000000000000000u),
#undef TENTH
#undef BITS
};

/// The bits of mantissa / 10^places, correctly rounded; places ≤ 19. False where a reciprocal does not
/// tell: for one mantissa in 170, for 0, for no places, and where a double is the quotient.
///
/// The reciprocal is less than 1 too small in its last place, so times 64 bits of mantissa it is less
/// than 2^64 too small: the quotient is at least `high`, the upper half of the product, and less than
/// high + 2. `high` has 63 or 64 bits, so the places halfway between two doubles are multiples of 2^9.
/// With none of those from `high` to high + 2, whatever lies there rounds the same way, and so does
/// `high` without its two lowest bits and with a one instead of the upper one.
static inline bool mwc_reciprocal_quotient(uint64_t mantissa, unsigned places, uint64_t *number) {
  unsigned up = (unsigned)__builtin_clzll(mantissa | 1);
  const mwc_tenth *tenth = &mwc_tenths[places];
  uint64_t high = (uint64_t)((unsigned __int128)(mantissa << up) * tenth->reciprocal >> 64);
  if (__builtin_expect(((high + 2) & 0x1FF) <= 2, 0)) return false;
  double rounded = (double)(int64_t)(high >> 1 | 1);
  memcpy(number, &rounded, 8);
  // The point goes where it belongs by the exponent.
  *number += (2 - tenth->bits - up) << 52;
  return true;
}

/// mantissa / 10^places, correctly rounded; places ≤ 19.
static inline double mwc_decimal_quotient(uint64_t mantissa, unsigned places) {
  // Both factors are exact, so the one operation rounds correctly.
  if (mantissa <= (uint64_t)1 << 53) return (double)(int64_t)mantissa / mwc_exact_tens[places];
  return mwc_long_quotient(mantissa, places);
}

#endif
