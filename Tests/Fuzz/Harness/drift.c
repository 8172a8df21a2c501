#include "drift.h"

#include <stdio.h>
#include <string.h>

enum { OBJECT, ARRAY, NUMBER, STRING, WORD, ANYTHING, KINDS };

// MARK: Texts

static void put(drift_message *message, const char *bytes, size_t count) {
  if (count > DRIFT_MESSAGE_MAX - message->length) count = DRIFT_MESSAGE_MAX - message->length;
  memcpy(message->bytes + message->length, bytes, count);
  message->length += count;
}

static void put_text(drift_message *message, const char *text) {
  put(message, text, strlen(text));
}

static void append(drift_text *text, const char *bytes, size_t count) {
  if (count > DRIFT_TEXT_MAX - text->length) return;
  memcpy(text->bytes + text->length, bytes, count);
  text->length += count;
}

static void set(drift_text *text, const char *bytes) {
  text->length = 0;
  append(text, bytes, strlen(bytes));
}

/// One of `count` texts.
#define ONE_OF(chance, texts) (texts)[chance_below(chance, sizeof(texts) / sizeof((texts)[0]))]

// MARK: Leaves

static void number(drift_node *node, chance *chance) {
  static const char *const edges[] = {
      "0", "-0", "-0.0", "0.0", "1", "-1", "9", "10", "99", "100", "0.1", "1e5", "1E+5", "-1e-5",
      "1e400", "-1E-400", "5e-324", "1.7976931348623157e308", "9007199254740992",
      "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
      "-9223372036854775809", "18446744073709551615", "18446744073709551616",
      "123456789012345678901234567890", "0.30000000000000004", "2.2250738585072011e-308",
      "1234567.890123456789", "100000000000000000000000", "1e22", "1e23", "12345678", "123456789",
      "0.00000000000000000000000000000000000000000000000000000000000000000000001",
      "1000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
  };
  char text[64];
  node->counter += chance_below(chance, 12);
  switch (node->flavor % 6) {
    case 0: snprintf(text, sizeof text, "%lu", node->counter); break;
    case 1: snprintf(text, sizeof text, "%lu.%lu", node->counter % 101, node->counter * 7 % 10); break;
    case 2:
      snprintf(text, sizeof text, "%s%u.%0*u", chance_of(chance, 10) ? "-" : "",
               chance_below(chance, 100000), 1 + (int)chance_below(chance, 9),
               chance_below(chance, 100000));
      break;
    case 3: {
      uint64_t large = chance_next(chance) >> chance_below(chance, 60);
      snprintf(text, sizeof text, "%llu%s", (unsigned long long)large,
               chance_of(chance, 20) ? "00000" : "");
      break;
    }
    case 4:
      snprintf(text, sizeof text, "%d.%ue%s%u", (int)chance_below(chance, 19) - 9,
               chance_below(chance, 1000), chance_of(chance, 50) ? "-" : "",
               chance_below(chance, 40));
      break;
    default: snprintf(text, sizeof text, "%s", ONE_OF(chance, edges));
  }
  if (chance_of(chance, 3)) snprintf(text, sizeof text, "%s", ONE_OF(chance, edges));
  set(&node->value, text);
}

/// Puts a piece of an earlier message into a string: what looks like structure, but is none.
static void quote_piece(drift_text *text, chance *chance, const drift_message *before) {
  if (before->length == 0) return;
  size_t at = chance_below(chance, (uint32_t)before->length);
  size_t count = 1 + chance_below(chance, 80);
  for (size_t i = at; i < before->length && i < at + count; i++) {
    char byte = before->bytes[i];
    // Well-formed characters are not cut apart here, so other than ASCII is left out.
    if ((unsigned char)byte < 0x20 || (unsigned char)byte >= 0x80) continue;
    if (byte == '"' || byte == '\\') append(text, "\\", 1);
    append(text, &byte, 1);
  }
  // An append that found no room may have left a backslash alone.
  size_t tail = 0;
  while (tail < text->length && text->bytes[text->length - 1 - tail] == '\\') tail++;
  if (tail % 2 == 1) text->length--;
}

