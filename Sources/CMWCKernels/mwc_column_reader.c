/// From the streams of a block to the values of a few paths.
#include "mwc_column_ways.h"
#include "mwc_json_scanner.h"

enum {
  /// Most columns that are read, and bytes of a message without its values.
  COLUMNS_MAX = 1024,
  TEMPLATE_MAX = 64 << 10,
  /// Most places of all sources in all columns: 16 MiB.
  PLACES_MAX = 4 << 20,
};

/// A column that somebody wants values of.
typedef struct wanted {
  uint32_t column;
  bool is_word;  ///< whether it has other values than strings
  /// Numbers, converted as MWC_JSON_CONVERT says, by visit; NULL: the texts have to be looked at.
  const uint64_t *numbers;
  /// Type and flags of each, as `kind_of`; NULL: all are numbers with `flags`.
  const uint8_t *kinds;
  uint8_t flags;
} wanted;

/// A value that changes from message to message.
typedef struct change {
  uint32_t path;
  uint32_t wanted;
  uint32_t visit;  ///< of that column within the message
  uint32_t place;  ///< of its text in `json`
  bool is_string;
  bool is_amount;  ///< whether its text means nothing
} change;

/// How many visits of a wanted column a message brings.
typedef struct advance {
  uint32_t wanted, count;
} advance;

/// What messages that went the same way have in common. The changes come in two parts: numbers of
/// which only the value is wanted, then others.
typedef struct look {
  uint32_t known;  ///< sets of paths whose values can be told
  uint8_t *json;
  size_t length;
  mwc_json_value *values;
  change *changes;
  uint32_t amount_count, change_count;
  advance *advances;
  uint32_t advance_count;
} look;

/// Where a value is missing in a message without values.
typedef struct slot {
  uint32_t place, column, visit;
  bool is_string;  ///< between quotes
  bool is_inside;  ///< in a string, maybe not all of it
} slot;

struct mwc_column_reader {
  mwc_block block;
  mwc_ways ways;
  int64_t base_monotonic;
  mwc_column_paths sets[MWC_COLUMN_READERS_MAX];
  size_t set_count, path_count;
  look *looks;  ///< by way
  wanted *wanted;
  uint32_t wanted_count;
  uint32_t *places;   ///< by source and wanted column: the next visit
  uint32_t *records;  ///< by order of arrival
  uint16_t *source_of;
  size_t next;
  // For messages that are put together: places by source and column, and up to which record of each
  // source they have been brought. NULL until somebody wants a message.
  uint32_t *all_places;
  uint32_t *reached;
};

// MARK: Looking at a way

/// The number of a wanted column, which it becomes; UINT32_MAX when there are too many.
static uint32_t want(mwc_column_reader *r, uint32_t column) {
  for (uint32_t i = 0; i < r->wanted_count; i++) {
    if (r->wanted[i].column == column) return i;
  }
  if (r->wanted_count >= COLUMNS_MAX) return UINT32_MAX;
  r->wanted[r->wanted_count] = (wanted){.column = column};
  return r->wanted_count++;
}

/// Whether a text ends within a string that was open or not when it began. Kept by node and by column,
/// as each comes in many ways.
typedef struct ends {
  uint8_t *literals, *constants;  ///< two for each: UNKNOWN, or whether it ends within a string
} ends;

enum { OUTSIDE = 0, INSIDE = 1, BROKEN = 2, UNKNOWN = 3 };

static uint8_t end_of(uint8_t *known, uint8_t state, const uint8_t *text, size_t length) {
  if (state == BROKEN) return BROKEN;
  if (known[state] != UNKNOWN) return known[state];
  uint8_t end = state;
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '"') end = end == INSIDE ? OUTSIDE : INSIDE;
    if (text[i] != '\\') continue;
    // An escape outside of a string is none, and half of one says nothing.
    if (end == OUTSIDE || ++i == length) return known[state] = BROKEN;
  }
  return known[state] = end;
}

