/// Cutting messages into literals and values: the first half of the encoder.
#ifndef MWC_COLUMN_SPLIT_H
#define MWC_COLUMN_SPLIT_H

#include "mwc_column_internal.h"

/// Nodes that are always there.
enum { MWC_NODE_START = 0, MWC_NODE_BYTES = 1, MWC_NODE_EMPTY = 2, MWC_NODE_FIRST = 3 };

/// Columns that are always there: none at all, and messages as a whole.
enum { MWC_SPLIT_NONE = 0, MWC_SPLIT_BYTES = 1, MWC_SPLIT_FIRST = 2 };

/// How a node ends its literal and what comes then.
enum { MWC_NODE_WORD = 0, MWC_NODE_STRING = 1, MWC_NODE_WHOLE = 2, MWC_NODE_END = 3 };

enum {
  /// Messages that are remembered as models, and visits of one.
  MWC_SPLIT_MODELS = 32,
  MWC_SPLIT_MODEL_VISITS = 512,
};

/// A way from a node to one that may follow.
typedef struct mwc_column_edge {
  uint32_t node;
  uint32_t next;  ///< the next edge of the same node; 0: none
} mwc_column_edge;

typedef struct mwc_split_node {
  const uint8_t *literal;  ///< readable for 8 bytes more than its length
  uint32_t literal_length;
  uint8_t form;  ///< MWC_NODE_WORD …
  uint32_t first_edge, last_edge, edge_count;
  uint32_t likely;       ///< where it went last time
  uint32_t likely_rank;  ///< the how manieth edge that is
  uint32_t column;       ///< of its value
  uint32_t visits;
  uint32_t choice_changes;  ///< of the successor
  uint64_t hash;
} mwc_split_node;

/// The values of all nodes that stand at the same place of a message.
typedef struct mwc_split_column {
  uint64_t path;
  uint8_t form;  ///< MWC_NODE_WORD …
  uint32_t visits;
  uint32_t changes;
  uint32_t last, last_length;  ///< the value: place and length
} mwc_split_column;

/// From visit `visit` of column `owner` on, its value is this; or from visit `visit` of node `owner`
/// on, its successor is the `place`-th of its edges, the node `length`.
typedef struct mwc_split_change {
  uint32_t owner, visit, place, length;
} mwc_split_change;

typedef struct mwc_split_visit {
  uint32_t node, place, length;
  uint32_t known;  ///< where the same value stands, if that is known
} mwc_split_visit;

/// How the last message that began with some node was cut: the next one is often nearly the same.
typedef struct mwc_split_model {
  uint32_t first;  ///< the node; 0: none
  uint32_t end;    ///< of the message
  uint32_t count;  ///< of its visits
  mwc_split_visit *visits;
} mwc_split_model;

/// The state of cutting; all pointers are into the memory of the encoder.
typedef struct mwc_split {
  const uint8_t *bytes;
  mwc_split_node *nodes;
  uint32_t node_count;
  mwc_split_column *columns;
  uint32_t column_count;
  mwc_column_edge *edges;
  uint32_t edge_count;
  uint16_t *table;         ///< node by hash; 0: free
  uint16_t *column_table;  ///< column by hash; 0: free
  uint8_t *literals, *literals_end;
  mwc_split_change *changes, *choices;
  size_t change_count, choice_count;
  mwc_split_visit *visits;  ///< of the message at hand
  mwc_split_model *models;  ///< by the number of their first node, modulo MWC_SPLIT_MODELS
  size_t visit_room;        ///< how many more visits there may be
  size_t visit_total;
  size_t learned_visits;  ///< visits of messages that are cut
  uint32_t type_count;    ///< strings taken for the type of a message
} mwc_split;

/// Takes the memory for messages of `bytes` together; false when there is not enough.
bool mwc_split_init(mwc_split *split, mwc_arena *arena, const uint8_t *bytes, size_t size,
                    size_t records);

/// Cuts one message, or takes it as a whole.
void mwc_split_message(mwc_split *split, uint32_t place, uint32_t length, bool is_text);

#endif
