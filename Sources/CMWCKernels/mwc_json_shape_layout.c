// Layouts: messages that are remembered whole.
#include "mwc_json_shape.h"

void shape_forget_layouts(shape_memory *memory) {
  memory->layout_used = 0;
  memory->layout_count = 0;
  memory->layout_hits = memory->layout_misses = 0;
  memory->layouts_full = false;
  memset(memory->layouts, 0, sizeof memory->layouts);
  memset(memory->seen, 0, sizeof memory->seen);
}

void shape_link_layouts(shape_memory *memory) {
  for (uint32_t i = 0; i < memory->layout_count; i++) {
    shape_segment *segment = &memory->segments[SHAPE_SEGMENTS + i];
    if (segment->other < SHAPE_SEGMENTS) segment->other = memory->points[0].first;
  }
}

// MARK: Room

/// Room in the pool of layouts, or 0.
static uint32_t take(shape_memory *memory, size_t size) {
  size = (size + 63) & ~(size_t)63;
  if (size > SHAPE_LAYOUT_POOL - memory->layout_used) return 0;
  uint32_t at = (uint32_t)offsetof(shape_memory, pool) + memory->base + SHAPE_POOL +
                memory->layout_used;
  memory->layout_used += (uint32_t)size;
  return at;
}

/// A copy in the pool, or 0.
static uint32_t keep(shape_memory *memory, const void *bytes, size_t size) {
  uint32_t at = take(memory, size);
  if (at != 0 && size != 0) memcpy(shape_at(memory, at), bytes, size);
  return at;
}

/// Fills a segment with the whole of a message. False if there is no room.
static bool fill(shape_memory *memory, shape_segment *segment, const shape_draft *draft,
                 const uint8_t *json, size_t length) {
  size_t values = 0, bounds = 0;
  for (uint32_t i = 0; i < draft->wanted_count; i++) {
    uint8_t kind = draft->wanted[i].kind;
    values += kind == SHAPE_VALUE || kind == SHAPE_BEGIN;
    bounds += kind == SHAPE_END;
  }
  *segment = (shape_segment){
      .blocks = take(memory, (length / 64 + 1) * 128),
      .heads = take(memory, values * sizeof(shape_head)),
      .numbers = take(memory, values * sizeof(shape_number)),
      .rests = take(memory, values * sizeof(shape_rest)),
      .bounds = take(memory, bounds * sizeof(shape_bound)),
      .ending = SHAPE_LAST,
      .point = SHAPE_NONE,
      .count = (uint16_t)draft->unit_count,
  };
  if (!segment->blocks || !segment->heads || !segment->numbers || !segment->rests ||
      !segment->bounds) {
    return false;
  }
  uint32_t ends = take(memory, draft->unit_count * sizeof(uint16_t));
  if (ends == 0) return false;
  uint16_t *end = shape_at(memory, ends);
  for (uint32_t i = 0; i < draft->unit_count; i++) end[i] = draft->units[i].end;
  // The lesson is needed for no longer than this: nothing cuts a layout.
  uint32_t used = memory->layout_used;
  shape_lesson lesson = {
      .text = keep(memory, json, length),
      .units = keep(memory, draft->units, draft->unit_count * sizeof(shape_unit)),
      .wanted = keep(memory, draft->wanted, draft->wanted_count * sizeof(shape_wanted)),
      .unit_count = (uint16_t)draft->unit_count,
      .wanted_count = (uint16_t)draft->wanted_count,
  };
  if (lesson.text == 0 || lesson.units == 0 || lesson.wanted == 0) return false;
  segment->lesson = keep(memory, &lesson, sizeof lesson);
  if (segment->lesson == 0) return false;
  shape_fill(memory, segment);
  segment->lesson = ends;
  memory->layout_used = used;
  return true;
}

// MARK: Choices

/// The text of a layout at `at`, or what may stand there instead.
static void known_at(const shape_memory *memory, const shape_segment *segment, uint32_t at,
                     uint8_t *text, uint8_t *sort) {
  const uint8_t *block = (const uint8_t *)shape_at(memory, segment->blocks) + at / 64 * 128;
  *text = block[at % 64];
  *sort = block[64 + at % 64];
}

