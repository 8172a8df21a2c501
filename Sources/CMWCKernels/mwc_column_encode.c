/// From records to the streams of a block.
#include "mwc_column_put.h"

enum {
  SOURCES_MAX = 2 * 4097,
};

/// Sorts changes by owner: `out[starts[owner]...]`, in their order.
static mwc_split_change *by_owner(encoder *e, const mwc_split_change *changes, size_t count,
                                 uint32_t *starts) {
  mwc_split_change *sorted = mwc_arena_take(&e->arena, count * sizeof *sorted + 16);
  uint32_t *next = mwc_arena_take(&e->arena, MWC_COLUMN_NODES_MAX * sizeof *next);
  memcpy(next, starts, MWC_COLUMN_NODES_MAX * sizeof *next);
  for (size_t i = 0; i < count; i++) sorted[next[changes[i].owner]++] = changes[i];
  return sorted;
}

static void put_choices(encoder *e, const mwc_split_change *changes, uint32_t change_count,
                        uint32_t count, uint32_t removed) {
  int64_t *values = mwc_arena_take(&e->arena, count * sizeof *values);
  for (uint32_t i = 0; i < change_count; i++) {
    uint32_t end = i + 1 < change_count ? changes[i + 1].visit : count;
    for (uint32_t visit = changes[i].visit; visit < end; visit++) {
      values[visit] = changes[i].place - removed;
    }
  }
  put(e, count);
  mwc_column_put_numbers(e, values, count);
}

/// Whether a column may want to know when its records came: its first value looks like a time.
static bool is_like_time(const encoder *e, const mwc_split_change *change) {
  mwc_date_form form;
  mwc_spelled spelled;
  int64_t value;
  const uint8_t *text = text_of(e, change);
  if (mwc_take_date(text, change->length, &form, &value)) return true;
  return mwc_take_number(text, change->length, &spelled) &&
         spelled.digits / (int64_t)mwc_tens[spelled.places] >= 1000000000;
}

/// Finds the columns whose values may be predicted from the times of their records without being
/// visited once by each, and which record each visit belongs to. Returns how many they are.
static uint32_t find_messages(encoder *e, const mwc_split_change *changes, const uint32_t *starts,
                              const mwc_split_change *choices, const uint32_t *choice_starts) {
  const mwc_split *split = &e->split;
  e->messages = mwc_arena_take(&e->arena, MWC_COLUMN_NODES_MAX * sizeof *e->messages);
  memset((void *)e->messages, 0, MWC_COLUMN_NODES_MAX * sizeof *e->messages);
  uint32_t **messages = (uint32_t **)e->messages;
  uint32_t listed = 0;
  for (uint32_t i = MWC_SPLIT_FIRST; i < split->column_count; i++) {
    const mwc_split_column *column = &split->columns[i];
    if (column->visits < 4 || column->changes < 2 || column->visits == e->record_count ||
        !is_like_time(e, &changes[starts[i]]))
      continue;
    messages[i] = mwc_arena_take(&e->arena, column->visits * sizeof *messages[i]);
    listed++;
  }
  if (listed == 0) return 0;

  // The ways of all messages once more.
  uint32_t *departures = mwc_arena_take(&e->arena, split->node_count * sizeof *departures);
  uint32_t *next_choice = mwc_arena_take(&e->arena, split->node_count * sizeof *next_choice);
  uint32_t *next = mwc_arena_take(&e->arena, split->node_count * sizeof *next);
  uint32_t *visits = mwc_arena_take(&e->arena, split->column_count * sizeof *visits);
  memset(departures, 0, split->node_count * sizeof *departures);
  memset(visits, 0, split->column_count * sizeof *visits);
  memcpy(next_choice, choice_starts, split->node_count * sizeof *next_choice);
  for (size_t record = 0; record < e->record_count; record++) {
    uint32_t at = MWC_NODE_START;
    do {
      const mwc_split_node *node = &split->nodes[at];
      const mwc_split_change *choice = &choices[next_choice[at]];
      if (next_choice[at] < choice_starts[at] + node->choice_changes &&
          choice->visit == departures[at]) {
        next_choice[at]++;
        next[at] = choice->length;
      }
      departures[at]++;
      at = next[at];
      uint32_t column = split->nodes[at].column;
      if (messages[column] != NULL) messages[column][visits[column]++] = (uint32_t)record;
    } while (split->nodes[at].form != MWC_NODE_END);
  }
  return listed;
}

