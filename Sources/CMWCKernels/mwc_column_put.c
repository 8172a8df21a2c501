// How a column is best spelled: as numbers, dates, choices … each type in turn, by what its values are.
#include <math.h>

#include "mwc_column_put.h"
#include "mwc_decimal.h"
#include "mwc_json.h"
#include "mwc_utf8.h"

// MARK: What a column is

/// The values of a column stand far from each other: has the next ones fetched in time.
static void fetch_ahead(const encoder *e, const mwc_split_change *changes, uint32_t i,
                        uint32_t count) {
  enum { AHEAD = 12 };
  if (i + AHEAD < count) __builtin_prefetch(e->bytes + changes[i + AHEAD].place);
}

/// Whether a value can stand where it stands in JSON: a word in itself, a string between quotes.
static bool is_json(const uint8_t *text, size_t length, uint8_t form) {
  if (form == MWC_NODE_WORD) {
    static const char *const words[] = {"true", "false", "null"};
    for (int i = 0; i < 3; i++) {
      if (length == strlen(words[i]) && memcmp(text, words[i], length) == 0) return true;
    }
    mwc_spelled spelled;
    return mwc_take_number(text, length, &spelled);
  }
  bool is_ascii = true;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < 0x20) return false;
    is_ascii &= text[i] < 0x80;
    if (text[i] != '\\') continue;
    if (++i == length) return false;
    if (text[i] == 'u') {
      for (int digit = 0; digit < 4; digit++) {
        if (++i >= length) return false;
        uint8_t byte = text[i];
        if ((uint8_t)(byte - '0') >= 10 && (uint8_t)((byte | 0x20) - 'a') >= 6) return false;
      }
    } else if (text[i] == 0 || strchr("\"\\/bfnrt", text[i]) == NULL) {
      return false;
    }
  }
  return is_ascii || mwc_utf8_valid_prefix(text, length) == length;
}

static void check_json(encoder *e, const mwc_split_change *change, uint8_t form) {
  if (e->is_valid) e->is_valid = is_json(text_of(e, change), change->length, form);
}

/// How many visits a change lasts.
static uint32_t run_of(const column *column, uint32_t change) {
  uint32_t end = change + 1 < column->change_count ? column->changes[change + 1].visit : column->count;
  return end - column->changes[change].visit;
}

typedef struct exceptions {
  uint32_t *changes;
  uint32_t count;
} exceptions;

static void put_exceptions(encoder *e, const column *column, const exceptions *exceptions) {
  put(e, exceptions->count);
  uint32_t last = 0;
  for (uint32_t i = 0; i < exceptions->count; i++) {
    const mwc_split_change *change = &column->changes[exceptions->changes[i]];
    put(e, change->visit - last);
    put(e, run_of(column, exceptions->changes[i]));
    put_text(e, text_of(e, change), change->length);
    check_json(e, change, column->form);
    last = change->visit;
  }
}

/// Exceptions a column of this many changes may have.
static uint32_t exceptions_max(const column *column) { return 2 + column->change_count / 8; }

/// One number for each visit from one for each change; exceptions keep the number before.
static int64_t *expand(encoder *e, const column *column, const int64_t *numbers,
                       const exceptions *exceptions) {
  int64_t *values = mwc_arena_take(&e->arena, column->count * sizeof *values);
  uint32_t exception = 0;
  int64_t last = 0;
  for (uint32_t i = 0; i < column->change_count; i++) {
    if (numbers != NULL && exception < exceptions->count && exceptions->changes[exception] == i) {
      exception++;
      if (i == 0) {
        for (uint32_t j = 1; j < column->change_count; j++) {
          if (exception >= exceptions->count || exceptions->changes[exception] != j) {
            last = numbers[j];
            break;
          }
        }
      }
    } else {
      last = numbers[i];
    }
    uint32_t end = column->changes[i].visit + run_of(column, i);
    for (uint32_t visit = column->changes[i].visit; visit < end; visit++) values[visit] = last;
  }
  return values;
}

