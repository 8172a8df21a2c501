/// Fuzzes what strings go through: UTF-8 whole and in pieces, escapes, comparisons, against code that
/// does one byte at a time.
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mwc_json.h"
#include "mwc_simd.h"
#include "mwc_utf8.h"

/// How many bytes the character at the start of `bytes` has; 0 if there is none (RFC 3629, 4).
static size_t character(const uint8_t *bytes, size_t length) {
  uint8_t lead = bytes[0];
  if (lead < 0x80) return 1;
  size_t count = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || count > length) return 0;
  uint32_t scalar = lead & (0x7Fu >> count);
  for (size_t i = 1; i < count; i++) {
    if (bytes[i] >> 6 != 2) return 0;
    scalar = scalar << 6 | (bytes[i] & 0x3Fu);
  }
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  bool is_surrogate = scalar >= 0xD800 && scalar <= 0xDFFF;
  return scalar < least[count] || scalar > 0x10FFFF || is_surrogate ? 0 : count;
}

static int check_utf8(const uint8_t *bytes, size_t length, size_t cuts) {
  size_t valid = 0;
  size_t step;
  while (valid < length && (step = character(bytes + valid, length - valid)) > 0) valid += step;
  size_t found = mwc_utf8_valid_prefix(bytes, length);
  CHECK(found == valid, "%zu of %zu, not %zu", found, length, valid);
  mwc_utf8_state whole = mwc_utf8_continue(MWC_UTF8_COMPLETE, bytes, length);
  CHECK((whole == MWC_UTF8_COMPLETE) == (valid == length));
  // Rejected if and only if nothing could mend it: a beginning of a character may be continued.
  for (size_t cut = 0; cut <= length; cut += 1 + length / cuts) {
    mwc_utf8_state state = mwc_utf8_continue(MWC_UTF8_COMPLETE, bytes, cut);
    if (state != MWC_UTF8_REJECT) state = mwc_utf8_continue(state, bytes + cut, length - cut);
    CHECK(state == whole, "cut at %zu of %zu: %u, not %u", cut, length, state, whole);
  }
  return 0;
}

static size_t put_utf8(uint32_t scalar, uint8_t *out) {
  if (scalar >= 0xD800 && scalar <= 0xDFFF) scalar = 0xFFFD;
  size_t count = scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
  static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
  for (size_t i = count; i-- > 1; scalar >>= 6) out[i] = (uint8_t)(0x80 | (scalar & 0x3F));
  out[0] = (uint8_t)(leads[count] | scalar);
  return count;
}

static uint32_t unit(const uint8_t *digits) {
  char text[5] = {0};
  memcpy(text, digits, 4);
  return (uint32_t)strtoul(text, NULL, 16);
}

/// What stands between the quotes of a valid string, resolved.
static size_t plain_unescape(const uint8_t *string, size_t length, uint8_t *out) {
  size_t count = 0;
  for (size_t i = 0; i < length;) {
    if (string[i] != '\\') {
      out[count++] = string[i++];
      continue;
    }
    uint8_t letter = string[i + 1];
    if (letter != 'u') {
      const char *place = memchr("b\bf\fn\nr\rt\t", letter, 10);
      out[count++] = place != NULL ? (uint8_t)place[1] : letter;
      i += 2;
      continue;
    }
    uint32_t scalar = unit(string + i + 2);
    i += 6;
    bool is_high = scalar >= 0xD800 && scalar < 0xDC00;
    if (is_high && length - i >= 6 && string[i] == '\\' && string[i + 1] == 'u') {
      uint32_t low = unit(string + i + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        scalar = 0x10000 + ((scalar - 0xD800) << 10 | (low - 0xDC00));
        i += 6;
      }
    }
    count += put_utf8(scalar, out + count);
  }
  return count;
}

/// `string` as located, `room` and `other` with room for it.
static int check_string(const uint8_t *string, size_t length, uint8_t *room, uint8_t *other) {
  size_t count = mwc_json_unescape(string, length, room);
  size_t expected = plain_unescape(string, length, other);
  CHECK(count == expected && memcmp(room, other, count) == 0);
  CHECK(mwc_utf8_valid_prefix(room, count) == count);
  CHECK(mwc_json_equal(string, length, room, count));
  if (count == 0) return 0;
  CHECK(!mwc_json_equal(string, length, room, count - 1));
  room[count / 2] ^= 1;
  CHECK(!mwc_json_equal(string, length, room, count));
  room[count / 2] ^= 1;
  // Scalar by scalar it is the same text.
  size_t written = 0;
  for (size_t at = 0; at < length;) {
    written += put_utf8(mwc_json_next_scalar(string, length, &at), other + written);
  }
  CHECK(written == count && memcmp(room, other, count) == 0);
  return 0;
}

static int check_document(const uint8_t *json, size_t length) {
  mwc_json_walk walk;
  mwc_json_event event;
  mwc_json_walk_init(&walk, json, length, 0, 0);
  if (mwc_json_walk_next(&walk, &event) != 1) return 0;
  // Exactly as much room as is asked for.
  uint8_t *string = malloc(event.length + 1);
  uint8_t *room = malloc(event.length + 1);
  uint8_t *other = malloc(event.length + 4);
  memcpy(string, json + event.offset, event.length);
  int failed = check_string(string, event.length, room, other);
  free(string);
  free(room);
  free(other);
  return failed;
}

int mwc_fuzz_text(const uint8_t *data, size_t size) {
  // The same at another alignment, in memory of exactly this size.
  size_t shift = size > 0 ? data[0] % 64 : 0;
  uint8_t *memory = malloc(shift + size + 2);
  CHECK(memory != NULL);
  uint8_t *json = memory + shift;
  json[0] = '"';
  if (size > 0) memcpy(json + 1, data, size);
  json[size + 1] = '"';
  int usual_level = mwc_simd_level();
  int failed = 0;
  for (int level = 0; failed == 0 && level < MWC_SIMD_LEVELS; level++) {
    if (!mwc_simd_force(level)) continue;
    failed = check_utf8(json + 1, size, 16);
    if (failed == 0) failed = check_document(json, size + 2);
  }
  mwc_simd_force(usual_level);
  free(memory);
  return failed;
}