/// Joins the literals and constants of a way, with nothing between the quotes of other strings and a
/// zero for other words. Returns how many slots there are, or -1: not this way.
static int64_t join(const mwc_block *block, const mwc_way *way, look *look, slot *slots,
                    uint32_t *visits, const ends *ends) {
  uint8_t *at = look->json, *end = at + TEMPLATE_MAX - 2;
  size_t slot_count = 0;
  uint8_t state = OUTSIDE;
  for (uint32_t i = 0; i < way->node_count; i++) {
    const mwc_block_node *node = &block->nodes[way->nodes[i]];
    const mwc_block_column *column = &block->columns[node->column];
    if (node->literal_length > (size_t)(end - at)) return -1;
    memcpy(at, node->literal, node->literal_length);
    at += node->literal_length;
    state = end_of(ends->literals + 2 * way->nodes[i], state, node->literal, node->literal_length);
    if (node->column == 0) break;
    uint32_t visit = visits[node->column]++;
    if (column->type == MWC_TYPE_CONSTANT) {
      if (column->description_length > (size_t)(end - at)) return -1;
      memcpy(at, column->description, column->description_length);
      at += column->description_length;
      state = end_of(ends->constants + 2 * node->column, state, column->description,
                     column->description_length);
      continue;
    }
    if (column->type == MWC_TYPE_BYTES || at == end || state == BROKEN) return -1;
    bool is_string = at > look->json && at[-1] == '"';
    // Behind the end of a string stands no value.
    if (is_string && state == OUTSIDE) return -1;
    slots[slot_count++] = (slot){.place = (uint32_t)(at - look->json),
                                 .column = node->column,
                                 .visit = visit,
                                 .is_string = is_string,
                                 .is_inside = state == INSIDE};
    if (!is_string) *at++ = '0';
  }
  look->length = (size_t)(at - look->json);
  *at = ' ';
  return state == OUTSIDE ? (int64_t)slot_count : -1;
}

static bool is_space(uint8_t byte) {
  return byte == ' ' || byte == '\n' || byte == '\t' || byte == '\r';
}

/// Whether a slot of a valid document is a word of its own, or stands in a string that is no key: then
/// no value changes what others are.
static bool is_value(const look *look, const slot *slot) {
  const uint8_t *json = look->json, *end = json + look->length, *at = json + slot->place;
  if (!slot->is_inside) {
    uint8_t before = slot->place == 0 ? ' ' : at[-1], after = at[1];
    return (is_space(before) || before == ':' || before == ',' || before == '[') &&
           (is_space(after) || after == ',' || after == ']' || after == '}');
  }
  while (at < end && *at != '"') at += *at == '\\' ? 2 : 1;
  for (at++; at < end && is_space(*at); at++) continue;
  return at >= end || *at != ':';
}

static bool are_values(const look *look, const slot *slots, size_t slot_count) {
  for (size_t i = 0; i < slot_count; i++) {
    if (!is_value(look, &slots[i])) return false;
  }
  return true;
}

/// Notes which slots hold the values of a path. False when that cannot be told without the message.
static bool note_value(mwc_column_reader *r, look *look, uint32_t path, uint8_t wants,
                       const slot *slots, size_t slot_count) {
  const mwc_json_value *value = &look->values[path];
  if (value->type == MWC_JSON_MISSING) return true;
  size_t first = 0, last = slot_count;
  while (first < last) {
    size_t middle = (first + last) / 2;
    if (slots[middle].place < value->offset) {
      first = middle + 1;
    } else {
      last = middle;
    }
  }
  const slot *slot = &slots[first];
  bool is_container = value->type == MWC_JSON_ARRAY || value->type == MWC_JSON_OBJECT;
  // At the end of a string is room for a value, at the end of others is not.
  uint32_t end = value->offset + value->length + (value->type == MWC_JSON_STRING);
  bool has_slot = first < slot_count && slot->place < end;
  if (!has_slot || (is_container && (wants & MWC_COLUMN_PRESENCE))) return true;
  uint32_t length = slot->is_string ? 0 : 1;
  bool is_all = slot->place == value->offset && value->length == length &&
                (first + 1 == slot_count || slot[1].place >= end) &&
                value->type == (slot->is_string ? MWC_JSON_STRING : MWC_JSON_NUMBER);
  if (is_container || !is_all) return false;
  uint32_t number = want(r, slot->column);
  if (number == UINT32_MAX) return false;
  r->wanted[number].is_word |= !slot->is_string;
  look->changes[look->change_count++] = (change){.path = path,
                                                 .wanted = number,
                                                 .visit = slot->visit,
                                                 .is_string = slot->is_string,
                                                 .is_amount = wants & MWC_COLUMN_AMOUNT};
  return true;
}

