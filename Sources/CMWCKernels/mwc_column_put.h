// What the parts of the encoder share: the head of a block that is being written, and the streams
// that its values go to. `mwc_column_encode.c` knows records and nodes, `mwc_column_put.c` decides how
// a column is best spelled, `mwc_column_repeat.c` and `mwc_column_joined.c` which columns help it.
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
  /// Columns of distances that others may share.
  DISTANCES_MAX = 32,
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
  uint8_t form;     ///< MWC_NODE_WORD …
  bool is_part;     ///< of another column's texts
  const uint32_t *messages;
} column;

/// A column of distances: for each value 0, or how many values before it the same has been.
typedef struct distances {
  const int64_t *values;
  uint32_t count;
  uint32_t number;
  uint32_t fresh;  ///< how many are 0
} distances;

/// A block being written. All memory is in the arena.
typedef struct encoder {
  mwc_arena arena;
  const uint8_t *bytes;
  mwc_split split;
  uint8_t *head_at;      ///< where `put` writes
  uint8_t *description;  ///< of the column at hand
  uint8_t *columns_at;   ///< behind the columns that are finished
  uint32_t column_count;
  uint32_t spare_columns;  ///< how many more there may be that no node leads to
  uint8_t *bits, *bits_at;
  uint8_t *bits_mark;  ///< where those of the column at hand begin
  mwc_column_stream *streams;
  size_t stream_count;
  piece *shared[2];  ///< pieces of STREAM_NOISE and STREAM_TEXT
  size_t shared_count[2], shared_room;
  mwc_model_candidate *candidates;
  size_t candidate_count;
  distances distances[DISTANCES_MAX];
  size_t distances_count;
  const int64_t *walls;
  size_t record_count;
  uint32_t type;  ///< of the column at hand
  uint64_t piece_stream, piece_length;
  bool is_valid;  ///< all values so far can stand in JSON
  const uint32_t **messages;  ///< by column: the record of each visit, or NULL
} encoder;

static inline void put(encoder *e, uint64_t value) { e->head_at = mwc_put_varint(e->head_at, value); }
static inline void put_signed(encoder *e, int64_t value) { put(e, mwc_zigzag(value)); }

static inline void put_bytes(encoder *e, const uint8_t *bytes, size_t length) {
  memcpy(e->head_at, bytes, length);
  e->head_at += length;
}

static inline void put_text(encoder *e, const uint8_t *bytes, size_t length) {
  put(e, length);
  put_bytes(e, bytes, length);
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

/// Writes numbers of a column: `model` and `repeats` (a column of distances, or 0) to the head, the
/// rest to streams.
void mwc_column_put_model(encoder *e, const int64_t *values, size_t count, mwc_column_model *model,
                          const int64_t *predicted, uint32_t repeats);

/// Writes numbers of a column, predicted from other columns and repeated where that is shorter; other
/// columns may then be predicted from them, so they have to stay.
void mwc_column_put_predicted(encoder *e, const column *column, const int64_t *values,
                              unsigned places);

/// Writes numbers of a column that are nearly what is predicted.
void mwc_column_put_exact(encoder *e, const int64_t *values, uint32_t count,
                          mwc_column_model *model, int64_t *predicted);

/// Writes which text of a table each value is.
void mwc_column_put_choices(encoder *e, const int64_t *values, uint32_t count);

/// Finds out where values have been before and keeps it for the columns that follow, if that is often.
void mwc_column_note_repeats(encoder *e, const int64_t *values, uint32_t count);

/// Writes texts of the same build as texts between numbers, each a column. False: they are not.
bool mwc_column_put_joined(encoder *e, const column *column);

/// Writes a column: its type and where it is behind the columns before it, its values to streams.
/// Returns its number.
uint32_t mwc_column_put(encoder *e, const column *column);

/// Writes a column whose description is written. Returns its number.
uint32_t mwc_column_finish(encoder *e, uint32_t count);

#endif
