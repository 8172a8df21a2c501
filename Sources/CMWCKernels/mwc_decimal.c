#include "mwc_decimal.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Rounds `value` to `count` digits and says what they are. The C library does this exactly; only its
/// decimal point depends on the locale, and is skipped.
static void round_digits(double value, int count, char *digits, int *exponent) {
  char text[48];
  snprintf(text, sizeof text, "%.*e", count - 1, value);
  char *e = strchr(text, 'e');
  int written = 0;
  for (char *c = text; c < e; c++) {
    if (*c >= '0' && *c <= '9') digits[written++] = *c;
  }
  *exponent = atoi(e + 1);
}

static bool reads_back(const char *digits, int count, int exponent, double value) {
  char text[48];
  snprintf(text, sizeof text, "%.*se%d", count, digits, exponent - (count - 1));
  return strtod(text, NULL) == value;
}

/// Adds one unit in the last place.
static void increment(char *digits, int count, int *exponent) {
  for (int i = count - 1; i >= 0; i--) {
    if (digits[i] != '9') {
      digits[i]++;
      return;
    }
    digits[i] = '0';
  }
  memmove(digits + 1, digits, (size_t)count - 1);
  digits[0] = '1';
  (*exponent)++;
}

unsigned mwc_decimal_shortest(double value, char digits[MWC_DIGITS_MAX], int *exponent) {
  // Every normal double that has a spelling of at most 15 digits is found by rounding to 15, because
  // 15-digit numbers lie wider apart than doubles. Subnormal ones lose digits and start from 1.
  int count = value >= DBL_MIN ? DBL_DIG : 1;
  for (; count < MWC_DIGITS_MAX; count++) {
    round_digits(value, count, digits, exponent);
    if (reads_back(digits, count, *exponent, value)) break;
    // At powers of two the doubles below lie closer than those above, and a neighbour further away
    // on the upper side can read back where the nearest, lower one does not.
    increment(digits, count, exponent);
    if (reads_back(digits, count, *exponent, value)) break;
  }
  if (count == MWC_DIGITS_MAX) round_digits(value, count, digits, exponent);
  while (count > 1 && digits[count - 1] == '0') count--;
  return (unsigned)count;
}

size_t mwc_decimal_spell(const char *digits, unsigned count, int exponent, bool negative,
                         char out[MWC_REPR_MAX]) {
  char *at = out;
  if (negative) *at++ = '-';
  if (exponent < -4 || exponent > 15) {
    *at++ = digits[0];
    if (count > 1) {
      *at++ = '.';
      memcpy(at, digits + 1, count - 1);
      at += count - 1;
    }
    *at++ = 'e';
    *at++ = exponent < 0 ? '-' : '+';
    unsigned magnitude = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (magnitude >= 100) *at++ = (char)('0' + magnitude / 100);
    *at++ = (char)('0' + magnitude / 10 % 10);
    *at++ = (char)('0' + magnitude % 10);
    return (size_t)(at - out);
  }
  if (exponent < 0) {
    *at++ = '0';
    *at++ = '.';
    for (int zero = -1; zero > exponent; zero--) *at++ = '0';
    memcpy(at, digits, count);
    return (size_t)(at + count - out);
  }
  unsigned whole = (unsigned)exponent + 1;
  for (unsigned i = 0; i < whole; i++) *at++ = i < count ? digits[i] : '0';
  *at++ = '.';
  if (count <= whole) {
    *at++ = '0';
  } else {
    memcpy(at, digits + whole, count - whole);
    at += count - whole;
  }
  return (size_t)(at - out);
}

/// Copies a word without its NUL.
static size_t put(char *out, const char *word) {
  size_t length = strlen(word);
  memcpy(out, word, length);
  return length;
}

size_t mwc_decimal_repr(double value, char out[MWC_REPR_MAX]) {
  if (isnan(value)) return put(out, "NaN");
  bool negative = signbit(value) != 0;
  if (isinf(value)) return put(out, negative ? "-Infinity" : "Infinity");
  if (value == 0) return put(out, negative ? "-0.0" : "0.0");
  char digits[MWC_DIGITS_MAX];
  int exponent;
  unsigned count = mwc_decimal_shortest(fabs(value), digits, &exponent);
  return mwc_decimal_spell(digits, count, exponent, negative, out);
}

size_t mwc_decimal_fixed(double value, unsigned places, char out[MWC_FIXED_MAX]) {
  if (isnan(value)) return put(out, "nan");
  bool negative = signbit(value) != 0;
  if (isinf(value)) return put(out, negative ? "-inf" : "inf");
  char *at = out;
  if (negative) *at++ = '-';
  double magnitude = fabs(value);

  if (magnitude >= 0x1p63) {
    // Whole numbers too large for the arithmetic below; without places no point is written.
    at += snprintf(at, MWC_FIXED_MAX - 4, "%.0f", magnitude);
    if (places > 0) at += put(at, ".0");
    return (size_t)(at - out);
  }

  // value = mantissa × 2^-shift exactly, and ten times a mantissa still fits.
  int exponent;
  uint64_t scaled = (uint64_t)ldexp(frexp(magnitude, &exponent), 53);
  int shift = 53 - exponent;
  if (shift <= 0) {
    scaled <<= -shift;
    shift = 0;
    if (places > 0) {
      // At least 2^53: whole, and ten times it might not fit.
      at += snprintf(at, MWC_FIXED_MAX - 4, "%llu.0", (unsigned long long)scaled);
      return (size_t)(at - out);
    }
  } else {
    if (places > 0) scaled *= 10;
    if (shift >= 64) {
      scaled = 0;  // less than 2^57 / 2^64
    } else {
      uint64_t rest = scaled & (((uint64_t)1 << shift) - 1);
      uint64_t half = (uint64_t)1 << (shift - 1);
      scaled >>= shift;
      if (rest > half || (rest == half && (scaled & 1))) scaled++;
    }
  }
  char reversed[24];
  unsigned count = 0;
  while (scaled > 0 || count <= places) {
    reversed[count++] = (char)('0' + scaled % 10);
    scaled /= 10;
  }
  while (count > 0) {
    if (places > 0 && count == places) *at++ = '.';
    *at++ = reversed[--count];
  }
  return (size_t)(at - out);
}