/// Looks at the messages of a way without their values. False when there is no memory.
static bool look_at(mwc_column_reader *r, const mwc_way *way, look *look, slot *slots,
                    uint32_t *visits, const ends *ends) {
  mwc_block *block = &r->block;
  look->known = 0;
  if (!block->is_valid || way->node_count > MWC_COLUMN_NODES_MAX) return true;
  uint8_t *mark = block->arena.next;
  look->json = mwc_block_take(block, TEMPLATE_MAX, 1);
  if (look->json == NULL) return false;
  memset(visits, 0, block->column_count * sizeof *visits);
  int64_t slot_count = join(block, way, look, slots, visits, ends);
  block->arena.next = mark;
  if (slot_count < 0 || !are_values(look, slots, (size_t)slot_count)) return true;
  look->json = mwc_block_take(block, look->length + 2, 1);  // where it stands already
  look->values = mwc_block_take(block, r->path_count + 1, sizeof *look->values);
  look->changes = mwc_block_take(block, r->path_count + 1, sizeof *look->changes);
  if (block->head.failed) return false;
  uint32_t path = 0;
  for (size_t set = 0; set < r->set_count; set++) {
    size_t offset;
    const mwc_column_paths *paths = &r->sets[set];
    mwc_json_value *values = look->values + path;
    bool is_known =
        mwc_json_scan_general(paths->scanner, look->json, look->length, values, &offset) == 0;
    uint32_t changes = look->change_count;
    for (size_t i = 0; i < paths->count && is_known; i++) {
      if (values[i].type == MWC_JSON_NUMBER && !(paths->scanner->options & MWC_JSON_CONVERT))
        mwc_json_convert(look->json, &values[i]);
      is_known = note_value(r, look, path + (uint32_t)i, paths->wants[i], slots, (size_t)slot_count);
    }
    if (is_known) {
      look->known |= (uint32_t)1 << set;
    } else {
      look->change_count = changes;
    }
    path += (uint32_t)paths->count;
  }
  return true;
}

/// Gives a way the places of its changes: first those of which only the value is wanted. False when
/// there is no memory.
static bool prepare_changes(mwc_column_reader *r, look *look) {
  size_t size = look->length + 1;
  for (uint32_t i = 0; i < look->change_count; i++) {
    change *change = &look->changes[i];
    const wanted *wanted = &r->wanted[change->wanted];
    const mwc_block_column *column = &r->block.columns[wanted->column];
    if (change->is_amount && !change->is_string && wanted->numbers != NULL) {
      mwc_json_value *value = &look->values[change->path];
      value->offset = value->length = 0;
      if (wanted->kinds == NULL) {
        value->flags = wanted->flags;
        struct change other = look->changes[look->amount_count];
        look->changes[look->amount_count++] = *change;
        *change = other;
      }
      continue;
    }
    size_t longest = 2 * column->width;
    for (size_t j = 0; j < column->choice_count; j++) {
      if (column->choices[j].length > longest) longest = column->choices[j].length;
    }
    for (size_t j = 0; column->texts == MWC_TEXTS_TABLE && j < column->count; j++) {
      if (column->table[j].length > longest) longest = column->table[j].length;
    }
    change->place = (uint32_t)size;
    size += longest + MWC_TEXT_ROOM;
    if (size > UINT32_MAX / 2) return false;
  }
  uint8_t *json = mwc_block_take(&r->block, size, 1);
  if (json == NULL) return false;
  memset(json, ' ', size);
  memcpy(json, look->json, look->length);
  look->json = json;
  look->length = size;
  return true;
}