/// Whether taking the earliest record of all sources again and again, the first source of several
/// that are as early, gives the order that the records came in.
static bool is_order_of_time(const mwc_entry *entries, size_t count, const uint16_t *source_of,
                             uint32_t source_count, const uint32_t *starts,
                             const uint32_t *grouped, uint32_t *heads, int64_t base) {
  if (source_count > 64) return false;
  memcpy(heads, starts, source_count * sizeof *heads);
  for (size_t i = 0; i < count; i++) {
    uint32_t source = source_of[i];
    int64_t time = mwc_sub(entries[i].monotonic_ns, base);
    for (uint32_t other = 0; other < source_count; other++) {
      if (other == source || heads[other] >= starts[other + 1]) continue;
      int64_t head = mwc_sub(entries[grouped[heads[other]]].monotonic_ns, base);
      if (head < time || (head == time && other < source)) return false;
    }
    heads[source]++;
  }
  return true;
}

size_t mwc_column_encoder_size(size_t bytes, size_t records) {
  return ((size_t)8 << 20) + 48 * bytes + 512 * records;
}

size_t mwc_column_encode(void *memory, size_t size, const uint8_t *bytes, const mwc_entry *entries,
                         size_t count, int64_t base_wall, int64_t base_monotonic,
                         mwc_column_stream *streams) {
  size_t payload = 0;
  for (size_t i = 0; i < count; i++) payload += entries[i].length;
  if (count == 0 || size < mwc_column_encoder_size(payload, count)) return 0;
  encoder encoder = {.arena = {.next = memory, .end = (uint8_t *)memory + size},
                     .bytes = bytes,
                     .streams = streams,
                     .stream_count = STREAM_FIRST,
                     .record_count = count,
                     .is_valid = true};
  encoder.arena.next += 15 & (0 - (uintptr_t)encoder.arena.next);
  encoder.arena.end -= 15 & (uintptr_t)encoder.arena.end;
  struct encoder *e = &encoder;
  memset(streams, 0, STREAM_FIRST * sizeof *streams);

  // The records by source.
  uint16_t *number_of = mwc_arena_take(&e->arena, SOURCES_MAX * sizeof *number_of);
  uint16_t *sources = mwc_arena_take(&e->arena, SOURCES_MAX * sizeof *sources);
  uint16_t *source_of = mwc_arena_take(&e->arena, count * sizeof *source_of);
  uint32_t *starts = mwc_arena_take(&e->arena, (SOURCES_MAX + 1) * sizeof *starts);
  uint32_t *heads = mwc_arena_take(&e->arena, SOURCES_MAX * sizeof *heads);
  uint32_t *grouped = mwc_arena_take(&e->arena, count * sizeof *grouped);
  memset(number_of, 0xFF, SOURCES_MAX * sizeof *number_of);
  memset(starts, 0, (SOURCES_MAX + 1) * sizeof *starts);
  uint32_t source_count = 0;
  for (size_t i = 0; i < count; i++) {
    uint32_t source = (entries[i].connection * 2 + (entries[i].direction & 1)) % SOURCES_MAX;
    if (number_of[source] == 0xFFFF) {
      sources[source_count] = (uint16_t)source;
      number_of[source] = (uint16_t)source_count++;
    }
    source_of[i] = number_of[source];
    starts[number_of[source] + 1]++;
  }
  for (uint32_t i = 0; i < source_count; i++) starts[i + 1] += starts[i];
  memcpy(heads, starts, source_count * sizeof *heads);
  for (size_t i = 0; i < count; i++) grouped[heads[source_of[i]]++] = (uint32_t)i;

  if (!mwc_split_init(&e->split, &e->arena, bytes, payload, count)) return 0;
  for (size_t i = 0; i < count; i++) {
    const mwc_entry *entry = &entries[grouped[i]];
    bool is_text = entry->kind == 1 || entry->kind >= 16;
    mwc_split_message(&e->split, (uint32_t)entry->offset, entry->length, is_text);
  }
  mwc_split *split = &e->split;

  // Room for what is written. Every value in the head has come from a payload, once; numbers that
  // texts are taken apart into have come from a visit, at most three of them.
  size_t bits_size = 8 * (4 * split->visit_total + 3 * count) + 64;
  size_t head_size = payload + (size_t)MWC_COLUMN_NODES_MAX * 160 +
                     (size_t)split->edge_count * 4 + source_count * 16 + 1024 +
                     2 * (size_t)(split->literals - split->nodes[0].literal);
  uint8_t *head = mwc_arena_take(&e->arena, head_size);
  uint8_t *columns = mwc_arena_take(&e->arena, head_size);
  e->description = mwc_arena_take(&e->arena, head_size);
  uint8_t *successors = mwc_arena_take(&e->arena, (size_t)MWC_COLUMN_NODES_MAX * 160);
  e->head_at = head;
  e->columns_at = columns;
  e->bits = e->bits_at = mwc_arena_take(&e->arena, bits_size);
  e->shared_room = 2 * MWC_COLUMN_NODES_MAX + 16;
  e->shared[0] = mwc_arena_take(&e->arena, e->shared_room * sizeof(piece));
  e->shared[1] = mwc_arena_take(&e->arena, e->shared_room * sizeof(piece));
  e->candidates = mwc_arena_take(&e->arena, CANDIDATES_MAX * sizeof *e->candidates);
  int64_t *walls = mwc_arena_take(&e->arena, count * sizeof *walls);
  int64_t *values = mwc_arena_take(&e->arena, count * sizeof *values);
  e->walls = walls;

  put(e, count);
  uint8_t *validity = e->head_at;
  put(e, 0);
  put(e, source_count);
  for (uint32_t i = 0; i < source_count; i++) {
    put(e, sources[i]);
    put(e, starts[i + 1] - starts[i]);
  }
  for (size_t i = 0; i < count; i++) values[i] = entries[grouped[i]].kind;
  mwc_column_put_numbers(e, values, count);
  for (size_t i = 0; i < count; i++)
    values[i] = mwc_sub(entries[grouped[i]].monotonic_ns, base_monotonic);
  mwc_column_put_numbers(e, values, count);
  for (size_t i = 0; i < count; i++) {
    const mwc_entry *entry = &entries[grouped[i]];
    walls[i] = entry->wall_ns;
    values[i] = mwc_sub(mwc_sub(entry->wall_ns, entry->monotonic_ns),
                        mwc_sub(base_wall, base_monotonic));
  }
  mwc_column_put_numbers(e, values, count);
  bool is_ordered =
      is_order_of_time(entries, count, source_of, source_count, starts, grouped, heads, base_monotonic);
  put(e, !is_ordered);
  if (!is_ordered) {
    for (size_t i = 0; i < count; i++) values[i] = source_of[i];
    mwc_column_put_numbers(e, values, count);
  }

  // Nodes that were visited, by their new numbers.
  uint16_t *numbers = mwc_arena_take(&e->arena, MWC_COLUMN_NODES_MAX * sizeof *numbers);
  uint16_t *column_numbers = mwc_arena_take(&e->arena, MWC_COLUMN_NODES_MAX * sizeof *numbers);
  uint32_t *change_starts = mwc_arena_take(&e->arena, MWC_COLUMN_NODES_MAX * 4);
  uint32_t *choice_starts = mwc_arena_take(&e->arena, MWC_COLUMN_NODES_MAX * 4);
  uint32_t node_count = 0, visited_columns = 0, before = 0;
  for (uint32_t i = 0; i < split->node_count; i++) {
    numbers[i] = (uint16_t)(split->nodes[i].visits > 0 ? node_count++ : 0);
    choice_starts[i] = before;
    before += split->nodes[i].choice_changes;
  }
  before = 0;
  for (uint32_t i = 0; i < split->column_count; i++) {
    visited_columns += split->columns[i].visits > 0;
    change_starts[i] = before;
    before += split->columns[i].changes;
  }
  const mwc_split_change *changes = by_owner(e, split->changes, split->change_count, change_starts);
  const mwc_split_change *choices = by_owner(e, split->choices, split->choice_count, choice_starts);

  // Columns have their numbers once they are written, but nodes, which name them, stand before them
  // and use the streams before them.
  uint8_t *front = e->head_at;
  e->head_at = successors;
  for (uint32_t i = 0; i < split->node_count; i++) {
    const mwc_split_node *node = &split->nodes[i];
    if (node->visits == 0 || node->form == MWC_NODE_END) continue;
    // The way for messages taken as a whole is there from the start, and left out where it was never
    // gone.
    uint32_t removed = i == MWC_NODE_START && split->nodes[MWC_NODE_BYTES].visits == 0;
    put(e, node->edge_count - removed);
    uint32_t rank = 0;
    for (uint32_t edge = node->first_edge; edge != 0; edge = split->edges[edge].next) {
      if (rank++ >= removed) put(e, numbers[split->edges[edge].node]);
    }
    if (node->edge_count - removed > 1) {
      put_choices(e, choices + choice_starts[i], node->choice_changes, node->visits, removed);
    }
  }
  size_t successors_length = (size_t)(e->head_at - successors);
  uint32_t listed = find_messages(e, changes, change_starts, choices, choice_starts);
  e->spare_columns = MWC_COLUMN_NODES_MAX - 1 - visited_columns;
  for (uint32_t i = MWC_SPLIT_BYTES; i < split->column_count; i++) {
    if (split->columns[i].visits == 0) continue;
    column column = {.changes = changes + change_starts[i],
                     .change_count = split->columns[i].changes,
                     .count = split->columns[i].visits,
                     .form = split->columns[i].form,
                     .messages = e->messages[i]};
    column_numbers[i] = (uint16_t)mwc_column_put(e, &column);
  }
  column_numbers[MWC_SPLIT_NONE] = 0;

  e->head_at = front;
  put(e, node_count == 0 ? 0 : node_count - 1);
  put(e, e->column_count);
  for (uint32_t i = 1; i < split->node_count; i++) {
    const mwc_split_node *node = &split->nodes[i];
    if (node->visits == 0) continue;
    put_text(e, node->literal, node->literal_length);
    put(e, column_numbers[node->column]);
  }
  put_bytes(e, successors, successors_length);
  put(e, listed);
  for (uint32_t i = 0; i < split->column_count; i++) {
    if (e->messages[i] == NULL) continue;
    put(e, column_numbers[i]);
    put(e, split->columns[i].visits);
  }
  put_bytes(e, columns, (size_t)(e->columns_at - columns));
  *validity = e->is_valid;

  for (unsigned which = 0; which < 2; which++) {
    size_t length = streams[STREAM_NOISE + which].length;
    uint8_t *joined = mwc_arena_take(&e->arena, length);
    streams[STREAM_NOISE + which].bytes = joined;
    streams[STREAM_NOISE + which].hint = which == 0 ? MWC_COLUMN_NOISE : MWC_COLUMN_TEXT;
    for (size_t i = 0; i < e->shared_count[which]; i++) {
      memcpy(joined, e->shared[which][i].bytes, e->shared[which][i].length);
      joined += e->shared[which][i].length;
    }
  }
  streams[STREAM_HEAD] = (mwc_column_stream){
      .bytes = head, .length = (size_t)(e->head_at - head), .hint = MWC_COLUMN_TEXT};
  streams[STREAM_BITS] = (mwc_column_stream){
      .bytes = e->bits, .length = (size_t)(e->bits_at - e->bits), .hint = MWC_COLUMN_BITS};
  return e->stream_count;
}
