// Learning: a message that was checked in full is compared with the segments there are, which are
// cut where it differs; what is new in it becomes new segments.
#include "mwc_json_shape.h"

void shape_forget(shape_memory *memory) {
  memory->used = memory->base;
  memory->segment_count = 0;
  memory->point_count = 1;
  memory->points[0] = (shape_point){.first = SHAPE_NONE, .next = SHAPE_NONE};
  memset(memory->buckets, 0xFF, sizeof memory->buckets);
  memset(memory->costs, 0, sizeof memory->costs);
  memory->has_costs = false;
  shape_forget_layouts(memory);
}

// MARK: Room

/// Room in the pool, or 0.
static uint32_t take(shape_memory *memory, size_t size) {
  size = (size + 63) & ~(size_t)63;
  if (size > memory->base + SHAPE_POOL - memory->used) return 0;
  uint32_t at = (uint32_t)offsetof(shape_memory, pool) + memory->used;
  memory->used += (uint32_t)size;
  return at;
}

/// A copy in the pool, or 0.
static uint32_t keep(shape_memory *memory, const void *bytes, size_t size) {
  uint32_t at = take(memory, size);
  if (at != 0 && size != 0) memcpy(shape_at(memory, at), bytes, size);
  return at;
}

/// The offset of the lesson, or 0.
static uint32_t keep_lesson(shape_memory *memory, const shape_draft *draft, const uint8_t *json,
                            size_t length) {
  shape_lesson lesson = {
      .text = keep(memory, json, length),
      .units = keep(memory, draft->units, draft->unit_count * sizeof(shape_unit)),
      .wanted = keep(memory, draft->wanted, draft->wanted_count * sizeof(shape_wanted)),
      .unit_count = (uint16_t)draft->unit_count,
      .wanted_count = (uint16_t)draft->wanted_count,
  };
  if (lesson.text == 0 || lesson.units == 0 || lesson.wanted == 0) return 0;
  return keep(memory, &lesson, sizeof lesson);
}

// MARK: Points

static uint16_t *bucket_of(shape_memory *memory, const shape_unit *unit) {
  uint64_t hash = (unit->stack ^ unit->context * 0x9E3779B97F4A7C15u ^ unit->column) *
                  0xD6E8FEB86659FD93u;
  return &memory->buckets[hash >> 56];
}

/// The point behind a unit, or SHAPE_NONE if there is none.
static uint16_t find_point(shape_memory *memory, const shape_unit *unit) {
  uint16_t at = *bucket_of(memory, unit);
  for (; at != SHAPE_NONE; at = memory->points[at].next) {
    const shape_point *point = &memory->points[at];
    if (point->stack == unit->stack && point->context == unit->context &&
        point->column == unit->column) {
      break;
    }
  }
  return at;
}

/// The point behind a unit, or SHAPE_NONE if there is no room for it.
static uint16_t find_or_add_point(shape_memory *memory, const shape_unit *unit) {
  uint16_t at = find_point(memory, unit);
  if (at != SHAPE_NONE || memory->point_count == SHAPE_POINTS) return at;
  at = memory->point_count++;
  uint16_t *bucket = bucket_of(memory, unit);
  memory->points[at] = (shape_point){.stack = unit->stack,
                                     .context = unit->context,
                                     .column = unit->column,
                                     .first = SHAPE_NONE,
                                     .next = *bucket};
  *bucket = at;
  return at;
}

// MARK: Segments

/// A message, or a lesson, from one of its units on.
typedef struct row {
  const uint8_t *text;
  const shape_unit *units;
} row;

static row row_of(const shape_memory *memory, uint32_t lesson) {
  const shape_lesson *from = shape_at(memory, lesson);
  return (row){shape_at(memory, from->text), shape_at(memory, from->units)};
}

/// Whether two units have the same literal, and what follows it is of the same kind.
static bool same_literal(row left, uint32_t i, row right, uint32_t k) {
  if (left.units[i].kind != right.units[k].kind) return false;
  uint32_t start = shape_literal_start(left.units, i);
  uint32_t other = shape_literal_start(right.units, k);
  uint32_t length = left.units[i].start - start;
  return right.units[k].start - other == length &&
         memcmp(left.text + start, right.text + other, length) == 0;
}

