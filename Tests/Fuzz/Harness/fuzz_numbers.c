/// Fuzzes conversions of numbers against those of the C library, which round correctly.
///
/// The first byte chooses what the rest is: 0 a spelling, each byte one of the characters of numbers;
/// 1 a spelling as it is; 2 the bits of a double, which is spelled and read back, together with the
/// point half way to its neighbour and what is a little more or less than that.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mwc_json.h"

enum { SPELLING_MAX = 2048 };

static bool same_double(double a, double b) {
  return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

/// A number that the grammar has accepted: `text` is NUL-terminated, the copy that is converted not.
static int check_number(const char *text, size_t length, bool is_integer) {
  uint8_t *copy = malloc(length);
  CHECK(copy != NULL);
  memcpy(copy, text, length);
  double value = mwc_json_double(copy, length);
  int64_t integer = 0;
  bool is_int64 = mwc_json_int64(copy, length, &integer);
  uint64_t natural = 0;
  bool is_uint64 = mwc_json_uint64(copy, length, &natural);
  free(copy);
  double expected = strtod(text, NULL);
  CHECK(same_double(value, expected), "%.80s: %a, not %a", text, value, expected);
  errno = 0;
  long long as_int64 = strtoll(text, NULL, 10);
  CHECK(is_int64 == (is_integer && errno == 0), "%.80s", text);
  CHECK(!is_int64 || integer == as_int64, "%.80s: %lld", text, (long long)integer);
  errno = 0;
  unsigned long long as_uint64 = strtoull(text, NULL, 10);
  bool fits = is_integer && errno == 0 && (text[0] != '-' || as_uint64 == 0);
  CHECK(is_uint64 == fits, "%.80s", text);
  CHECK(!is_uint64 || natural == as_uint64, "%.80s: %llu", text, (unsigned long long)natural);
  return 0;
}

/// Checks a text that may be a number.
static int check_spelling(const char *text, size_t length) {
  mwc_json_walk walk;
  mwc_json_event event;
  mwc_json_walk_init(&walk, (const uint8_t *)text, length, 0, 0);
  if (mwc_json_walk_next(&walk, &event) != 1 || event.kind != MWC_JSON_NUMBER) return 0;
  if (mwc_json_walk_next(&walk, &event) != 0) return 0;
  // White space may stand around it; the number itself is what counts.
  char alone[SPELLING_MAX + 1];
  mwc_json_walk_init(&walk, (const uint8_t *)text, length, 0, 0);
  CHECK(mwc_json_walk_next(&walk, &event) == 1);
  memcpy(alone, text + event.offset, event.length);
  alone[event.length] = 0;
  return check_number(alone, event.length, event.flags & MWC_JSON_INTEGER);
}

/// A double, spelled in several ways, and what lies between it and the next.
static int check_double(double value) {
  if (!isfinite(value)) return 0;
  char text[SPELLING_MAX + 1];
  size_t length = mwc_decimal_repr(value, text);
  text[length] = 0;
  CHECK(same_double(mwc_json_double((const uint8_t *)text, length), value), "%s", text);
  PASS(check_spelling(text, length));
  double above = nextafter(value, INFINITY);
  if (!isfinite(above)) return 0;
#if __LDBL_MANT_DIG__ >= 64
  long double middle = ((long double)value + (long double)above) / 2;
  int count = snprintf(text, SPELLING_MAX, "%.800Le", middle);
  if (count <= 0 || count + 16 > SPELLING_MAX) return 0;
  PASS(check_spelling(text, (size_t)count));
  // One digit far behind decides.
  char *exponent = strchr(text, 'e');
  memmove(exponent + 1, exponent, strlen(exponent) + 1);
  *exponent = '1';
  PASS(check_spelling(text, strlen(text)));
  // The first 17 … 25 digits of it are near it without being it.
  for (int digits = 16; digits < 25; digits++) {
    count = snprintf(text, SPELLING_MAX, "%.*Le", digits, middle);
    PASS(check_spelling(text, (size_t)count));
  }
#endif
  return 0;
}

int mwc_fuzz_numbers(const uint8_t *data, size_t size) {
  static const char characters[] = "0123456789012345678901234.eE+-00";
  if (size < 1 || size > SPELLING_MAX) return 0;
  char text[SPELLING_MAX + 1];
  size_t length = size - 1;
  switch (data[0] % 3) {
    case 0:
      for (size_t i = 0; i < length; i++) text[i] = characters[data[i + 1] % 32];
      return check_spelling(text, length);
    case 1: memcpy(text, data + 1, length); return check_spelling(text, length);
    default:
      for (size_t i = 1; i + 8 <= size; i += 8) {
        double value;
        memcpy(&value, data + i, 8);
        PASS(check_double(value));
      }
      return 0;
  }
}
