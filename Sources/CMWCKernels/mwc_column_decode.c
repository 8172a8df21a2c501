/// From the streams of a block to its records.
#include "mwc_column_model.h"
#include "mwc_decimal.h"

/// Where the texts of a column stand.
enum {
  TEXTS_CONSTANT = 1,
  TEXTS_16 = 2,     ///< 16 bytes each, the last one is the length
  TEXTS_32 = 3,     ///< 32 bytes each, the last one is the length
  TEXTS_TABLE = 4,  ///< place and length each
};

typedef struct place {
  uint32_t offset, length;
} place;

typedef struct column {
  uint8_t texts;
  const uint8_t *base;
  size_t constant_length;
  const place *table;
  size_t at, count;
  uint32_t *messages;  ///< of each visit, where the times of records are needed
  size_t message_count;
  const int64_t *values;  ///< of numbers, for columns that are predicted from them
} column;

typedef struct node {
  const uint8_t *literal;
  size_t literal_length;
  column *column;  ///< NULL: the message ends behind the literal
  uint32_t next;   ///< the only successor, or 0
  const uint32_t *successors;
  uint32_t successor_count;
  const int64_t *choices;
  size_t choice_at, choice_count;
} node;

typedef struct decoder {
  mwc_arena arena;
  mwc_column_cursor head;
  const mwc_column_stream *streams;
  size_t *stream_at;
  size_t stream_count;
  size_t bits_at;
  node *nodes;
  uint32_t node_count;
  column *columns;  ///< from 1
  uint32_t column_count;
  int64_t *walls;
  size_t record_count;
  size_t value_max;
} decoder;

static bool fail(decoder *d) {
  d->head.failed = true;
  return false;
}

static void *take(decoder *d, size_t count, size_t size) {
  void *taken = count > SIZE_MAX / 64 ? NULL : mwc_arena_take(&d->arena, count * size);
  if (taken == NULL) d->head.failed = true;
  return taken;
}

static uint64_t get(decoder *d) { return mwc_get_varint(&d->head); }
static uint64_t get_limited(decoder *d, uint64_t limit) { return mwc_get_limited(&d->head, limit); }
static int64_t get_signed(decoder *d) { return mwc_unzigzag(mwc_get_varint(&d->head)); }

static const uint8_t *get_text(decoder *d, size_t *length) {
  *length = (size_t)get_limited(d, (uint64_t)(d->head.end - d->head.at));
  if (*length > (size_t)(d->head.end - d->head.at)) *length = 0, d->head.failed = true;
  const uint8_t *text = d->head.at;
  d->head.at += *length;
  return text;
}

/// The next bytes of the stream that the head names.
static const uint8_t *get_piece(decoder *d, size_t *length) {
  size_t stream = (size_t)get_limited(d, d->stream_count - 1);
  size_t room = d->streams[stream].length - d->stream_at[stream];
  *length = (size_t)get_limited(d, room);
  const uint8_t *piece = d->streams[stream].bytes + d->stream_at[stream];
  d->stream_at[stream] += *length;
  return piece;
}

// MARK: Numbers

static bool column_of(decoder *d, uint64_t number, size_t count, uint32_t own,
                      mwc_model_column *column) {
  if (number == 0) {
    column->values = d->walls;
    column->places = NULL;
    if (own == 0) return fail(d);
    if (count == d->record_count) return true;
    column->places = d->columns[own].messages;
    return (column->places != NULL && d->columns[own].message_count == count) || fail(d);
  }
  if (number >= own) return fail(d);
  column->values = d->columns[number].values;
  column->places = NULL;
  return (column->values != NULL && d->columns[number].count == count) || fail(d);
}

