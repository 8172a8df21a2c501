#include "mwc_column_block.h"

#include "mwc_decimal.h"

void *mwc_block_take(mwc_block *d, size_t count, size_t size) {
  void *taken = count > SIZE_MAX / 256 ? NULL : mwc_arena_take(&d->arena, count * size);
  if (taken == NULL) d->head.failed = true;
  return taken;
}

static bool fail(mwc_block *d) {
  d->head.failed = true;
  return false;
}

static uint64_t get_limited(mwc_block *d, uint64_t limit) {
  return mwc_get_limited(&d->head, limit);
}
static int64_t get_signed(mwc_block *d) { return mwc_unzigzag(mwc_get_varint(&d->head)); }

static const uint8_t *get_text(mwc_block *d, size_t *length) {
  *length = (size_t)get_limited(d, (uint64_t)(d->head.end - d->head.at));
  if (*length > (size_t)(d->head.end - d->head.at)) *length = 0, d->head.failed = true;
  const uint8_t *text = d->head.at;
  d->head.at += *length;
  return text;
}

// MARK: Streams

/// The bytes of a stream; NULL when it cannot be had.
static const uint8_t *stream_bytes(mwc_block *d, size_t stream) {
  if (d->streams[stream].bytes == NULL) d->streams[stream].bytes = d->source(d->context, stream);
  if (d->streams[stream].bytes == NULL) d->head.failed = true;
  return d->streams[stream].bytes;
}

/// Reads where the next piece of a stream is; each begins where the one before has ended.
static void get_place(mwc_block *d, size_t *stream, size_t *start, size_t *length) {
  *stream = (size_t)get_limited(d, d->stream_count - 1);
  *start = d->stream_at[*stream];
  *length = (size_t)get_limited(d, d->streams[*stream].length - *start);
  d->stream_at[*stream] += *length;
}

/// The bytes of the column at hand or, without one, those that the head names next.
static const uint8_t *get_piece(mwc_block *d, size_t *length) {
  size_t stream, start;
  if (d->reading != NULL) {
    stream = d->reading->stream;
    start = d->reading->piece;
    *length = d->reading->piece_length;
  } else {
    get_place(d, &stream, &start, length);
  }
  const uint8_t *bytes = stream_bytes(d, stream);
  if (bytes == NULL) *length = 0;
  return bytes == NULL ? d->head.at : bytes + start;
}

/// The next bytes of low bits; NULL when there are not so many.
static const uint8_t *get_bits(mwc_block *d, size_t length) {
  size_t start = d->reading != NULL ? d->reading->bits : d->bits_at;
  size_t room = d->reading != NULL ? d->reading->bits_length : d->streams[1].length - d->bits_at;
  const uint8_t *bytes = stream_bytes(d, 1);
  if (length > room || (d->reading != NULL && length != room) || bytes == NULL)
    return fail(d), NULL;
  if (d->reading == NULL) d->bits_at += length;
  return bytes + start;
}

// MARK: Numbers

static bool load(mwc_block *d, uint32_t number);

/// The numbers of which a column is made: all, or those that do not repeat others.
typedef struct fresh {
  const int64_t *distances;  ///< NULL: all are
  size_t count;
  uint32_t *places;  ///< of each among all
} fresh;

/// For each value the last one of `other` in the same record or before.
static bool latest_of(mwc_block *d, const mwc_block_column *other, size_t count, uint32_t own,
                      mwc_model_column *column) {
  const mwc_block_column *self = &d->columns[own];
  if (self->messages == NULL || self->message_count != count || other->messages == NULL ||
      other->message_count != other->count)
    return fail(d);
  uint32_t *places = mwc_block_take(d, count, sizeof *places);
  if (places == NULL) return false;
  size_t next = 0;
  for (size_t i = 0; i < count; i++) {
    while (next < other->count && other->messages[next] <= self->messages[i]) next++;
    places[i] = next == 0 ? UINT32_MAX : (uint32_t)next - 1;
  }
  column->places = places;
  return true;
}