/// Whether no message of layout `other` has at `at` what every one of layout `own` has there.
static bool excludes(const shape_memory *memory, const shape_segment *own,
                     const shape_segment *other, uint32_t at) {
  uint8_t text, sort, other_text, other_sort;
  known_at(memory, own, at, &text, &sort);
  known_at(memory, other, at, &other_text, &other_sort);
  return sort == 0 && text != other_text && !shape_is_of_sort(text, other_sort);
}

/// How many layouts of its length have not the eight bytes that a layout has at `at`.
static uint32_t count_told(const shape_memory *memory, const shape_segment *own,
                           const shape_layouts *layouts, uint32_t at) {
  uint32_t told = 0;
  uint16_t next = layouts->first;
  for (uint32_t i = 0; i < layouts->count; i++) {
    const shape_segment *other = &memory->segments[next];
    next = other->other;
    bool tells = false;
    for (uint32_t k = at; k < at + 8 && !tells; k++) tells = excludes(memory, own, other, k);
    told += tells;
  }
  return told;
}

/// Finds the eight bytes that tell a layout from most of the others of its length: they differ in
/// where their values end.
static void tell_apart(shape_memory *memory, shape_segment *own, const shape_layouts *layouts) {
  const uint16_t *ends = shape_at(memory, own->lesson);
  uint32_t most = 0;
  own->mask = own->word = 0;
  own->word_at = 0;
  for (uint32_t i = 0; i < own->count && most + 1 < layouts->count; i++) {
    if (ends[i] + 8u > own->length) break;
    uint32_t told = count_told(memory, own, layouts, ends[i]);
    if (told <= most) continue;
    most = told;
    own->word_at = ends[i];
  }
  if (most == 0) return;
  uint8_t mask[8], word[8];
  for (uint32_t k = 0; k < 8; k++) {
    uint8_t sort;
    known_at(memory, own, own->word_at + k, &word[k], &sort);
    mask[k] = sort == 0 ? 0xFF : 0;
    word[k] &= mask[k];
  }
  memcpy(&own->mask, mask, 8);
  memcpy(&own->word, word, 8);
}

// MARK: Learning

static bool learn(shape_memory *memory, const shape_draft *draft, shape_layouts *layouts,
                  const uint8_t *json, size_t length) {
  if (memory->layout_count == SHAPE_LAYOUTS) return false;
  uint16_t at = (uint16_t)(SHAPE_SEGMENTS + memory->layout_count);
  shape_segment *segment = &memory->segments[at];
  if (!fill(memory, segment, draft, json, length)) return false;
  memory->layout_count++;
  segment->other = layouts->count == 0 ? memory->points[0].first : layouts->first;
  layouts->length = (uint32_t)length;
  layouts->first = at;
  layouts->count++;
  uint16_t next = layouts->first;
  for (uint32_t i = 0; i < layouts->count; i++) {
    shape_segment *layout = &memory->segments[next];
    tell_apart(memory, layout, layouts);
    next = layout->other;
  }
  return true;
}

void shape_learn_layout(shape_memory *memory, const mwc_json_scanner *scanner, const uint8_t *json,
                        size_t length) {
  if (length < SHAPE_SHORTEST || length > SHAPE_BYTES || memory->node_words == 0) return;
  if (memory->layouts_full) {
    // What serves most messages stays.
    bool serves = memory->layout_hits > memory->layout_misses;
    memory->layout_hits = memory->layout_misses = 0;
    if (serves) return;
    shape_forget_layouts(memory);
  }
  shape_layouts *layouts = &memory->layouts[shape_layouts_at(json, length)];
  if (layouts->count != 0 && layouts->length != length) return;
  if (layouts->count == SHAPE_LAYOUT_CHOICES) return;
  shape_draft draft;
  if (!shape_take_apart(&draft, scanner, json, length)) return;
  memory->layouts_full = !learn(memory, &draft, layouts, json, length);
}
