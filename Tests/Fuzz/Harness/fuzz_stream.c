/// Fuzzes scanners with a stream of messages that are edits of each other: what a scanner has learned
/// from one message is nearly, but not quite, true of the next.
///
/// The input is a script:
///
///   options   1 byte: 1 NaN and Infinity, 2 depth at most 4, the rest chooses paths
///   commands  1 byte each: what to do, then what it needs
///     0  a new message: the bytes up to 0x1E (a control character, never raw in JSON)
///     1  an edit: place (2 bytes), how many to remove and to insert (4 bits each), what to insert
///     2  the same edit, and the result is what later commands edit
///     3  the value number n (2 bytes) is replaced by the bytes up to 0x1E
///     4  the same, and kept
///     5  cut at a place (2 bytes)
///     6  once more
///     7  a part (place, 2 bytes; length, 1 byte) put in again at another place (2 bytes), and kept
///
/// The paths are those of some values of the first message.
#include <string.h>

#include "check.h"
#include "stage.h"

enum {
  MESSAGE_MAX = 4096,
  COMMANDS_MAX = 64,
  SEPARATOR = 0x1E,
};

typedef struct script {
  const uint8_t *data;
  size_t size;
  size_t at;
} script;

static unsigned take(script *script) {
  return script->at < script->size ? script->data[script->at++] : 0;
}

static size_t take_place(script *script, size_t limit) {
  unsigned low = take(script);
  return (low | take(script) << 8) % (limit + 1);
}

/// Bytes up to the separator.
static mwc_json_text take_text(script *script) {
  const uint8_t *start = script->data + script->at;
  size_t rest = script->size - script->at;
  const uint8_t *end = rest > 0 ? memchr(start, SEPARATOR, rest) : NULL;
  size_t length = end == NULL ? rest : (size_t)(end - start);
  script->at += end == NULL ? rest : length + 1;
  return (mwc_json_text){start, length < MESSAGE_MAX ? length : MESSAGE_MAX};
}

typedef struct message {
  uint8_t bytes[MESSAGE_MAX];
  size_t length;
} message;

/// Replaces `count` bytes at `place` by `text`, as far as there is room.
static void replace(message *message, size_t place, size_t count, mwc_json_text text) {
  if (count > message->length - place) count = message->length - place;
  if (text.length > MESSAGE_MAX - (message->length - count)) return;
  uint8_t *at = message->bytes + place;
  memmove(at + text.length, at + count, message->length - place - count);
  if (text.length > 0) memcpy(at, text.bytes, text.length);
  message->length += text.length - count;
}

/// Finds value number `wanted`, modulo how many values come before the first fault.
static bool find_value(const message *message, size_t wanted, size_t *place, size_t *count) {
  for (int round = 0; round < 2; round++) {
    mwc_json_walk walk;
    mwc_json_event event;
    size_t seen = 0;
    mwc_json_walk_init(&walk, message->bytes, message->length, MWC_JSON_NONFINITE, 0);
    while (mwc_json_walk_next(&walk, &event) == 1) {
      if (event.kind > MWC_JSON_KEY) continue;
      if (round == 1 && seen == wanted) {
        bool is_quoted = event.kind == MWC_JSON_STRING || event.kind == MWC_JSON_KEY;
        *place = event.offset - is_quoted;
        *count = event.length + 2u * is_quoted;
        return true;
      }
      seen++;
    }
    if (seen == 0) return false;
    wanted %= seen;
  }
  return false;
}

static void command(script *script, unsigned what, message *message) {
  switch (what) {
    case 0: {
      mwc_json_text text = take_text(script);
      message->length = 0;
      replace(message, 0, 0, text);
      break;
    }
    case 1:
    case 2: {
      size_t place = take_place(script, message->length);
      unsigned counts = take(script);
      mwc_json_text text = {script->data + script->at, counts >> 4};
      if (text.length > script->size - script->at) text.length = script->size - script->at;
      script->at += text.length;
      replace(message, place, counts & 15, text);
      break;
    }
    case 3:
    case 4: {
      size_t wanted = take_place(script, 0xFFFF);
      mwc_json_text text = take_text(script);
      size_t place;
      size_t count;
      if (find_value(message, wanted, &place, &count)) replace(message, place, count, text);
      break;
    }
    case 5: message->length = take_place(script, message->length); break;
    case 7: {
      size_t from = take_place(script, message->length);
      size_t count = take(script);
      size_t to = take_place(script, message->length);
      if (count > message->length - from) count = message->length - from;
      uint8_t part[256];
      memcpy(part, message->bytes + from, count);
      replace(message, to, 0, (mwc_json_text){part, count});
      break;
    }
    default: break;
  }
}

int mwc_fuzz_stream(const uint8_t *data, size_t size) {
  script script = {data, size, 0};
  unsigned first = take(&script);
  uint32_t options = first & 1 ? MWC_JSON_NONFINITE : 0;
  uint32_t depth_max = first & 2 ? 4 : 0;
  message kept = {.length = 0};
  stage *stage = NULL;
  int failed = 0;
  for (int i = 0; failed == 0 && i < COMMANDS_MAX && script.at < size; i++) {
    unsigned what = take(&script) % 8;
    message now = kept;
    command(&script, what, &now);
    if (stage == NULL) {
      oracle_path paths[12];
      size_t count = stage_choose_paths(now.bytes, now.length, options, first >> 2, paths,
                                        1 + (first >> 2) % 12);
      stage = stage_open(paths, count, options, depth_max);
      CHECK(stage != NULL);
    }
    failed = stage_read(stage, now.bytes, now.length);
    if (what == 0 || what == 2 || what == 4 || what == 7) kept = now;
  }
  if (stage != NULL && failed == 0) failed = stage_finish(stage);
  stage_close(stage);
  return failed;
}