// MARK: Converting

/// A type and its flags in a byte.
static uint8_t kind_of(const mwc_json_value *value) {
  return (uint8_t)(value->type << 5 | value->flags);
}
_Static_assert(MWC_JSON_OBJECT < 8 && MWC_JSON_INT64 < 32, "they fit");

/// What a word is, which stands at `value->offset` of `json`.
static void classify(const uint8_t *json, mwc_json_value *value) {
  const uint8_t *text = json + value->offset;
  value->flags = 0;
  value->number.integer = 0;
  switch (text[0]) {
    case 't': value->type = MWC_JSON_TRUE; return;
    case 'f': value->type = MWC_JSON_FALSE; return;
    case 'n': value->type = MWC_JSON_NULL; return;
    default: break;
  }
  value->type = MWC_JSON_NUMBER;
  value->flags = MWC_JSON_INTEGER;
  for (size_t i = 0; i < value->length; i++) {
    if (text[i] == '.' || (text[i] | 0x20) == 'e') value->flags = 0;
  }
  mwc_json_convert(json, value);
}

static uint64_t bits_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// The double that value / 10^places spells.
static double quotient(int64_t value, unsigned places) {
  double magnitude =
      mwc_decimal_quotient(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, places);
  return value < 0 ? -magnitude : magnitude;
}

/// Makes numbers of a column of decimals, as if their spellings were converted. False when there is
/// no memory.
static bool convert_numbers(mwc_block *block, const mwc_block_column *column, wanted *wanted) {
  const int64_t *values = column->values;
  size_t count = column->count;
  if (column->most == 0) {
    // As they are; beyond 64 bits nothing is spelled.
    wanted->numbers = (const uint64_t *)(const void *)values;
    wanted->flags = MWC_JSON_INTEGER | MWC_JSON_INT64;
    return true;
  }
  uint64_t *numbers = mwc_block_take(block, count, sizeof *numbers);
  if (numbers == NULL) return false;
  wanted->numbers = numbers;
  unsigned places = column->most;
  uint64_t large = 0;
  for (size_t i = 0; i < count; i++) large |= (uint64_t)(values[i] ^ (values[i] >> 63));
  if (large < (uint64_t)1 << 53) {
    double power = mwc_exact_tens[places];
    for (size_t i = 0; i < count; i++) numbers[i] = bits_of((double)values[i] / power);
  } else {
    for (size_t i = 0; i < count; i++) numbers[i] = bits_of(quotient(values[i], places));
  }
  if (column->least > 0) return true;
  // Where zeros at the end are left out, some are spelled as integers.
  uint8_t *kinds = mwc_block_take(block, count, 1);
  if (kinds == NULL) return false;
  wanted->kinds = kinds;
  int64_t power = (int64_t)mwc_tens[places];
  for (size_t i = 0; i < count; i++) {
    mwc_json_value value = {.type = MWC_JSON_NUMBER};
    if (values[i] % power == 0) {
      value.flags = MWC_JSON_INTEGER | MWC_JSON_INT64;
      numbers[i] = (uint64_t)(values[i] / power);
    }
    kinds[i] = kind_of(&value);
  }
  return true;
}

static bool convert_floats(mwc_block *block, const mwc_block_column *column, wanted *wanted) {
  if (column->shift == 64) {
    wanted->numbers = (const uint64_t *)(const void *)column->values;
    return true;
  }
  uint64_t *numbers = mwc_block_take(block, column->count, sizeof *numbers);
  if (numbers == NULL) return false;
  double power = (double)((uint64_t)1 << column->shift);
  for (size_t i = 0; i < column->count; i++)
    numbers[i] = bits_of((double)column->values[i] / power);
  wanted->numbers = numbers;
  return true;
}