/// Where the values of another column stand that these are predicted from. `count` is the number of all
/// values of the column `own`.
static bool column_of(mwc_block *d, uint64_t number, size_t count, uint32_t own,
                      mwc_model_column *column) {
  column->places = NULL;
  if (number == 0) {
    column->values = d->walls;
    if (own == 0) return fail(d);
    if (count == d->record_count) return true;
    column->places = d->columns[own].messages;
    return (column->places != NULL && d->columns[own].message_count == count) || fail(d);
  }
  if (number >= own) return fail(d);
  const mwc_block_column *other = &d->columns[number];
  bool is_number = other->type == MWC_TYPE_NUMBER || other->type == MWC_TYPE_DATE ||
                   other->type == MWC_TYPE_FLOAT;
  if (!is_number || !load(d, (uint32_t)number)) return fail(d);
  column->values = other->values;
  return other->count == count || latest_of(d, other, count, own, column);
}

/// Reads which column says where numbers repeat others, and counts those that do not.
static bool get_repeats(mwc_block *d, size_t count, uint32_t own, fresh *fresh) {
  uint32_t number = (uint32_t)get_limited(d, own == 0 ? 0 : own - 1);
  if (number == 0 || d->columns[number].type != MWC_TYPE_DISTANCES ||
      d->columns[number].count != count || !load(d, number))
    return fail(d);
  fresh->distances = d->columns[number].values;
  fresh->count = 0;
  for (size_t i = 0; i < count; i++) {
    if ((uint64_t)fresh->distances[i] > i) return fail(d);
    fresh->count += fresh->distances[i] == 0;
  }
  return true;
}

/// Has the values of a column found for those that are fresh.
static bool choose_fresh(mwc_block *d, const fresh *fresh, mwc_model_column *column) {
  if (column->values == NULL) return true;
  const uint32_t *all = column->places;
  if (all == NULL) {
    column->places = fresh->places;
    return true;
  }
  uint32_t *places = mwc_block_take(d, fresh->count, sizeof *places);
  for (size_t i = 0; places != NULL && i < fresh->count; i++) places[i] = all[fresh->places[i]];
  column->places = places;
  return places != NULL;
}

/// Fills in the numbers that repeat others.
static void repeat(const fresh *fresh, const int64_t *stored, size_t count, int64_t *values) {
  for (size_t i = 0; i < count; i++) {
    size_t distance = (size_t)fresh->distances[i];
    values[i] = distance == 0 ? *stored++ : values[i - distance];
  }
}

/// Reads where numbers are predicted from.
static bool get_reference(mwc_block *d, mwc_column_model *model, size_t count, uint32_t own,
                          mwc_model_column *first, mwc_model_column *second) {
  if (model->reference == MWC_COLUMN_NONE) return true;
  bool is_sum = model->reference == MWC_COLUMN_SUM1 || model->reference == MWC_COLUMN_SUM2;
  model->scale = get_limited(d, is_sum ? INT64_MAX : mwc_tens[18]);
  if (is_sum && model->scale == 0) return fail(d);
  if (model->reference == MWC_COLUMN_QUOTIENT &&
      (model->scale / 32 > 18 || model->scale % 32 > 18))
    return fail(d);
  uint64_t number = get_limited(d, 2 * MWC_COLUMN_NODES_MAX);
  model->negative[0] = number & 1;
  if (!is_sum && number < 2) return fail(d);
  if (d->head.failed || !column_of(d, number >> 1, count, own, first)) return false;
  if (model->reference == MWC_COLUMN_SUM2) {
    number = get_limited(d, 2 * MWC_COLUMN_NODES_MAX);
    model->negative[1] = number & 1;
    return !d->head.failed && column_of(d, number >> 1, count, own, second);
  }
  if (is_sum) return true;
  model->columns[1] = (uint32_t)get_limited(d, MWC_COLUMN_NODES_MAX);
  if (model->columns[1] == 0) {
    model->columns[1] = MWC_COLUMN_CONSTANT;
    model->constant = get_signed(d);
    return !d->head.failed;
  }
  return !d->head.failed && column_of(d, model->columns[1], count, own, second);
}

