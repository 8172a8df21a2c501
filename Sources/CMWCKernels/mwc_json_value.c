// What a located number or string means.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mwc_json_number.h"
#include "mwc_json_scanner.h"

// MARK: Numbers

static bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

/// A number taken apart: its digits without sign, point, exponent and leading zeros.
/// The value is digits × 10^exponent.
typedef struct decimal {
  uint64_t mantissa;    // the first 19 significant digits
  uint32_t digits;      // how many significant digits there are
  int64_t exponent;     // of the last of *all* digits
  bool negative;
} decimal;

static decimal take_apart(const uint8_t *number, size_t length) {
  decimal result = {0};
  size_t i = 0;
  if (i < length && number[i] == '-') {
    result.negative = true;
    i++;
  }
  bool in_fraction = false;
  for (; i < length; i++) {
    if (number[i] == '.') {
      in_fraction = true;
      continue;
    }
    if (!is_digit(number[i])) break;
    if (in_fraction) result.exponent--;
    if (result.digits == 0 && number[i] == '0') continue;
    if (result.digits < 19) result.mantissa = result.mantissa * 10 + (uint64_t)(number[i] - '0');
    result.digits++;
  }
  if (i < length) {  // an exponent
    i++;
    bool minus = i < length && number[i] == '-';
    if (i < length && (minus || number[i] == '+')) i++;
    int64_t exponent = 0;
    for (; i < length && is_digit(number[i]); i++) {
      // Beyond this any document within the length limit is an infinity or zero.
      if (exponent < (int64_t)1 << 40) exponent = exponent * 10 + (number[i] - '0');
    }
    result.exponent += minus ? -exponent : exponent;
  }
  return result;
}

/// The general case, by the C library, which rounds correctly. It is given digits and an exponent but
/// no point, so that the locale does not matter, in a buffer of bounded length: no double needs more
/// than 767 digits to be told from the next; that something followed is kept by a last digit 1.
static double convert_slowly(const uint8_t *number, size_t length, const decimal *decimal) {
  enum { DIGITS_MAX = 780 };
  char text[DIGITS_MAX + 1 + 1 + 24];
  size_t count = 0;
  uint32_t seen = 0;
  bool more = false;
  for (size_t i = 0; i < length && seen < decimal->digits; i++) {
    if (!is_digit(number[i]) || (seen == 0 && number[i] == '0')) continue;
    if (count < DIGITS_MAX) {
      text[count++] = (char)number[i];
    } else if (number[i] != '0') {
      more = true;
    }
    seen++;
  }
  int64_t exponent = decimal->exponent + (int64_t)(seen - count);
  if (more) {
    text[count++] = '1';
    exponent--;
  }
  // Outside of this range every 780-digit number is an infinity or zero.
  if (exponent > 400) exponent = 400;
  if (exponent < -1200) exponent = -1200;
  text[count++] = 'e';
  if (exponent < 0) text[count++] = '-';
  uint64_t magnitude = (uint64_t)(exponent < 0 ? -exponent : exponent);
  char reversed[8];
  size_t places = 0;
  do reversed[places++] = (char)('0' + magnitude % 10);
  while ((magnitude /= 10) != 0);
  while (places > 0) text[count++] = reversed[--places];
  text[count] = 0;
  return strtod(text, NULL);
}

double mwc_json_double(const uint8_t *number, size_t length) {
  if (length == 0) return 0;
  uint8_t last = number[length - 1];
  if (last == 'N') return (double)NAN;
  if (last == 'y') return number[0] == '-' ? -(double)INFINITY : (double)INFINITY;

  decimal decimal = take_apart(number, length);
  double value;
  if (decimal.digits == 0) {
    value = 0;
  } else if (decimal.digits <= MWC_DIGITS_EXACT && decimal.exponent <= 0 &&
             decimal.exponent >= -MWC_DIGITS_EXACT) {
    value = mwc_decimal_quotient(decimal.mantissa, (unsigned)-decimal.exponent);
  } else if (decimal.digits <= MWC_DIGITS_EXACT && decimal.mantissa <= (uint64_t)1 << 53 &&
             decimal.exponent >= -22 && decimal.exponent <= 22) {
    // Both factors are exact, so the one operation rounds correctly.
    value = (double)decimal.mantissa;
    value = decimal.exponent < 0 ? value / mwc_exact_tens[-decimal.exponent]
                                 : value * mwc_exact_tens[decimal.exponent];
  } else {
    value = convert_slowly(number, length, &decimal);
  }
  return decimal.negative ? -value : value;
}

