// What following needs of a segment, made from the message it comes from.
#include "mwc_json_number.h"
#include "mwc_json_shape.h"

static bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

// MARK: Text and sorts

/// What may stand in a number without a change to its shape: other digits; but the first of several
/// before the point cannot become a zero.
static void sort_number(const uint8_t *text, uint8_t *sorts, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) sorts[i] = is_digit(text[i]) ? MWC_SORT_DIGIT : 0;
  uint32_t lead = text[0] == '-';
  if (lead + 1 < length && is_digit(text[lead + 1])) sorts[lead] = MWC_SORT_NOT_ZERO;
}

/// What may stand in a string: other bytes that stand for themselves. Escapes and what is not ASCII
/// have to stay.
static void sort_string(const uint8_t *text, uint8_t *sorts, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    uint32_t fixed = text[i] == '\\' ? (text[i + 1] == 'u' ? 6 : 2) : text[i] >= 0x80;
    if (fixed == 0) {
      sorts[i] = MWC_SORT_TEXT;
    } else {
      memset(sorts + i, 0, fixed);
      i += fixed - 1;
    }
  }
}

/// Copies the text of a segment and its sorts, taking turns every 64 bytes.
static void fill_blocks(shape_memory *memory, shape_segment *segment, const uint8_t *text,
                        const shape_unit *units, uint32_t start) {
  uint8_t sorts[SHAPE_BYTES];
  memset(sorts, 0, segment->length);
  for (uint32_t i = 0; i < segment->count; i++) {
    const shape_unit *unit = &units[segment->first + i];
    uint32_t at = unit->start - start;
    if (at >= segment->length || unit->start == unit->end) continue;
    uint32_t length = (uint32_t)unit->end - unit->start;
    if (unit->kind == SHAPE_NUMBER) sort_number(text + unit->start, sorts + at, length);
    if (unit->kind == SHAPE_STRING) sort_string(text + unit->start, sorts + at, length);
  }
  uint32_t count = (segment->length + 63u) / 64;
  uint8_t *blocks = shape_at(memory, segment->blocks);
  for (uint32_t b = 0; b < count; b++) {
    uint32_t rest = segment->length - b * 64;
    if (rest > 64) rest = 64;
    memset(blocks + b * 128, 0, 128);
    memcpy(blocks + b * 128, text + start + b * 64, rest);
    memcpy(blocks + b * 128 + 64, sorts + b * 64, rest);
  }
  segment->block_count = (uint16_t)count;
  uint32_t rest = segment->length % 64;
  // As many bytes are looked at for the value behind it, too.
  segment->reach = segment->length + 64 > count * 64 ? segment->length + 64 : count * 64;
  segment->tail = rest == 0 ? ~0ull : (1ull << rest) - 1;
}

// MARK: Values

/// Says which of the `size` bytes before the end of a number its digits are that stand at least
/// `from` bytes before it. Returns how many of them there are.
static uint8_t order_digits(uint8_t order[16], const shape_number *number, uint32_t from,
                            uint32_t size) {
  memset(order, 0xFF, 16);
  uint8_t used = 0;
  for (uint32_t i = 0; i < number->count; i++) {
    // What stands before the point is one byte further from the end.
    uint32_t back = i + (number->places != 0 && i >= number->places);
    if (back < from || back >= size) continue;
    used++;
    order[16 - used] = (uint8_t)(size - 1 - back);
  }
  return used;
}

/// How a number is spelled, if it has at most nineteen digits and a point, and nothing else but a
/// sign before a point.
static bool spell(const uint8_t *text, uint32_t length, shape_number *number) {
  bool negative = text[0] == '-';
  uint32_t whole = negative;
  while (whole < length && is_digit(text[whole])) whole++;
  uint32_t places = whole < length ? length - whole - 1 : 0;
  for (uint32_t i = whole + 1; i < length; i++) {
    if (!is_digit(text[i])) return false;
  }
  if (whole < length && text[whole] != '.') return false;
  uint32_t count = length - negative - (places != 0);
  // No integer has the sign of `-0`.
  if (count > MWC_DIGITS_EXACT || (negative && places == 0)) return false;
  number->count = (uint8_t)count;
  number->places = (uint8_t)places;
  number->tens = negative ? -mwc_exact_tens[places] : mwc_exact_tens[places];
  number->is_negative = negative;
  number->last = order_digits(number->order, number, 0, 16);
  return true;
}