/// Reads the numbers of a column, `own` being its number or 0; NULL when they are malformed.
static int64_t *get_numbers(mwc_block *d, size_t count, uint32_t own) {
  mwc_column_model model = {0};
  mwc_model_column first = {0}, second = {0};
  fresh fresh = {.count = count};
  uint64_t kind = get_limited(d, MWC_COLUMN_REPEATS + 4 * MWC_COLUMN_QUOTIENT + 2);
  model.reference = (uint8_t)(kind % MWC_COLUMN_REPEATS / 4);
  model.order = (uint8_t)(kind % 4);
  if (model.order > 2 || model.reference > MWC_COLUMN_QUOTIENT) return fail(d), NULL;
  if (kind >= MWC_COLUMN_REPEATS && !get_repeats(d, count, own, &fresh)) return NULL;
  model.low_bits = (uint8_t)get_limited(d, 56);
  model.centre = get_signed(d);
  model.divisor = (int64_t)get_limited(d, INT64_MAX);
  if (model.order > 0) model.start = get_signed(d);
  if (d->head.failed || !get_reference(d, &model, count, own, &first, &second)) return NULL;
  size_t length;
  const uint8_t *bytes = get_piece(d, &length);
  int64_t *values = mwc_block_take(d, count, sizeof *values);
  if (d->head.failed || (model.low_bits > 0 && count > SIZE_MAX / 64)) return NULL;
  const uint8_t *low = get_bits(d, (fresh.count * model.low_bits + 7) / 8);
  if (low == NULL) return NULL;
  uint8_t *mark = d->arena.next;
  uint64_t *numbers = mwc_block_take(d, fresh.count, sizeof *numbers);
  if (numbers == NULL ||
      !mwc_model_unpack(bytes, length, low, model.low_bits, fresh.count, numbers))
    return fail(d), NULL;
  int64_t *stored = values;
  if (fresh.distances != NULL) {
    stored = mwc_block_take(d, fresh.count, sizeof *stored);
    fresh.places = mwc_block_take(d, fresh.count, sizeof *fresh.places);
    if (d->head.failed) return NULL;
    for (size_t i = 0, at = 0; i < count; i++) {
      if (fresh.distances[i] == 0) fresh.places[at++] = (uint32_t)i;
    }
    if (!choose_fresh(d, &fresh, &first) || !choose_fresh(d, &fresh, &second)) return NULL;
  }
  mwc_model_predict(&model, &first, &second, fresh.count, stored);
  mwc_model_restore(&model, numbers, fresh.count, stored);
  if (fresh.distances != NULL) repeat(&fresh, stored, count, values);
  d->arena.next = mark;
  return values;
}

// MARK: Texts

/// Reads the texts that are not what the numbers say.
static bool get_exceptions(mwc_block *d, mwc_block_column *column) {
  size_t at = 0, count = (size_t)get_limited(d, (uint64_t)(d->head.end - d->head.at));
  mwc_column_exception *exceptions = mwc_block_take(d, count, sizeof *exceptions);
  if (exceptions == NULL) return false;
  for (size_t i = 0; i < count; i++) {
    at += (size_t)get_limited(d, column->count - at);
    exceptions[i].first = at;
    exceptions[i].count = (size_t)get_limited(d, column->count - at);
    exceptions[i].text = get_text(d, &exceptions[i].length);
    if (exceptions[i].length > 31) fail(d);
  }
  column->exceptions = exceptions;
  column->exception_count = count;
  return !d->head.failed;
}

