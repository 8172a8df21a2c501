/// From the streams of a block to the values of a few paths.
#include "mwc_column_block.h"
#include "mwc_json.h"

enum {
  STEPS_MAX = 4096,
  LEAVES_MAX = 1024,
  COLUMNS_MAX = 256,
  TEMPLATE_MAX = 64 << 10,
  NOWHERE = UINT32_MAX,
};

/// A way from the beginning of a message to the next node where there is more than one.
typedef struct step {
  uint32_t parent;
  uint32_t first_node;  ///< where it begins, behind the parent's last node
  uint32_t last_node;
  uint32_t *children;  ///< by choice; 0: not gone yet
  uint32_t leaf;       ///< of a way to the end; NOWHERE: not all the way
} step;

/// A value that changes from message to message.
typedef struct change {
  uint32_t path;
  uint32_t column;  ///< index in `wanted`
  uint32_t visit;   ///< of that column within the message
  uint32_t place;   ///< in `json`
  bool is_string;
} change;

/// What messages that went the same way have in common.
typedef struct leaf {
  bool is_whole;
  uint32_t step;
  uint8_t *json;
  size_t length;
  mwc_json_value *values;
  change *changes;
  uint32_t change_count;
  uint32_t *visits;  ///< of the wanted columns, in one message
} leaf;

struct mwc_column_reader {
  mwc_block block;
  int64_t base_monotonic;
  size_t path_count;
  step *steps;
  uint32_t step_count;
  leaf *leaves;
  uint32_t leaf_count;
  uint32_t *wanted;
  uint32_t wanted_count;
  uint32_t *leaf_of;  ///< by record
  uint32_t *cursors;  ///< by record: the first visit of each wanted column
  uint32_t *records;  ///< by order of arrival
  uint32_t *source_of;
  size_t next;
};

/// Follows the only ways from a node to one where there are several, or to the end.
static uint32_t follow(const mwc_block *block, uint32_t node) {
  for (uint32_t i = 0; i <= block->node_count && node != 0; i++) {
    if (block->nodes[node].column == 0 || block->nodes[node].successor_count > 1) return node;
    node = block->nodes[node].next;
  }
  return 0;
}

/// The step behind `parent` that begins at `node`; 0 when there are too many, or none.
static uint32_t add_step(mwc_column_reader *r, uint32_t parent, uint32_t node) {
  uint32_t last = follow(&r->block, node);
  if (last == 0 || r->step_count >= STEPS_MAX) return 0;
  uint32_t *children = NULL;
  uint32_t successors = r->block.nodes[last].successor_count;
  bool is_end = r->block.nodes[last].column == 0;
  if (is_end && r->leaf_count >= LEAVES_MAX) return 0;
  if (!is_end) {
    children = mwc_block_take(&r->block, successors, sizeof *children);
    if (children == NULL) return 0;
    memset(children, 0, successors * sizeof *children);
  }
  r->steps[r->step_count] = (step){.parent = parent,
                                   .first_node = node,
                                   .last_node = last,
                                   .children = children,
                                   .leaf = NOWHERE};
  if (is_end) {
    r->steps[r->step_count].leaf = r->leaf_count;
    r->leaves[r->leaf_count++] = (leaf){.step = r->step_count};
  }
  return r->step_count++;
}

/// Goes the way of the next message; its leaf, or NOWHERE when there are too many. False when the
/// block is malformed.
static bool walk(mwc_column_reader *r, uint32_t *found, size_t *steps) {
  uint32_t at = 0;
  *found = NOWHERE;
  for (;;) {
    const step *step = &r->steps[at];
    mwc_block_node *node = &r->block.nodes[step->last_node];
    if ((*steps)++ > r->block.visit_max) return false;
    if (step->leaf != NOWHERE) {
      *found = step->leaf;
      return true;
    }
    uint64_t choice = 0;
    if (node->successor_count > 1) {
      if (node->choice_at >= node->choice_count) return false;
      choice = (uint64_t)node->choices[node->choice_at++];
    }
    if (choice >= node->successor_count) return false;
    uint32_t child = step->children[choice];
    if (child == 0) {
      uint32_t successor = node->successors[choice];
      child = add_step(r, at, successor);
      if (r->block.head.failed || successor == 0) return false;
      if (child == 0) {
        // Too many ways: to the end without remembering them.
        for (uint32_t number = successor;;) {
          if (number == 0 || (*steps)++ > r->block.visit_max) return false;
          if (r->block.nodes[number].column == 0) return true;
          number = mwc_block_next(&r->block.nodes[number]);
        }
      }
      r->steps[at].children[choice] = child;
    }
    at = child;
  }
}

// MARK: Where values stand

typedef struct slot {
  uint32_t place, column, visit;
} slot;

