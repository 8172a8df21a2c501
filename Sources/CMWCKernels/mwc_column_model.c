/// Numbers of a column and how they are predicted: choosing, taking off, adding again.
#include <math.h>

#include "mwc_column_model.h"

void mwc_model_predict(const mwc_column_model *model, const mwc_model_column *first,
                       const mwc_model_column *second, size_t count, int64_t *out) {
  switch (model->reference) {
    case MWC_COLUMN_SUM1:
    case MWC_COLUMN_SUM2: {
      int64_t divisor = (int64_t)model->scale;
      for (size_t i = 0; i < count; i++) {
        int64_t value = mwc_model_value(first, i);
        if (divisor > 1) value = mwc_floor_divide(value, divisor);
        out[i] = model->negative[0] ? mwc_sub(0, value) : value;
      }
      if (model->reference == MWC_COLUMN_SUM1) break;
      for (size_t i = 0; i < count; i++) {
        int64_t value = mwc_model_value(second, i);
        out[i] = model->negative[1] ? mwc_sub(out[i], value) : mwc_add(out[i], value);
      }
      break;
    }
    case MWC_COLUMN_RATIO:
      for (size_t i = 0; i < count; i++) {
        int64_t divisor =
            model->columns[1] == MWC_COLUMN_CONSTANT ? model->constant : mwc_model_value(second, i);
        out[i] = mwc_ratio(model->scale, mwc_model_value(first, i), divisor);
      }
      break;
    case MWC_COLUMN_QUOTIENT:
      for (size_t i = 0; i < count; i++) {
        int64_t under =
            model->columns[1] == MWC_COLUMN_CONSTANT ? model->constant : mwc_model_value(second, i);
        double quotient = mwc_quotient(mwc_model_value(first, i), (unsigned)(model->scale / 32),
                                       under, (unsigned)(model->scale % 32));
        if (model->negative[0]) quotient = 100 - quotient;
        memcpy(&out[i], &quotient, sizeof quotient);
      }
      break;
    default: memset(out, 0, count * sizeof *out);
  }
}

void mwc_model_restore(const mwc_column_model *model, const uint64_t *numbers, size_t count,
                       int64_t *values) {
  int64_t centre = model->centre, divisor = model->divisor;
  int64_t previous = model->start, step = 0;
  switch (model->order) {
    case 0:
      for (size_t i = 0; i < count; i++) {
        int64_t error = mwc_add(centre, mwc_mul(divisor, mwc_unzigzag(numbers[i])));
        values[i] = mwc_add(values[i], error);
      }
      break;
    case 1:
      for (size_t i = 0; i < count; i++) {
        previous = mwc_add(
            previous, mwc_add(centre, mwc_mul(divisor, mwc_unzigzag(numbers[i]))));
        values[i] = mwc_add(values[i], previous);
      }
      break;
    default:
      for (size_t i = 0; i < count; i++) {
        step = mwc_add(step, mwc_add(centre, mwc_mul(divisor, mwc_unzigzag(numbers[i]))));
        previous = mwc_add(previous, step);
        values[i] = mwc_add(values[i], previous);
      }
  }
}

// MARK: Choosing

enum { RUNS = 4, RUN = 64, SAMPLE = RUNS * RUN };

/// Places of the sample: all, or four runs. A run begins with two values that only lead in.
static size_t sample_places(size_t count, uint32_t *places, uint8_t *is_start) {
  if (count <= SAMPLE) {
    for (size_t i = 0; i < count; i++) {
      places[i] = (uint32_t)i;
      is_start[i] = i == 0;
    }
    return count;
  }
  size_t taken = 0;
  for (size_t run = 0; run < RUNS; run++) {
    size_t first = run * (count - RUN) / (RUNS - 1);
    for (size_t i = 0; i < RUN; i++) {
      places[taken] = (uint32_t)(first + i);
      is_start[taken++] = i == 0;
    }
  }
  return taken;
}