static void get_number_column(mwc_block *d, mwc_block_column *column, uint32_t own) {
  column->most = (uint8_t)get_limited(d, 18);
  column->least = (uint8_t)get_limited(d, column->most);
  if (get_exceptions(d, column)) column->values = get_numbers(d, column->count, own);
}

static void get_date_column(mwc_block *d, mwc_block_column *column, uint32_t own) {
  mwc_date_form *form = &column->form;
  form->places = (uint8_t)get_limited(d, 9);
  form->separator = (uint8_t)get_limited(d, 255);
  size_t suffix_length;
  const uint8_t *suffix = get_text(d, &suffix_length);
  if (suffix_length > 6 || 20u + form->places + suffix_length > 31) {
    fail(d);
    return;
  }
  form->suffix_length = (uint8_t)suffix_length;
  memcpy(form->suffix, suffix, suffix_length);
  if (!get_exceptions(d, column)) return;
  column->values = get_numbers(d, column->count, own);
  if (d->head.failed) return;
  int64_t least = INT64_MAX, most = INT64_MIN;
  for (size_t i = 0; i < column->count; i++) {
    if (column->values[i] < least) least = column->values[i];
    if (column->values[i] > most) most = column->values[i];
  }
  // What lies between two dates is one.
  uint8_t text[48];
  if (column->count > 0 && (mwc_spell_date(least, form, &column->day, text) == 0 ||
                            mwc_spell_date(most, form, &column->day, text) == 0))
    fail(d);
}

static void get_float_column(mwc_block *d, mwc_block_column *column, uint32_t own) {
  column->shift = (uint8_t)get_limited(d, 64);
  if (column->shift > 52 && column->shift != 64) fail(d);
  if (!get_exceptions(d, column)) return;
  column->values = get_numbers(d, column->count, own);
  if (d->head.failed || column->shift != 64) return;
  for (size_t i = 0; i < column->count; i++) {
    if ((column->values[i] >> 52 & 0x7FF) == 0x7FF) fail(d);
  }
}

static void get_hex_column(mwc_block *d, mwc_block_column *column) {
  size_t length;
  column->width = (size_t)get_limited(d, 128);
  column->base = get_piece(d, &length);
  if (column->width == 0 || length / column->width != column->count ||
      length % column->width != 0)
    fail(d);
}

static void get_choice_column(mwc_block *d, mwc_block_column *column, uint32_t own) {
  size_t distinct = (size_t)get_limited(d, (uint64_t)(d->head.end - d->head.at));
  mwc_column_place *texts = mwc_block_take(d, distinct, sizeof *texts);
  if (texts == NULL) return;
  column->base = d->head.at;
  for (size_t i = 0; i < distinct; i++) {
    size_t length;
    const uint8_t *text = get_text(d, &length);
    texts[i] = (mwc_column_place){.offset = (uint32_t)(text - column->base),
                                  .length = (uint32_t)length};
  }
  column->choices = texts;
  column->choice_count = distinct;
  column->values = get_numbers(d, column->count, own);
  if (d->head.failed) return;
  for (size_t i = 0; i < column->count; i++) {
    if ((uint64_t)column->values[i] >= distinct) fail(d);
  }
}

static void get_text_column(mwc_block *d, mwc_block_column *column, bool has_lengths) {
  size_t length;
  const uint8_t *bytes = get_piece(d, &length);
  mwc_column_place *table = mwc_block_take(d, column->count, sizeof *table);
  if (d->head.failed) return;
  mwc_column_cursor cursor = {.at = bytes, .end = bytes + length};
  for (size_t i = 0; i < column->count; i++) {
    size_t text;
    if (has_lengths) {
      text = (size_t)mwc_get_limited(&cursor, length);
      if (text > (size_t)(cursor.end - cursor.at)) cursor.failed = true;
    } else {
      const uint8_t *end = memchr(cursor.at, 0, (size_t)(cursor.end - cursor.at));
      text = end == NULL ? 0 : (size_t)(end - cursor.at);
      cursor.failed |= end == NULL;
    }
    if (cursor.failed) {
      fail(d);
      return;
    }
    table[i] = (mwc_column_place){.offset = (uint32_t)(cursor.at - bytes), .length = (uint32_t)text};
    cursor.at += text + !has_lengths;
  }
  if (cursor.at != cursor.end) fail(d);
  column->base = bytes;
  column->table = table;
  column->texts = MWC_TEXTS_TABLE;
}