/// Words that come again and again are looked at once.
static bool convert_choices(mwc_block *block, const mwc_block_column *column, wanted *wanted) {
  uint64_t *numbers = mwc_block_take(block, column->count, sizeof *numbers);
  uint8_t *kinds = mwc_block_take(block, column->count, 1);
  mwc_json_value *values = mwc_block_take(block, column->choice_count, sizeof *values);
  if (block->head.failed) return false;
  for (size_t i = 0; i < column->choice_count; i++) {
    values[i] = (mwc_json_value){.offset = column->choices[i].offset,
                                 .length = column->choices[i].length};
    classify(column->base, &values[i]);
  }
  for (size_t i = 0; i < column->count; i++) {
    const mwc_json_value *value = &values[column->values[i]];
    numbers[i] = (uint64_t)value->number.integer;
    kinds[i] = kind_of(value);
  }
  wanted->numbers = numbers;
  wanted->kinds = kinds;
  return true;
}

/// Replaces the numbers of visits that have another text.
static bool convert_exceptions(mwc_block *block, const mwc_block_column *column, wanted *wanted) {
  size_t count = column->count;
  uint64_t *numbers = mwc_block_take(block, count, sizeof *numbers);
  uint8_t *kinds = mwc_block_take(block, count, 1);
  if (block->head.failed) return false;
  memcpy(numbers, wanted->numbers, count * sizeof *numbers);
  if (wanted->kinds != NULL) {
    memcpy(kinds, wanted->kinds, count);
  } else {
    mwc_json_value value = {.type = MWC_JSON_NUMBER, .flags = wanted->flags};
    memset(kinds, kind_of(&value), count);
  }
  for (size_t i = 0; i < column->exception_count; i++) {
    const mwc_column_exception *exception = &column->exceptions[i];
    mwc_json_value value = {.length = (uint32_t)exception->length};
    classify(exception->text, &value);
    for (size_t j = 0; j < exception->count; j++) {
      numbers[exception->first + j] = (uint64_t)value.number.integer;
      kinds[exception->first + j] = kind_of(&value);
    }
  }
  wanted->numbers = numbers;
  wanted->kinds = kinds;
  return true;
}

/// Decodes a wanted column. False when it is malformed.
static bool load(mwc_column_reader *r, wanted *wanted) {
  mwc_block *block = &r->block;
  if (!mwc_block_load(block, wanted->column)) return false;
  const mwc_block_column *column = &block->columns[wanted->column];
  if (!wanted->is_word) return true;
  switch (column->type) {
    case MWC_TYPE_NUMBER:
      if (!convert_numbers(block, column, wanted)) return false;
      break;
    case MWC_TYPE_FLOAT:
      if (!convert_floats(block, column, wanted)) return false;
      break;
    case MWC_TYPE_CHOICE: return convert_choices(block, column, wanted);
    default: return true;
  }
  return column->exception_count == 0 || convert_exceptions(block, column, wanted);
}

// MARK: Opening

/// Finds out where the records of each source begin in the columns. `columns[i]` is the row's place
/// for column `i`, UINT32_MAX if it has none; `rows` has a row of `width` for each source.
static bool place_sources(const mwc_column_reader *r, const uint32_t *columns, uint32_t width,
                          uint32_t *rows, uint32_t *tally, uint32_t *now) {
  const mwc_block *block = &r->block;
  memset(now, 0, width * sizeof *now);
  for (uint32_t source = 0; source < block->source_count; source++) {
    memcpy(rows + (size_t)source * width, now, width * sizeof *now);
    memset(tally, 0, r->ways.count * sizeof *tally);
    for (uint32_t i = block->starts[source]; i < block->starts[source + 1]; i++)
      tally[r->ways.of_record[i]]++;
    for (uint32_t number = 0; number < r->ways.count; number++) {
      const mwc_way *way = &r->ways.ways[number];
      for (uint32_t i = 0; tally[number] > 0 && i < way->node_count; i++) {
        uint32_t place = columns[block->nodes[way->nodes[i]].column];
        if (place != UINT32_MAX) now[place] += tally[number];
      }
    }
  }
  for (uint32_t i = 1; i < block->column_count; i++) {
    if (columns[i] != UINT32_MAX && now[columns[i]] != block->columns[i].count) return false;
  }
  return true;
}