static void string(drift_node *node, chance *chance, const drift_message *before) {
  static const char *const pieces[] = {
      "a", "INFO", "ok", "\\\"", "\\\\", "\\n", "\\u00e9", "\\ud834\\udd1e", "\\ud800", "\\udc00",
      "é", "€", "𝄞", "\x7F", "\\/", "\\u0000", "{", "}", "[1,2]", ":", ",", "null", "0", "-1.5",
      "  ", "0123456789abcdef", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF",
  };
  char text[64];
  node->value.length = 0;
  append(&node->value, "\"", 1);
  node->counter += 1 + chance_below(chance, 1000);
  switch (node->flavor % 5) {
    case 0:
      snprintf(text, sizeof text, "2026-11-21T10:14:%02lu.%06lu", node->counter / 1000000 % 60,
               node->counter * 997 % 1000000);
      append(&node->value, text, strlen(text));
      break;
    case 1: append(&node->value, pieces[1], strlen(pieces[1])); break;
    case 2: {
      uint32_t count = chance_below(chance, chance_of(chance, 20) ? 150 : 20);
      for (uint32_t i = 0; i < count; i++) {
        char letter = (char)('a' + chance_below(chance, 26));
        append(&node->value, &letter, 1);
      }
      break;
    }
    case 3:
      for (uint32_t i = chance_below(chance, 9); i > 0; i--) {
        const char *piece = ONE_OF(chance, pieces);
        append(&node->value, piece, strlen(piece));
      }
      break;
    default: quote_piece(&node->value, chance, before);
  }
  if (node->value.length == DRIFT_TEXT_MAX) node->value.length = 1;
  append(&node->value, "\"", 1);
}

static void leaf(drift_node *node, chance *chance, const drift_message *before) {
  static const char *const words[] = {"true", "false", "null"};
  static const char *const others[] = {"{}", "[]", "[ ]", "null", "[[]]", "{\"a\":1}",
                                       "{\"a\":1,\"a\":2}", "NaN", "-Infinity", "[0]"};
  unsigned kind = node->kind;
  if (kind == ANYTHING || chance_of(chance, 1)) kind = NUMBER + chance_below(chance, 4);
  switch (kind) {
    case NUMBER: number(node, chance); break;
    case STRING: string(node, chance, before); break;
    case WORD: set(&node->value, ONE_OF(chance, words)); break;
    default: set(&node->value, ONE_OF(chance, others));
  }
}

// MARK: Shapes

static void make_key(drift_text *key, chance *chance) {
  static const char *const keys[] = {
      "a", "b", "c", "type", "timestamp", "data", "cpu_percent", "cpu_percent_total", "", "é",
      "k\\u0065y", "key", "\\\"x\\\":", "per_core", "0", "\\\\", "name", "a.b", "total_mb",
      "a_name_that_is_longer_than_any_vector_of_sixty_four_bytes_will_ever_be_here", "id",
  };
  set(key, ONE_OF(chance, keys));
  if (chance_of(chance, 60)) {
    char digits[8];
    snprintf(digits, sizeof digits, "%u", chance_below(chance, 40));
    append(key, digits, strlen(digits));
  }
}

static unsigned make_node(drift_shape *shape, chance *chance, unsigned depth) {
  unsigned at = shape->count++;
  drift_node *node = &shape->nodes[at];
  memset(node, 0, sizeof *node);
  unsigned dice = chance_below(chance, 100);
  bool leaf_only = depth > 5 || shape->count + 8 > DRIFT_NODES_MAX;
  if (depth == 0) dice = dice < 85 ? 0 : dice;
  node->kind = !leaf_only && dice < 22   ? OBJECT
               : !leaf_only && dice < 40 ? ARRAY
               : dice < 68               ? NUMBER
               : dice < 88               ? STRING
               : dice < 96               ? WORD
                                         : ANYTHING;
  node->flavor = chance_below(chance, 1000);
  node->often = chance_of(chance, 75) ? 100 : 5 + chance_below(chance, 90);
  node->elements = chance_below(chance, 6);
  node->counter = chance_below(chance, 100000);
  make_key(&node->key, chance);
  if (node->kind > ARRAY) return at;
  unsigned children = node->kind == OBJECT ? 1 + chance_below(chance, depth == 0 ? 12 : 5)
                                           : 1 + (chance_below(chance, 4) == 0);
  unsigned last = 0;
  for (unsigned i = 0; i < children && shape->count + 1 < DRIFT_NODES_MAX; i++) {
    unsigned child = make_node(shape, chance, depth + 1);
    if (last == 0) {
      node->first_child = child;
    } else {
      shape->nodes[last].next = child;
    }
    last = child;
  }
  return at;
}