/// Puts the texts of other columns together.
static void get_joined_column(mwc_block *d, mwc_block_column *column, uint32_t own) {
  size_t part_count = (size_t)get_limited(d, MWC_COLUMN_PARTS_MAX), total = 0;
  const mwc_block_column *parts[MWC_COLUMN_PARTS_MAX];
  for (size_t i = 0; i < part_count; i++) {
    uint32_t part = (uint32_t)get_limited(d, own - 1);
    if (part == 0 || d->columns[part].count != column->count || !mwc_block_spell(d, part)) {
      fail(d);
      return;
    }
    parts[i] = &d->columns[part];
    for (size_t j = 0; j < column->count; j++) {
      size_t length;
      mwc_block_text(parts[i], j, &length);
      total += length;
    }
  }
  uint8_t *text = mwc_block_take(d, total + MWC_COLUMN_PADDING, 1);
  mwc_column_place *table = mwc_block_take(d, column->count, sizeof *table);
  if (d->head.failed || total > UINT32_MAX) {
    fail(d);
    return;
  }
  column->base = text;
  column->table = table;
  column->texts = MWC_TEXTS_TABLE;
  size_t at = 0;
  for (size_t i = 0; i < column->count; i++) {
    size_t start = at;
    for (size_t j = 0; j < part_count; j++) {
      size_t length;
      const uint8_t *part = mwc_block_text(parts[j], i, &length);
      mwc_copy_text(text + at, part, length);
      at += length;
    }
    table[i] = (mwc_column_place){.offset = (uint32_t)start, .length = (uint32_t)(at - start)};
  }
}

static void get_distances_column(mwc_block *d, mwc_block_column *column, uint32_t own) {
  column->values = get_numbers(d, column->count, own);
  // Nodes that lead here all the same find nothing.
  column->base = d->head.at;
  column->length = 0;
  column->texts = MWC_TEXTS_CONSTANT;
}

/// Loads a column unless that has been done already.
static bool load(mwc_block *d, uint32_t number) {
  mwc_block_column *column = &d->columns[number];
  if (column->is_loaded) return true;
  if (d->chain > MWC_COLUMN_CHAIN_MAX) return fail(d);
  mwc_column_cursor head = d->head;
  mwc_block_column *reading = d->reading;
  d->head = (mwc_column_cursor){.at = column->description,
                                .end = column->description + column->description_length};
  d->reading = column;
  d->chain++;
  switch (column->type) {
    case MWC_TYPE_CONSTANT:
      column->base = d->head.at;
      column->length = column->description_length;
      column->texts = MWC_TEXTS_CONSTANT;
      d->head.at = d->head.end;
      break;
    case MWC_TYPE_TEXT: get_text_column(d, column, false); break;
    case MWC_TYPE_BYTES: get_text_column(d, column, true); break;
    case MWC_TYPE_CHOICE: get_choice_column(d, column, number); break;
    case MWC_TYPE_NUMBER: get_number_column(d, column, number); break;
    case MWC_TYPE_DATE: get_date_column(d, column, number); break;
    case MWC_TYPE_FLOAT: get_float_column(d, column, number); break;
    case MWC_TYPE_HEX: get_hex_column(d, column); break;
    case MWC_TYPE_JOINED: get_joined_column(d, column, number); break;
    case MWC_TYPE_DISTANCES: get_distances_column(d, column, number); break;
    default: fail(d);
  }
  column->is_loaded = !d->head.failed && d->head.at == d->head.end;
  d->chain--;
  d->reading = reading;
  d->head = head;
  return column->is_loaded || fail(d);
}