/// The number of a wanted column, which it becomes; NOWHERE when there are too many.
static uint32_t want(mwc_column_reader *r, uint32_t column) {
  for (uint32_t i = 0; i < r->wanted_count; i++) {
    if (r->wanted[i] == column) return i;
  }
  if (r->wanted_count >= COLUMNS_MAX) return NOWHERE;
  r->wanted[r->wanted_count] = column;
  return r->wanted_count++;
}

/// The nodes of a leaf, in their order; how many.
static size_t nodes_of(const mwc_column_reader *r, const leaf *leaf, uint32_t *nodes, size_t most) {
  uint32_t steps[64];
  size_t depth = 0, count = 0;
  for (uint32_t at = leaf->step; at != 0; at = r->steps[at].parent) {
    if (depth == 64) return 0;
    steps[depth++] = at;
  }
  while (depth-- > 0) {
    const step *step = &r->steps[steps[depth]];
    for (uint32_t node = step->first_node;; node = r->block.nodes[node].next) {
      if (count == most) return 0;
      nodes[count++] = node;
      if (node == step->last_node) break;
    }
  }
  return count;
}

/// Looks at a message of this way without its values, and notes which of them are wanted. False when
/// there is no memory.
static bool look(mwc_column_reader *r, leaf *leaf, mwc_json_scanner *scanner,
                 const uint8_t *is_presence, uint32_t *nodes, slot *slots, uint32_t *visits) {
  size_t count = nodes_of(r, leaf, nodes, STEPS_MAX);
  leaf->is_whole = count == 0 || !r->block.is_valid;
  size_t length = 0;
  for (size_t i = 0; i < count && !leaf->is_whole; i++) {
    const mwc_block_node *node = &r->block.nodes[nodes[i]];
    length += node->literal_length + 1;
    if (length > TEMPLATE_MAX || r->block.columns[node->column].type == MWC_TYPE_BYTES)
      leaf->is_whole = true;
  }
  if (leaf->is_whole) return true;
  leaf->json = mwc_block_take(&r->block, length, 1);
  leaf->values = mwc_block_take(&r->block, r->path_count, sizeof *leaf->values);
  leaf->changes = mwc_block_take(&r->block, r->path_count, sizeof *leaf->changes);
  if (leaf->json == NULL || leaf->values == NULL || leaf->changes == NULL) return false;
  uint8_t *at = leaf->json;
  size_t slot_count = 0;
  memset(visits, 0, r->block.column_count * sizeof *visits);
  for (size_t i = 0; i < count; i++) {
    const mwc_block_node *node = &r->block.nodes[nodes[i]];
    memcpy(at, node->literal, node->literal_length);
    at += node->literal_length;
    if (node->column == 0) break;
    slots[slot_count++] = (slot){.place = (uint32_t)(at - leaf->json),
                                 .column = node->column,
                                 .visit = visits[node->column]++};
    bool is_string = node->literal_length > 0 && at[-1] == '"';
    if (!is_string) *at++ = '0';
  }
  leaf->length = (size_t)(at - leaf->json);
  size_t offset;
  if (mwc_json_scan(scanner, leaf->json, leaf->length, leaf->values, &offset) != 0) {
    leaf->is_whole = true;
    return true;
  }
  for (size_t path = 0; path < r->path_count; path++) {
    const mwc_json_value *value = &leaf->values[path];
    if (value->type == MWC_JSON_MISSING) continue;
    size_t first = 0, last = slot_count;
    while (first < last) {
      size_t middle = (first + last) / 2;
      if (slots[middle].place < value->offset) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    bool is_container = value->type == MWC_JSON_ARRAY || value->type == MWC_JSON_OBJECT;
    bool has_slot = first < slot_count && slots[first].place <= value->offset + value->length;
    if (is_container) {
      if (has_slot && !is_presence[path]) leaf->is_whole = true;
      continue;
    }
    if (first == slot_count || slots[first].place != value->offset) continue;
    uint32_t column = want(r, slots[first].column);
    if (column == NOWHERE) {
      leaf->is_whole = true;
      continue;
    }
    leaf->changes[leaf->change_count++] = (change){.path = (uint32_t)path,
                                                   .column = column,
                                                   .visit = slots[first].visit,
                                                   .is_string = value->type == MWC_JSON_STRING};
  }
  return true;
}

/// Gives the changing values of a leaf room behind the message without values.
static bool make_room(mwc_column_reader *r, leaf *leaf) {
  if (leaf->is_whole) return true;
  size_t size = leaf->length + 1;
  for (uint32_t i = 0; i < leaf->change_count; i++) {
    const mwc_block_column *column = &r->block.columns[r->wanted[leaf->changes[i].column]];
    size_t longest = 32;
    if (column->texts == MWC_TEXTS_CONSTANT) longest = column->length;
    for (size_t j = 0; column->texts == MWC_TEXTS_TABLE && j < column->count; j++) {
      if (column->table[j].length > longest) longest = column->table[j].length;
    }
    leaf->changes[i].place = (uint32_t)size;
    size += longest + 32;
    if (size > UINT32_MAX / 2) return false;
  }
  uint8_t *json = mwc_block_take(&r->block, size + 32, 1);
  if (json == NULL) return false;
  memset(json, ' ', size + 32);
  memcpy(json, leaf->json, leaf->length);
  leaf->json = json;
  leaf->length = size;
  return true;
}

/// Counts the visits of the wanted columns in one message of each leaf.
static bool count_visits(mwc_column_reader *r, leaf *leaf, uint32_t *nodes, uint32_t *wanted_of) {
  leaf->visits = mwc_block_take(&r->block, r->wanted_count, sizeof *leaf->visits);
  if (leaf->visits == NULL) return false;
  memset(leaf->visits, 0, r->wanted_count * sizeof *leaf->visits);
  size_t count = nodes_of(r, leaf, nodes, STEPS_MAX);
  for (size_t i = 0; i < count; i++) {
    uint32_t column = wanted_of[r->block.nodes[nodes[i]].column];
    if (column != NOWHERE) leaf->visits[column]++;
  }
  return count > 0;
}

// MARK: Opening

/// Goes through all records once more and notes where each begins in the wanted columns.
static bool place_cursors(mwc_column_reader *r, const uint32_t *wanted_of) {
  mwc_block *block = &r->block;
  uint32_t now[COLUMNS_MAX] = {0};
  for (uint32_t i = 0; i < block->node_count; i++) block->nodes[i].choice_at = 0;
  bool is_short = true;
  for (size_t i = 0; i < block->record_count; i++) {
    is_short &= r->leaf_of[i] != NOWHERE && r->leaves[r->leaf_of[i]].visits != NULL;
  }
  for (size_t i = 0; i < block->record_count; i++) {
    memcpy(r->cursors + i * r->wanted_count, now, r->wanted_count * sizeof *now);
    if (is_short) {
      const uint32_t *visits = r->leaves[r->leaf_of[i]].visits;
      for (uint32_t j = 0; j < r->wanted_count; j++) now[j] += visits[j];
      continue;
    }
    for (uint32_t at = 0;;) {
      at = mwc_block_next(&block->nodes[at]);
      if (at == 0) return false;
      if (block->nodes[at].column == 0) break;
      uint32_t column = wanted_of[block->nodes[at].column];
      if (column != NOWHERE) now[column]++;
    }
  }
  for (uint32_t i = 0; i < r->wanted_count; i++) {
    if (now[i] != block->columns[r->wanted[i]].count) return false;
  }
  return true;
}

static bool prepare(mwc_column_reader *r, mwc_json_scanner *scanner, const uint8_t *is_presence) {
  mwc_block *block = &r->block;
  size_t count = block->record_count;
  r->steps = mwc_block_take(block, STEPS_MAX, sizeof *r->steps);
  r->leaves = mwc_block_take(block, LEAVES_MAX, sizeof *r->leaves);
  r->wanted = mwc_block_take(block, COLUMNS_MAX, sizeof *r->wanted);
  r->leaf_of = mwc_block_take(block, count, sizeof *r->leaf_of);
  r->records = mwc_block_take(block, count, sizeof *r->records);
  r->source_of = mwc_block_take(block, count, sizeof *r->source_of);
  uint32_t *order = mwc_block_take(block, count, sizeof *order);
  uint32_t *nodes = mwc_block_take(block, STEPS_MAX, sizeof *nodes);
  slot *slots = mwc_block_take(block, STEPS_MAX, sizeof *slots);
  uint32_t *visits = mwc_block_take(block, block->column_count, sizeof *visits);
  uint32_t *wanted_of = mwc_block_take(block, block->column_count, sizeof *wanted_of);
  uint32_t *children = mwc_block_take(block, block->nodes[0].successor_count, sizeof *children);
  if (block->head.failed || !mwc_block_order(block, order)) return false;
  memset(children, 0, block->nodes[0].successor_count * sizeof *children);
  r->steps[0] = (step){.children = children, .leaf = NOWHERE};
  r->step_count = 1;
  for (uint32_t source = 0; source < block->source_count; source++) {
    for (uint32_t i = block->starts[source]; i < block->starts[source + 1]; i++)
      r->source_of[i] = source;
  }
  size_t steps = 0;
  for (size_t i = 0; i < count; i++) {
    r->records[order[i]] = (uint32_t)i;
    if (!walk(r, &r->leaf_of[i], &steps)) return false;
  }
  for (uint32_t i = 0; i < r->leaf_count; i++) {
    if (!look(r, &r->leaves[i], scanner, is_presence, nodes, slots, visits)) return false;
  }
  memset(wanted_of, 0xFF, block->column_count * sizeof *wanted_of);
  for (uint32_t i = 0; i < r->wanted_count; i++) {
    wanted_of[r->wanted[i]] = i;
    if (!mwc_block_load(block, r->wanted[i])) return false;
  }
  r->cursors = mwc_block_take(block, count * r->wanted_count + 1, sizeof *r->cursors);
  if (r->cursors == NULL) return false;
  for (uint32_t i = 0; i < r->leaf_count; i++) {
    if (!make_room(r, &r->leaves[i])) return false;
    // Where a way is too long to be listed, it is gone once more.
    if (!count_visits(r, &r->leaves[i], nodes, wanted_of)) r->leaves[i].visits = NULL;
  }
  return !block->head.failed && place_cursors(r, wanted_of);
}

mwc_column_reader *mwc_column_reader_open(void *memory, size_t size,
                                          const mwc_column_stream *streams, size_t stream_count,
                                          mwc_column_source source, void *context,
                                          int64_t base_wall, int64_t base_monotonic,
                                          size_t capacity, size_t entry_capacity,
                                          mwc_json_scanner *scanner, size_t path_count,
                                          const uint8_t *is_presence, int *error) {
  *error = MWC_COLUMN_E_MALFORMED;
  uint8_t *start = (uint8_t *)memory + (15 & (0 - (uintptr_t)memory));
  size_t used = (size_t)(start - (uint8_t *)memory) + ((sizeof(mwc_column_reader) + 15) & ~(size_t)15);
  if (size < used + (1 << 20)) return NULL;
  mwc_column_reader *reader = (mwc_column_reader *)(void *)start;
  memset(reader, 0, sizeof *reader);
  reader->base_monotonic = base_monotonic;
  reader->path_count = path_count;
  if (!mwc_block_open(&reader->block, (uint8_t *)memory + used, size - used, streams, stream_count,
                      source, context, base_wall, base_monotonic, capacity, entry_capacity) ||
      !prepare(reader, scanner, is_presence))
    return NULL;
  *error = 0;
  return reader;
}

// MARK: Values

/// Says what a word is.
static void classify(mwc_json_value *value, const uint8_t *text, size_t length) {
  value->flags = 0;
  switch (text[0]) {
    case 't': value->type = MWC_JSON_TRUE; return;
    case 'f': value->type = MWC_JSON_FALSE; return;
    case 'n': value->type = MWC_JSON_NULL; return;
    default: break;
  }
  value->type = MWC_JSON_NUMBER;
  value->flags = MWC_JSON_INTEGER;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '.' || (text[i] | 0x20) == 'e') value->flags = 0;
  }
}