/// Adds a number to those that are known: reals, integers and then long ones.
static void add_number(shape_segment *segment, shape_number *numbers, const shape_number *number) {
  shape_number *longs = numbers + segment->real_count + segment->integer_count;
  shape_number *end = longs + segment->long_count;
  bool is_integer = number->places == 0;
  bool is_long = number->count > (is_integer ? 16 : 15);
  // Long ones need twenty bytes, the others seventeen.
  uint32_t early = number->end - (is_long ? 20u - 17u : 0);
  if (early < segment->early) segment->early = early;
  // The first of those that come behind it goes to their end.
  *end = longs[0];
  if (is_long) {
    *end = *number;
    uint8_t before[16];
    order_digits(before, number, 16, 20);
    memcpy(end->before, before + 8, 8);
    segment->long_count++;
  } else if (is_integer) {
    longs[0] = *number;
    segment->integer_count++;
  } else {
    longs[0] = numbers[segment->real_count];
    numbers[segment->real_count++] = *number;
  }
}

/// Four numbers, the way they are converted at once.
static shape_group group_of(const shape_number numbers[4]) {
  static const uint8_t rows[4] = {0, 2, 1, 3};
  shape_group group;
  for (uint32_t i = 0; i < 4; i++) {
    const shape_number *number = &numbers[i];
    memcpy(group.orders[rows[i]], number->order, 16);
    group.tens[i] = number->tens;
    group.heads[i][0] = number->first;
    group.heads[i][1] = number->second;
    group.ends[i] = number->end;
    group.places[i] = number->place;
    group.counts[i] = number->count;
    group.decimals[i] = number->places;
  }
  return group;
}

/// Makes groups of numbers, but for less than four that are left.
static void group_numbers(const shape_memory *memory, shape_segment *segment) {
  shape_number *numbers = shape_at(memory, segment->numbers);
  uint32_t count = ((uint32_t)segment->real_count + segment->integer_count) / 4;
  for (uint32_t i = 0; i < count; i++) {
    shape_group group = group_of(numbers + 4 * i);
    memcpy(numbers + 4 * i, &group, sizeof group);
  }
  uint32_t reals = 4 * count < segment->real_count ? 4 * count : segment->real_count;
  segment->real_count = (uint16_t)(segment->real_count - reals);
  segment->integer_count = (uint16_t)(segment->integer_count - (4 * count - reals));
  segment->group_count = (uint16_t)count;
  segment->singles = segment->numbers + 4 * count * (uint32_t)sizeof *numbers;
  segment->has_groups = count != 0 || segment->long_count != 0;
}

/// Adds a value that stands at the same place in every message of the segment.
static void add_value(const shape_memory *memory, shape_segment *segment, const uint8_t *text,
                      uint32_t at, const shape_wanted *wanted) {
  shape_head *heads = shape_at(memory, segment->heads);
  shape_number *numbers = shape_at(memory, segment->numbers);
  shape_rest *rests = shape_at(memory, segment->rests);
  mwc_json_value value = {.offset = at, .type = wanted->type, .flags = wanted->flags};
  if (wanted->kind == SHAPE_VALUE) value.length = wanted->length;
  uint16_t place = (uint16_t)(wanted->path * sizeof value);
  bool converts = wanted->type == MWC_JSON_NUMBER && (memory->options & MWC_JSON_CONVERT);
  shape_number number = {.end = (uint16_t)(at + wanted->length), .place = place};
  if (converts && spell(text + wanted->at, wanted->length, &number)) {
    if (number.places == 0) value.flags |= MWC_JSON_INT64;
    memcpy(&number.first, &value, 16);
    add_number(segment, numbers, &number);
    return;
  }
  if (converts) {
    rests[segment->rest_count++] = (shape_rest){(uint16_t)at, wanted->length, place};
  }
  shape_head head = {.place = place};
  memcpy(&head.first, &value, 16);
  heads[segment->head_count++] = head;
}

