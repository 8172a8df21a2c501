// Numbers of a column: predicted from others, and stored once where they repeat.
#include "mwc_column_put.h"

enum {
  /// Columns with fewer values are not worth the bytes that say where they repeat.
  REPEATS_LEAST = 16,
  /// Longest column in which repeats are looked for that are not of the value just before.
  LOOKUP_MAX = 1 << 14,
  /// Bits of a number that is worth looking for wherever it has been.
  DEAR = 8,
  /// Values of a large block, and the bits of a number in smaller and in larger ones from which on
  /// repeats are considered.
  LARGE = 20000,
  SHORT = 2,
  LONG = 20,
};

/// What repeats leave of the bits has to be less than this: deflating knows of repeats, too, if numbers
/// are short.
static double gain_of(double bits, uint32_t count) { return bits > DEAR * count ? 0.97 : 0.84; }

/// Says in the head where the last piece is.
static void put_place(encoder *e) {
  put(e, e->piece_stream);
  put(e, e->piece_length);
}

void mwc_column_put_model(encoder *e, const int64_t *values, size_t count, mwc_column_model *model,
                          const int64_t *predicted, uint32_t repeats) {
  uint8_t *mark = e->arena.next;
  uint64_t *numbers = mwc_arena_take(&e->arena, count * sizeof *numbers);
  mwc_model_apply(model, values, count, predicted, numbers);
  put(e, (uint64_t)model->reference * 4 + model->order + (repeats > 0 ? MWC_COLUMN_REPEATS : 0));
  if (repeats > 0) put(e, repeats);
  put(e, model->low_bits);
  put_signed(e, model->centre);
  put(e, (uint64_t)model->divisor);
  if (model->order > 0) put_signed(e, model->start);
  if (model->reference == MWC_COLUMN_SUM1 || model->reference == MWC_COLUMN_SUM2) {
    put(e, model->scale);
    put(e, (uint64_t)model->columns[0] * 2 + model->negative[0]);
    if (model->reference == MWC_COLUMN_SUM2)
      put(e, (uint64_t)model->columns[1] * 2 + model->negative[1]);
  } else if (model->reference >= MWC_COLUMN_RATIO) {
    put(e, model->scale);
    put(e, (uint64_t)model->columns[0] * 2 + model->negative[0]);
    put(e, model->columns[1] == MWC_COLUMN_CONSTANT ? 0 : model->columns[1]);
    if (model->columns[1] == MWC_COLUMN_CONSTANT) put_signed(e, model->constant);
  }
  // The bytes take the place of the numbers, which are never shorter than half of them.
  uint8_t *bytes = mwc_arena_take(&e->arena, count * 10);
  size_t length = mwc_model_pack(numbers, count, model->low_bits, e->bits_at, bytes);
  e->bits_at += (count * model->low_bits + 7) / 8;
  memmove(mark, bytes, length);
  e->arena.next = mark + ((length + 15) & ~(size_t)15);
  put_piece(e, mark, length, model->low_bits > 0 ? MWC_COLUMN_NOISE : MWC_COLUMN_TEXT);
}

/// As above, with the way to predict them chosen from differences alone.
static void put_plain(encoder *e, const int64_t *values, size_t count, uint32_t repeats) {
  mwc_column_model model;
  mwc_model_choose(&model, values, count, NULL, 0, 0);
  mwc_column_put_model(e, values, count, &model, NULL, repeats);
}

void mwc_column_put_numbers(encoder *e, const int64_t *values, size_t count) {
  put_plain(e, values, count, 0);
  put_place(e);
}

uint32_t mwc_column_finish(encoder *e, uint32_t count) {
  size_t length = (size_t)(e->head_at - e->description);
  e->head_at = e->columns_at;
  put(e, e->type);
  put(e, count);
  if (e->type != MWC_TYPE_CONSTANT) {
    put_place(e);
    put(e, (uint64_t)(e->bits_at - e->bits_mark));
  }
  put_text(e, e->description, length);
  e->columns_at = e->head_at;
  return ++e->column_count;
}

// MARK: Repeats