static bool put_number_column(encoder *e, const column *column, unsigned places_max) {
  uint8_t *mark = e->arena.next;
  uint32_t count = column->change_count;
  mwc_spelled *spelled = mwc_arena_take(&e->arena, count * sizeof *spelled);
  exceptions bad = {.changes = mwc_arena_take(&e->arena, (exceptions_max(column) + 1) * 4)};
  unsigned most = 0, least = 255, padded = 0;
  uint32_t with_places[20] = {0}, padded_count = 0;
  for (uint32_t i = 0; i < count; i++) {
    fetch_ahead(e, column->changes, i, column->change_count);
    const mwc_split_change *change = &column->changes[i];
    if (!mwc_take_number(text_of(e, change), change->length, &spelled[i]) ||
        spelled[i].places > places_max) {
      if (bad.count >= exceptions_max(column) || change->length > 31) goto no;
      bad.changes[bad.count++] = i;
      spelled[i].places = 255;
      continue;
    }
    if (spelled[i].places > most) most = spelled[i].places;
    if (spelled[i].places < least) least = spelled[i].places;
    with_places[spelled[i].places]++;
    if (spelled[i].trailing) {
      padded_count++;
      if (spelled[i].places > padded) padded = spelled[i].places;
    }
  }
  if (bad.count == count) goto no;
  // Zeros at the end show how many places are always written: whoever has fewer is an exception.
  uint32_t shorter = 0;
  for (unsigned places = 0; places < padded; places++) shorter += with_places[places];
  if (padded > least && padded_count > shorter) least = padded;
  bad.count = 0;
  int64_t *numbers = mwc_arena_take(&e->arena, count * sizeof *numbers);
  for (uint32_t i = 0; i < count; i++) {
    bool fits = spelled[i].places != 255 && spelled[i].places >= least;
    if (fits && spelled[i].trailing && spelled[i].places > least) fits = false;
    if (fits) {
      int64_t power = (int64_t)mwc_tens[most - spelled[i].places];
      fits = !__builtin_mul_overflow(spelled[i].digits, power, &numbers[i]) &&
             numbers[i] > -(INT64_MAX / 4) && numbers[i] < INT64_MAX / 4;
    }
    if (!fits) {
      if (bad.count >= exceptions_max(column) || column->changes[i].length > 31) goto no;
      bad.changes[bad.count++] = i;
    }
  }
  if (bad.count == count) goto no;
  e->type = MWC_TYPE_NUMBER;
  put(e, most);
  put(e, least);
  put_exceptions(e, column, &bad);
  const int64_t *values = expand(e, column, numbers, &bad);
  mwc_column_put_predicted(e, column, values, most);
  return true;
no:
  e->arena.next = mark;
  return false;
}

static bool put_date_column(encoder *e, const column *column) {
  uint8_t *mark = e->arena.next;
  uint32_t count = column->change_count;
  mwc_date_form form = {0}, own;
  int64_t *numbers = mwc_arena_take(&e->arena, count * sizeof *numbers);
  exceptions bad = {.changes = mwc_arena_take(&e->arena, (exceptions_max(column) + 1) * 4)};
  bool has_form = false;
  for (uint32_t i = 0; i < count; i++) {
    fetch_ahead(e, column->changes, i, column->change_count);
    const mwc_split_change *change = &column->changes[i];
    bool fits = mwc_take_date(text_of(e, change), change->length, &own, &numbers[i]);
    if (fits && !has_form && change->length <= 31) {
      form = own;
      has_form = true;
    }
    if (!fits || !has_form || memcmp(&form, &own, sizeof form) != 0) {
      if (bad.count >= exceptions_max(column) || change->length > 31) goto no;
      bad.changes[bad.count++] = i;
    }
  }
  if (bad.count == count) goto no;
  e->type = MWC_TYPE_DATE;
  // Behind a date anything may stand, and it stands for itself only in a string.
  if (column->form == MWC_NODE_WORD || !is_json(form.suffix, form.suffix_length, column->form)) {
    e->is_valid = false;
  }
  put(e, form.places);
  put(e, form.separator);
  put_text(e, form.suffix, form.suffix_length);
  put_exceptions(e, column, &bad);
  mwc_column_put_predicted(e, column, expand(e, column, numbers, &bad), form.places);
  return true;
no:
  e->arena.next = mark;
  return false;
}

