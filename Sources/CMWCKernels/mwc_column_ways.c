#include "mwc_column_ways.h"

/// Follows the only successors from a node to one where there are several, or to the end; 0 when
/// there is no end.
static uint32_t follow(const mwc_block *block, uint32_t node) {
  for (uint32_t i = 0; i <= block->node_count && node != 0; i++) {
    if (block->nodes[node].column == 0 || block->nodes[node].successor_count > 1) return node;
    node = block->nodes[node].next;
  }
  return 0;
}

/// The step behind `parent` that begins at `node`; 0 when there are too many, or none.
static uint32_t add_step(mwc_ways *ways, uint32_t parent, uint32_t node) {
  mwc_block *block = ways->block;
  uint32_t last = follow(block, node);
  if (last == 0 || ways->step_count >= MWC_STEPS_MAX) return 0;
  uint32_t *children = NULL;
  bool is_end = block->nodes[last].column == 0;
  if (is_end && ways->count >= MWC_WAYS_MAX) return 0;
  if (!is_end) {
    uint32_t successors = block->nodes[last].successor_count;
    children = mwc_block_take(block, successors, sizeof *children);
    if (children == NULL) return 0;
    memset(children, 0, successors * sizeof *children);
  }
  ways->steps[ways->step_count] = (mwc_step){.parent = parent,
                                             .first_node = node,
                                             .last_node = last,
                                             .children = children,
                                             .way = UINT32_MAX};
  if (is_end) {
    ways->steps[ways->step_count].way = ways->count;
    ways->ways[ways->count++] = (mwc_way){.step = ways->step_count};
  }
  return ways->step_count++;
}

/// Goes the way of the next record and notes which it is.
static bool go(mwc_ways *ways, uint32_t *found, size_t *visits) {
  mwc_block *block = ways->block;
  for (uint32_t at = 0;;) {
    const mwc_step *step = &ways->steps[at];
    if ((*visits)++ > block->visit_max) return false;
    if (step->way != UINT32_MAX) {
      *found = step->way;
      return true;
    }
    mwc_block_node *node = &block->nodes[step->last_node];
    uint64_t choice = 0;
    if (node->successor_count > 1) {
      if (node->choice_at >= node->choice_count) return false;
      choice = (uint64_t)node->choices[node->choice_at++];
    }
    if (choice >= node->successor_count) return false;
    uint32_t child = step->children[choice];
    if (child == 0) {
      child = add_step(ways, at, node->successors[choice]);
      if (child == 0) return false;
      ways->steps[at].children[choice] = child;
    }
    at = child;
  }
}

/// Lists the nodes of a way in their order. `total` are those of all ways so far.
static bool list_nodes(mwc_ways *ways, mwc_way *way, size_t *total) {
  const mwc_block_node *nodes = ways->block->nodes;
  uint32_t count = 0;
  for (uint32_t at = way->step; at != 0; at = ways->steps[at].parent) {
    const mwc_step *step = &ways->steps[at];
    for (uint32_t node = step->first_node;; node = nodes[node].next) {
      if (++count > MWC_WAY_NODES_MAX - *total) return false;
      if (node == step->last_node) break;
    }
  }
  *total += count;
  way->nodes = mwc_block_take(ways->block, count, sizeof *way->nodes);
  way->node_count = count;
  if (way->nodes == NULL) return false;
  // From the last step to the first, each from its first node on.
  for (uint32_t at = way->step, end = count; at != 0; at = ways->steps[at].parent) {
    const mwc_step *step = &ways->steps[at];
    uint32_t length = 1;
    for (uint32_t node = step->first_node; node != step->last_node; node = nodes[node].next)
      length++;
    uint32_t place = end - length;
    end = place;
    for (uint32_t node = step->first_node;; node = nodes[node].next) {
      way->nodes[place++] = node;
      if (node == step->last_node) break;
    }
  }
  return true;
}

bool mwc_ways_find(mwc_ways *ways, mwc_block *block) {
  *ways = (mwc_ways){.block = block, .step_count = 1};
  uint32_t successors = block->nodes[0].successor_count;
  ways->steps = mwc_block_take(block, MWC_STEPS_MAX, sizeof *ways->steps);
  ways->ways = mwc_block_take(block, MWC_WAYS_MAX, sizeof *ways->ways);
  ways->of_record = mwc_block_take(block, block->record_count, sizeof *ways->of_record);
  uint32_t *children = mwc_block_take(block, successors, sizeof *children);
  if (block->head.failed) return false;
  memset(children, 0, successors * sizeof *children);
  ways->steps[0] = (mwc_step){.children = children, .way = UINT32_MAX};
  size_t visits = 0, nodes = 0;
  for (size_t i = 0; i < block->record_count; i++) {
    if (!go(ways, &ways->of_record[i], &visits)) return false;
  }
  for (uint32_t i = 0; i < ways->count; i++) {
    if (!list_nodes(ways, &ways->ways[i], &nodes)) return false;
  }
  for (uint32_t i = 0; i < block->node_count; i++) {
    mwc_block_node *node = &block->nodes[i];
    // Every choice is used up.
    if (node->successor_count > 1 && node->choice_at != node->choice_count) return false;
    node->choice_at = 0;
  }
  return true;
}

bool mwc_ways_time(const mwc_ways *ways) {
  mwc_block *block = ways->block;
  if (!block->has_timed) return true;
  // The timed columns of each way, in the order of their visits; 0: no more.
  uint32_t **timed = mwc_block_take(block, ways->count, sizeof *timed);
  if (timed == NULL) return false;
  for (uint32_t i = 0; i < ways->count; i++) {
    const mwc_way *way = &ways->ways[i];
    uint32_t count = 0;
    for (uint32_t j = 0; j < way->node_count; j++)
      count += block->columns[block->nodes[way->nodes[j]].column].messages != NULL;
    timed[i] = mwc_block_take(block, count + 1, sizeof **timed);
    if (timed[i] == NULL) return false;
    uint32_t *at = timed[i];
    for (uint32_t j = 0; j < way->node_count; j++) {
      uint32_t column = block->nodes[way->nodes[j]].column;
      if (column != 0 && block->columns[column].messages != NULL) *at++ = column;
    }
    *at = 0;
  }
  for (size_t i = 0; i < block->record_count; i++) {
    for (const uint32_t *at = timed[ways->of_record[i]]; *at != 0; at++) {
      mwc_block_column *column = &block->columns[*at];
      if (column->message_count < column->timed_count)
        column->messages[column->message_count++] = (uint32_t)i;
    }
  }
  return true;
}