/// Writes a column of distances while another one is being described.
static void put_distances(encoder *e, distances *distances) {
  uint8_t *description = e->description, *head_at = e->head_at;
  uint32_t type = e->type;
  e->description = e->head_at;
  e->bits_mark = e->bits_at;
  put_plain(e, distances->values, distances->count, 0);
  e->type = MWC_TYPE_DISTANCES;
  distances->number = mwc_column_finish(e, distances->count);
  e->description = description;
  e->head_at = head_at;
  e->type = type;
  e->bits_mark = e->bits_at;
  e->spare_columns--;
  e->distances[e->distances_count++] = *distances;
}

/// Whether the values from `i` on are those from `before` on: more than one alike, which is no accident.
static bool is_again(const int64_t *values, uint32_t count, uint32_t before, uint32_t i) {
  enum { ALIKE = 3 };
  uint32_t alike = 0;
  while (alike < ALIKE && i + alike < count && values[before + alike] == values[i + alike]) alike++;
  return alike == ALIKE;
}

/// Distances to where each value has been before. `is_dear`: values are long enough to be looked for
/// wherever they were, not just one before.
static distances find_repeats(encoder *e, const int64_t *values, uint32_t count, bool is_dear) {
  int64_t *found = mwc_arena_take(&e->arena, count * sizeof *found);
  uint8_t *end = e->arena.end;
  uint32_t *last = NULL;
  unsigned shift = 64;
  if (is_dear && count <= LOOKUP_MAX) {
    while (((uint64_t)1 << (64 - shift)) < 2 * (uint64_t)count) shift--;
    size_t slots = (size_t)1 << (64 - shift);
    last = mwc_arena_take_end(&e->arena, slots * sizeof *last);
    memset(last, 0, slots * sizeof *last);
  }
  distances result = {.values = found, .count = count};
  uint32_t distance = 1;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t *slot = last == NULL ? NULL : &last[(uint64_t)values[i] * 0x9E3779B97F4A7C15u >> shift];
    found[i] = 0;
    if (i >= distance && values[i] == values[i - distance]) {
      found[i] = distance;
    } else if (i > 0 && values[i] == values[i - 1]) {
      found[i] = distance = 1;
    } else if (slot != NULL && *slot > 0 && is_again(values, count, *slot - 1, i)) {
      found[i] = distance = i - (*slot - 1);
    }
    if (slot != NULL) *slot = i + 1;
    result.fresh += found[i] == 0;
  }
  e->arena.end = end;
  return result;
}

/// About how many bits it takes to say where the repeats are.
static double price_of(const distances *distances) {
  const int64_t *values = distances->values;
  uint32_t turns = 0;
  // A beat of two is no turn.
  for (uint32_t i = 2; i < distances->count; i++) {
    turns += values[i] != values[i - 1] && values[i] != values[i - 2];
  }
  return 160 + 4 * turns + 0.05 * distances->count;
}

/// The distances that are known already and are right for these values too, those with the fewest
/// fresh ones; NULL: none.
static const distances *known_repeats(const encoder *e, const int64_t *values, uint32_t count) {
  const distances *best = NULL;
  for (size_t i = 0; i < e->distances_count; i++) {
    const distances *known = &e->distances[i];
    if (known->count != count || (best != NULL && best->fresh <= known->fresh)) continue;
    uint32_t at = 0;
    while (at < count && values[at] == values[at - (uint32_t)known->values[at]]) at++;
    if (at == count) best = known;
  }
  return best;
}

void mwc_column_note_repeats(encoder *e, const int64_t *values, uint32_t count) {
  if (count < REPEATS_LEAST || count > LOOKUP_MAX || e->distances_count == DISTANCES_MAX ||
      e->spare_columns == 0 || known_repeats(e, values, count) != NULL)
    return;
  uint8_t *mark = e->arena.next;
  distances found = find_repeats(e, values, count, true);
  if (found.fresh > count - count / 8) {
    e->arena.next = mark;
    return;
  }
  put_distances(e, &found);
}

/// The values that are not repeated, and which they are.
static int64_t *fresh_values(encoder *e, const distances *repeats, const int64_t *values,
                             uint32_t *places) {
  int64_t *fresh = mwc_arena_take_end(&e->arena, repeats->fresh * sizeof *fresh);
  uint32_t count = 0;
  for (uint32_t i = 0; i < repeats->count; i++) {
    if (repeats->values[i] != 0) continue;
    if (places != NULL) places[count] = i;
    fresh[count++] = values[i];
  }
  return fresh;
}