/// The double that is spelled exactly like this.
static bool take_double(const uint8_t *text, size_t length, double *value) {
  mwc_spelled spelled;
  if (!mwc_take_number(text, length, &spelled) || spelled.places == 0) return false;
  double guess = (double)spelled.digits / (double)mwc_tens[spelled.places];
  // With up to 15 digits that is it, otherwise it may be a neighbour.
  double guesses[] = {guess, nextafter(guess, INFINITY), nextafter(guess, -INFINITY)};
  for (int i = 0; i < 3; i++) {
    uint8_t own[MWC_REPR_MAX];
    if (mwc_spell_double(guesses[i], own) == length && memcmp(own, text, length) == 0) {
      *value = guesses[i];
      return true;
    }
  }
  return false;
}

/// Takes the texts of a column as doubles; too many that are none: false.
static bool take_doubles(encoder *e, const column *column, double *doubles, exceptions *bad) {
  for (uint32_t i = 0; i < column->change_count; i++) {
    fetch_ahead(e, column->changes, i, column->change_count);
    const mwc_split_change *change = &column->changes[i];
    if (take_double(text_of(e, change), change->length, &doubles[i])) continue;
    if (bad->count >= exceptions_max(column) || change->length > 31) return false;
    bad->changes[bad->count++] = i;
  }
  return bad->count < column->change_count;
}

static void put_float_head(encoder *e, const column *column, unsigned shift,
                           const exceptions *bad) {
  e->type = MWC_TYPE_FLOAT;
  put(e, shift);
  put_exceptions(e, column, bad);
}

/// Doubles that are a fraction of two other columns in percent, or what is missing to it.
static bool put_quotient_column(encoder *e, const column *column) {
  enum { PROBES = 8 };
  double probes[PROBES];
  uint32_t visits[PROBES], probe_count = 0;
  bool is_long = false;
  for (uint32_t i = 0; i < column->change_count && probe_count < PROBES; i++) {
    const mwc_split_change *change = &column->changes[i];
    mwc_spelled spelled;
    if (!mwc_take_number(text_of(e, change), change->length, &spelled)) continue;
    is_long |= spelled.places > 2;
    visits[probe_count] = change->visit;
    probes[probe_count++] = mwc_json_double(text_of(e, change), change->length);
  }
  if (!is_long || probe_count < 4) return false;
  mwc_column_model model = {.reference = MWC_COLUMN_QUOTIENT, .divisor = 1};
  mwc_model_column first = {0}, second = {0};
  bool is_found = false;
  for (size_t a = 0; a < e->candidate_count && !is_found; a++) {
    const mwc_model_candidate *above = &e->candidates[a];
    if (above->is_constant || above->count != column->count) continue;
    for (size_t b = 0; b < e->candidate_count && !is_found; b++) {
      const mwc_model_candidate *under = &e->candidates[b];
      if (a == b || (!under->is_constant && under->count != column->count)) continue;
      uint32_t hits = 0, rests = 0;
      for (uint32_t i = 0; i < probe_count; i++) {
        int64_t divisor = under->is_constant ? under->constant : under->column.values[visits[i]];
        double quotient =
            mwc_quotient(above->column.values[visits[i]], above->places, divisor, under->places);
        // Nearly the same will do: rounded once more, or the other way round.
        hits += fabs(quotient - probes[i]) <= fabs(probes[i]) * 0x1p-46;
        rests += fabs(100 - quotient - probes[i]) <= fabs(probes[i]) * 0x1p-46;
        if (hits + 2 < i && rests + 2 < i) break;
      }
      if (hits + 1 < probe_count && rests + 1 < probe_count) continue;
      is_found = true;
      model.scale = (uint64_t)above->places * 32 + under->places;
      model.negative[0] = hits + 1 < probe_count;
      model.columns[0] = above->number;
      model.columns[1] = under->is_constant ? MWC_COLUMN_CONSTANT : under->number;
      model.constant = under->constant;
      first = above->column;
      second = under->column;
    }
  }
  if (!is_found) return false;
  uint8_t *mark = e->arena.next;
  double *doubles = mwc_arena_take(&e->arena, column->change_count * sizeof *doubles);
  exceptions bad = {.changes = mwc_arena_take(&e->arena, (exceptions_max(column) + 1) * 4)};
  if (!take_doubles(e, column, doubles, &bad)) {
    e->arena.next = mark;
    return false;
  }
  put_float_head(e, column, 64, &bad);
  const int64_t *values = expand(e, column, (const int64_t *)doubles, &bad);
  int64_t *predicted = mwc_arena_take(&e->arena, column->count * sizeof *predicted);
  mwc_model_predict(&model, &first, &second, column->count, predicted);
  mwc_column_put_exact(e, values, column->count, &model, predicted);
  return true;
}

