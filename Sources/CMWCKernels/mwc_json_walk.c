// The grammar of RFC 8259 as a machine with one state per place between tokens. The scan for paths
// stands on it, so the grammar exists once.
//
//            ┌──────────── ',' ────────────┐                 ┌──── ',' ────┐
//            ▼                             │                 ▼             │
//   '{' ─► FIRST_KEY ─ key ':' ─► VALUE ─► AFTER_VALUE    FIRST_ELEMENT ─► AFTER_VALUE ◄─ '['
//            └─ '}'                        └─ '}' ']'        └─ ']'
#include <string.h>

#include "mwc_json.h"

enum state {
  VALUE,          // a value has to come: at the start, after ':', after ',' in an array
  FIRST_ELEMENT,  // after '[': a value or ']'
  FIRST_KEY,      // after '{': a key or '}'
  AFTER_VALUE,    // ',' or the end of the container; at depth 0 nothing more
  FINISHED,       // all said
  FAILED,         // an error was reported; it is repeated
};

int mwc_json_walk_init(mwc_json_walk *walk, const uint8_t *json, size_t length, uint32_t options,
                       uint32_t depth_max) {
  if (length > MWC_JSON_LENGTH_MAX) return MWC_JSON_E_LENGTH;
  if (depth_max == 0 || depth_max > MWC_JSON_DEPTH_MAX) depth_max = MWC_JSON_DEPTH_MAX;
  walk->json = json;
  walk->length = (uint32_t)length;
  walk->position = 0;
  walk->options = options;
  walk->depth = 0;
  walk->depth_max = (uint16_t)depth_max;
  walk->state = VALUE;
  return 0;
}

/// An error is remembered by the walk itself: `position` holds the offset, `options` the code.
static int fail(mwc_json_walk *walk, mwc_json_event *event, int code, uint32_t offset) {
  walk->state = FAILED;
  walk->position = offset;
  walk->options = (uint32_t)code;
  event->offset = offset;
  return code;
}

static bool is_space(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t';
}

static bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

static bool in_object(const mwc_json_walk *walk) {
  uint32_t level = walk->depth - 1u;
  return (walk->objects[level / 64] >> (level % 64)) & 1;
}

// MARK: Strings

/// Length of the well-formed non-ASCII sequence at `bytes`, of which `available` may be read; 0 if it
/// is ill-formed or cut (The Unicode Standard, table 3-7).
static uint32_t utf8_sequence(const uint8_t *bytes, uint32_t available) {
  uint8_t lead = bytes[0];
  if (lead < 0xC2 || lead > 0xF4) return 0;
  uint32_t count = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (available < count) return 0;
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (bytes[1] < low || bytes[1] > high) return 0;
  for (uint32_t i = 2; i < count; i++) {
    if ((bytes[i] & 0xC0) != 0x80) return 0;
  }
  return count;
}

/// Whether none of eight bytes ends a run of plain ASCII: no quote, backslash, control character or
/// byte above 0x7F.
static bool is_plain(uint64_t word) {
  const uint64_t ones = 0x0101010101010101u;
  const uint64_t tops = 0x8080808080808080u;
  uint64_t quote = word ^ (ones * '"');
  uint64_t backslash = word ^ (ones * '\\');
  uint64_t hit = word;                         // above 0x7F
  hit |= word - ones * 0x20;                   // below 0x20
  hit |= (quote - ones) & ~quote;              // equal to a quote
  hit |= (backslash - ones) & ~backslash;      // equal to a backslash
  return (hit & tops) == 0;
}

static bool is_hex(uint8_t byte) {
  return is_digit(byte) || (uint8_t)((byte | 0x20) - 'a') < 6;
}

