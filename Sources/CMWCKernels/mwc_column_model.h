/// Numbers of a column and how they are predicted.
#ifndef MWC_COLUMN_MODEL_H
#define MWC_COLUMN_MODEL_H

#include "mwc_column_internal.h"

/// A column to predict from.
typedef struct mwc_model_column {
  const int64_t *values;
  /// Which value belongs to each of the predicted column; UINT32_MAX: none. NULL: the same place.
  const uint32_t *places;
} mwc_model_column;

static inline int64_t mwc_model_value(const mwc_model_column *column, size_t place) {
  if (column->places == NULL) return column->values[place];
  uint32_t other = column->places[place];
  return other == UINT32_MAX ? 0 : column->values[other];
}

/// A column that another may be predicted from.
typedef struct mwc_model_candidate {
  mwc_model_column column;
  uint32_t number;  ///< of its node; 0: the wall time
  bool is_time;
  bool is_constant;
  int64_t constant;
  uint8_t places;  ///< decimal places
  uint8_t depth;   ///< how many columns have to be known before it
  size_t count;    ///< of values; 0 for a constant
  const uint32_t *messages;  ///< the record of each value where the block says so, or NULL
} mwc_model_candidate;

/// Finds a good way to predict `count` values, which have `places` decimal places, from the ones
/// before them and from other columns. Fills everything but `start`, `divisor` and `low_bits`. Returns
/// about how many bits a value then needs.
double mwc_model_choose(mwc_column_model *model, const int64_t *values, size_t count,
                        const mwc_model_candidate *candidates, size_t candidate_count,
                        unsigned places);

/// What the other columns say about `count` values.
void mwc_model_predict(const mwc_column_model *model, const mwc_model_column *first,
                       const mwc_model_column *second, size_t count, int64_t *out);

/// Turns values into the numbers to be stored and completes the model. `predicted` may be NULL. Returns
/// about how many bits each number takes in the block.
double mwc_model_apply(mwc_column_model *model, const int64_t *values, size_t count,
                       const int64_t *predicted, uint64_t *numbers);

/// Turns stored numbers into values, which hold what was predicted before.
void mwc_model_restore(const mwc_column_model *model, const uint64_t *numbers, size_t count,
                       int64_t *values);

/// Writes the low bits of numbers, low ones first, to `bits` (which has room for 8 bytes more than
/// they need) and the rest as varints to `bytes`; returns the length of the latter, 0 when all
/// numbers are 0.
size_t mwc_model_pack(const uint64_t *numbers, size_t count, unsigned low_bits, uint8_t *bits,
                      uint8_t *bytes);

/// The other direction; `low_bits` is at most 56, and `bits` is readable for 8 bytes more than there
/// are. False when `bytes` are neither empty nor exactly `count` varints.
bool mwc_model_unpack(const uint8_t *bytes, size_t length, const uint8_t *bits, unsigned low_bits,
                      size_t count, uint64_t *numbers);

#endif
