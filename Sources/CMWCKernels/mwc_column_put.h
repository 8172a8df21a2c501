// What the two halves of the encoder share: the head of a block that is being written, and the
// streams that its values go to. `mwc_column_encode.c` knows records and nodes, `mwc_column_put.c`
// decides how a column is best spelled.
#ifndef MWC_COLUMN_PUT_H
#define MWC_COLUMN_PUT_H

#include "mwc_column_model.h"
#include "mwc_column_split.h"

enum {
  /// Columns with fewer bytes share a stream: each costs a few, and a table of codes.
  OWN_STREAM = 192,
  // Streams with a meaning of their own; the others belong to one column each.
  STREAM_HEAD = 0,
  STREAM_BITS = 1,
  STREAM_NOISE = 2,
  STREAM_TEXT = 3,
  STREAM_FIRST = 4,
  CANDIDATES_MAX = 1024,
  /// Columns that a column is tried to be predicted from: the nearest before it.
  CONSIDERED_MAX = 24,
};

/// Bytes that go to a stream.
typedef struct piece {
  const uint8_t *bytes;
  size_t length;
} piece;

/// What is to be written of a column: its values where they change.
typedef struct column {
  const mwc_split_change *changes;
  uint32_t change_count;
  uint32_t count;
  uint32_t number;  ///< in the block
  uint8_t form;     ///< MWC_NODE_WORD …
  const uint32_t *messages;
} column;

/// A block being written. All memory is in the arena.
typedef struct encoder {
  mwc_arena arena;
  const uint8_t *bytes;
  mwc_split split;
  uint8_t *head, *head_at, *head_end;
  uint8_t *bits, *bits_at, *bits_end;
  mwc_column_stream *streams;
  size_t stream_count;
  piece *shared[2];  ///< pieces of STREAM_NOISE and STREAM_TEXT
  size_t shared_count[2], shared_room;
  mwc_model_candidate *candidates;
  uint32_t *candidate_counts;
  size_t candidate_count;
  const int64_t *walls;
  size_t record_count;
  uint32_t type;  ///< of the column at hand
  uint64_t piece_stream, piece_length;
  bool is_valid;  ///< all values so far can stand in JSON
  const uint32_t **messages;  ///< by column: the record of each visit, or NULL
} encoder;

static inline void put(encoder *e, uint64_t value) { e->head_at = mwc_put_varint(e->head_at, value); }
static inline void put_signed(encoder *e, int64_t value) { put(e, mwc_zigzag(value)); }

static inline void put_text(encoder *e, const uint8_t *bytes, size_t length) {
  put(e, length);
  memcpy(e->head_at, bytes, length);
  e->head_at += length;
}

/// Gives `length` bytes a place in a stream.
static inline void put_piece(encoder *e, const uint8_t *bytes, size_t length, uint32_t hint) {
  uint32_t stream;
  if (length >= OWN_STREAM && e->stream_count < MWC_COLUMN_STREAMS_MAX) {
    stream = (uint32_t)e->stream_count++;
    e->streams[stream] = (mwc_column_stream){.bytes = bytes, .length = length, .hint = hint};
  } else {
    unsigned which = hint == MWC_COLUMN_NOISE ? 0 : 1;
    stream = STREAM_NOISE + which;
    e->shared[which][e->shared_count[which]++] = (piece){.bytes = bytes, .length = length};
    e->streams[stream].length += length;
  }
  e->piece_stream = stream;
  e->piece_length = length;
}

/// Where the text of a value that has changed stands.
static inline const uint8_t *text_of(const encoder *e, const mwc_split_change *change) {
  return e->bytes + change->place;
}

/// Writes numbers that belong to no column to the head, and where they are.
void mwc_column_put_numbers(encoder *e, const int64_t *values, size_t count);

/// Writes a column: its type and where it is to the head, its values to streams.
void mwc_column_put(encoder *e, const column *column);

#endif