/// The segment of a point that begins with a literal, or SHAPE_NONE.
static uint16_t find_segment(const shape_memory *memory, uint16_t point, row row, uint32_t unit) {
  uint16_t at = memory->points[point].first;
  for (; at != SHAPE_NONE; at = memory->segments[at].other) {
    const shape_segment *segment = &memory->segments[at];
    if (same_literal(row_of(memory, segment->lesson), segment->first, row, unit)) break;
  }
  return at;
}

/// Whether nothing more is learned at a point.
static bool is_crowded(const shape_memory *memory, uint16_t point) {
  return memory->points[point].choices == SHAPE_CHOICES;
}

/// Puts a segment among those of its point: before the first one whose literal its own begins with,
/// or that would be taken for it.
static void hang(shape_memory *memory, uint16_t at, uint16_t point) {
  shape_segment *segment = &memory->segments[at];
  row own = row_of(memory, segment->lesson);
  uint32_t start = shape_literal_start(own.units, segment->first);
  uint32_t length = own.units[segment->first].start - start;
  uint16_t *link = &memory->points[point].first;
  while (*link != SHAPE_NONE) {
    const shape_segment *next = &memory->segments[*link];
    row row = row_of(memory, next->lesson);
    uint32_t from = shape_literal_start(row.units, next->first);
    uint32_t count = row.units[next->first].start - from;
    if (count < length && memcmp(own.text + start, row.text + from, count) == 0) break;
    link = &memory->segments[*link].other;
  }
  segment->other = *link;
  *link = at;
  memory->points[point].choices++;
  shape_link(memory, point);
  if (point == 0) shape_link_layouts(memory);
}

/// Makes a segment of units `first` … `last` of a lesson, or as many as there are before a point,
/// and hangs it to a point. What comes behind all of them is as `ending` and `target` say. Returns
/// how many units it has, or 0 if there is no room.
static uint32_t add_segment(shape_memory *memory, uint16_t point, uint32_t lesson, uint32_t first,
                            uint32_t last, uint8_t ending, uint16_t target) {
  if (memory->segment_count == SHAPE_SEGMENTS) return 0;
  const shape_lesson *from = shape_at(memory, lesson);
  const shape_unit *units = shape_at(memory, from->units);
  uint32_t unit = first;
  for (; unit < last; unit++) {
    uint16_t known = find_point(memory, &units[unit]);
    if (known == SHAPE_NONE) continue;
    target = known;
    bool varies = memory->points[known].varies && units[unit].kind != SHAPE_WORD;
    ending = varies ? units[unit].kind : SHAPE_JOINT;
    break;
  }
  uint32_t count = unit + 1 - first;
  uint32_t length = units[unit].end - shape_literal_start(units, first);
  const shape_wanted *wanted = shape_at(memory, from->wanted);
  uint32_t values = 0, bounds = 0;
  for (uint32_t i = 0; i < from->wanted_count; i++) {
    if (wanted[i].unit < first || wanted[i].unit > unit) continue;
    values += wanted[i].kind == SHAPE_VALUE || wanted[i].kind == SHAPE_BEGIN;
    bounds += wanted[i].kind == SHAPE_END;
  }
  uint16_t at = memory->segment_count;
  shape_segment *segment = &memory->segments[at];
  *segment = (shape_segment){
      .blocks = take(memory, (size_t)(length / 64 + 1) * 128),
      .heads = take(memory, values * sizeof(shape_head)),
      .numbers = take(memory, values * sizeof(shape_number)),
      .rests = take(memory, values * sizeof(shape_rest)),
      .bounds = take(memory, bounds * sizeof(shape_bound)),
      .ending = ending,
      .point = target,
      .lesson = lesson,
      .first = (uint16_t)first,
      .count = (uint16_t)count,
  };
  if (!segment->blocks || !segment->heads || !segment->numbers || !segment->rests ||
      !segment->bounds) {
    return 0;
  }
  memory->segment_count++;
  shape_fill(memory, segment);
  hang(memory, at, point);
  if (segment->point != SHAPE_NONE) shape_link(memory, segment->point);
  return count;
}

