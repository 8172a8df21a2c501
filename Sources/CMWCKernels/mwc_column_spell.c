/// The texts of columns: of a whole column at once, or of one visit.
#include "mwc_column_block.h"

// MARK: Whole columns

static void put_exceptions(uint8_t *slots, size_t width, const mwc_block_column *column) {
  for (size_t i = 0; i < column->exception_count; i++) {
    const mwc_column_exception *exception = &column->exceptions[i];
    for (size_t j = 0; j < exception->count; j++) {
      uint8_t *slot = slots + (exception->first + j) * width;
      memcpy(slot, exception->text, exception->length);
      slot[width - 1] = (uint8_t)exception->length;
    }
  }
}

static void spell_number_column(mwc_block *d, mwc_block_column *column) {
  const int64_t *values = column->values;
  size_t width = 16;
  uint64_t large = 0;
  for (size_t i = 0; i < column->count; i++) {
    large |= values[i] < 0 ? 0 - (uint64_t)values[i] : (uint64_t)values[i];
  }
  // 2^43 has 13 digits: with a sign and a point, 15.
  if (large >= (uint64_t)1 << 43 || column->most > 12) width = 32;
  for (size_t i = 0; i < column->exception_count; i++) {
    if (column->exceptions[i].length > 15) width = 32;
  }
  uint8_t *slots = mwc_block_take(d, column->count + 1, width);
  if (slots == NULL) return;
  for (size_t i = 0; i < column->count; i++) {
    uint8_t *slot = slots + i * width;
    if (i > 0 && values[i] == values[i - 1]) {
      memcpy(slot, slot - width, width);
    } else {
      size_t length = mwc_spell_number(values[i], column->most, column->least, slot);
      slot[width - 1] = (uint8_t)length;
    }
  }
  put_exceptions(slots, width, column);
  column->base = slots;
  column->texts = width == 16 ? MWC_TEXTS_16 : MWC_TEXTS_32;
}

static void spell_date_column(mwc_block *d, mwc_block_column *column) {
  uint8_t *slots = mwc_block_take(d, column->count + 1, 32);
  if (slots == NULL) return;
  for (size_t i = 0; i < column->count; i++) {
    uint8_t text[48];
    size_t length = mwc_spell_date(column->values[i], &column->form, &column->day, text);
    memcpy(slots + i * 32, text, 32);
    slots[i * 32 + 31] = (uint8_t)length;
  }
  put_exceptions(slots, 32, column);
  column->base = slots;
  column->texts = MWC_TEXTS_32;
}

static void spell_float_column(mwc_block *d, mwc_block_column *column) {
  uint8_t *slots = mwc_block_take(d, column->count + 1, 32);
  if (slots == NULL) return;
  for (size_t i = 0; i < column->count; i++) {
    uint8_t *slot = slots + i * 32;
    if (i > 0 && column->values[i] == column->values[i - 1]) {
      memcpy(slot, slot - 32, 32);
    } else {
      slot[31] = (uint8_t)mwc_spell_float(column->values[i], column->shift, slot);
    }
  }
  put_exceptions(slots, 32, column);
  column->base = slots;
  column->texts = MWC_TEXTS_32;
}

static void spell_hex_column(mwc_block *d, mwc_block_column *column) {
  size_t length = column->count * column->width;
  uint8_t *texts = mwc_block_take(d, 2 * length + MWC_COLUMN_PADDING, 1);
  mwc_column_place *table = mwc_block_take(d, column->count, sizeof *table);
  if (d->head.failed) return;
  mwc_spell_hex(column->base, length, texts);
  uint32_t digits = (uint32_t)(2 * column->width);
  for (size_t i = 0; i < column->count; i++) {
    table[i] = (mwc_column_place){.offset = (uint32_t)i * digits, .length = digits};
  }
  column->base = texts;
  column->table = table;
  column->texts = MWC_TEXTS_TABLE;
}

static void spell_choice_column(mwc_block *d, mwc_block_column *column) {
  mwc_column_place *table = mwc_block_take(d, column->count, sizeof *table);
  if (table == NULL) return;
  for (size_t i = 0; i < column->count; i++) table[i] = column->choices[column->values[i]];
  column->table = table;
  column->texts = MWC_TEXTS_TABLE;
}

bool mwc_block_spell(mwc_block *d, uint32_t number) {
  mwc_block_column *column = &d->columns[number];
  if (!mwc_block_load(d, number)) return false;
  if (column->texts != MWC_TEXTS_NUMBERS) return true;
  switch (column->type) {
    case MWC_TYPE_NUMBER: spell_number_column(d, column); break;
    case MWC_TYPE_DATE: spell_date_column(d, column); break;
    case MWC_TYPE_FLOAT: spell_float_column(d, column); break;
    case MWC_TYPE_HEX: spell_hex_column(d, column); break;
    default: spell_choice_column(d, column);
  }
  return !d->head.failed;
}

// MARK: Single visits

static const mwc_column_exception *find_exception(const mwc_block_column *column, size_t visit) {
  size_t first = 0, last = column->exception_count;
  while (first < last) {
    size_t middle = (first + last) / 2;
    const mwc_column_exception *exception = &column->exceptions[middle];
    if (visit < exception->first) {
      last = middle;
    } else if (visit - exception->first < exception->count) {
      return exception;
    } else {
      first = middle + 1;
    }
  }
  return NULL;
}

const uint8_t *mwc_block_find(mwc_block_column *column, size_t visit, uint8_t *room,
                              size_t *length) {
  if (column->texts != MWC_TEXTS_NUMBERS) return mwc_block_text(column, visit, length);
  if (column->exception_count > 0) {
    const mwc_column_exception *exception = find_exception(column, visit);
    if (exception != NULL) {
      *length = exception->length;
      return exception->text;
    }
  }
  switch (column->type) {
    case MWC_TYPE_NUMBER:
      *length = mwc_spell_number(column->values[visit], column->most, column->least, room);
      break;
    case MWC_TYPE_DATE:
      *length = mwc_spell_date(column->values[visit], &column->form, &column->day, room);
      break;
    case MWC_TYPE_FLOAT:
      *length = mwc_spell_float(column->values[visit], column->shift, room);
      break;
    case MWC_TYPE_HEX:
      mwc_spell_hex(column->base + visit * column->width, column->width, room);
      *length = 2 * column->width;
      break;
    default: {
      mwc_column_place choice = column->choices[column->values[visit]];
      *length = choice.length;
      return column->base + choice.offset;
    }
  }
  return room;
}