void drift_shape_make(drift_shape *shape, chance *chance) {
  memset(shape, 0, sizeof *shape);
  shape->spacing = chance_below(chance, 10) == 0 ? 2 : chance_below(chance, 2);
  shape->steady = chance_below(chance, 100);
  shape->is_restless = chance_of(chance, 25);
  shape->twins = chance_of(chance, 30) ? 15 : 400;
  make_node(shape, chance, 0);
}

// MARK: Messages

static void space(const drift_shape *shape, chance *chance, drift_message *message, bool wanted) {
  static const char *const spaces[] = {" ", "\n", "\t", "\r\n", "  ", "    \n      "};
  if (shape->spacing == 1 && wanted) put_text(message, " ");
  if (shape->spacing == 2 && chance_of(chance, 30)) put_text(message, ONE_OF(chance, spaces));
}

static void put_node(drift_shape *shape, chance *chance, const drift_message *before, unsigned at,
                     drift_message *message);

static void put_members(drift_shape *shape, chance *chance, const drift_message *before,
                        unsigned at, drift_message *message) {
  unsigned children[DRIFT_NODES_MAX];
  unsigned count = 0;
  for (unsigned child = shape->nodes[at].first_child; child != 0;
       child = shape->nodes[child].next) {
    children[count++] = child;
  }
  // Some senders write members as they come.
  unsigned start = shape->is_restless && chance_of(chance, 30) ? chance_below(chance, count) : 0;
  bool is_first = true;
  for (unsigned k = 0; k < count; k++) {
    unsigned child = children[(start + k) % count];
    const drift_node *member = &shape->nodes[child];
    uint32_t times = chance_of(chance, member->often) + (chance_below(chance, shape->twins) == 0);
    for (uint32_t i = 0; i < times; i++) {
      if (!is_first) put_text(message, ",");
      space(shape, chance, message, !is_first);
      is_first = false;
      put_text(message, "\"");
      put(message, member->key.bytes, member->key.length);
      put_text(message, "\"");
      space(shape, chance, message, false);
      put_text(message, ":");
      space(shape, chance, message, true);
      put_node(shape, chance, before, child, message);
    }
    // Once more, but not at once.
    if (k > 0 && chance_below(chance, shape->twins * 2) == 0) k -= 2;
  }
}

static void put_elements(drift_shape *shape, chance *chance, const drift_message *before,
                         unsigned at, drift_message *message) {
  drift_node *node = &shape->nodes[at];
  if (chance_of(chance, 15)) node->elements = chance_below(chance, chance_of(chance, 5) ? 30 : 6);
  unsigned child = node->first_child;
  for (unsigned i = 0; i < node->elements; i++) {
    if (i > 0) put_text(message, ",");
    space(shape, chance, message, i > 0);
    put_node(shape, chance, before, child, message);
    child = shape->nodes[child].next != 0 ? shape->nodes[child].next : node->first_child;
  }
}

static void put_node(drift_shape *shape, chance *chance, const drift_message *before, unsigned at,
                     drift_message *message) {
  drift_node *node = &shape->nodes[at];
  // What would not fit is left out, so that messages end as they should.
  bool is_full = message->length > DRIFT_MESSAGE_MAX / 2;
  if (node->kind <= ARRAY && node->first_child != 0 && !is_full && !chance_of(chance, 1)) {
    bool is_object = node->kind == OBJECT;
    put_text(message, is_object ? "{" : "[");
    if (is_object) {
      put_members(shape, chance, before, at, message);
    } else {
      put_elements(shape, chance, before, at, message);
    }
    space(shape, chance, message, false);
    put_text(message, is_object ? "}" : "]");
    return;
  }
  if (node->value.length == 0 || !chance_of(chance, shape->steady)) leaf(node, chance, before);
  put(message, node->value.bytes, node->value.length);
}

