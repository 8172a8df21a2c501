/// A block in columns as its head describes it; columns are decoded when somebody asks for them.
#ifndef MWC_COLUMN_BLOCK_H
#define MWC_COLUMN_BLOCK_H

#include "mwc_column_model.h"

/// Where the texts of a column stand.
enum {
  MWC_TEXTS_CONSTANT = 1,  ///< one for all
  MWC_TEXTS_16 = 2,        ///< 16 bytes each, the last one is the length
  MWC_TEXTS_32 = 3,        ///< 32 bytes each, the last one is the length
  MWC_TEXTS_TABLE = 4,     ///< place and length each
};

/// What the texts of a column have in common.
enum {
  MWC_LOOK_ANY = 0,
  MWC_LOOK_INTEGER = 1,  ///< numbers without a fraction
  MWC_LOOK_DECIMAL = 2,  ///< numbers with one
  MWC_LOOK_PLAIN = 3,    ///< no backslash
};

typedef struct mwc_column_place {
  uint32_t offset, length;
} mwc_column_place;

typedef struct mwc_block_column {
  uint8_t type;
  uint8_t texts;  ///< MWC_TEXTS_CONSTANT …; 0: not decoded yet
  uint8_t look;   ///< what the texts have in common: MWC_LOOK_ANY …
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
  const int64_t *values;  ///< of numbers, for columns that are predicted from them
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

/// Decodes a column, and those that it is predicted from.
bool mwc_block_load(mwc_block *block, uint32_t column);

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

/// The text of a visit of a decoded column; readable for 32 bytes, whatever its length.
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

/// Copies a text in steps of 32 bytes: up to 31 more are written and read.
static inline void mwc_copy_text(uint8_t *to, const uint8_t *from, size_t length) {
  size_t at = 0;
  do {
    memcpy(to + at, from + at, 32);
    at += 32;
  } while (at < length);
}

#endif