void mwc_column_put_choices(encoder *e, const int64_t *values, uint32_t count) {
  const distances *repeats = count < REPEATS_LEAST ? NULL : known_repeats(e, values, count);
  if (repeats == NULL || repeats->fresh > count - count / 8) {
    put_plain(e, values, count, 0);
    return;
  }
  uint8_t *end = e->arena.end;
  put_plain(e, fresh_values(e, repeats, values, NULL), repeats->fresh, repeats->number);
  e->arena.end = end;
}

void mwc_column_put_exact(encoder *e, const int64_t *values, uint32_t count,
                          mwc_column_model *model, int64_t *predicted) {
  const distances *repeats = count < REPEATS_LEAST ? NULL : known_repeats(e, values, count);
  if (repeats == NULL || memcmp(values, predicted, count * sizeof *values) == 0) {
    mwc_column_put_model(e, values, count, model, predicted, 0);
    return;
  }
  uint8_t *end = e->arena.end;
  const int64_t *fresh = fresh_values(e, repeats, values, NULL);
  const int64_t *own = fresh_values(e, repeats, predicted, NULL);
  mwc_column_put_model(e, fresh, repeats->fresh, model, own, repeats->number);
  e->arena.end = end;
}

// MARK: Prediction

/// A column that is being predicted: all its values, or the fresh ones.
typedef struct predicted {
  const int64_t *values;
  uint32_t count;
  const uint32_t *places;    ///< of the values among all, or NULL
  const uint32_t *messages;  ///< of the values: records, or NULL
  bool is_timed;             ///< the block says which records
} predicted;

static uint8_t depth_of(const encoder *e, uint32_t number) {
  for (size_t i = 0; i < e->candidate_count; i++) {
    if (e->candidates[i].number == number) return e->candidates[i].depth;
  }
  return 0;
}

/// For each value the last one of `candidate` in the same record or before.
static const uint32_t *latest(encoder *e, const predicted *what,
                              const mwc_model_candidate *candidate) {
  uint32_t *places = mwc_arena_take_end(&e->arena, what->count * sizeof *places);
  uint32_t next = 0;
  for (uint32_t i = 0; i < what->count; i++) {
    while (next < candidate->count && candidate->messages[next] <= what->messages[i]) next++;
    places[i] = next - 1;
  }
  return places;
}

/// Chooses from what to predict values of a column. `all` is how many values the column has.
static double choose(encoder *e, const predicted *what, uint32_t all, unsigned places,
                     mwc_column_model *model, mwc_model_column *first, mwc_model_column *second) {
  mwc_model_candidate candidates[CONSIDERED_MAX];
  size_t at = CONSIDERED_MAX;
  if (what->messages != NULL || all == e->record_count) {
    candidates[--at] = (mwc_model_candidate){
        .column = {.values = e->walls, .places = what->messages}, .number = 0, .is_time = true};
  }
  // The nearest, in their order.
  for (size_t i = e->candidate_count; i-- > 0 && at > 0;) {
    const mwc_model_candidate *candidate = &e->candidates[i];
    bool is_like = candidate->is_constant || candidate->count == all;
    if (!is_like && (candidate->messages == NULL || !what->is_timed)) continue;
    candidates[--at] = *candidate;
    candidates[at].column.places = is_like ? what->places : latest(e, what, candidate);
  }
  double cost = mwc_model_choose(model, what->values, what->count, candidates + at,
                                 CONSIDERED_MAX - at, places);
  for (; at < CONSIDERED_MAX; at++) {
    if (candidates[at].is_constant) continue;
    if (candidates[at].number == model->columns[0]) *first = candidates[at].column;
    if (candidates[at].number == model->columns[1]) *second = candidates[at].column;
  }
  return cost;
}

/// What numbers look like once they are predicted.
typedef struct outcome {
  mwc_column_model model;
  int64_t *room;  ///< what is predicted; NULL: nothing
  double bits;    ///< that all take
} outcome;

