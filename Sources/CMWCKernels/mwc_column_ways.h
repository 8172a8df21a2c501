/// The ways that messages take through the nodes of a block. Messages that go the same way differ in
/// nothing but the values on it, so what is found out for a way holds for all of them.
///
/// ```
///   ways 0 and 1 begin with the same nodes:      step 1 ── step 2 = way 0
///                                                     └─── step 3 = way 1
/// ```
#ifndef MWC_COLUMN_WAYS_H
#define MWC_COLUMN_WAYS_H

#include "mwc_column_block.h"

enum {
  /// Most steps, and most ways, of a block that are remembered. A stream has a few ways for each kind
  /// of message; a block with more is put together as a whole.
  MWC_STEPS_MAX = 4096,
  MWC_WAYS_MAX = 1024,
  /// Most nodes of all ways together, as each of them lists its own.
  MWC_WAY_NODES_MAX = 1 << 18,
};

/// Nodes up to the next one where there is more than one way to go.
typedef struct mwc_step {
  uint32_t parent;
  uint32_t first_node;  ///< where it begins, behind the parent's last node
  uint32_t last_node;
  uint32_t *children;  ///< steps by choice; 0: not gone yet
  uint32_t way;        ///< that ends here; UINT32_MAX: none
} mwc_step;

/// A way from the beginning of a message to its end.
typedef struct mwc_way {
  uint32_t step;  ///< its last one
  uint32_t *nodes;
  uint32_t node_count;
} mwc_way;

typedef struct mwc_ways {
  mwc_block *block;
  mwc_step *steps;
  uint32_t step_count;
  mwc_way *ways;
  uint32_t count;
  uint32_t *of_record;  ///< the way of each record, by source
} mwc_ways;

/// Finds the ways of all records. False when the block is malformed or has too many; what is in the
/// block is then of no use to the caller.
bool mwc_ways_find(mwc_ways *ways, mwc_block *block);

/// Does what `mwc_block_time` does, by ways. False when there is no memory.
bool mwc_ways_time(const mwc_ways *ways);

#endif