/// Reads the numbers of a column, `own` being its number or 0; NULL when they are malformed.
static int64_t *get_numbers(decoder *d, size_t count, uint32_t own) {
  mwc_column_model model = {0};
  mwc_model_column first = {0}, second = {0};
  uint64_t kind = get_limited(d, 4 * MWC_COLUMN_QUOTIENT + 2);
  model.reference = (uint8_t)(kind / 4);
  model.order = (uint8_t)(kind % 4);
  if (model.order > 2) fail(d);
  model.low_bits = (uint8_t)get_limited(d, 56);
  model.centre = get_signed(d);
  model.divisor = (int64_t)get_limited(d, INT64_MAX);
  if (model.order > 0) model.start = get_signed(d);
  if (model.reference == MWC_COLUMN_SUM1 || model.reference == MWC_COLUMN_SUM2) {
    model.scale = get_limited(d, INT64_MAX);
    if (model.scale == 0) fail(d);
    uint64_t number = get_limited(d, 2 * MWC_COLUMN_NODES_MAX);
    model.negative[0] = number & 1;
    if (d->head.failed || !column_of(d, number >> 1, count, own, &first)) return NULL;
    if (model.reference == MWC_COLUMN_SUM2) {
      number = get_limited(d, 2 * MWC_COLUMN_NODES_MAX);
      model.negative[1] = number & 1;
      if (d->head.failed || !column_of(d, number >> 1, count, own, &second)) return NULL;
    }
  } else if (model.reference >= MWC_COLUMN_RATIO) {
    model.scale = get_limited(d, mwc_powers_of_ten[18]);
    if (model.reference == MWC_COLUMN_QUOTIENT && (model.scale / 32 > 18 || model.scale % 32 > 18))
      return fail(d), NULL;
    uint64_t number = get_limited(d, 2 * MWC_COLUMN_NODES_MAX);
    model.negative[0] = number & 1;
    if (d->head.failed || number < 2 || !column_of(d, number >> 1, count, own, &first))
      return fail(d), NULL;
    model.columns[1] = (uint32_t)get_limited(d, MWC_COLUMN_NODES_MAX);
    if (model.columns[1] == 0) {
      model.columns[1] = MWC_COLUMN_CONSTANT;
      model.constant = get_signed(d);
    } else if (!column_of(d, model.columns[1], count, own, &second)) {
      return NULL;
    }
  }
  size_t length;
  const uint8_t *bytes = get_piece(d, &length);
  int64_t *values = take(d, count, sizeof *values);
  if (d->head.failed || (model.low_bits > 0 && count > SIZE_MAX / 64)) return NULL;
  size_t bits = (count * model.low_bits + 7) / 8;
  if (bits > d->streams[1].length - d->bits_at) return fail(d), NULL;
  const uint8_t *low = d->streams[1].bytes + d->bits_at;
  d->bits_at += bits;
  uint8_t *mark = d->arena.next;
  uint64_t *numbers = take(d, count, sizeof *numbers);
  if (numbers == NULL ||
      !mwc_model_unpack(bytes, length, low, model.low_bits, count, numbers))
    return fail(d), NULL;
  mwc_model_predict(&model, &first, &second, count, values);
  mwc_model_restore(&model, numbers, count, values);
  d->arena.next = mark;
  return values;
}

// MARK: Texts

typedef struct exception {
  size_t first, count;
  const uint8_t *text;
  size_t length;
} exception;

/// Reads the texts that are not what the numbers say.
static exception *get_exceptions(decoder *d, size_t count, size_t *exception_count) {
  *exception_count = (size_t)get_limited(d, (uint64_t)(d->head.end - d->head.at));
  exception *exceptions = take(d, *exception_count, sizeof *exceptions);
  if (exceptions == NULL) return NULL;
  size_t at = 0;
  for (size_t i = 0; i < *exception_count; i++) {
    at += (size_t)get_limited(d, count - at);
    exceptions[i].first = at;
    exceptions[i].count = (size_t)get_limited(d, count - at);
    exceptions[i].text = get_text(d, &exceptions[i].length);
    if (exceptions[i].length > 31) fail(d);
  }
  return exceptions;
}

static void put_exceptions(uint8_t *slots, size_t width, const exception *exceptions,
                           size_t exception_count) {
  for (size_t i = 0; i < exception_count; i++) {
    for (size_t j = 0; j < exceptions[i].count; j++) {
      uint8_t *slot = slots + (exceptions[i].first + j) * width;
      memcpy(slot, exceptions[i].text, exceptions[i].length);
      slot[width - 1] = (uint8_t)exceptions[i].length;
    }
  }
}