static bool put_float_column(encoder *e, const column *column, unsigned shift_max) {
  uint8_t *mark = e->arena.next;
  uint32_t count = column->change_count;
  double *doubles = mwc_arena_take(&e->arena, count * sizeof *doubles);
  exceptions bad = {.changes = mwc_arena_take(&e->arena, (exceptions_max(column) + 1) * 4)};
  unsigned shift = 0;
  uint32_t exception = 0;
  double largest = 0;
  if (!take_doubles(e, column, doubles, &bad)) goto no;
  for (uint32_t i = 0; i < count && shift < 45; i++) {
    if (exception < bad.count && bad.changes[exception] == i) {
      exception++;
      continue;
    }
    while (shift < 45 && doubles[i] * (double)((uint64_t)1 << shift) !=
                             nearbyint(doubles[i] * (double)((uint64_t)1 << shift)))
      shift++;
    largest = fmax(largest, fabs(doubles[i]));
  }
  if (shift == 45 || largest * (double)((uint64_t)1 << shift) > 0x1p53) shift = 64;
  if (shift > shift_max) goto no;
  int64_t *numbers = (int64_t *)doubles;
  exception = 0;
  for (uint32_t i = 0; i < count && shift < 64; i++) {
    if (exception < bad.count && bad.changes[exception] == i) {
      exception++;
      continue;
    }
    // Two values are not the same when only the sign of a zero is.
    double value = doubles[i] * (double)((uint64_t)1 << shift);
    memcpy(&numbers[i], &(int64_t){(int64_t)value}, sizeof numbers[i]);
  }
  put_float_head(e, column, shift, &bad);
  mwc_column_put_predicted(e, column, expand(e, column, numbers, &bad), 0);
  return true;
no:
  e->arena.next = mark;
  return false;
}

static uint64_t hash_text(const uint8_t *text, size_t length) {
  uint64_t hash = length * 0x9E3779B97F4A7C15u;
  for (; length >= 8; text += 8, length -= 8) hash = (hash ^ mwc_load64(text)) * 0xD6E8FEB86659FD93u;
  if (length > 0) hash = (hash ^ (mwc_load64(text) << (64 - 8 * length))) * 0xD6E8FEB86659FD93u;
  return hash ^ hash >> 32;
}

/// Whether more than a few of these identifiers have been there before.
static bool comes_again(encoder *e, const uint8_t *bytes, size_t count, size_t length) {
  enum { SLOTS = 4096 };
  uint8_t *mark = e->arena.next;
  uint16_t *slots = mwc_arena_take(&e->arena, SLOTS * sizeof *slots);
  memset(slots, 0, SLOTS * sizeof *slots);
  size_t again = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t hash = hash_text(bytes + i * length, length);
    uint16_t check = (uint16_t)(hash >> 48 | 1);
    again += slots[hash % SLOTS] == check;
    slots[hash % SLOTS] = check;
  }
  e->arena.next = mark;
  return again > count / 32;
}