int mwc_column_reader_next(mwc_column_reader *r, mwc_entry *entry, const uint8_t **json,
                           size_t *length, const mwc_json_value **values) {
  mwc_block *block = &r->block;
  if (r->next >= block->record_count) return MWC_COLUMN_ENDED;
  uint32_t record = r->records[r->next++];
  uint32_t source = block->sources[r->source_of[record]];
  memset(entry, 0, sizeof *entry);
  entry->wall_ns = block->walls[record];
  entry->monotonic_ns = mwc_add(block->times[record], r->base_monotonic);
  entry->connection = source >> 1;
  entry->direction = source & 1;
  entry->kind = (uint8_t)block->kinds[record];
  uint32_t number = r->leaf_of[record];
  if (number == NOWHERE || r->leaves[number].is_whole) return MWC_COLUMN_WHOLE;
  const leaf *leaf = &r->leaves[number];
  const uint32_t *cursors = r->cursors + (size_t)record * r->wanted_count;
  for (uint32_t i = 0; i < leaf->change_count; i++) {
    const change *change = &leaf->changes[i];
    const mwc_block_column *column = &block->columns[r->wanted[change->column]];
    size_t text_length;
    const uint8_t *text =
        mwc_block_text(column, cursors[change->column] + change->visit, &text_length);
    mwc_copy_text(leaf->json + change->place, text, text_length);
    mwc_json_value *value = &leaf->values[change->path];
    value->offset = change->place;
    value->length = (uint32_t)text_length;
    switch (column->look) {
      case MWC_LOOK_INTEGER: value->flags = change->is_string ? 0 : MWC_JSON_INTEGER; break;
      case MWC_LOOK_DECIMAL:
      case MWC_LOOK_PLAIN: value->flags = 0; break;
      default:
        if (!change->is_string) {
          classify(value, text, text_length);
        } else {
          value->flags = memchr(text, '\\', text_length) != NULL ? MWC_JSON_ESCAPED : 0;
        }
    }
    if (column->look != MWC_LOOK_ANY && !change->is_string) value->type = MWC_JSON_NUMBER;
  }
  *json = leaf->json;
  *length = leaf->length;
  *values = leaf->values;
  return MWC_COLUMN_VALUES;
}