static void get_number_column(decoder *d, column *column, uint32_t own) {
  unsigned most = (unsigned)get_limited(d, 18);
  unsigned least = (unsigned)get_limited(d, most);
  size_t exception_count;
  const exception *exceptions = get_exceptions(d, column->count, &exception_count);
  const int64_t *values = get_numbers(d, column->count, own);
  if (d->head.failed) return;
  column->values = values;
  size_t width = 16;
  uint64_t large = 0;
  for (size_t i = 0; i < column->count; i++) {
    large |= values[i] < 0 ? 0 - (uint64_t)values[i] : (uint64_t)values[i];
  }
  // 2^43 has 13 digits: with a sign and a point, 15.
  if (large >= (uint64_t)1 << 43 || most > 12) width = 32;
  for (size_t i = 0; i < exception_count; i++) {
    if (exceptions[i].length > 15) width = 32;
  }
  uint8_t *slots = take(d, column->count + 1, width);
  if (slots == NULL) return;
  for (size_t i = 0; i < column->count; i++) {
    uint8_t *slot = slots + i * width;
    if (i > 0 && values[i] == values[i - 1]) {
      memcpy(slot, slot - width, width);
    } else {
      size_t length = mwc_spell_number(values[i], most, least, slot);
      slot[width - 1] = (uint8_t)length;
    }
  }
  put_exceptions(slots, width, exceptions, exception_count);
  column->base = slots;
  column->texts = width == 16 ? TEXTS_16 : TEXTS_32;
}

static void get_date_column(decoder *d, column *column, uint32_t own) {
  mwc_date_form form = {0};
  form.places = (uint8_t)get_limited(d, 9);
  form.separator = (uint8_t)get_limited(d, 255);
  size_t suffix_length;
  const uint8_t *suffix = get_text(d, &suffix_length);
  if (suffix_length > 6 || 20u + form.places + suffix_length > 31) {
    fail(d);
    return;
  }
  form.suffix_length = (uint8_t)suffix_length;
  memcpy(form.suffix, suffix, suffix_length);
  size_t exception_count;
  const exception *exceptions = get_exceptions(d, column->count, &exception_count);
  const int64_t *values = get_numbers(d, column->count, own);
  uint8_t *slots = take(d, column->count + 1, 32);
  if (d->head.failed) return;
  column->values = values;
  for (size_t i = 0; i < column->count; i++) {
    uint8_t text[48];
    size_t length = mwc_spell_date(values[i], &form, text);
    if (length == 0) {
      fail(d);
      return;
    }
    memcpy(slots + i * 32, text, 32);
    slots[i * 32 + 31] = (uint8_t)length;
  }
  put_exceptions(slots, 32, exceptions, exception_count);
  column->base = slots;
  column->texts = TEXTS_32;
}

static void get_float_column(decoder *d, column *column, uint32_t own) {
  unsigned shift = (unsigned)get_limited(d, 64);
  if (shift > 52 && shift != 64) fail(d);
  size_t exception_count;
  const exception *exceptions = get_exceptions(d, column->count, &exception_count);
  const int64_t *values = get_numbers(d, column->count, own);
  uint8_t *slots = take(d, column->count + 1, 32);
  if (d->head.failed) return;
  column->values = values;
  for (size_t i = 0; i < column->count; i++) {
    uint8_t *slot = slots + i * 32;
    if (i > 0 && values[i] == values[i - 1]) {
      memcpy(slot, slot - 32, 32);
    } else {
      if (shift == 64 && (values[i] >> 52 & 0x7FF) == 0x7FF) {
        fail(d);
        return;
      }
      size_t length = mwc_spell_float(values[i], shift, slot);
      slot[31] = (uint8_t)length;
    }
  }
  put_exceptions(slots, 32, exceptions, exception_count);
  column->base = slots;
  column->texts = TEXTS_32;
}