void mwc_json_convert(const uint8_t *json, mwc_json_value *value) {
  const uint8_t *number = json + value->offset;
  int64_t integer;
  bool fits = (value->flags & MWC_JSON_INTEGER) && mwc_json_int64(number, value->length, &integer);
  // `-0` is a double: no integer has its sign.
  if (fits && (integer != 0 || number[0] != '-')) {
    value->flags |= MWC_JSON_INT64;
    value->number.integer = integer;
  } else {
    value->number.real = mwc_json_double(number, value->length);
  }
}

size_t mwc_json_respell(const uint8_t *number, size_t length, char out[MWC_REPR_MAX]) {
  bool is_word = length > 0 && (number[length - 1] == 'N' || number[length - 1] == 'y');
  decimal decimal = take_apart(number, length);
  int64_t exponent = decimal.exponent + (int64_t)decimal.digits - 1;
  // At most 15 digits survive the way through a normal double, so they need not be sent there.
  if (is_word || decimal.digits == 0 || decimal.digits > 15 || exponent < -300 || exponent > 300) {
    return mwc_decimal_repr(mwc_json_double(number, length), out);
  }
  unsigned count = decimal.digits;
  while (decimal.mantissa % 10 == 0) {
    decimal.mantissa /= 10;
    count--;
  }
  char digits[MWC_DIGITS_MAX];
  for (unsigned i = count; i > 0; i--) {
    digits[i - 1] = (char)('0' + decimal.mantissa % 10);
    decimal.mantissa /= 10;
  }
  return mwc_decimal_spell(digits, count, (int)exponent, decimal.negative, out);
}

bool mwc_json_uint64(const uint8_t *number, size_t length, uint64_t *value) {
  // A number has no leading zeros, so "-0" is the only negative spelling in range.
  if (length == 2 && number[0] == '-' && number[1] == '0') {
    *value = 0;
    return true;
  }
  if (length == 0 || length > 20) return false;
  uint64_t result = 0;
  for (size_t i = 0; i < length; i++) {
    if (!is_digit(number[i])) return false;
    uint64_t digit = (uint64_t)(number[i] - '0');
    if (result > (UINT64_MAX - digit) / 10) return false;
    result = result * 10 + digit;
  }
  *value = result;
  return true;
}

bool mwc_json_int64(const uint8_t *number, size_t length, int64_t *value) {
  bool negative = length > 0 && number[0] == '-';
  uint64_t magnitude;
  if (!mwc_json_uint64(number + negative, length - negative, &magnitude)) return false;
  if (negative) {
    if (magnitude > (uint64_t)INT64_MAX + 1) return false;
    *value = magnitude == (uint64_t)INT64_MAX + 1 ? INT64_MIN : -(int64_t)magnitude;
  } else {
    if (magnitude > INT64_MAX) return false;
    *value = (int64_t)magnitude;
  }
  return true;
}

// MARK: Strings

static uint32_t hex_value(uint8_t byte) {
  return is_digit(byte) ? (uint32_t)(byte - '0') : (uint32_t)((byte | 0x20) - 'a' + 10);
}

/// The four digits of a `\u` escape; the grammar has been checked.
static uint32_t hex4(const uint8_t *digits) {
  return hex_value(digits[0]) << 12 | hex_value(digits[1]) << 8 | hex_value(digits[2]) << 4 |
         hex_value(digits[3]);
}