/// Has columns that repeat themselves where these identifiers do say so in fewer bytes.
static void note_texts(encoder *e, const uint8_t *bytes, uint32_t count, size_t length) {
  uint8_t *end = e->arena.end;
  int64_t *values = mwc_arena_take_end(&e->arena, count * sizeof *values);
  for (uint32_t i = 0; i < count; i++) values[i] = (int64_t)hash_text(bytes + i * length, length);
  mwc_column_note_repeats(e, values, count);
  e->arena.end = end;
}

static bool put_hex_column(encoder *e, const column *column) {
  uint32_t length = column->changes[0].length;
  if (length < 8 || length > 256 || length % 2 != 0 || column->change_count < column->count / 2)
    return false;
  for (uint32_t i = 0; i < column->change_count; i++) {
    const uint8_t *text = text_of(e, &column->changes[i]);
    if (column->changes[i].length != length) return false;
    for (uint32_t j = 0; j < length; j++) {
      if ((uint8_t)(text[j] - '0') >= 10 && (uint8_t)(text[j] - 'a') >= 6) return false;
    }
  }
  e->type = MWC_TYPE_HEX;
  if (column->form == MWC_NODE_WORD) e->is_valid = false;
  put(e, length / 2);
  uint8_t *bytes = mwc_arena_take(&e->arena, (size_t)column->count * (length / 2));
  uint8_t *at = bytes;
  for (uint32_t i = 0; i < column->change_count; i++) {
    const uint8_t *text = text_of(e, &column->changes[i]);
    for (uint32_t visit = 0; visit < run_of(column, i); visit++) {
      for (uint32_t j = 0; j < length; j += 2) {
        unsigned high = text[j] <= '9' ? text[j] - '0' : text[j] - 'a' + 10;
        unsigned low = text[j + 1] <= '9' ? text[j + 1] - '0' : text[j + 1] - 'a' + 10;
        *at++ = (uint8_t)(high << 4 | low);
      }
    }
  }
  // Identifiers are noise, unless they come again.
  note_texts(e, bytes, column->count, length / 2);
  bool is_new = !comes_again(e, bytes, column->count, length / 2);
  put_piece(e, bytes, (size_t)(at - bytes), is_new ? MWC_COLUMN_BITS : MWC_COLUMN_TEXT);
  return true;
}

/// Texts that come again and again: a table, and numbers.
static bool put_choice_column(encoder *e, const column *column, uint32_t most) {
  enum { TEXTS_MAX = 1024, SLOTS = 4096 };
  uint8_t *mark = e->arena.next;
  uint16_t *slots = mwc_arena_take(&e->arena, SLOTS * sizeof *slots);
  uint32_t *texts = mwc_arena_take(&e->arena, TEXTS_MAX * sizeof *texts);
  int64_t *numbers = mwc_arena_take(&e->arena, column->change_count * sizeof *numbers);
  memset(slots, 0, SLOTS * sizeof *slots);
  uint32_t distinct = 0;
  for (uint32_t i = 0; i < column->change_count; i++) {
    fetch_ahead(e, column->changes, i, column->change_count);
    const mwc_split_change *change = &column->changes[i];
    const uint8_t *text = text_of(e, change);
    size_t slot = hash_text(text, change->length) % SLOTS;
    for (; slots[slot] != 0; slot = (slot + 1) % SLOTS) {
      const mwc_split_change *known = &column->changes[texts[slots[slot] - 1]];
      if (known->length == change->length &&
          mwc_same_bytes(text_of(e, known), text, change->length))
        break;
    }
    if (slots[slot] == 0) {
      // A table is worth it when most texts are in it already.
      if (distinct >= TEXTS_MAX || distinct > 128 + i / 8 || distinct >= most) {
        e->arena.next = mark;
        return false;
      }
      texts[distinct++] = i;
      slots[slot] = (uint16_t)distinct;
    }
    numbers[i] = slots[slot] - 1;
  }
  e->type = MWC_TYPE_CHOICE;
  put(e, distinct);
  for (uint32_t i = 0; i < distinct; i++) {
    const mwc_split_change *change = &column->changes[texts[i]];
    put_text(e, text_of(e, change), change->length);
    check_json(e, change, column->form);
  }
  exceptions none = {0};
  const int64_t *values = expand(e, column, numbers, &none);
  mwc_column_put_choices(e, values, column->count);
  return true;
}