static void get_hex_column(decoder *d, column *column) {
  size_t half = (size_t)get_limited(d, 128), length;
  const uint8_t *bytes = get_piece(d, &length);
  if (d->head.failed || half == 0 || length / half != column->count || length % half != 0) {
    fail(d);
    return;
  }
  uint8_t *texts = take(d, 2 * length + MWC_COLUMN_PADDING, 1);
  place *table = take(d, column->count, sizeof *table);
  if (d->head.failed) return;
  for (size_t i = 0; i < length; i++) {
    static const char digits[] = "0123456789abcdef";
    texts[2 * i] = (uint8_t)digits[bytes[i] >> 4];
    texts[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
  }
  for (size_t i = 0; i < column->count; i++) {
    table[i] = (place){.offset = (uint32_t)(2 * half * i), .length = (uint32_t)(2 * half)};
  }
  column->base = texts;
  column->table = table;
  column->texts = TEXTS_TABLE;
}

static void get_choice_column(decoder *d, column *column) {
  size_t distinct = (size_t)get_limited(d, (uint64_t)(d->head.end - d->head.at));
  place *texts = take(d, distinct, sizeof *texts);
  if (texts == NULL) return;
  const uint8_t *base = d->head.at;
  for (size_t i = 0; i < distinct; i++) {
    size_t length;
    const uint8_t *text = get_text(d, &length);
    texts[i] = (place){.offset = (uint32_t)(text - base), .length = (uint32_t)length};
  }
  const int64_t *values = get_numbers(d, column->count, 0);
  place *table = take(d, column->count, sizeof *table);
  if (d->head.failed) return;
  for (size_t i = 0; i < column->count; i++) {
    if ((uint64_t)values[i] >= distinct) {
      fail(d);
      return;
    }
    table[i] = texts[values[i]];
  }
  column->base = base;
  column->table = table;
  column->texts = TEXTS_TABLE;
}

static void get_text_column(decoder *d, column *column, bool has_lengths) {
  size_t length;
  const uint8_t *bytes = get_piece(d, &length);
  place *table = take(d, column->count, sizeof *table);
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
    table[i] = (place){.offset = (uint32_t)(cursor.at - bytes), .length = (uint32_t)text};
    cursor.at += text + !has_lengths;
  }
  if (cursor.at != cursor.end) fail(d);
  column->base = bytes;
  column->table = table;
  column->texts = TEXTS_TABLE;
}

static void get_column(decoder *d, uint32_t number) {
  column *column = &d->columns[number];
  uint64_t type = get(d);
  column->count = (size_t)get_limited(d, UINT32_MAX);
  switch (type) {
    case MWC_TYPE_CONSTANT:
      column->base = get_text(d, &column->constant_length);
      column->texts = TEXTS_CONSTANT;
      break;
    case MWC_TYPE_TEXT: get_text_column(d, column, false); break;
    case MWC_TYPE_BYTES: get_text_column(d, column, true); break;
    case MWC_TYPE_CHOICE: get_choice_column(d, column); break;
    case MWC_TYPE_NUMBER: get_number_column(d, column, number); break;
    case MWC_TYPE_DATE: get_date_column(d, column, number); break;
    case MWC_TYPE_FLOAT: get_float_column(d, column, number); break;
    case MWC_TYPE_HEX: get_hex_column(d, column); break;
    default: fail(d);
  }
}

// MARK: Ways