bool mwc_block_load(mwc_block *d, uint32_t number) { return load(d, number); }

/// Reads what a column is and where, and goes on behind its description.
static void get_column(mwc_block *d, mwc_block_column *column) {
  column->type = (uint8_t)get_limited(d, MWC_TYPE_DISTANCES);
  column->count = (size_t)get_limited(d, UINT32_MAX);
  if (column->type != MWC_TYPE_CONSTANT) {
    get_place(d, &column->stream, &column->piece, &column->piece_length);
    column->bits = d->bits_at;
    column->bits_length = (size_t)get_limited(d, d->streams[1].length - d->bits_at);
    d->bits_at += column->bits_length;
  }
  column->description = get_text(d, &column->description_length);
}

// MARK: Ways

static void get_nodes(mwc_block *d) {
  d->node_count = (uint32_t)get_limited(d, MWC_COLUMN_NODES_MAX - 1) + 1;
  d->column_count = (uint32_t)get_limited(d, MWC_COLUMN_NODES_MAX - 1) + 1;
  d->nodes = mwc_block_take(d, d->node_count, sizeof(mwc_block_node));
  d->columns = mwc_block_take(d, d->column_count, sizeof(mwc_block_column));
  if (d->head.failed) return;
  memset(d->nodes, 0, d->node_count * sizeof(mwc_block_node));
  memset(d->columns, 0, d->column_count * sizeof(mwc_block_column));
  for (uint32_t i = 1; i < d->node_count; i++) {
    d->nodes[i].literal = get_text(d, &d->nodes[i].literal_length);
    d->nodes[i].column = (uint32_t)get_limited(d, d->column_count - 1);
    d->columns[d->nodes[i].column].is_visited = true;
  }
  for (uint32_t i = 0; i < d->node_count && !d->head.failed; i++) {
    mwc_block_node *node = &d->nodes[i];
    if (i > 0 && node->column == 0) continue;
    node->successor_count = (uint32_t)get_limited(d, d->node_count);
    uint32_t *successors = mwc_block_take(d, node->successor_count, sizeof *successors);
    if (successors == NULL) return;
    for (uint32_t j = 0; j < node->successor_count; j++) {
      successors[j] = (uint32_t)get_limited(d, d->node_count - 1);
    }
    node->successors = successors;
    if (node->successor_count == 1) node->next = successors[0];
    if (node->successor_count > 1) {
      node->choice_count = (size_t)get_limited(d, UINT32_MAX);
      node->choices = get_numbers(d, node->choice_count, 0);
    }
  }
}

/// Makes room for the records of the visits of the columns that the head lists.
static void get_timed(mwc_block *d) {
  size_t listed = (size_t)get_limited(d, d->column_count);
  d->has_timed = listed > 0;
  for (size_t i = 0; i < listed && !d->head.failed; i++) {
    mwc_block_column *column = &d->columns[get_limited(d, d->column_count - 1)];
    column->timed_count = (size_t)get_limited(d, UINT32_MAX);
    column->messages = mwc_block_take(d, column->timed_count, sizeof *column->messages);
  }
}

bool mwc_block_time(mwc_block *d) {
  size_t visits = 0;
  for (uint32_t i = 0; i < d->node_count; i++) d->nodes[i].choice_at = 0;
  for (size_t i = 0; d->has_timed && i < d->record_count; i++) {
    uint32_t at = 0;
    do {
      at = mwc_block_next(&d->nodes[at]);
      if (at == 0 || visits++ > d->visit_max) return fail(d);
      mwc_block_column *column = &d->columns[d->nodes[at].column];
      if (column->messages != NULL && column->message_count < column->timed_count)
        column->messages[column->message_count++] = (uint32_t)i;
    } while (d->nodes[at].column != 0);
  }
  for (uint32_t i = 0; i < d->node_count; i++) d->nodes[i].choice_at = 0;
  return true;
}

