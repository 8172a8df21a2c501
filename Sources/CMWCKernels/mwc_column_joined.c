// Texts of the same build, such as those of alerts and logs: what stands between their numbers, and the
// numbers, are columns of their own.
#include "mwc_column_put.h"

enum {
  /// Numbers of one text.
  NUMBERS_MAX = 3,
  PARTS_MAX = 2 * NUMBERS_MAX + 1,
  /// Texts that have to be there before it is worth it.
  TEXTS_LEAST = 16,
};

static bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

/// Finds the numbers of a text: where each begins and ends. Returns how many; NUMBERS_MAX + 1: too many.
static unsigned find_numbers(const uint8_t *text, uint32_t length, uint32_t *bounds) {
  unsigned count = 0;
  for (uint32_t at = 0; at < length;) {
    if (text[at] == '\\') {
      // Digits of an escape are none.
      at += at + 1 < length && text[at + 1] == 'u' ? 6 : 2;
      continue;
    }
    if (!is_digit(text[at])) {
      at++;
      continue;
    }
    uint32_t start = at;
    while (at < length && is_digit(text[at])) at++;
    if (at + 1 < length && text[at] == '.' && is_digit(text[at + 1])) {
      at++;
      while (at < length && is_digit(text[at])) at++;
    }
    mwc_spelled spelled;
    if (!mwc_take_number(text + start, at - start, &spelled)) continue;
    if (count == NUMBERS_MAX) return NUMBERS_MAX + 1;
    bounds[2 * count] = start;
    bounds[2 * count + 1] = at;
    count++;
  }
  return count;
}

/// Whether all texts have as many numbers; where they are goes to `bounds`, 2 · `numbers` for each text.
static bool find_all(const encoder *e, const column *column, unsigned numbers, uint32_t *bounds) {
  uint32_t own[2 * NUMBERS_MAX];
  for (uint32_t i = 0; i < column->change_count; i++) {
    const mwc_split_change *change = &column->changes[i];
    if (find_numbers(text_of(e, change), change->length, own) != numbers) return false;
    memcpy(bounds + (size_t)i * 2 * numbers, own, 2 * numbers * sizeof *own);
  }
  return true;
}

/// Writes one part of all texts as a column; returns its number.
static uint32_t put_part(encoder *e, const column *column, const uint32_t *bounds, unsigned numbers,
                         unsigned part) {
  uint8_t *end = e->arena.end;
  mwc_split_change *changes =
      mwc_arena_take_end(&e->arena, column->change_count * sizeof *changes);
  uint32_t count = 0;
  for (uint32_t i = 0; i < column->change_count; i++) {
    const mwc_split_change *whole = &column->changes[i];
    const uint32_t *own = bounds + (size_t)i * 2 * numbers;
    uint32_t from = part == 0 ? 0 : own[part - 1];
    uint32_t to = part == 2 * numbers ? whole->length : own[part];
    mwc_split_change change = {
        .visit = whole->visit, .place = whole->place + from, .length = to - from};
    if (count > 0 && changes[count - 1].length == change.length &&
        mwc_same_bytes(text_of(e, &changes[count - 1]), text_of(e, &change), change.length))
      continue;
    changes[count++] = change;
  }
  struct column own = {.changes = changes,
                       .change_count = count,
                       .count = column->count,
                       .form = column->form,
                       .is_part = true};
  uint32_t number = mwc_column_put(e, &own);
  e->arena.end = end;
  return number;
}

bool mwc_column_put_joined(encoder *e, const column *column) {
  if (column->is_part || column->form != MWC_NODE_STRING || column->change_count < TEXTS_LEAST ||
      e->spare_columns < PARTS_MAX + PARTS_MAX)
    return false;
  uint32_t few[2 * NUMBERS_MAX];
  unsigned numbers = find_numbers(text_of(e, &column->changes[0]), column->changes[0].length, few);
  if (numbers == 0 || numbers > NUMBERS_MAX) return false;
  uint8_t *end = e->arena.end;
  uint32_t *bounds = mwc_arena_take_end(
      &e->arena, (size_t)column->change_count * 2 * numbers * sizeof *bounds);
  bool is_alike = find_all(e, column, numbers, bounds);
  if (is_alike) {
    uint32_t parts[PARTS_MAX], count = 2 * numbers + 1;
    e->spare_columns -= count;
    for (unsigned part = 0; part < count; part++) {
      parts[part] = put_part(e, column, bounds, numbers, part);
    }
    e->head_at = e->description;
    e->bits_mark = e->bits_at;
    put(e, count);
    for (unsigned part = 0; part < count; part++) put(e, parts[part]);
    put_piece(e, e->bytes, 0, MWC_COLUMN_TEXT);
    e->type = MWC_TYPE_JOINED;
  }
  e->arena.end = end;
  return is_alike;
}