/// Ends a segment behind unit number `unit` of it, whose value from now on has any length if it
/// `varies`. What comes behind begins at the point there. False if there is no room.
static bool cut(shape_memory *memory, uint16_t at, uint32_t unit, bool varies) {
  shape_segment *segment = &memory->segments[at];
  shape_lesson *lesson = shape_at(memory, segment->lesson);
  const shape_unit *units = shape_at(memory, lesson->units);
  uint32_t first = segment->first + unit + 1;
  uint32_t last = segment->first + segment->count - 1u;
  const shape_unit *before = &units[first - 1];
  uint16_t point = find_or_add_point(memory, before);
  if (point == SHAPE_NONE) return false;
  if (varies) memory->points[point].varies = 1;
  varies = memory->points[point].varies && before->kind != SHAPE_WORD;
  uint8_t ending = segment->ending;
  uint16_t target = segment->point;
  segment->ending = varies ? before->kind : SHAPE_JOINT;
  segment->point = point;
  segment->count = (uint16_t)(unit + 1);
  shape_fill(memory, segment);
  shape_link(memory, point);
  while (first <= last) {
    row row = row_of(memory, segment->lesson);
    // If that is known already, so is what comes behind it, or will be.
    if (find_segment(memory, point, row, first) != SHAPE_NONE) return true;
    if (is_crowded(memory, point)) return true;
    uint32_t count = add_segment(memory, point, segment->lesson, first, last, ending, target);
    if (count == 0) return false;
    first += count;
    point = memory->segments[memory->segment_count - 1].point;
  }
  return true;
}

// MARK: Learning

/// Whether the value of unit `k` of a message may stand where that of unit `i` of a segment stands,
/// so that following finds nothing wrong.
static bool same_place(const shape_memory *memory, const shape_segment *segment, uint32_t i,
                       row message, uint32_t k) {
  const shape_unit *units = row_of(memory, segment->lesson).units;
  const shape_unit *known = &units[segment->first + i], *other = &message.units[k];
  if (known->end - known->start != other->end - other->start) return false;
  const uint8_t *blocks = shape_at(memory, segment->blocks);
  uint32_t at = known->start - shape_literal_start(units, segment->first);
  for (uint32_t n = other->start; n < other->end; n++, at++) {
    const uint8_t *text = blocks + at / 64 * 128 + at % 64;
    if (message.text[n] != text[0] && !shape_is_of_sort(message.text[n], text[64])) return false;
  }
  return true;
}

/// How learning went on at a point.
typedef struct progress {
  uint16_t point;
  uint32_t unit;  // the next one of the message
  bool failed;    // there is no room
} progress;

/// Goes along a segment as far as the message does, and cuts it there.
static progress follow_segment(shape_memory *memory, uint16_t at, row message, uint32_t unit) {
  shape_segment *segment = &memory->segments[at];
  row known = row_of(memory, segment->lesson);
  uint32_t count = segment->count;
  for (uint32_t i = 0; i < count; i++) {
    if (i > 0 && !same_literal(known, segment->first + i, message, unit + i)) {
      bool done = cut(memory, at, i - 1, false);
      return (progress){segment->point, unit + i, !done};
    }
    bool is_last = i + 1 == count;
    if (is_last && segment->ending != SHAPE_JOINT) break;
    if (!same_place(memory, segment, i, message, unit + i)) {
      bool done = cut(memory, at, i, true);
      return (progress){segment->point, unit + i + 1, !done};
    }
  }
  return (progress){segment->point, unit + count, false};
}

/// Learns a message. False if there is no room.
static bool learn(shape_memory *memory, const shape_draft *draft, const uint8_t *json,
                  size_t length) {
  row message = {json, draft->units};
  uint32_t lesson = 0;
  progress here = {0, 0, false};
  while (here.unit < draft->unit_count) {
    uint16_t at = find_segment(memory, here.point, message, here.unit);
    if (at != SHAPE_NONE) {
      here = follow_segment(memory, at, message, here.unit);
      if (here.failed) return false;
      continue;
    }
    if (is_crowded(memory, here.point)) return true;
    if (lesson == 0) lesson = keep_lesson(memory, draft, json, length);
    if (lesson == 0) return false;
    uint32_t count = add_segment(memory, here.point, lesson, here.unit, draft->unit_count - 1,
                                 SHAPE_LAST, SHAPE_NONE);
    if (count == 0) return false;
    here.unit += count;
    here.point = memory->segments[memory->segment_count - 1].point;
  }
  return true;
}

void shape_learn(shape_memory *memory, const mwc_json_scanner *scanner, const uint8_t *json,
                 size_t length) {
  if (length < SHAPE_SHORTEST || length > SHAPE_BYTES || memory->node_words == 0) return;
  shape_draft draft;
  if (!shape_take_apart(&draft, scanner, json, length)) return;
  if (learn(memory, &draft, json, length)) return;
  shape_forget(memory);
  learn(memory, &draft, json, length);
}