/// Reads a string whose opening quote stands at `walk->position`, and moves behind its closing quote.
static int read_string(mwc_json_walk *walk, mwc_json_event *event, uint8_t kind) {
  const uint8_t *json = walk->json;
  uint32_t length = walk->length;
  uint32_t start = walk->position + 1;
  uint32_t i = start;
  uint8_t flags = 0;
  for (;;) {
    while (length - i >= 8) {
      uint64_t word;
      memcpy(&word, json + i, 8);
      if (!is_plain(word)) break;
      i += 8;
    }
    if (i == length) return fail(walk, event, MWC_JSON_E_END, length);
    uint8_t byte = json[i];
    if (byte == '"') break;
    if (byte == '\\') {
      flags |= MWC_JSON_ESCAPED;
      if (i + 1 == length) return fail(walk, event, MWC_JSON_E_END, length);
      uint8_t escape = json[i + 1];
      if (escape == 'u') {
        for (uint32_t digit = i + 2; digit < i + 6; digit++) {
          if (digit == length) return fail(walk, event, MWC_JSON_E_END, length);
          if (!is_hex(json[digit])) return fail(walk, event, MWC_JSON_E_ESCAPE, digit);
        }
        i += 6;
      } else if (escape != 0 && strchr("\"\\/bfnrt", escape) != NULL) {
        i += 2;
      } else {
        return fail(walk, event, MWC_JSON_E_ESCAPE, i + 1);
      }
    } else if (byte < 0x20) {
      return fail(walk, event, MWC_JSON_E_CONTROL, i);
    } else if (byte < 0x80) {
      i += 1;
    } else {
      uint32_t count = utf8_sequence(json + i, length - i);
      if (count == 0) return fail(walk, event, MWC_JSON_E_UTF8, i);
      i += count;
    }
  }
  event->kind = kind;
  event->flags = flags;
  event->offset = start;
  event->length = i - start;
  walk->position = i + 1;
  return 1;
}

// MARK: Numbers and words

/// Reads the word `text` at the position; the first letter has been seen.
static int read_word(mwc_json_walk *walk, mwc_json_event *event, const char *text, uint8_t kind,
                     uint8_t flags) {
  uint32_t start = walk->position;
  uint32_t i = start;
  for (; *text != 0; text++, i++) {
    if (i == walk->length) return fail(walk, event, MWC_JSON_E_END, i);
    if (walk->json[i] != (uint8_t)*text) return fail(walk, event, MWC_JSON_E_SYNTAX, i);
  }
  event->kind = kind;
  event->flags = flags;
  event->offset = start;
  event->length = i - start;
  walk->position = i;
  return 1;
}

/// Skips at least one digit from `i`; returns where they end, or `i` if there is none.
static uint32_t skip_digits(const mwc_json_walk *walk, uint32_t i) {
  while (i < walk->length && is_digit(walk->json[i])) i++;
  return i;
}

/// number = [ "-" ] ( "0" / 1-9 *digit ) [ "." 1*digit ] [ e [ sign ] 1*digit ]
static int read_number(mwc_json_walk *walk, mwc_json_event *event) {
  const uint8_t *json = walk->json;
  uint32_t length = walk->length;
  uint32_t start = walk->position;
  uint32_t i = start;
  uint8_t flags = MWC_JSON_INTEGER;
  if (json[i] == '-') {
    i++;
    if (i < length && json[i] == 'I' && (walk->options & MWC_JSON_NONFINITE)) {
      return read_word(walk, event, "-Infinity", MWC_JSON_NUMBER, MWC_JSON_NOTFINITE);
    }
  }
  uint32_t digits = i;
  i = skip_digits(walk, i);
  if (i == digits) goto missing_digit;
  if (json[digits] == '0' && i > digits + 1) {
    return fail(walk, event, MWC_JSON_E_NUMBER, digits + 1);
  }
  if (i < length && json[i] == '.') {
    flags = 0;
    digits = ++i;
    i = skip_digits(walk, i);
    if (i == digits) goto missing_digit;
  }
  if (i < length && (json[i] | 0x20) == 'e') {
    flags = 0;
    i++;
    if (i < length && (json[i] == '+' || json[i] == '-')) i++;
    digits = i;
    i = skip_digits(walk, i);
    if (i == digits) goto missing_digit;
  }
  event->kind = MWC_JSON_NUMBER;
  event->flags = flags;
  event->offset = start;
  event->length = i - start;
  walk->position = i;
  return 1;

missing_digit:
  return fail(walk, event, i == length ? MWC_JSON_E_END : MWC_JSON_E_NUMBER, i);
}

// MARK: The machine

static int begin_container(mwc_json_walk *walk, mwc_json_event *event, bool object) {
  if (walk->depth == walk->depth_max) {
    return fail(walk, event, MWC_JSON_E_DEPTH, walk->position);
  }
  uint64_t bit = (uint64_t)1 << (walk->depth % 64);
  uint64_t *word = &walk->objects[walk->depth / 64];
  *word = object ? *word | bit : *word & ~bit;
  walk->depth++;
  walk->state = object ? FIRST_KEY : FIRST_ELEMENT;
  event->kind = object ? MWC_JSON_OBJECT : MWC_JSON_ARRAY;
  event->flags = 0;
  event->offset = walk->position++;
  event->length = 1;
  return 1;
}

