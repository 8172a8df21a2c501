/// A block in columns as its head describes it; columns are decoded when somebody asks for them.
#ifndef MWC_COLUMN_BLOCK_H
#define MWC_COLUMN_BLOCK_H

#include "mwc_column_model.h"

/// Where the texts of a column stand.
enum {
  MWC_TEXTS_NUMBERS = 0,   ///< nowhere: they are to be spelled
  MWC_TEXTS_CONSTANT = 1,  ///< one for all
  MWC_TEXTS_16 = 2,        ///< 16 bytes each, the last one is the length
  MWC_TEXTS_32 = 3,        ///< 32 bytes each, the last one is the length
  MWC_TEXTS_TABLE = 4,     ///< place and length each
};

typedef struct mwc_column_place {
  uint32_t offset, length;
} mwc_column_place;

/// Visits that have another text than their number says.
typedef struct mwc_column_exception {
  size_t first, count;
  const uint8_t *text;
  size_t length;
} mwc_column_exception;

typedef struct mwc_block_column {
  uint8_t type;
  uint8_t texts;   ///< MWC_TEXTS_NUMBERS …
  bool is_loaded;  ///< whether there is all that the texts are made of
  bool is_visited;  ///< a node leads here; otherwise other columns need it
  const uint8_t *base;
  size_t length;  ///< of a constant
  const mwc_column_place *table;
  size_t at;     ///< the next value
  size_t count;  ///< of values
  // What the head says of it.
  const uint8_t *description;
  size_t description_length;
  size_t stream, piece, piece_length, bits, bits_length;
  uint32_t *messages;  ///< of each visit, where the times of records are needed
  size_t message_count, timed_count;
  const int64_t *values;  ///< of numbers, dates, floats; of choices: which text
  // How they are spelled.
  uint8_t most, least;  ///< decimal places of numbers
  uint8_t shift;        ///< of floats
  mwc_date_form form;
  mwc_date_memo day;
  const mwc_column_place *choices;  ///< texts at `base`
  size_t choice_count;
  size_t width;  ///< bytes of an identifier in hexadecimal digits
  const mwc_column_exception *exceptions;
  size_t exception_count;
} mwc_block_column;

typedef struct mwc_block_node {
  const uint8_t *literal;
  size_t literal_length;
  uint32_t column;  ///< 0: the message ends behind the literal
  uint32_t next;    ///< the only successor, or 0
  const uint32_t *successors;
  uint32_t successor_count;
  const int64_t *choices;
  size_t choice_at, choice_count;
} mwc_block_node;

typedef struct mwc_block {
  mwc_arena arena;
  mwc_column_cursor head;
  mwc_column_stream *streams;
  size_t *stream_at;
  size_t stream_count;
  mwc_column_source source;
  void *context;
  size_t bits_at;
  mwc_block_column *reading;  ///< the column that is being decoded, or NULL
  unsigned chain;             ///< how many columns wait for it
  bool is_valid;              ///< all that was cut is JSON
  bool has_timed;             ///< some columns have `messages`, which are to be filled in
  uint32_t source_count;
  uint32_t *sources;  ///< connection × 2 + direction
  uint32_t *starts;   ///< first record of each source, by source
  size_t record_count;
  const int64_t *kinds, *times, *order;
  int64_t *walls;
  mwc_block_node *nodes;
  uint32_t node_count;
  mwc_block_column *columns;  ///< from 1
  uint32_t column_count;
  size_t visit_max;
} mwc_block;

/// Reads the head. `capacity` are the bytes that all payloads may have together. False when it is
/// malformed, as below.
bool mwc_block_open(mwc_block *block, void *memory, size_t size, const mwc_column_stream *streams,
                    size_t stream_count, mwc_column_source source, void *context,
                    int64_t base_wall, int64_t base_monotonic, size_t capacity,
                    size_t entry_capacity);

/// Fills in the records of the visits of timed columns, going through the nodes of all messages. To be
/// done before any column is loaded.
bool mwc_block_time(mwc_block *block);

/// Decodes a column as far as to its numbers, and those that it is predicted from.
bool mwc_block_load(mwc_block *block, uint32_t column);

/// Loads a column and spells all its texts.
bool mwc_block_spell(mwc_block *block, uint32_t column);

/// Puts the number, in the order of arrival, of each record by source into `order`.
bool mwc_block_order(mwc_block *block, uint32_t *order);

/// Memory for `count` things of `size` bytes; NULL, and the block is malformed, when there is none.
void *mwc_block_take(mwc_block *block, size_t count, size_t size);

/// Where a message goes on behind a node; 0 when it cannot.
static inline uint32_t mwc_block_next(mwc_block_node *node) {
  if (node->successor_count <= 1) return node->next;
  if (node->choice_at >= node->choice_count) return 0;
  uint64_t choice = (uint64_t)node->choices[node->choice_at++];
  return choice < node->successor_count ? node->successors[choice] : 0;
}

/// The text of a visit of a spelled column; readable for 32 bytes, whatever its length.
static inline const uint8_t *mwc_block_text(const mwc_block_column *column, size_t visit,
                                            size_t *length) {
  switch (column->texts) {
    case MWC_TEXTS_16: {
      const uint8_t *text = column->base + 16 * visit;
      *length = text[15];
      return text;
    }
    case MWC_TEXTS_32: {
      const uint8_t *text = column->base + 32 * visit;
      *length = text[31];
      return text;
    }
    case MWC_TEXTS_TABLE: *length = column->table[visit].length;
      return column->base + column->table[visit].offset;
    default: *length = column->length; return column->base;
  }
}

enum {
  /// Bytes that a text may need to be spelled.
  MWC_TEXT_ROOM = 320,
};

/// The text of a visit of a loaded column, which is spelled in `room` where it stands nowhere yet;
/// readable for 32 bytes, whatever its length. `room` has MWC_TEXT_ROOM bytes.
const uint8_t *mwc_block_find(mwc_block_column *column, size_t visit, uint8_t *room,
                              size_t *length);

/// Copies a text in steps of 32 bytes: up to 31 more are written and read.
static inline void mwc_copy_text(uint8_t *to, const uint8_t *from, size_t length) {
  size_t at = 0;
  do {
    memcpy(to + at, from + at, 32);
    at += 32;
  } while (at < length);
}

#endif
