// Scanning in two steps that take turns. First, 64 bytes at a time and without a branch, the places
// are found where **tokens** stand: brackets, commas and colons outside of strings, and where
// strings, numbers and words begin. Then the grammar is followed from token to token. The places do
// not depend on one another, so that the processor is always several of them ahead.
//
//     {"cpu": 45.2, "host": "vm\n7"}
//     ^^    ^ ^   ^ ^     ^ ^      ^         closing quotes are not among them, so that members
//     {"    : 4   , "     : "      }         have four tokens, whatever their values are
//
// What strings contain is checked in the first step (control characters, escapes), for the whole
// document at once (UTF-8, if there is any), or not at all, because it can be anything. Numbers and
// words are checked in the second.
//
// It only says yes or no. What is wrong with a document, and where, is found by walking.
#include "mwc_json_number.h"
#include "mwc_json_scanner.h"
#include "mwc_simd.h"
#include "mwc_utf8.h"

enum {
  /// Tokens that are found before the grammar is followed, so that they stay in the nearest cache:
  /// a message of common size in one go.
  TOKENS = 1024,
  /// Documents up to this length, nearly all, have a map that says where digits are.
  MAPPED = 4096,
  /// Tokens that may be looked at without asking whether they have been found: those of a member, and
  /// the brackets that close all containers on a path behind it.
  AHEAD = 8 + MWC_JSON_STEPS_MAX,
  /// Entries behind the last token of the document, more than are looked at once.
  BEHIND = 4,
};

/// What a block leaves to the one after it.
typedef struct carry {
  uint64_t in_string;   // all ones if the next byte is in a string
  uint64_t in_scalar;   // 1 if the byte before it belongs to a number or word
  uint64_t is_escaped;  // 1 if it stands behind a backslash
  uint64_t has_escapes;  // all ones if there was a backslash
  uint64_t high;         // not 0: there was a byte above 0x7F
  uint64_t bad;          // not 0: there was something in a string that may not be there
} carry;

typedef struct tokens {
  const uint8_t *json;
  size_t length;
  size_t next;  // the first byte that no token was looked for in
  carry carry;
  uint32_t count;
  size_t enough;  // up to this one, tokens have AHEAD tokens behind them
  uint64_t nondigits[MAPPED / 64 + 1];  // one bit for each byte; the last word is never asked for
  // Blocks are written with up to 64 entries more than they have.
  uint32_t positions[TOKENS + 64 + AHEAD];
  uint8_t bytes[TOKENS + 64 + AHEAD];  // what stands there; 0 at the end of the document
} tokens;

typedef enum container_kind { DOCUMENT, ARRAY, OBJECT } container_kind;

static bool is_space(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

static __attribute__((noinline)) size_t search_quote(const uint8_t *json, size_t at) {
  while (json[at] != '"') at--;
  return at;
}

/// The position of the quote that closes a string, from that of the token behind it. Between them
/// there can only be white space.
static inline size_t closing_quote(const uint8_t *json, size_t next) {
  if (__builtin_expect(json[next - 1] == '"', 1)) return next - 1;
  return search_quote(json, next - 1);
}

/// Whether the escape whose backslash stands at `at` is one.
static bool is_escape(const uint8_t *json, size_t length, size_t at) {
  if (at + 1 >= length) return false;
  uint8_t byte = json[at + 1];
  if (byte != 'u') return byte != 0 && strchr("\"\\/bfnrt", byte) != NULL;
  if (length - at < 6) return false;
  for (size_t i = at + 2; i < at + 6; i++) {
    if (!is_digit(json[i]) && (uint8_t)((json[i] | 0x20) - 'a') >= 6) return false;
  }
  return true;
}

/// What a block with backslashes has in it.
typedef struct escapes {
  uint64_t escaped;  // which bytes stand behind a backslash that counts
  uint64_t next;     // 1 if the first byte behind the block does
  uint64_t bad;      // not 0: an escape that is none
} escapes;

static __attribute__((noinline)) escapes find_escapes(const uint8_t *json, size_t length,
                                                      size_t base, uint64_t backslashes,
                                                      uint64_t is_escaped) {
  escapes found = {is_escaped, 0, 0};
  backslashes &= ~is_escaped;
  while (backslashes != 0) {
    unsigned bit = (unsigned)__builtin_ctzll(backslashes);
    if (!is_escape(json, length, base + bit)) found.bad = 1;
    // A backslash that is itself escaped starts nothing.
    uint64_t after = (uint64_t)2 << bit;
    found.escaped |= after;
    found.next = after == 0;
    backslashes &= ~(after | after >> 1);
    if (after == 0) break;
  }
  return found;
}

/// The length of the number at `number`, of whose bytes `length` may be read, or 0 if it is none.
static size_t number_length(const uint8_t *number, size_t length, uint32_t options,
                            uint8_t *flags) {
  static const struct {
    const char *text;
    size_t length;
  } words[] = {{"NaN", 3}, {"Infinity", 8}, {"-Infinity", 9}};
  if (options & MWC_JSON_NONFINITE) {
    for (size_t i = 0; i < 3; i++) {
      if (length >= words[i].length && memcmp(number, words[i].text, words[i].length) == 0) {
        *flags = MWC_JSON_NOTFINITE;
        return words[i].length;
      }
    }
  }
  *flags = MWC_JSON_INTEGER;
  size_t i = length > 0 && number[0] == '-';
  size_t digits = i;
  while (i < length && is_digit(number[i])) i++;
  if (i == digits || (number[digits] == '0' && i > digits + 1)) return 0;
  if (i < length && number[i] == '.') {
    *flags = 0;
    digits = ++i;
    while (i < length && is_digit(number[i])) i++;
    if (i == digits) return 0;
  }
  if (i < length && (number[i] | 0x20) == 'e') {
    *flags = 0;
    i++;
    if (i < length && (number[i] == '+' || number[i] == '-')) i++;
    digits = i;
    while (i < length && is_digit(number[i])) i++;
    if (i == digits) return 0;
  }
  return i;
}

/// Blocks in plain C are slower than the walk.
static int scan_level_scalar(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                             mwc_json_value *values, size_t *error_offset) {
  *error_offset = 0;
  if (length > MWC_JSON_LENGTH_MAX) return MWC_JSON_E_LENGTH;
  return mwc_json_scan_by_walking(scanner, json, length, values, error_offset);
}

#define MWC_VECTORS_ONLY
#define MWC_TEXT "mwc_json_general.inc.h"
#include "mwc_levels.h"

// Nothing is left to do behind the call, so that it is a jump.
int mwc_json_scan_general(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                          mwc_json_value *values, size_t *error_offset) {
  int level = mwc_simd_level();
  return MWC_CALL_AT_LEVEL(level, scan_level, (scanner, json, length, values, error_offset));
}