static int end_container(mwc_json_walk *walk, mwc_json_event *event, uint8_t flags) {
  event->kind = in_object(walk) ? MWC_JSON_OBJECT_END : MWC_JSON_ARRAY_END;
  walk->depth--;
  walk->state = AFTER_VALUE;
  event->flags = flags;
  event->depth = walk->depth;
  event->offset = walk->position++;
  event->length = 1;
  return 1;
}

static int read_value(mwc_json_walk *walk, mwc_json_event *event) {
  uint8_t byte = walk->json[walk->position];
  event->depth = walk->depth;
  walk->state = AFTER_VALUE;
  switch (byte) {
    case '"': return read_string(walk, event, MWC_JSON_STRING);
    case '{': return begin_container(walk, event, true);
    case '[': return begin_container(walk, event, false);
    case 't': return read_word(walk, event, "true", MWC_JSON_TRUE, 0);
    case 'f': return read_word(walk, event, "false", MWC_JSON_FALSE, 0);
    case 'n': return read_word(walk, event, "null", MWC_JSON_NULL, 0);
    case 'N':
      if (walk->options & MWC_JSON_NONFINITE) {
        return read_word(walk, event, "NaN", MWC_JSON_NUMBER, MWC_JSON_NOTFINITE);
      }
      break;
    case 'I':
      if (walk->options & MWC_JSON_NONFINITE) {
        return read_word(walk, event, "Infinity", MWC_JSON_NUMBER, MWC_JSON_NOTFINITE);
      }
      break;
    case '+': return fail(walk, event, MWC_JSON_E_NUMBER, walk->position);
    case 0xEF:
      if (walk->position == 0 && walk->length >= 3 && memcmp(walk->json, "\xEF\xBB\xBF", 3) == 0) {
        return fail(walk, event, MWC_JSON_E_BOM, 0);
      }
      break;
    default:
      if (byte == '-' || is_digit(byte)) return read_number(walk, event);
  }
  return fail(walk, event, MWC_JSON_E_SYNTAX, walk->position);
}

/// Moves to the next byte that is not white space; false at the end of the document.
static bool skip_space(mwc_json_walk *walk) {
  while (walk->position < walk->length) {
    if (!is_space(walk->json[walk->position])) return true;
    walk->position++;
  }
  return false;
}

/// A key and its colon.
static int read_key(mwc_json_walk *walk, mwc_json_event *event) {
  if (walk->json[walk->position] != '"') {
    return fail(walk, event, MWC_JSON_E_SYNTAX, walk->position);
  }
  event->depth = walk->depth;
  int result = read_string(walk, event, MWC_JSON_KEY);
  if (result < 0) return result;
  if (!skip_space(walk)) return fail(walk, event, MWC_JSON_E_END, walk->length);
  if (walk->json[walk->position] != ':') {
    return fail(walk, event, MWC_JSON_E_SYNTAX, walk->position);
  }
  walk->position++;
  walk->state = VALUE;
  return 1;
}

int mwc_json_walk_next(mwc_json_walk *walk, mwc_json_event *event) {
  if (walk->state >= FINISHED) {
    event->offset = walk->position;
    return walk->state == FINISHED ? 0 : (int)walk->options;
  }
  if (!skip_space(walk)) {
    if (walk->state == AFTER_VALUE && walk->depth == 0) {
      walk->state = FINISHED;
      return 0;
    }
    return fail(walk, event, MWC_JSON_E_END, walk->length);
  }
  uint8_t byte = walk->json[walk->position];
  if (walk->state == AFTER_VALUE) {
    if (walk->depth == 0) return fail(walk, event, MWC_JSON_E_TRAILING, walk->position);
    bool object = in_object(walk);
    if (byte == (object ? '}' : ']')) return end_container(walk, event, 0);
    if (byte != ',') return fail(walk, event, MWC_JSON_E_SYNTAX, walk->position);
    walk->position++;
    if (!skip_space(walk)) return fail(walk, event, MWC_JSON_E_END, walk->length);
    return object ? read_key(walk, event) : read_value(walk, event);
  }
  if (walk->state == FIRST_KEY) {
    return byte == '}' ? end_container(walk, event, MWC_JSON_EMPTY) : read_key(walk, event);
  }
  if (walk->state == FIRST_ELEMENT && byte == ']') {
    return end_container(walk, event, MWC_JSON_EMPTY);
  }
  return read_value(walk, event);
}