void drift_next(drift_shape *shape, chance *chance, const drift_message *before,
                drift_message *message) {
  message->length = 0;
  if (shape->spacing == 2) space(shape, chance, message, false);
  put_node(shape, chance, before, 0, message);
  if (shape->spacing == 2 || chance_of(chance, 2)) put_text(message, chance_of(chance, 50) ? " " : "\n");
}

/// Moves `at` to the next byte for which `wanted` says yes; back to where it was if there is none.
static size_t find(const drift_message *message, size_t at, bool (*wanted)(const char *bytes)) {
  for (size_t i = at > 0 ? at : 1; i < message->length; i++) {
    if (wanted(message->bytes + i)) return i;
  }
  return at;
}

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
static bool is_first_digit(const char *bytes) { return is_digit(bytes[0]) && !is_digit(bytes[-1]); }
static bool is_any_digit(const char *bytes) { return is_digit(bytes[0]); }
static bool is_letter(const char *bytes) { return bytes[0] >= 'a' && bytes[0] <= 'z'; }
static bool is_escape(const char *bytes) { return bytes[-1] == '\\'; }

void drift_prick(drift_message *message, chance *chance) {
  static const char digits[] = "000019.-eE+ ,]}\"";
  static const char letters[] = "\"\\\x1F\x00\x7F\x80\xC3\t/ az";
  if (message->length == 0) return;
  size_t at = chance_below(chance, (uint32_t)message->length);
  switch (chance_below(chance, 5)) {
    case 0:
      at = find(message, at, is_first_digit);
      message->bytes[at] = digits[chance_below(chance, sizeof digits - 1)];
      break;
    case 1:
      at = find(message, at, is_any_digit);
      message->bytes[at] = digits[chance_below(chance, sizeof digits - 1)];
      break;
    case 2:
      at = find(message, at, is_escape);
      message->bytes[at] = letters[chance_below(chance, sizeof letters - 1)];
      break;
    case 3: {
      // A byte of any place, one up or down: 0x1F for a blank, a brace for a bracket's neighbour.
      message->bytes[at] = (char)(message->bytes[at] + (chance_of(chance, 50) ? 1 : -1));
      break;
    }
    default:
      at = find(message, at, is_letter);
      message->bytes[at] = letters[chance_below(chance, sizeof letters - 1)];
  }
}

void drift_damage(drift_message *message, chance *chance, const drift_message *other) {
  static const char bytes[] = "\"\"\\{}[]:,,0-9eE.+ \t\n\x1F\xFF\xC3\x80" "atnN\x00/u";
  if (message->length == 0) return;
  size_t at = chance_below(chance, (uint32_t)message->length);
  size_t rest = message->length - at;
  char byte = bytes[chance_below(chance, sizeof bytes - 1)];
  switch (chance_below(chance, 8)) {
    case 0:
    case 1: message->bytes[at] = byte; break;
    case 2:
      if (message->length == DRIFT_MESSAGE_MAX) break;
      memmove(message->bytes + at + 1, message->bytes + at, rest);
      message->bytes[at] = byte;
      message->length++;
      break;
    case 3:
      memmove(message->bytes + at, message->bytes + at + 1, rest - 1);
      message->length--;
      break;
    case 4: message->length = at; break;
    case 5: message->bytes[at] ^= (char)(1u << chance_below(chance, 8)); break;
    case 6: {
      // Two messages grown together at the same place.
      if (other->length <= at) break;
      memcpy(message->bytes + at, other->bytes + at, other->length - at);
      message->length = other->length;
      break;
    }
    default: {
      // A piece twice.
      size_t count = 1 + chance_below(chance, 100);
      if (count > rest) count = rest;
      if (count > DRIFT_MESSAGE_MAX - message->length) break;
      memmove(message->bytes + at + count, message->bytes + at, rest);
      message->length += count;
    }
  }
}
