/// From the streams of a block to its records.
#include "mwc_column_block.h"

size_t mwc_column_decoder_size(size_t stored, size_t raw) {
  return ((size_t)4 << 20) + 8 * stored + 20 * raw;
}

int64_t mwc_column_count(const uint8_t *head, size_t length) {
  mwc_column_cursor cursor = {.at = head, .end = head + length};
  uint64_t count = mwc_get_limited(&cursor, MWC_COLUMN_RAW_MAX / 16);
  return cursor.failed ? MWC_COLUMN_E_MALFORMED : (int64_t)count;
}

int64_t mwc_column_decode(void *memory, size_t size, const mwc_column_stream *streams,
                          size_t stream_count, mwc_column_source source, void *context,
                          int64_t base_wall, int64_t base_monotonic, uint8_t *bytes,
                          size_t capacity, mwc_entry *entries, size_t entry_capacity) {
  mwc_block block;
  if (!mwc_block_open(&block, memory, size, streams, stream_count, source, context, base_wall,
                      base_monotonic, capacity, entry_capacity))
    return MWC_COLUMN_E_MALFORMED;
  uint32_t *order = mwc_block_take(&block, block.record_count, sizeof *order);
  if (order == NULL || !mwc_block_order(&block, order)) return MWC_COLUMN_E_MALFORMED;
  for (uint32_t i = 1; i < block.column_count; i++) {
    if (!mwc_block_load(&block, i)) return MWC_COLUMN_E_MALFORMED;
  }

  uint8_t *at = bytes, *end = bytes + capacity;
  size_t visits = 0;
  uint32_t number = 0, record = 0;
  mwc_block_node *nodes = block.nodes;
  for (uint32_t which = 0; which < block.source_count; which++) {
    for (; record < block.starts[which + 1]; record++) {
      uint8_t *start = at;
      for (number = 0;;) {
        number = mwc_block_next(&nodes[number]);
        if (number == 0 || visits++ > block.visit_max) return MWC_COLUMN_E_MALFORMED;
        const mwc_block_node *node = &nodes[number];
        if (node->literal_length > (size_t)(end - at)) return MWC_COLUMN_E_MALFORMED;
        mwc_copy_text(at, node->literal, node->literal_length);
        at += node->literal_length;
        if (node->column == 0) break;
        mwc_block_column *column = &block.columns[node->column];
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
    if (block.columns[i].at != block.columns[i].count) return MWC_COLUMN_E_MALFORMED;
  }
  return at - bytes;
}