/// Notes how far each way takes a message in the wanted columns.
static bool note_advances(mwc_column_reader *r, const uint32_t *wanted_of, uint32_t *counts) {
  memset(counts, 0, r->wanted_count * sizeof *counts);
  for (uint32_t number = 0; number < r->ways.count; number++) {
    const mwc_way *way = &r->ways.ways[number];
    look *look = &r->looks[number];
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < way->node_count; i++) {
      uint32_t wanted = wanted_of[r->block.nodes[way->nodes[i]].column];
      if (wanted != UINT32_MAX) distinct += counts[wanted]++ == 0;
    }
    look->advances = mwc_block_take(&r->block, distinct, sizeof *look->advances);
    if (look->advances == NULL) return false;
    for (uint32_t i = 0; i < way->node_count; i++) {
      uint32_t wanted = wanted_of[r->block.nodes[way->nodes[i]].column];
      if (wanted == UINT32_MAX || counts[wanted] == 0) continue;
      look->advances[look->advance_count++] = (advance){wanted, counts[wanted]};
      counts[wanted] = 0;
    }
  }
  return true;
}

static bool prepare(mwc_column_reader *r) {
  mwc_block *block = &r->block;
  size_t count = block->record_count;
  if (block->source_count > UINT16_MAX || !mwc_ways_find(&r->ways, block) ||
      !mwc_ways_time(&r->ways))
    return false;
  r->looks = mwc_block_take(block, r->ways.count, sizeof *r->looks);
  r->wanted = mwc_block_take(block, COLUMNS_MAX, sizeof *r->wanted);
  r->records = mwc_block_take(block, count, sizeof *r->records);
  r->source_of = mwc_block_take(block, count, sizeof *r->source_of);
  uint32_t *order = mwc_block_take(block, count, sizeof *order);
  slot *slots = mwc_block_take(block, MWC_COLUMN_NODES_MAX, sizeof *slots);
  uint32_t *visits = mwc_block_take(block, block->column_count + COLUMNS_MAX, sizeof *visits);
  uint32_t *wanted_of = mwc_block_take(block, block->column_count, sizeof *wanted_of);
  uint32_t *tally = mwc_block_take(block, r->ways.count, sizeof *tally);
  ends ends = {.literals = mwc_block_take(block, block->node_count, 2),
               .constants = mwc_block_take(block, block->column_count, 2)};
  if (block->head.failed || !mwc_block_order(block, order)) return false;
  memset(ends.literals, UNKNOWN, (size_t)block->node_count * 2);
  memset(ends.constants, UNKNOWN, (size_t)block->column_count * 2);
  for (uint32_t source = 0; source < block->source_count; source++) {
    for (uint32_t i = block->starts[source]; i < block->starts[source + 1]; i++) {
      r->source_of[i] = (uint16_t)source;
      r->records[order[i]] = i;
    }
  }
  memset(r->looks, 0, r->ways.count * sizeof *r->looks);
  for (uint32_t i = 0; i < r->ways.count; i++) {
    if (!look_at(r, &r->ways.ways[i], &r->looks[i], slots, visits, &ends)) return false;
  }
  memset(wanted_of, 0xFF, block->column_count * sizeof *wanted_of);
  for (uint32_t i = 0; i < r->wanted_count; i++) {
    wanted_of[r->wanted[i].column] = i;
    if (!load(r, &r->wanted[i])) return false;
  }
  for (uint32_t i = 0; i < r->ways.count; i++) {
    if (r->looks[i].known != 0 && !prepare_changes(r, &r->looks[i])) return false;
  }
  if ((size_t)block->source_count * r->wanted_count > PLACES_MAX) return false;
  r->places = mwc_block_take(block, (size_t)block->source_count * r->wanted_count, sizeof(uint32_t));
  return r->places != NULL && note_advances(r, wanted_of, visits) &&
         place_sources(r, wanted_of, r->wanted_count, r->places, tally, visits);
}