static void get_nodes(decoder *d) {
  d->node_count = (uint32_t)get_limited(d, MWC_COLUMN_NODES_MAX - 1) + 1;
  d->column_count = (uint32_t)get_limited(d, MWC_COLUMN_NODES_MAX - 1) + 1;
  d->nodes = take(d, d->node_count, sizeof(node));
  d->columns = take(d, d->column_count, sizeof(column));
  if (d->head.failed) return;
  memset(d->nodes, 0, d->node_count * sizeof(node));
  memset(d->columns, 0, d->column_count * sizeof(column));
  for (uint32_t i = 1; i < d->node_count; i++) {
    d->nodes[i].literal = get_text(d, &d->nodes[i].literal_length);
    uint32_t column = (uint32_t)get_limited(d, d->column_count - 1);
    d->nodes[i].column = column == 0 ? NULL : &d->columns[column];
  }
  for (uint32_t i = 0; i < d->node_count && !d->head.failed; i++) {
    node *node = &d->nodes[i];
    if (i > 0 && node->column == NULL) continue;
    node->successor_count = (uint32_t)get_limited(d, d->node_count);
    uint32_t *successors = take(d, node->successor_count, sizeof *successors);
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

/// Where a message goes on behind a node; 0 when it cannot.
static uint32_t next_of(node *node) {
  if (node->successor_count <= 1) return node->next;
  if (node->choice_at >= node->choice_count) return 0;
  uint64_t choice = (uint64_t)node->choices[node->choice_at++];
  return choice < node->successor_count ? node->successors[choice] : 0;
}

/// Finds the record of each visit of the columns that the head lists.
static void get_messages(decoder *d) {
  size_t listed = (size_t)get_limited(d, d->column_count);
  if (d->head.failed || listed == 0) return;
  size_t visits = 0;
  for (size_t i = 0; i < listed; i++) {
    column *column = &d->columns[get_limited(d, d->column_count - 1)];
    column->count = (size_t)get_limited(d, UINT32_MAX);
    column->messages = take(d, column->count, sizeof *column->messages);
    if (column->messages == NULL) return;
  }
  for (size_t i = 0; i < d->record_count; i++) {
    uint32_t at = 0;
    do {
      at = next_of(&d->nodes[at]);
      if (at == 0 || visits++ > d->value_max) {
        fail(d);
        return;
      }
      column *column = d->nodes[at].column;
      if (column != NULL && column->messages != NULL && column->message_count < column->count)
        column->messages[column->message_count++] = (uint32_t)i;
    } while (d->nodes[at].column != NULL);
  }
  for (uint32_t i = 0; i < d->node_count; i++) d->nodes[i].choice_at = 0;
}

static inline void copy_short(uint8_t *to, const uint8_t *from, size_t length) {
  size_t at = 0;
  do {
    memcpy(to + at, from + at, 32);
    at += 32;
  } while (at < length);
}

size_t mwc_column_decoder_size(size_t stored, size_t raw) {
  return ((size_t)4 << 20) + 8 * stored + 20 * raw;
}

int64_t mwc_column_count(const mwc_column_stream *streams, size_t stream_count) {
  if (stream_count < 4) return MWC_COLUMN_E_MALFORMED;
  mwc_column_cursor head = {.at = streams[0].bytes, .end = streams[0].bytes + streams[0].length};
  uint64_t count = mwc_get_limited(&head, MWC_COLUMN_RAW_MAX / 16);
  return head.failed ? MWC_COLUMN_E_MALFORMED : (int64_t)count;
}

int64_t mwc_column_decode(void *memory, size_t size, const mwc_column_stream *streams,
                          size_t stream_count, int64_t base_wall, int64_t base_monotonic,
                          uint8_t *bytes, size_t capacity, mwc_entry *entries,
                          size_t entry_capacity) {
  if (stream_count < 4 || stream_count > MWC_COLUMN_STREAMS_MAX || size < 1 << 20)
    return MWC_COLUMN_E_MALFORMED;
  decoder decoder = {
      .arena = {.next = memory, .end = (uint8_t *)memory + size},
      .head = {.at = streams[0].bytes, .end = streams[0].bytes + streams[0].length},
      .streams = streams,
      .stream_count = stream_count,
  };
  struct decoder *d = &decoder;
  d->arena.next += 15 & (0 - (uintptr_t)d->arena.next);
  d->stream_at = take(d, stream_count, sizeof *d->stream_at);
  memset(d->stream_at, 0, stream_count * sizeof *d->stream_at);

  size_t count = (size_t)get_limited(d, entry_capacity);
  d->record_count = count;
  d->value_max = capacity + 16 * count + 64;
  size_t source_count = (size_t)get_limited(d, count);
  uint32_t *sources = take(d, source_count, sizeof *sources);
  uint32_t *starts = take(d, source_count + 1, sizeof *starts);
  if (d->head.failed) return MWC_COLUMN_E_MALFORMED;
  starts[0] = 0;
  for (size_t i = 0; i < source_count; i++) {
    sources[i] = (uint32_t)get_limited(d, 2 * 4096 + 1);
    starts[i + 1] = starts[i] + (uint32_t)get_limited(d, count - starts[i]);
  }
  if (starts[source_count] != count) return MWC_COLUMN_E_MALFORMED;
  const int64_t *kinds = get_numbers(d, count, 0);
  const int64_t *times = get_numbers(d, count, 0);
  const int64_t *offsets = get_numbers(d, count, 0);
  bool has_order = get_limited(d, 1) == 1;
  const int64_t *order = has_order ? get_numbers(d, count, 0) : NULL;
  d->walls = take(d, count, sizeof *d->walls);
  uint32_t *slots = take(d, count, sizeof *slots);
  uint32_t *heads = take(d, source_count, sizeof *heads);
  if (d->head.failed) return MWC_COLUMN_E_MALFORMED;
  for (size_t i = 0; i < count; i++) {
    d->walls[i] = mwc_add(mwc_add(times[i], base_monotonic),
                          mwc_add(offsets[i], mwc_sub(base_wall, base_monotonic)));
  }

  get_nodes(d);
  if (d->head.failed) return MWC_COLUMN_E_MALFORMED;
  get_messages(d);
  for (uint32_t i = 1; i < d->column_count && !d->head.failed; i++) get_column(d, i);
  if (d->head.failed || d->head.at != d->head.end) return MWC_COLUMN_E_MALFORMED;

  // The order of the records.
  for (size_t i = 0; i < source_count; i++) heads[i] = starts[i];
  for (size_t i = 0; i < count; i++) {
    size_t source = 0;
    if (has_order) {
      if ((uint64_t)order[i] >= source_count) return MWC_COLUMN_E_MALFORMED;
      source = (size_t)order[i];
      if (heads[source] >= starts[source + 1]) return MWC_COLUMN_E_MALFORMED;
    } else {
      while (source < source_count && heads[source] >= starts[source + 1]) source++;
      for (size_t other = source + 1; other < source_count; other++) {
        if (heads[other] < starts[other + 1] && times[heads[other]] < times[heads[source]])
          source = other;
      }
    }
    slots[heads[source]++] = (uint32_t)i;
  }

  uint8_t *at = bytes, *end = bytes + capacity;
  size_t source = 0, visits = 0;
  node *nodes = d->nodes;
  for (size_t i = 0; i < count; i++) {
    while (i >= starts[source + 1]) source++;
    uint8_t *start = at;
    uint32_t number = 0;
    for (;;) {
      number = next_of(&nodes[number]);
      if (number == 0 || visits++ > d->value_max) return MWC_COLUMN_E_MALFORMED;
      const node *node = &nodes[number];
      if (node->literal_length > (size_t)(end - at)) return MWC_COLUMN_E_MALFORMED;
      copy_short(at, node->literal, node->literal_length);
      at += node->literal_length;
      column *column = node->column;
      if (column == NULL) break;
      if (column->at >= column->count) return MWC_COLUMN_E_MALFORMED;
      size_t visit = column->at++;
      const uint8_t *text;
      size_t length;
      switch (column->texts) {
        case TEXTS_CONSTANT:
          text = column->base;
          length = column->constant_length;
          break;
        case TEXTS_16:
          text = column->base + 16 * visit;
          length = text[15];
          break;
        case TEXTS_32:
          text = column->base + 32 * visit;
          length = text[31];
          break;
        default:
          text = column->base + column->table[visit].offset;
          length = column->table[visit].length;
          break;
      }
      if (length > (size_t)(end - at)) return MWC_COLUMN_E_MALFORMED;
      copy_short(at, text, length);
      at += length;
    }
    mwc_entry *entry = &entries[slots[i]];
    memset(entry, 0, sizeof *entry);
    entry->wall_ns = d->walls[i];
    entry->monotonic_ns = mwc_add(times[i], base_monotonic);
    entry->offset = (uint64_t)(start - bytes);
    entry->length = (uint32_t)(at - start);
    entry->connection = sources[source] >> 1;
    entry->direction = sources[source] & 1;
    entry->kind = (uint8_t)kinds[i];
  }
  for (uint32_t i = 1; i < d->column_count; i++) {
    if (d->columns[i].at != d->columns[i].count) return MWC_COLUMN_E_MALFORMED;
  }
  return at - bytes;
}