static unsigned bit_length(uint64_t value) {
  return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

/// What stands in the middle of numbers; 0 where many are 0.
static int64_t centre_of(const int64_t *errors, size_t count) {
  size_t zeros = 0;
  for (size_t i = 0; i < count; i++) zeros += errors[i] == 0;
  int64_t centre = 0;
  if (zeros * 4 < count) {
    // The mean of what is not far from the mean: outliers do not pull at it.
    double mean = 0, reach = INFINITY;
    for (int round = 0; round < 4; round++) {
      double sum = 0, distance = 0;
      size_t near = 0;
      for (size_t i = 0; i < count; i++) {
        double apart = fabs((double)errors[i] - mean);
        if (apart > reach) continue;
        sum += (double)errors[i];
        distance += apart;
        near++;
      }
      if (near == 0) break;
      reach = round == 0 ? INFINITY : 2 * distance / (double)near;
      mean = sum / (double)near;
    }
    double nearest = INFINITY;
    for (size_t i = 0; i < count; i++) {
      double distance = fabs((double)errors[i] - mean);
      if (distance < nearest) {
        nearest = distance;
        centre = errors[i];
      }
    }
  }
  return centre;
}

/// About how many bits numbers like these need each once `centre` is taken off.
static double cost_around(const int64_t *errors, size_t count, int64_t centre) {
  uint32_t histogram[65] = {0};
  size_t bits = 0;
  for (size_t i = 0; i < count; i++) {
    unsigned length = bit_length(mwc_zigzag(mwc_sub(errors[i], centre)));
    histogram[length]++;
    bits += length > 1 ? length - 1 : 0;
  }
  double classes = 0;
  for (unsigned i = 0; i < 65; i++) {
    if (histogram[i] > 0) classes += histogram[i] * log2((double)count / histogram[i]);
  }
  return ((double)bits + classes) / (double)count;
}

/// About how many bits numbers like these need each, and which one is best taken off. `total` are all of
/// them, which share the bytes that say so.
static double cost_of(const int64_t *errors, size_t count, size_t total, int64_t *centre) {
  *centre = 0;
  if (count == 0) return 0;
  int64_t middle = centre_of(errors, count);
  double cost = cost_around(errors, count, middle);
  unsigned length = bit_length(mwc_zigzag(middle)) / 7;
  *centre = middle;
  if (length < 2 || total > 1024 * length) return cost;
  cost += 8.0 * length / (double)total;
  double plain = cost_around(errors, count, 0);
  if (plain > cost) return cost;
  *centre = 0;
  return plain;
}

typedef struct trial {
  const int64_t *values;
  const uint32_t *places;
  const uint8_t *is_start;
  size_t count;
  size_t total;  ///< values that the sample stands for
  mwc_column_model best;
  double cost;
} trial;

/// Tries differences of `errors`, which are the sample without its prediction.
static void try_orders(trial *trial, mwc_column_model model, const int64_t *errors,
                       unsigned orders, double handicap) {
  int64_t differences[SAMPLE], seconds[SAMPLE];
  size_t count = 0, second_count = 0;
  for (unsigned order = 0; order < orders; order++) {
    const int64_t *tried = errors;
    size_t tried_count = trial->count;
    if (order == 1) {
      for (size_t i = 1; i < trial->count; i++) {
        if (!trial->is_start[i]) differences[count++] = mwc_sub(errors[i], errors[i - 1]);
      }
      tried = differences;
      tried_count = count;
    } else if (order == 2) {
      for (size_t i = 1; i < count; i++) {
        seconds[second_count++] = mwc_sub(differences[i], differences[i - 1]);
      }
      tried = seconds;
      tried_count = second_count;
    }
    if (order > 0 && tried_count < 4) continue;
    int64_t centre;
    double cost = cost_of(tried, tried_count, trial->total, &centre) + handicap + 0.02 * order;
    if (cost < trial->cost) {
      trial->cost = cost;
      trial->best = model;
      trial->best.order = (uint8_t)order;
      trial->best.centre = centre;
    }
  }
}

/// Whether what remains of the differences is smaller once the other column is taken off: a quick
/// look, before a closer one.
static bool moves_along(const trial *trial, const int64_t *own, const int64_t *other,
                        unsigned negative) {
  unsigned alone = 0, together = 0;
  size_t count = trial->count < 64 ? trial->count : 64;
  for (size_t i = 1; i < count; i++) {
    int64_t step = mwc_sub(own[i], own[i - 1]), along = mwc_sub(other[i], other[i - 1]);
    alone += bit_length(mwc_zigzag(step));
    together += bit_length(mwc_zigzag(negative ? mwc_add(step, along) : mwc_sub(step, along)));
  }
  return together < alone - alone / 8;
}

double mwc_model_choose(mwc_column_model *model, const int64_t *values, size_t count,
                        const mwc_model_candidate *candidates, size_t candidate_count,
                        unsigned places) {
  uint32_t where[SAMPLE];
  uint8_t is_start[SAMPLE];
  int64_t own[SAMPLE], errors[SAMPLE];
  trial trial = {.values = values, .places = where, .is_start = is_start, .cost = INFINITY};
  trial.total = count;
  trial.count = sample_places(count, where, is_start);
  for (size_t i = 0; i < trial.count; i++) own[i] = values[where[i]];
  mwc_column_model plain = {.divisor = 1, .scale = 1};
  try_orders(&trial, plain, own, 3, 0);

  enum { WINDOW = 24 };
  int64_t others[WINDOW][SAMPLE];
  size_t first = candidate_count > WINDOW ? candidate_count - WINDOW : 0;
  size_t window = candidate_count - first;
  candidates += first;
  if (trial.count < 4 || trial.cost < 0.05) window = 0;
  for (size_t c = 0; c < window; c++) {
    const mwc_model_candidate *candidate = &candidates[c];
    if (candidate->is_constant) {
      for (size_t i = 0; i < trial.count; i++) others[c][i] = candidate->constant;
      continue;
    }
    for (size_t i = 0; i < trial.count; i++) {
      others[c][i] = mwc_model_value(&candidate->column, where[i]);
    }
    if (candidate->is_time) {
      // A time in other units: of this column, or milliseconds or seconds.
      static const uint64_t units[] = {1, 1000, 1000000, 1000000000};
      for (size_t u = 0; u < 4; u++) {
        int64_t apart = mwc_sub(own[0], mwc_floor_divide(others[c][0], (int64_t)units[u]));
        // The clock of another machine, or a monotonic one.
        uint64_t magnitude = own[0] < 0 ? 0 - (uint64_t)own[0] : (uint64_t)own[0];
        if (bit_length(mwc_zigzag(apart)) > bit_length(magnitude) + 40) continue;
        for (size_t i = 0; i < trial.count; i++) {
          errors[i] = mwc_sub(own[i], mwc_floor_divide(others[c][i], (int64_t)units[u]));
        }
        mwc_column_model tried = plain;
        tried.reference = MWC_COLUMN_SUM1;
        tried.scale = units[u];
        tried.columns[0] = candidate->number;
        try_orders(&trial, tried, errors, 2, 0.05);
      }
      continue;
    }
    for (unsigned negative = 0; negative < 2; negative++) {
      if (!moves_along(&trial, own, others[c], negative)) continue;
      for (size_t i = 0; i < trial.count; i++) {
        errors[i] = negative ? mwc_add(own[i], others[c][i]) : mwc_sub(own[i], others[c][i]);
      }
      mwc_column_model tried = plain;
      tried.reference = MWC_COLUMN_SUM1;
      tried.negative[0] = (uint8_t)negative;
      tried.columns[0] = candidate->number;
      try_orders(&trial, tried, errors, 2, 0.1);
    }
  }
  // Sums and ratios of two columns: only where they fit almost exactly.
  for (size_t a = 0; a < window && trial.cost > 0.3; a++) {
    if (candidates[a].is_time || candidates[a].is_constant) continue;
    for (size_t b = 0; b < window; b++) {
      if (b == a || candidates[b].is_time) continue;
      if (!candidates[b].is_constant) {
        for (unsigned signs = 0; signs < 2; signs++) {
          if (signs == 0 && b < a) continue;
          int64_t apart = 0;
          size_t misses = 0, i = 0;
          for (; i < trial.count && misses <= i / 8; i++) {
            int64_t sum = signs ? mwc_sub(others[a][i], others[b][i])
                                : mwc_add(others[a][i], others[b][i]);
            errors[i] = mwc_sub(own[i], sum);
            if (i == 0) apart = errors[0];
            misses += errors[i] != apart;
          }
          if (i < trial.count) continue;
          mwc_column_model tried = plain;
          tried.reference = MWC_COLUMN_SUM2;
          tried.negative[1] = (uint8_t)signs;
          tried.columns[0] = candidates[a].number;
          tried.columns[1] = candidates[b].number;
          try_orders(&trial, tried, errors, 2, 0.1);
        }
      }
      if (candidates[a].places + 2 + places < candidates[b].places) continue;
      int power = (int)places + 2 + candidates[b].places - candidates[a].places;
      if (power < 0 || power > 18) continue;
      uint64_t scale = mwc_tens[power];
      size_t misses = 0, i = 0;
      for (; i < trial.count && misses <= 1 + i / 8; i++) {
        errors[i] = mwc_sub(own[i], mwc_ratio(scale, others[a][i], others[b][i]));
        misses += errors[i] < -1 || errors[i] > 1;
      }
      if (i < trial.count) continue;
      mwc_column_model tried = plain;
      tried.reference = MWC_COLUMN_RATIO;
      tried.scale = scale;
      tried.columns[0] = candidates[a].number;
      tried.columns[1] = candidates[b].is_constant ? MWC_COLUMN_CONSTANT : candidates[b].number;
      tried.constant = candidates[b].constant;
      try_orders(&trial, tried, errors, 1, 0.1);
    }
  }
  *model = trial.best;
  return trial.cost;
}

static uint64_t greatest_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

double mwc_model_apply(mwc_column_model *model, const int64_t *values, size_t count,
                       const int64_t *predicted, uint64_t *numbers) {
  // The prediction taken off, then differences; the first one is where the model starts.
  int64_t previous = 0, step = 0;
  for (size_t i = 0; i < count; i++) {
    int64_t error = predicted == NULL ? values[i] : mwc_sub(values[i], predicted[i]);
    int64_t rest = error;
    if (model->order > 0) {
      if (i == 0) {
        model->start = previous = mwc_sub(error, model->centre);
      }
      rest = mwc_sub(error, previous);
      if (model->order == 2) {
        int64_t second = mwc_sub(rest, step);
        step = rest;
        rest = second;
      }
      previous = error;
    }
    numbers[i] = (uint64_t)mwc_sub(rest, model->centre);
  }
  uint64_t divisor = 0;
  for (size_t i = 0; i < count && divisor != 1; i++) {
    int64_t number = (int64_t)numbers[i];
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    if (divisor < 2 || magnitude % divisor != 0) divisor = greatest_divisor(magnitude, divisor);
  }
  if (divisor == 0 || divisor > INT64_MAX) divisor = 1;
  model->divisor = (int64_t)divisor;
  if (divisor > 1) {
    for (size_t i = 0; i < count; i++) {
      numbers[i] = mwc_zigzag((int64_t)numbers[i] / (int64_t)divisor);
    }
  } else {
    for (size_t i = 0; i < count; i++) numbers[i] = mwc_zigzag((int64_t)numbers[i]);
  }

  // How many low bits are noise: the rest of each number should say something.
  uint32_t histogram[65] = {0};
  size_t stride = count > 512 ? count / 512 : 1, sampled = 0;
  unsigned longest = 0;
  for (size_t i = 0; i < count; i += stride) {
    unsigned length = bit_length(numbers[i]);
    histogram[length]++;
    if (length > longest) longest = length;
    sampled++;
  }
  double best = INFINITY;
  model->low_bits = 0;
  for (unsigned low = 0; low < longest && low <= 56; low++) {
    unsigned rest_max = longest - low;
    if (rest_max > 14) {
      // Too wide to look at every value: by length.
      double cost = 0;
      for (unsigned i = 0; i <= longest; i++) {
        unsigned rest = i > low ? i - low : 0;
        // Among bytes of noise no byte is cheap, not even a zero.
        cost += histogram[i] * (rest <= 3 ? 3.0 : rest <= 7 ? rest : 8.0 * ((rest + 6) / 7));
      }
      cost = cost / (double)sampled + low;
      if (cost < best) {
        best = cost;
        model->low_bits = (uint8_t)low;
      }
      continue;
    }
    uint16_t bytes[256] = {0};
    size_t total = 0;
    for (size_t i = 0; i < count; i += stride) {
      uint64_t rest = numbers[i] >> low;
      if (rest >= 0x80) {
        bytes[(rest & 0x7F) | 0x80]++;
        total++;
        rest >>= 7;
        if (rest >= 0x80) {
          bytes[(rest & 0x7F) | 0x80]++;
          total++;
          rest >>= 7;
        }
      }
      bytes[rest & 0xFF]++;
      total++;
    }
    double cost = 0;
    unsigned distinct = 0;
    for (unsigned i = 0; i < 256; i++) {
      if (bytes[i] == 0) continue;
      distinct++;
      double bits = log2((double)total / bytes[i]);
      cost += bytes[i] * (bits < 1 ? (bits < 0.1 ? bits + 0.05 : 1) : bits);
    }
    cost = cost / (double)sampled + low + distinct * 5.0 / (double)count;
    if (cost < best - 0.01) {
      best = cost;
      model->low_bits = (uint8_t)low;
    } else if (stride > 1 && cost > best + 2) {
      break;
    }
  }
  return longest == 0 ? 0 : best;
}

size_t mwc_model_pack(const uint64_t *numbers, size_t count, unsigned low_bits, uint8_t *bits,
                      uint8_t *bytes) {
  uint8_t *at = bytes;
  if (low_bits == 0) {
    uint64_t any = 0;
    for (size_t i = 0; i < count; i++) any |= numbers[i];
    if (any == 0) return 0;
    for (size_t i = 0; i < count; i++) at = mwc_put_varint(at, numbers[i]);
    return (size_t)(at - bytes);
  }
  uint64_t mask = ((uint64_t)1 << low_bits) - 1;
  uint64_t held = 0;
  unsigned held_count = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t low = numbers[i] & mask;
    held |= low << held_count;
    held_count += low_bits;
    if (held_count >= 64) {
      memcpy(bits, &held, 8);
      bits += 8;
      held_count -= 64;
      held = held_count == 0 ? 0 : low >> (low_bits - held_count);
    }
    at = mwc_put_varint(at, numbers[i] >> low_bits);
  }
  memcpy(bits, &held, (held_count + 7) / 8);
  return (size_t)(at - bytes);
}

bool mwc_model_unpack(const uint8_t *bytes, size_t length, const uint8_t *bits, unsigned low_bits,
                      size_t count, uint64_t *numbers) {
  mwc_column_cursor cursor = {.at = bytes, .end = bytes + length};
  if (length == 0 && low_bits == 0) {
    memset(numbers, 0, count * sizeof *numbers);
    return true;
  }
  uint64_t mask = low_bits == 0 ? 0 : ((uint64_t)1 << low_bits) - 1;
  size_t bit = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t high;
    if (cursor.at < cursor.end && *cursor.at < 0x80) {
      high = *cursor.at++;
    } else {
      high = mwc_get_varint(&cursor);
    }
    if (low_bits != 0) {
      // Up to 56 bits from any place within a byte: one load has them all.
      uint64_t low = mwc_load64(bits + (bit >> 3)) >> (bit & 7);
      bit += low_bits;
      high = high << low_bits | (low & mask);
    }
    numbers[i] = high;
  }
  return !cursor.failed && cursor.at == cursor.end;
}