mwc_column_reader *mwc_column_reader_open(void *memory, size_t size,
                                          const mwc_column_stream *streams, size_t stream_count,
                                          mwc_column_source source, void *context,
                                          int64_t base_wall, int64_t base_monotonic,
                                          size_t capacity, size_t entry_capacity,
                                          const mwc_column_paths *sets, size_t set_count) {
  uint8_t *start = (uint8_t *)memory + (15 & (0 - (uintptr_t)memory));
  size_t used = (size_t)(start - (uint8_t *)memory) + ((sizeof(mwc_column_reader) + 15) & ~(size_t)15);
  if (size < used + (1 << 20) || set_count > MWC_COLUMN_READERS_MAX) return NULL;
  mwc_column_reader *reader = (mwc_column_reader *)(void *)start;
  memset(reader, 0, sizeof *reader);
  reader->base_monotonic = base_monotonic;
  reader->set_count = set_count;
  for (size_t i = 0; i < set_count; i++) {
    reader->sets[i] = sets[i];
    reader->path_count += sets[i].count;
  }
  if (!mwc_block_open(&reader->block, (uint8_t *)memory + used, size - used, streams, stream_count,
                      source, context, base_wall, base_monotonic, capacity, entry_capacity) ||
      !prepare(reader))
    return NULL;
  return reader;
}

// MARK: Values

/// Gives a value that is not only a number without text.
static void give(mwc_column_reader *r, look *look, const change *change, uint32_t visit) {
  const wanted *wanted = &r->wanted[change->wanted];
  mwc_json_value *value = &look->values[change->path];
  bool is_number = wanted->numbers != NULL && !change->is_string;
  if (is_number) {
    uint8_t kind = wanted->kinds != NULL ? wanted->kinds[visit]
                                         : (uint8_t)(MWC_JSON_NUMBER << 5 | wanted->flags);
    value->type = kind >> 5;
    value->flags = kind & 31;
    value->number.integer = (int64_t)wanted->numbers[visit];
    if (change->is_amount) return;
  } else if (change->is_string && change->is_amount) {
    value->offset = value->length = 0;
    return;
  }
  size_t length;
  uint8_t *room = look->json + change->place;
  const uint8_t *text =
      mwc_block_find(&r->block.columns[wanted->column], visit, room, &length);
  if (text != room) mwc_copy_text(room, text, length);
  value->offset = change->place;
  value->length = (uint32_t)length;
  if (is_number) return;
  if (change->is_string) {
    value->type = MWC_JSON_STRING;
    value->flags = length > 0 && memchr(room, '\\', length) != NULL ? MWC_JSON_ESCAPED : 0;
  } else {
    classify(look->json, value);
  }
}

bool mwc_column_reader_next(mwc_column_reader *r, mwc_entry *entry, mwc_column_values *values) {
  mwc_block *block = &r->block;
  if (r->next >= block->record_count) return false;
  uint32_t record = r->records[r->next++];
  uint32_t number = r->source_of[record];
  uint32_t source = block->sources[number];
  entry->wall_ns = block->walls[record];
  entry->monotonic_ns = mwc_add(block->times[record], r->base_monotonic);
  entry->offset = 0;
  entry->length = 0;
  entry->connection = source >> 1;
  entry->direction = source & 1;
  entry->kind = (uint8_t)block->kinds[record];
  look *look = &r->looks[r->ways.of_record[record]];
  uint32_t *places = r->places + (size_t)number * r->wanted_count;
  for (uint32_t i = 0; i < look->amount_count; i++) {
    const change *change = &look->changes[i];
    uint32_t visit = places[change->wanted] + change->visit;
    look->values[change->path].number.integer = (int64_t)r->wanted[change->wanted].numbers[visit];
  }
  for (uint32_t i = look->amount_count; i < look->change_count; i++) {
    const change *change = &look->changes[i];
    give(r, look, change, places[change->wanted] + change->visit);
  }
  for (uint32_t i = 0; i < look->advance_count; i++)
    places[look->advances[i].wanted] += look->advances[i].count;
  *values = (mwc_column_values){
      .known = look->known, .json = look->json, .length = look->length, .values = look->values};
  return true;
}