static void fill_values(shape_memory *memory, shape_segment *segment, const shape_lesson *lesson,
                        const uint8_t *text, uint32_t start) {
  const shape_wanted *wanted = shape_at(memory, lesson->wanted);
  shape_bound *bounds = shape_at(memory, segment->bounds);
  segment->head_count = segment->bound_count = 0;
  segment->real_count = segment->integer_count = 0;
  segment->long_count = segment->rest_count = 0;
  segment->place = SHAPE_NONE;
  segment->early = INT32_MAX;
  memset(segment->met, 0, sizeof segment->met);
  for (uint32_t i = 0; i < lesson->wanted_count; i++) {
    const shape_wanted *entry = &wanted[i];
    if (entry->unit < segment->first || entry->unit >= segment->first + segment->count) continue;
    uint32_t at = entry->at - start;
    if (entry->kind == SHAPE_MET) {
      segment->met[entry->path / 64] |= 1ull << entry->path % 64;
    } else if (entry->kind == SHAPE_END) {
      bounds[segment->bound_count++] =
          (shape_bound){.path = entry->path, .at = (uint16_t)at, .flags = entry->flags};
    } else if (entry->kind == SHAPE_VALUE && at >= segment->length &&
               segment->ending != SHAPE_JOINT) {
      segment->place = (uint16_t)(entry->path * sizeof(mwc_json_value));
    } else {
      add_value(memory, segment, text, at, entry);
    }
  }
  group_numbers(memory, segment);
  segment->has_values = segment->head_count + segment->real_count + segment->integer_count != 0 ||
                        segment->has_groups;
  segment->has_more = segment->rest_count != 0 || segment->bound_count != 0;
  for (uint32_t i = 1; i < SHAPE_NODE_WORDS; i++) segment->has_more |= segment->met[i] != 0;
}

void shape_fill(shape_memory *memory, shape_segment *segment) {
  const shape_lesson *lesson = shape_at(memory, segment->lesson);
  const uint8_t *text = shape_at(memory, lesson->text);
  const shape_unit *units = shape_at(memory, lesson->units);
  uint32_t start = shape_literal_start(units, segment->first);
  const shape_unit *last = &units[segment->first + segment->count - 1];
  segment->length = (uint16_t)((segment->ending == SHAPE_JOINT ? last->end : last->start) - start);
  fill_blocks(memory, segment, text, units, start);
  fill_values(memory, segment, lesson, text, start);
}

// MARK: Choices

static mwc_json_text literal_of(const shape_memory *memory, const shape_segment *segment) {
  const shape_lesson *lesson = shape_at(memory, segment->lesson);
  const uint8_t *text = shape_at(memory, lesson->text);
  const shape_unit *units = shape_at(memory, lesson->units);
  uint32_t start = shape_literal_start(units, segment->first);
  return (mwc_json_text){text + start, units[segment->first].start - start};
}

/// Says for every segment of a point what tells it from the others.
static void tell_apart(shape_memory *memory, const shape_point *point) {
  for (uint16_t i = point->first; i != SHAPE_NONE; i = memory->segments[i].other) {
    mwc_json_text own = literal_of(memory, &memory->segments[i]);
    size_t common = 0;  // most bytes that another one has in common with it
    for (uint16_t k = point->first; k != SHAPE_NONE; k = memory->segments[k].other) {
      if (k == i) continue;
      mwc_json_text other = literal_of(memory, &memory->segments[k]);
      size_t count = 0;
      while (count < own.length && count < other.length &&
             own.bytes[count] == other.bytes[count]) {
        count++;
      }
      if (count > common) common = count;
    }
    size_t count = own.length - common < 8 ? own.length - common : 8;
    uint8_t mask[8] = {0}, word[8] = {0};
    memset(mask, 0xFF, count);
    memcpy(word, own.bytes + common, count);
    shape_segment *segment = &memory->segments[i];
    memcpy(&segment->mask, mask, 8);
    memcpy(&segment->word, word, 8);
    segment->word_at = (uint16_t)common;
  }
}

void shape_link(shape_memory *memory, uint16_t at) {
  const shape_point *point = &memory->points[at];
  if (point->first == SHAPE_NONE) return;
  tell_apart(memory, point);
  const shape_segment *first = &memory->segments[point->first];
  uint8_t stops[2];
  stops[0] = stops[1] = literal_of(memory, first).bytes[0];
  for (uint16_t i = point->first; i != SHAPE_NONE; i = memory->segments[i].other) {
    uint8_t stop = literal_of(memory, &memory->segments[i]).bytes[0];
    if (stop != stops[0]) stops[1] = stop;
  }
  for (uint32_t i = 0; i < memory->segment_count; i++) {
    shape_segment *segment = &memory->segments[i];
    if (segment->point != at) continue;
    memcpy(segment->stops, stops, 2);
    segment->has_two_stops = stops[0] != stops[1];
    segment->next = (uint32_t)((const uint8_t *)first - (const uint8_t *)memory);
  }
}