static void put_text_column(encoder *e, const column *column, bool has_lengths) {
  e->type = has_lengths ? MWC_TYPE_BYTES : MWC_TYPE_TEXT;
  size_t size = 0;
  for (uint32_t i = 0; i < column->change_count; i++) {
    if (!has_lengths) check_json(e, &column->changes[i], column->form);
    size += (size_t)run_of(column, i) * (column->changes[i].length + (has_lengths ? 5 : 1));
  }
  uint8_t *bytes = mwc_arena_take(&e->arena, size);
  uint8_t *at = bytes;
  for (uint32_t i = 0; i < column->change_count; i++) {
    const mwc_split_change *change = &column->changes[i];
    for (uint32_t visit = 0; visit < run_of(column, i); visit++) {
      if (has_lengths) at = mwc_put_varint(at, change->length);
      memcpy(at, text_of(e, change), change->length);
      at += change->length;
      if (!has_lengths) *at++ = 0;
    }
  }
  put_piece(e, bytes, (size_t)(at - bytes), MWC_COLUMN_TEXT);
}

static void describe_column(encoder *e, const column *column) {
  enum {
    /// Length of numbers that have as many digits as a double.
    DOUBLE_LEAST = 16,
    /// As many texts are better in a table than taken apart.
    CHOICES_FEW = 8,
  };
  const mwc_split_change *first = &column->changes[0];
  if (column->form == MWC_NODE_WHOLE) {
    put_text_column(e, column, true);
    return;
  }
  if (column->change_count == 1) {
    e->type = MWC_TYPE_CONSTANT;
    check_json(e, first, column->form);
    memcpy(e->head_at, text_of(e, first), first->length);
    e->head_at += first->length;
    mwc_spelled spelled;
    if (mwc_take_number(text_of(e, first), first->length, &spelled) && spelled.digits > 1 &&
        e->candidate_count < CANDIDATES_MAX) {
      e->candidates[e->candidate_count++] =
          (mwc_model_candidate){.is_constant = true,
                                .constant = spelled.digits,
                                .places = spelled.places,
                                .number = MWC_COLUMN_CONSTANT};
    }
    return;
  }
  // From what says most in fewest bits to what takes anything.
  uint32_t few = column->change_count / 8;
  bool is_long = first->length >= DOUBLE_LEAST && column->form == MWC_NODE_WORD;
  if (put_quotient_column(e, column) || put_number_column(e, column, 9) ||
      put_date_column(e, column) ||
      put_choice_column(e, column, few < CHOICES_FEW ? few : CHOICES_FEW) ||
      mwc_column_put_joined(e, column) || put_choice_column(e, column, few) ||
      put_float_column(e, column, 44) || (is_long && put_float_column(e, column, 64)) ||
      put_number_column(e, column, 17) || put_float_column(e, column, 64) ||
      put_hex_column(e, column) || put_choice_column(e, column, UINT32_MAX))
    return;
  put_text_column(e, column, false);
}

uint32_t mwc_column_put(encoder *e, const column *column) {
  e->head_at = e->description;
  e->bits_mark = e->bits_at;
  describe_column(e, column);
  return mwc_column_finish(e, column->count);
}