// MARK: Messages

/// Makes it possible to find the values of every column.
static bool prepare_messages(mwc_column_reader *r) {
  mwc_block *block = &r->block;
  size_t width = block->column_count;
  uint32_t *columns = mwc_block_take(block, width, sizeof *columns);
  uint32_t *now = mwc_block_take(block, width, sizeof *now);
  uint32_t *tally = mwc_block_take(block, r->ways.count, sizeof *tally);
  if (width * block->source_count > PLACES_MAX) return false;
  uint32_t *places = mwc_block_take(block, width * block->source_count, sizeof *places);
  r->reached = mwc_block_take(block, block->source_count, sizeof *r->reached);
  if (block->head.failed) return false;
  for (uint32_t i = 0; i < width; i++) {
    columns[i] = i;
    bool has_places = block->columns[i].is_visited && block->columns[i].type != MWC_TYPE_CONSTANT;
    if (!has_places) columns[i] = UINT32_MAX;
  }
  columns[0] = UINT32_MAX;
  memcpy(r->reached, block->starts, block->source_count * sizeof *r->reached);
  if (!place_sources(r, columns, (uint32_t)width, places, tally, now)) return false;
  r->all_places = places;
  return true;
}

int64_t mwc_column_reader_message(mwc_column_reader *r, uint8_t *bytes, size_t capacity) {
  mwc_block *block = &r->block;
  if (r->next == 0 || block->head.failed || (r->all_places == NULL && !prepare_messages(r)))
    return MWC_COLUMN_E_MALFORMED;
  uint32_t record = r->records[r->next - 1];
  uint32_t source = r->source_of[record];
  uint32_t *places = r->all_places + (size_t)source * block->column_count;
  // Past the messages that nobody asked for. One that was asked for already is not gone past yet.
  for (; r->reached[source] < record; r->reached[source]++) {
    const mwc_way *way = &r->ways.ways[r->ways.of_record[r->reached[source]]];
    for (uint32_t i = 0; i < way->node_count; i++) places[block->nodes[way->nodes[i]].column]++;
  }
  const mwc_way *way = &r->ways.ways[r->ways.of_record[record]];
  uint8_t *at = bytes, *end = bytes + capacity;
  for (uint32_t i = 0; i < way->node_count; i++) {
    const mwc_block_node *node = &block->nodes[way->nodes[i]];
    if (node->literal_length > (size_t)(end - at)) return MWC_COLUMN_E_MALFORMED;
    mwc_copy_text(at, node->literal, node->literal_length);
    at += node->literal_length;
    if (node->column == 0) break;
    mwc_block_column *column = &block->columns[node->column];
    if (!mwc_block_load(block, node->column)) return MWC_COLUMN_E_MALFORMED;
    uint8_t room[MWC_TEXT_ROOM];
    size_t length;
    const uint8_t *text = mwc_block_find(column, places[node->column]++, room, &length);
    if (length > (size_t)(end - at)) return MWC_COLUMN_E_MALFORMED;
    mwc_copy_text(at, text, length);
    at += length;
  }
  // It can be asked for again.
  for (uint32_t i = 0; i < way->node_count; i++) places[block->nodes[way->nodes[i]].column]--;
  return at - bytes;
}