static uint32_t escaped_scalar(const uint8_t *string, size_t length, size_t *position) {
  uint8_t escape = string[*position + 1];
  if (escape != 'u') {
    *position += 2;
    switch (escape) {
      case 'b': return '\b';
      case 'f': return '\f';
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      default: return escape;
    }
  }
  uint32_t unit = hex4(string + *position + 2);
  *position += 6;
  if (unit < 0xD800 || unit > 0xDBFF) return unit;
  if (length - *position < 6 || string[*position] != '\\' || string[*position + 1] != 'u') {
    return unit;
  }
  uint32_t low = hex4(string + *position + 2);
  if (low < 0xDC00 || low > 0xDFFF) return unit;
  *position += 6;
  return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
}

uint32_t mwc_json_next_scalar(const uint8_t *string, size_t length, size_t *position) {
  const uint8_t *bytes = string + *position;
  uint8_t lead = bytes[0];
  if (lead == '\\') return escaped_scalar(string, length, position);
  if (lead < 0x80) {
    *position += 1;
    return lead;
  }
  if (lead < 0xE0) {
    *position += 2;
    return (lead & 0x1Fu) << 6 | (bytes[1] & 0x3Fu);
  }
  if (lead < 0xF0) {
    *position += 3;
    return (lead & 0x0Fu) << 12 | (bytes[1] & 0x3Fu) << 6 | (bytes[2] & 0x3Fu);
  }
  *position += 4;
  return (lead & 0x07u) << 18 | (bytes[1] & 0x3Fu) << 12 | (bytes[2] & 0x3Fu) << 6 |
         (bytes[3] & 0x3Fu);
}

/// Writes a scalar as UTF-8, U+FFFD for a surrogate; returns the number of bytes.
static size_t encode(uint32_t scalar, uint8_t *out) {
  if (scalar >= 0xD800 && scalar <= 0xDFFF) scalar = 0xFFFD;
  if (scalar < 0x80) {
    out[0] = (uint8_t)scalar;
    return 1;
  }
  if (scalar < 0x800) {
    out[0] = (uint8_t)(0xC0 | scalar >> 6);
    out[1] = (uint8_t)(0x80 | (scalar & 0x3F));
    return 2;
  }
  if (scalar < 0x10000) {
    out[0] = (uint8_t)(0xE0 | scalar >> 12);
    out[1] = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
    out[2] = (uint8_t)(0x80 | (scalar & 0x3F));
    return 3;
  }
  out[0] = (uint8_t)(0xF0 | scalar >> 18);
  out[1] = (uint8_t)(0x80 | (scalar >> 12 & 0x3F));
  out[2] = (uint8_t)(0x80 | (scalar >> 6 & 0x3F));
  out[3] = (uint8_t)(0x80 | (scalar & 0x3F));
  return 4;
}

size_t mwc_json_unescape(const uint8_t *string, size_t length, uint8_t *out) {
  size_t count = 0;
  size_t i = 0;
  while (i < length) {
    const uint8_t *backslash = memchr(string + i, '\\', length - i);
    size_t run = backslash == NULL ? length - i : (size_t)(backslash - (string + i));
    memcpy(out + count, string + i, run);
    count += run;
    i += run;
    if (i < length) count += encode(escaped_scalar(string, length, &i), out + count);
  }
  return count;
}

bool mwc_json_equal(const uint8_t *string, size_t length, const uint8_t *text,
                    size_t text_length) {
  size_t at = 0;
  size_t i = 0;
  while (i < length) {
    uint8_t encoded[4];
    size_t count = 1;
    if (string[i] == '\\') {
      count = encode(escaped_scalar(string, length, &i), encoded);
    } else {
      encoded[0] = string[i++];
    }
    if (count > text_length - at || memcmp(encoded, text + at, count) != 0) return false;
    at += count;
  }
  return at == text_length;
}
