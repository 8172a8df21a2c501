/// Values of columns as they are spelled and as numbers.
#include "mwc_column_internal.h"
#include "mwc_decimal.h"

static const char pairs[] =
    "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546"
    "4748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293"
    "949596979899";

/// Whether eight bytes are digits, and the number they spell.
static bool take_eight(const uint8_t *text, uint64_t *value) {
  uint64_t digits = mwc_load64(text) ^ 0x3030303030303030u;
  if (((digits + 0x7676767676767676u) | digits) & 0x8080808080808080u) return false;
  digits = digits * 10 + (digits >> 8);
  digits = ((digits & 0x000000FF000000FFu) * 0x000F424000000064u +
            ((digits >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u) >>
           32;
  *value = digits;
  return true;
}

/// Takes apart what is at most eight bytes long without a sign, without looking at each of them.
static bool take_short(const uint8_t *text, unsigned length, bool negative, mwc_spelled *number) {
  uint64_t word = mwc_load64(text) & (~(uint64_t)0 >> (64 - 8 * length));
  uint64_t apart = word ^ 0x2E2E2E2E2E2E2E2Eu;
  uint64_t points = (apart - 0x0101010101010101u) & ~apart & 0x8080808080808080u;
  unsigned whole = length, count = length;
  if (points != 0) {
    whole = (unsigned)__builtin_ctzll(points) / 8;
    count--;
    if (whole == 0 || whole == count) return false;
    uint64_t above = word >> (8 * whole) >> 8 << (8 * whole);
    word = (word & (((uint64_t)1 << (8 * whole)) - 1)) | above;
  }
  // Every byte is a digit now, or it is no number; the last ones are moved to the top.
  word = (word ^ (0x3030303030303030u & (~(uint64_t)0 >> (64 - 8 * count)))) << (64 - 8 * count);
  if (((word + 0x7676767676767676u) | word) & 0x8080808080808080u) return false;
  if (whole > 1 && text[0] == '0') return false;
  word = word * 10 + (word >> 8);
  word = ((word & 0x000000FF000000FFu) * 0x000F424000000064u +
          ((word >> 16) & 0x000000FF000000FFu) * 0x0000271000000001u) >>
         32;
  if (negative && word == 0) return false;
  number->digits = negative ? -(int64_t)word : (int64_t)word;
  number->places = (uint8_t)(count - whole);
  number->trailing = count > whole && text[length - 1] == '0';
  return true;
}

bool mwc_take_number(const uint8_t *text, size_t length, mwc_spelled *number) {
  if (length > 0 && length <= 8 + (size_t)(text[0] == '-')) {
    unsigned sign = text[0] == '-';
    return length > sign && take_short(text + sign, (unsigned)length - sign, sign, number);
  }
  size_t at = 0;
  bool negative = length > 0 && text[0] == '-';
  at += negative;
  size_t start = at;
  uint64_t value = 0, eight;
  if (length - at >= 8 && take_eight(text + at, &eight)) {
    value = eight;
    at += 8;
  }
  while (at < length && (uint8_t)(text[at] - '0') < 10) {
    if (at - start > 18) return false;
    value = value * 10 + (uint8_t)(text[at++] - '0');
  }
  size_t whole = at - start;
  if (whole == 0 || (whole > 1 && text[start] == '0')) return false;
  number->places = 0;
  number->trailing = false;
  if (at < length) {
    if (text[at++] != '.') return false;
    size_t point = at;
    if (length - at >= 8 && at - start <= 10 && take_eight(text + at, &eight)) {
      value = value * 100000000 + eight;
      at += 8;
    }
    while (at < length) {
      uint8_t digit = (uint8_t)(text[at++] - '0');
      if (digit > 9 || at - start > 19) return false;
      value = value * 10 + digit;
    }
    if (at == point) return false;
    number->places = (uint8_t)(at - point);
    number->trailing = text[at - 1] == '0';
  }
  if (value > 999999999999999999u || (negative && value == 0)) return false;
  number->digits = negative ? -(int64_t)value : (int64_t)value;
  return true;
}

/// Writes exactly `count` digits.
static void put_digits(uint8_t *out, uint64_t value, unsigned count) {
  while (count >= 2) {
    count -= 2;
    memcpy(out + count, pairs + value % 100 * 2, 2);
    value /= 100;
  }
  if (count > 0) out[0] = (uint8_t)('0' + value % 10);
}

static void put_pair(uint8_t *out, unsigned value) { memcpy(out, pairs + 2 * value, 2); }

static unsigned digit_count(uint64_t value) {
  // The logarithm from the number of bits is right or one too small.
  value |= 1;
  unsigned guess = (64 - (unsigned)__builtin_clzll(value)) * 1233 >> 12;
  return guess + (value >= mwc_tens[guess]);
}

size_t mwc_spell_number(int64_t value, unsigned places, unsigned least, uint8_t *out) {
  uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  uint8_t *at = out;
  if (value < 0) *at++ = '-';
  while (places > least && magnitude % 10 == 0) {
    magnitude /= 10;
    places--;
  }
  unsigned count = digit_count(magnitude);
  if (count <= places) count = places + 1;
  if (places == 0) {
    put_digits(at, magnitude, count);
    return (size_t)(at - out) + count;
  }
  // All digits, one place further; then those before the point a place back.
  put_digits(at + 1, magnitude, count);
  unsigned whole = count - places;
  for (unsigned i = 0; i < whole; i++) at[i] = at[i + 1];
  at[whole] = '.';
  return (size_t)(at - out) + count + 1;
}

/// Days since 1970-01-01 of a date of the Gregorian calendar, and back.
static int64_t days_of(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t of_era = year - era * 400;
  int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int64_t *year, unsigned *month, unsigned *day) {
  days += 719468;
  int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  int64_t of_era = days - era * 146097;
  int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
  int64_t shifted = (5 * of_year + 2) / 153;
  *day = (unsigned)(of_year - (153 * shifted + 2) / 5 + 1);
  *month = (unsigned)(shifted < 10 ? shifted + 3 : shifted - 9);
  *year = years + era * 400 + (*month <= 2);
}

static bool take_digits(const uint8_t *text, unsigned count, unsigned *value) {
  *value = 0;
  for (unsigned i = 0; i < count; i++) {
    if ((uint8_t)(text[i] - '0') > 9) return false;
    *value = *value * 10 + (unsigned)(text[i] - '0');
  }
  return true;
}

bool mwc_take_date(const uint8_t *text, size_t length, mwc_date_form *form, int64_t *value) {
  unsigned year, month, day, hour, minute, second;
  if (length < 19 || text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != ' ') ||
      text[13] != ':' || text[16] != ':' || !take_digits(text, 4, &year) ||
      !take_digits(text + 5, 2, &month) || !take_digits(text + 8, 2, &day) ||
      !take_digits(text + 11, 2, &hour) || !take_digits(text + 14, 2, &minute) ||
      !take_digits(text + 17, 2, &second) || year < 1 || month < 1 || month > 12 || day < 1 || hour > 23 ||
      minute > 59 || second > 59)
    return false;
  size_t at = 19;
  uint64_t fraction = 0;
  form->places = 0;
  if (at < length && text[at] == '.') {
    at++;
    while (at < length && (uint8_t)(text[at] - '0') < 10 && form->places < 9) {
      fraction = fraction * 10 + (uint8_t)(text[at++] - '0');
      form->places++;
    }
    if (form->places == 0) return false;
  }
  if (length - at > 6) return false;
  form->separator = text[10];
  form->suffix_length = (uint8_t)(length - at);
  memset(form->suffix, 0, sizeof form->suffix);
  memcpy(form->suffix, text + at, length - at);
  int64_t days = days_of(year, month, day);
  int64_t back_year;
  unsigned back_month, back_day;
  date_of(days, &back_year, &back_month, &back_day);
  if (back_year != (int64_t)year || back_month != month || back_day != day) return false;
  int64_t seconds = days * 86400 + (int64_t)(hour * 3600 + minute * 60 + second);
  int64_t power = (int64_t)mwc_tens[form->places];
  // Years up to 9999 in nanoseconds do not fit; those in the neighbourhood do.
  return !__builtin_mul_overflow(seconds, power, value) &&
         !__builtin_add_overflow(*value, (int64_t)fraction, value);
}

/// Spells a day as `2026-11-21`; false when the year is not 1 … 9999.
static bool spell_day(int64_t days, uint8_t *out) {
  int64_t year;
  unsigned month, day;
  date_of(days, &year, &month, &day);
  if (year < 1 || year > 9999) return false;
  put_digits(out, (uint64_t)year, 4);
  out[4] = '-';
  put_digits(out + 5, month, 2);
  out[7] = '-';
  put_digits(out + 8, day, 2);
  return true;
}

size_t mwc_spell_date(int64_t value, const mwc_date_form *form, mwc_date_memo *memo,
                      uint8_t *out) {
  int64_t power = (int64_t)mwc_tens[form->places];
  int64_t seconds = mwc_floor_divide(value, power);
  uint64_t fraction = (uint64_t)(value - seconds * power);
  int64_t days = mwc_floor_divide(seconds, 86400);
  unsigned of_day = (unsigned)(seconds - days * 86400);
  if (memo->text[0] == 0 || memo->days != days) {
    memo->days = days;
    memo->text[0] = 0;
    if (!spell_day(days, memo->text)) {
      memo->text[0] = 0;
      return 0;
    }
  }
  memcpy(out, memo->text, 16);
  out[10] = form->separator;
  put_pair(out + 11, of_day / 3600);
  out[13] = ':';
  put_pair(out + 14, of_day / 60 % 60);
  out[16] = ':';
  put_pair(out + 17, of_day % 60);
  size_t length = 19;
  if (form->places > 0) out[length++] = '.';
  if (form->places == 6) {
    unsigned micro = (unsigned)fraction;
    put_pair(out + length, micro / 10000);
    put_pair(out + length + 2, micro / 100 % 100);
    put_pair(out + length + 4, micro % 100);
  } else {
    put_digits(out + length, fraction, form->places);
  }
  length += form->places;
  memcpy(out + length, form->suffix, 7);
  return length + form->suffix_length;
}

/// Spells doubles from 0.001 to 10^15 as Python does, in integers of 128 bits; 0: not this way.
///
/// The decimals that read back as this double are those between the middles to its neighbours. Of
/// these the one with the fewest digits is wanted, the nearest if there are several.
static size_t spell_usual_float(double value, uint8_t *out) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  uint64_t fraction = bits & 0xFFFFFFFFFFFFFu;
  double magnitude = value < 0 ? -value : value;
  // At a power of two the neighbours are not equally far.
  if (fraction == 0 || !(magnitude >= 0.001 && magnitude < 1e15)) return 0;
  uint64_t mantissa = fraction | (uint64_t)1 << 52;
  unsigned shift = 1075 - (unsigned)(bits >> 52 & 0x7FF);
  // 17 digits tell all doubles apart: value · 10^places has as many.
  uint64_t whole = (uint64_t)magnitude;
  unsigned places = 17 - (whole == 0 ? 0 : digit_count(whole));
  if (magnitude < 0.1) places++;
  if (magnitude < 0.01) places++;
  unsigned __int128 power = places < 20
                                ? (unsigned __int128)mwc_tens[places]
                                : (unsigned __int128)mwc_tens[19] * mwc_tens[places - 19];
  unsigned __int128 exact = mantissa * power;
  bool is_even = mantissa % 2 == 0;
  unsigned __int128 below = 2 * exact - power, above = 2 * exact + power;
  unsigned __int128 half_unit = ((unsigned __int128)1 << (shift + 1)) - 1;
  uint64_t lowest = (uint64_t)(below >> (shift + 1));
  if ((below & half_unit) != 0 || !is_even) lowest++;
  uint64_t highest = (uint64_t)(above >> (shift + 1));
  if ((above & half_unit) == 0 && !is_even) highest--;
  uint64_t unit = 1, digits = (uint64_t)(exact >> shift);
  while (places > 1 && highest / (unit * 10) * (unit * 10) >= lowest) {
    unit *= 10;
    places--;
  }
  uint64_t lower = digits / unit * unit, upper = lower + unit;
  if (lower < lowest || lower > highest) {
    lower = upper;
  } else if (upper <= highest) {
    // Both would do.
    unsigned __int128 middle = (unsigned __int128)(lower + upper) << shift;
    if (2 * exact == middle) return 0;
    if (2 * exact > middle) lower = upper;
  }
  if (lower < lowest || lower > highest) return 0;
  int64_t spelled = (int64_t)(lower / unit);
  return mwc_spell_number(value < 0 ? -spelled : spelled, places, 1, out);
}

size_t mwc_spell_double(double value, uint8_t *out) {
  size_t length = spell_usual_float(value, out);
  return length > 0 ? length : mwc_decimal_repr(value, (char *)out);
}

size_t mwc_spell_float(int64_t value, unsigned shift, uint8_t *out) {
  double number;
  if (shift == 64) {
    memcpy(&number, &value, sizeof number);
  } else {
    number = (double)value / (double)((uint64_t)1 << shift);
  }
  return mwc_spell_double(number, out);
}

void mwc_spell_hex(const uint8_t *bytes, size_t length, uint8_t *out) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < length; i++) {
    out[2 * i] = (uint8_t)digits[bytes[i] >> 4];
    out[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
  }
}