// MARK: The whole

bool mwc_block_open(mwc_block *d, void *memory, size_t size, const mwc_column_stream *streams,
                    size_t stream_count, mwc_column_source source, void *context,
                    int64_t base_wall, int64_t base_monotonic, size_t capacity,
                    size_t entry_capacity) {
  if (stream_count < 4 || stream_count > MWC_COLUMN_STREAMS_MAX || size < 1 << 20) return false;
  memset(d, 0, sizeof *d);
  d->arena = (mwc_arena){.next = memory, .end = (uint8_t *)memory + size};
  d->arena.next += 15 & (0 - (uintptr_t)d->arena.next);
  d->source = source;
  d->context = context;
  d->stream_count = stream_count;
  d->streams = mwc_block_take(d, stream_count, sizeof *d->streams);
  d->stream_at = mwc_block_take(d, stream_count, sizeof *d->stream_at);
  memcpy(d->streams, streams, stream_count * sizeof *streams);
  memset(d->stream_at, 0, stream_count * sizeof *d->stream_at);
  d->head.at = stream_bytes(d, 0);
  if (d->head.failed) return false;
  d->head.end = d->head.at + d->streams[0].length;

  size_t count = (size_t)get_limited(d, entry_capacity);
  d->record_count = count;
  d->visit_max = capacity + 16 * count + 64;
  d->is_valid = get_limited(d, 1) == 1;
  d->source_count = (uint32_t)get_limited(d, count);
  d->sources = mwc_block_take(d, d->source_count, sizeof *d->sources);
  d->starts = mwc_block_take(d, (size_t)d->source_count + 1, sizeof *d->starts);
  if (d->head.failed) return false;
  d->starts[0] = 0;
  for (uint32_t i = 0; i < d->source_count; i++) {
    d->sources[i] = (uint32_t)get_limited(d, 2 * 4096 + 1);
    d->starts[i + 1] = d->starts[i] + (uint32_t)get_limited(d, count - d->starts[i]);
  }
  if (d->starts[d->source_count] != count) return false;
  d->kinds = get_numbers(d, count, 0);
  int64_t *times = get_numbers(d, count, 0);
  d->times = times;
  const int64_t *offsets = get_numbers(d, count, 0);
  if (get_limited(d, 1) == 1) d->order = get_numbers(d, count, 0);
  d->walls = mwc_block_take(d, count, sizeof *d->walls);
  if (d->head.failed) return false;
  for (size_t i = 0; i < count; i++) {
    d->walls[i] = mwc_add(mwc_add(times[i], base_monotonic),
                          mwc_add(offsets[i], mwc_sub(base_wall, base_monotonic)));
  }
  get_nodes(d);
  if (d->head.failed) return false;
  get_timed(d);
  for (uint32_t i = 1; i < d->column_count && !d->head.failed; i++) get_column(d, &d->columns[i]);
  return !d->head.failed && d->head.at == d->head.end;
}

bool mwc_block_order(mwc_block *d, uint32_t *order) {
  uint32_t *heads = mwc_block_take(d, d->source_count, sizeof *heads);
  if (heads == NULL) return false;
  for (uint32_t i = 0; i < d->source_count; i++) heads[i] = d->starts[i];
  for (size_t i = 0; i < d->record_count; i++) {
    size_t source = 0;
    if (d->order != NULL) {
      if ((uint64_t)d->order[i] >= d->source_count) return false;
      source = (size_t)d->order[i];
      if (heads[source] >= d->starts[source + 1]) return false;
    } else {
      while (heads[source] >= d->starts[source + 1]) source++;
      for (size_t other = source + 1; other < d->source_count; other++) {
        if (heads[other] < d->starts[other + 1] && d->times[heads[other]] < d->times[heads[source]])
          source = other;
      }
    }
    order[heads[source]++] = (uint32_t)i;
  }
  return true;
}