/// Predicts numbers. `all` is how many values the column has.
static outcome predict(encoder *e, const predicted *what, uint32_t all, unsigned places,
                       bool is_exact) {
  outcome result = {0};
  mwc_model_column first = {0}, second = {0};
  result.bits = choose(e, what, all, places, &result.model, &first, &second) * what->count;
  if (result.model.reference != MWC_COLUMN_NONE) {
    result.room = mwc_arena_take_end(&e->arena, what->count * sizeof *result.room);
    mwc_model_predict(&result.model, &first, &second, what->count, result.room);
  }
  if (is_exact) {
    uint8_t *end = e->arena.end;
    uint64_t *numbers = mwc_arena_take_end(&e->arena, what->count * sizeof *numbers);
    result.bits = mwc_model_apply(&result.model, what->values, what->count, result.room, numbers) *
                  what->count;
    e->arena.end = end;
  }
  return result;
}

/// Values without those that repeat others.
static predicted without_repeats(encoder *e, const column *column, const int64_t *values,
                                 const distances *repeats) {
  uint32_t *places = mwc_arena_take_end(&e->arena, repeats->fresh * sizeof *places);
  predicted fresh = {.count = repeats->fresh, .places = places};
  fresh.values = fresh_values(e, repeats, values, places);
  if (column->messages != NULL) {
    uint32_t *messages = mwc_arena_take_end(&e->arena, repeats->fresh * sizeof *messages);
    for (uint32_t i = 0; i < fresh.count; i++) messages[i] = column->messages[places[i]];
    fresh.messages = messages;
    fresh.is_timed = true;
  } else if (column->count == e->record_count) {
    fresh.messages = places;
  }
  return fresh;
}

/// Whether repeats may be worth a column that says where they are.
static bool may_repeat(const encoder *e, const column *column, double bits) {
  return e->distances_count < DISTANCES_MAX && e->spare_columns > 0 &&
         (bits > DEAR * column->count ||
          column->change_count < column->count - column->count / 8);
}

void mwc_column_put_predicted(encoder *e, const column *column, const int64_t *values,
                              unsigned places) {
  uint8_t *end = e->arena.end;
  predicted what = {.values = values,
                    .count = column->count,
                    .messages = column->messages,
                    .is_timed = column->messages != NULL};
  outcome best = predict(e, &what, column->count, places, false);
  uint32_t number = 0;
  // Deflating finds most repeats itself, once it has learned from as many as there are in a large block.
  uint32_t least = e->split.visit_total < LARGE ? SHORT : LONG;
  if (column->count >= REPEATS_LEAST && best.bits > least * column->count) {
    const distances *repeats = known_repeats(e, values, column->count);
    distances found = {0};
    uint8_t *mark = e->arena.next;
    double price = 24;
    if (repeats == NULL && may_repeat(e, column, best.bits)) {
      found = find_repeats(e, values, column->count, best.bits > DEAR * column->count);
      repeats = &found;
      price = price_of(&found);
    }
    if (repeats != NULL && repeats->fresh < column->count) {
      predicted fresh = without_repeats(e, column, values, repeats);
      best = predict(e, &what, column->count, places, true);
      outcome own = predict(e, &fresh, column->count, places, true);
      if (own.bits + price < best.bits * gain_of(best.bits, column->count)) {
        if (repeats == &found) put_distances(e, &found);
        number = repeats == &found ? found.number : repeats->number;
        best = own;
        what = fresh;
      }
    }
    if (number == 0) e->arena.next = mark;
  }
  mwc_column_put_model(e, what.values, what.count, &best.model, best.room, number);
  e->arena.end = end;
  uint8_t depth = 0;
  for (unsigned i = 0; i < 2 && best.model.reference != MWC_COLUMN_NONE; i++) {
    uint8_t below = depth_of(e, best.model.columns[i]);
    if (depth <= below) depth = below + 1;
  }
  if (e->candidate_count < CANDIDATES_MAX && depth + 2 < MWC_COLUMN_CHAIN_MAX) {
    // Its number is the next one: nothing else is written before it is finished.
    e->candidates[e->candidate_count++] = (mwc_model_candidate){.column = {.values = values},
                                                                .number = e->column_count + 1,
                                                                .depth = depth,
                                                                .places = (uint8_t)places,
                                                                .count = column->count,
                                                                .messages = column->messages};
  }
}
