#include "splits.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mwc_json_split.h"

enum {
  NUMBERS_MAX = 1 << 13,
  NUMBERS_ENOUGH = NUMBERS_MAX / 2,  // one message adds fewer than the other half
  SHAPES_MAX = 1 << 8,
};

struct splits {
  uint32_t options;
  mwc_json_splitter *splitter;
  mwc_json_piece *pieces;
  uint32_t literals;  // numbers known before this message
  // By number, 0 for not seen: what a literal was, what the value of a slot was.
  uint64_t literal_hash[NUMBERS_MAX];
  uint64_t value_hash[NUMBERS_MAX];
  uint32_t column[NUMBERS_MAX];
  uint64_t shape_hash[SHAPES_MAX];
};

static uint64_t hash(uint64_t hash, const void *bytes, size_t count) {
  for (size_t i = 0; i < count; i++) {
    hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001B3u;
  }
  return hash | 1;  // never 0
}

splits *splits_open(uint32_t options) {
  splits *splits = calloc(1, sizeof *splits);
  if (splits == NULL) return NULL;
  splits->options = options;
  splits->pieces = calloc(MWC_JSON_PIECES_MAX, sizeof *splits->pieces);
  void *memory = malloc(mwc_json_splitter_size());
  if (memory == NULL || splits->pieces == NULL) {
    free(memory);
    splits_close(splits);
    return NULL;
  }
  splits->splitter = mwc_json_splitter_init(memory, options);
  return splits;
}

void splits_close(splits *splits) {
  if (splits == NULL) return;
  free(splits->splitter);
  free(splits->pieces);
  free(splits);
}

/// A literal stands at `*at` of the message and is what it was when it was seen first.
static int check_literal(splits *splits, uint32_t number, const uint8_t *json, size_t length,
                         size_t *at) {
  uint32_t column;
  mwc_json_text text = mwc_json_splitter_literal(splits->splitter, number, &column);
  CHECK(text.length <= length - *at);
  CHECK(text.length == 0 || memcmp(json + *at, text.bytes, text.length) == 0);
  *at += text.length;
  uint64_t now = hash(7, text.bytes, text.length);
  CHECK(splits->literal_hash[number] == 0 || splits->literal_hash[number] == now);
  CHECK(splits->literal_hash[number] == 0 || splits->column[number] == column);
  splits->literal_hash[number] = now;
  splits->column[number] = column;
  return 0;
}

/// The next scalar value of a walk is this piece.
static int check_value(mwc_json_walk *walk, const mwc_json_piece *piece) {
  mwc_json_event event;
  do {
    CHECK(mwc_json_walk_next(walk, &event) == 1);
  } while (event.kind > MWC_JSON_STRING);
  CHECK(event.kind == piece->type && event.offset == piece->offset &&
            event.length == piece->length,
        "type %u, %u bytes at %u; not type %u, %u bytes at %u", piece->type, piece->length,
        piece->offset, event.kind, event.length, event.offset);
  CHECK(event.flags == (piece->flags & ~MWC_JSON_SAME));
  return 0;
}

static int check_pieces(splits *splits, const uint8_t *json, size_t length,
                        const mwc_json_pieces *result) {
  CHECK(result->count <= MWC_JSON_PIECES_MAX);
  CHECK(result->literals >= splits->literals && result->literals <= NUMBERS_MAX);
  splits->literals = result->literals;
  mwc_json_walk walk;
  mwc_json_walk_init(&walk, json, length, splits->options & MWC_JSON_NONFINITE, 0);
  uint64_t sequence = 11;
  size_t at = 0;
  for (uint32_t i = 0; i < result->count; i++) {
    const mwc_json_piece *piece = &splits->pieces[i];
    CHECK(piece->literal < result->literals && piece->slot < result->literals);
    PASS(check_literal(splits, piece->literal, json, length, &at));
    CHECK(piece->offset == at && piece->length <= length - at);
    PASS(check_value(&walk, piece));
    uint64_t value = hash(13, json + at, piece->length);
    CHECK(!(piece->flags & MWC_JSON_SAME) || splits->value_hash[piece->slot] == value,
          "value %u, slot %u", i, piece->slot);
    splits->value_hash[piece->slot] = value;
    at += piece->length;
    sequence = hash(hash(sequence, &piece->literal, 4), &piece->slot, 4);
  }
  CHECK(result->terminal < result->literals);
  PASS(check_literal(splits, result->terminal, json, length, &at));
  CHECK(at == length);
  sequence = hash(sequence, &result->terminal, 4);
  if (result->shape == 0) return 0;
  CHECK(result->shape < SHAPES_MAX);
  uint64_t *known = &splits->shape_hash[result->shape];
  CHECK(*known == 0 || *known == sequence);
  *known = sequence;
  return 0;
}

int splits_read(splits *splits, const uint8_t *json, size_t length) {
  bool is_full = mwc_json_splitter_full(splits->splitter) && length % 7 == 0;
  if (is_full || splits->literals > NUMBERS_ENOUGH) {
    mwc_json_splitter_reset(splits->splitter);
    splits->literals = 0;
    memset(splits->literal_hash, 0, sizeof splits->literal_hash);
    memset(splits->value_hash, 0, sizeof splits->value_hash);
    memset(splits->shape_hash, 0, sizeof splits->shape_hash);
  }
  mwc_json_pieces result;
  if (!mwc_json_split(splits->splitter, json, length, splits->pieces, &result)) return 0;
  PASS(check_pieces(splits, json, length, &result));
  // Nothing that is no document is split.
  mwc_json_walk walk;
  mwc_json_event event;
  int walked;
  mwc_json_walk_init(&walk, json, length, splits->options & MWC_JSON_NONFINITE, 0);
  while ((walked = mwc_json_walk_next(&walk, &event)) == 1) {
  }
  CHECK(walked == 0, "split, but %d at %u", walked, event.offset);
  return 0;
}
