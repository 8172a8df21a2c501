/// From the streams of a block to its records.
#include "mwc_column_ways.h"

size_t mwc_column_decoder_size(size_t stored, size_t raw) {
  return ((size_t)4 << 20) + 8 * stored + 28 * raw;
}

int64_t mwc_column_count(const uint8_t *head, size_t length) {
  mwc_column_cursor cursor = {.at = head, .end = head + length};
  uint64_t count = mwc_get_limited(&cursor, MWC_COLUMN_RAW_MAX / 16);
  return cursor.failed ? MWC_COLUMN_E_MALFORMED : (int64_t)count;
}

/// What is written from a node on until something is to be looked up: its literal, then constants and
/// literals as long as there is only one way.
typedef struct run {
  const uint8_t *text;  ///< NULL: not joined yet; readable for 32 bytes more
  size_t length;
  uint32_t last;  ///< the node whose value, or successor, is to be looked up
} run;

/// Bytes that all runs may have together; beyond, a run is one literal.
enum { RUNS_MAX = 1 << 20 };

/// Joins the run that begins at a node. `joined` are the bytes of all runs so far.
static bool join(mwc_block *block, run *run, uint32_t node, size_t *joined) {
  const mwc_block_node *at = &block->nodes[node];
  size_t length = at->literal_length;
  uint32_t steps = 0;
  run->last = node;
  while (at->column != 0 && at->successor_count == 1 && at->next != 0 &&
         block->columns[at->column].texts == MWC_TEXTS_CONSTANT && steps < block->node_count) {
    length += block->columns[at->column].length;
    run->last = at->next;
    at = &block->nodes[at->next];
    length += at->literal_length;
    steps++;
    if (length > RUNS_MAX - *joined) break;
  }
  if (steps == block->node_count) return false;
  if (length > RUNS_MAX - *joined || steps == 0) {
    run->last = node;
    run->text = block->nodes[node].literal;
    run->length = block->nodes[node].literal_length;
    return true;
  }
  uint8_t *text = mwc_block_take(block, length + 32, 1);
  if (text == NULL) return false;
  *joined += length;
  run->text = text;
  run->length = length;
  for (uint32_t number = node;;) {
    at = &block->nodes[number];
    memcpy(text, at->literal, at->literal_length);
    text += at->literal_length;
    if (number == run->last && steps == 0) return true;
    memcpy(text, block->columns[at->column].base, block->columns[at->column].length);
    text += block->columns[at->column].length;
    number = at->next;
    steps--;
  }
}

int64_t mwc_column_decode(void *memory, size_t size, const mwc_column_stream *streams,
                          size_t stream_count, mwc_column_source source, void *context,
                          int64_t base_wall, int64_t base_monotonic, uint8_t *bytes,
                          size_t capacity, mwc_entry *entries, size_t entry_capacity) {
  mwc_block block;
  if (!mwc_block_open(&block, memory, size, streams, stream_count, source, context, base_wall,
                      base_monotonic, capacity, entry_capacity))
    return MWC_COLUMN_E_MALFORMED;
  if (block.has_timed) {
    mwc_ways ways;
    bool is_done = mwc_ways_find(&ways, &block) && mwc_ways_time(&ways);
    if (block.head.failed || (!is_done && !mwc_block_time(&block))) return MWC_COLUMN_E_MALFORMED;
  }
  uint32_t *order = mwc_block_take(&block, block.record_count, sizeof *order);
  if (order == NULL || !mwc_block_order(&block, order)) return MWC_COLUMN_E_MALFORMED;
  for (uint32_t i = 1; i < block.column_count; i++) {
    if (!mwc_block_spell(&block, i)) return MWC_COLUMN_E_MALFORMED;
  }

  run *runs = mwc_block_take(&block, block.node_count, sizeof *runs);
  if (runs == NULL) return MWC_COLUMN_E_MALFORMED;
  memset(runs, 0, block.node_count * sizeof *runs);

  uint8_t *at = bytes, *end = bytes + capacity;
  size_t visits = 0, joined = 0;
  uint32_t record = 0;
  mwc_block_node *nodes = block.nodes;
  for (uint32_t which = 0; which < block.source_count; which++) {
    for (; record < block.starts[which + 1]; record++) {
      uint8_t *start = at;
      for (uint32_t number = 0;;) {
        number = mwc_block_next(&nodes[number]);
        if (number == 0 || visits++ > block.visit_max) return MWC_COLUMN_E_MALFORMED;
        run *run = &runs[number];
        if (run->text == NULL && !join(&block, run, number, &joined))
          return MWC_COLUMN_E_MALFORMED;
        if (run->length > (size_t)(end - at)) return MWC_COLUMN_E_MALFORMED;
        mwc_copy_text(at, run->text, run->length);
        at += run->length;
        number = run->last;
        if (nodes[number].column == 0) break;
        mwc_block_column *column = &block.columns[nodes[number].column];
        if (column->at >= column->count) return MWC_COLUMN_E_MALFORMED;
        size_t length;
        const uint8_t *text = mwc_block_text(column, column->at++, &length);
        if (length > (size_t)(end - at)) return MWC_COLUMN_E_MALFORMED;
        mwc_copy_text(at, text, length);
        at += length;
      }
      mwc_entry *entry = &entries[order[record]];
      memset(entry, 0, sizeof *entry);
      entry->wall_ns = block.walls[record];
      entry->monotonic_ns = mwc_add(block.times[record], base_monotonic);
      entry->offset = (uint64_t)(start - bytes);
      entry->length = (uint32_t)(at - start);
      entry->connection = block.sources[which] >> 1;
      entry->direction = block.sources[which] & 1;
      entry->kind = (uint8_t)block.kinds[record];
    }
  }
  for (uint32_t i = 1; i < block.column_count; i++) {
    const mwc_block_column *column = &block.columns[i];
    if (column->is_visited && column->at != column->count && column->texts != MWC_TEXTS_CONSTANT)
      return MWC_COLUMN_E_MALFORMED;
  }
  return at - bytes;
}
