// The numbers of a message: whether they are spelled as the grammar wants it, and what they are in
// binary.

// MARK: Windows

/// What is looked at of a value in one go: a block, or half of one where its masks are there
/// sooner.
#define window MWC_AT_LEVEL(window)
#define window_mask MWC_AT_LEVEL(window_mask)
#define window_load MWC_AT_LEVEL(window_load)
#define window_equal MWC_AT_LEVEL(window_equal)
#define window_range MWC_AT_LEVEL(window_range)
#define window_count MWC_AT_LEVEL(window_count)
#if MWC_JOIN(MWC_HAS_AVX2, MWC_LEVEL)
typedef __m256i window;
typedef uint32_t window_mask;
MWC_INLINE window window_load(const uint8_t *bytes) {
  return _mm256_loadu_si256((const void *)bytes);
}
/// The highest bits of the bytes.
#define window_tops MWC_AT_LEVEL(window_tops)
MWC_INLINE window_mask window_tops(__m256i bytes) {
  // Or comparisons become comparisons to a mask, which take longer.
  __asm__("" : "+x"(bytes));
  return (uint32_t)_mm256_movemask_epi8(bytes);
}
MWC_INLINE window_mask window_equal(window bytes, uint8_t byte) {
  return window_tops(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8((char)byte)));
}
MWC_INLINE window_mask window_range(window bytes, uint8_t low, uint8_t span) {
  __m256i over = _mm256_sub_epi8(bytes, _mm256_set1_epi8((char)low));
  __m256i most = _mm256_min_epu8(over, _mm256_set1_epi8((char)span));
  return window_tops(_mm256_cmpeq_epi8(most, over));
}
/// How many bytes there are before the first one of the mask.
MWC_INLINE uint32_t window_count(window_mask mask) { return _tzcnt_u32(mask); }
#elif MWC_JOIN(MWC_IS_SCALAR, MWC_LEVEL)
/// Thirty-two bytes in four words.
typedef struct MWC_AT_LEVEL(window_words) {
  uint64_t words[4];
} window;
typedef uint32_t window_mask;
MWC_INLINE window window_load(const uint8_t *bytes) {
  window result;
  memcpy(&result, bytes, sizeof result);
  return result;
}
/// Which bytes, all less than 0x80, are low … low + span. Bits are added to every byte that carry
/// into its highest one from there on.
MWC_INLINE window_mask window_range(window bytes, uint8_t low, uint8_t span) {
  const uint64_t ones = 0x0101010101010101u, tops = ones * 0x80;
  window_mask mask = 0;
  for (uint32_t i = 0; i < 4; i++) {
    uint64_t rest = bytes.words[i] & ~tops;
    uint64_t reaches = rest + ones * (0x80u - low);
    uint64_t exceeds = rest + ones * (0x7Fu - low - span);
    uint64_t found = (reaches & ~exceeds & ~bytes.words[i] & tops) >> 7;
    mask |= (window_mask)(found * 0x0102040810204080u >> 56) << 8 * i;
  }
  return mask;
}
MWC_INLINE window_mask window_equal(window bytes, uint8_t byte) {
  return window_range(bytes, byte, 0);
}
MWC_INLINE uint32_t window_count(window_mask mask) {
  return mask == 0 ? 32 : (uint32_t)__builtin_ctz(mask);
}
#else
typedef mwc_block window;
typedef uint64_t window_mask;
MWC_INLINE window window_load(const uint8_t *bytes) { return mwc_block_load(bytes); }
MWC_INLINE window_mask window_equal(window bytes, uint8_t byte) {
  return mwc_block_equal(bytes, byte);
}
MWC_INLINE window_mask window_range(window bytes, uint8_t low, uint8_t span) {
  return mwc_block_range(bytes, low, span);
}
MWC_INLINE uint32_t window_count(window_mask mask) {
  return mask == 0 ? 64 : (uint32_t)__builtin_ctzll(mask);
}
#endif

/// The bytes of the message from `at` on, zeros behind what may be read.
#define window_at MWC_AT_LEVEL(window_at)
MWC_INLINE window window_at(const message *message, size_t at) {
  if (__builtin_expect(message->readable - at >= sizeof(window), 1)) {
    return window_load(message->json + at);
  }
  uint8_t copy[64] = {0};
  memcpy(copy, message->json + at, message->readable - at);
  return window_load(copy);
}

// MARK: Numbers

/// Whether `bytes` begin with a number of `length` bytes, fewer than there are: digits, maybe with
/// a sign and a point. With where its digits before the point end.
#define is_plain MWC_AT_LEVEL(is_plain)
MWC_INLINE bool is_plain(window bytes, const uint8_t *text, uint32_t length, uint32_t *whole,
                         bool *has_point) {
  uint32_t negative = text[0] == '-';
  uint64_t behind = 1ull << length;
  uint64_t others = ~(uint64_t)window_range(bytes, '0', 9) & (behind - 1) & ~(uint64_t)negative;
  *whole = (uint32_t)__builtin_ctzll(others | behind);
  *has_point = others != 0;
  // At most one other byte, a point; digits on both sides, no zero before another digit.
  uint64_t bad = (others & (others - 1)) | (others & behind >> 1);
  bad |= *whole == negative;
  bad |= (uint64_t)*has_point & (text[*has_point ? *whole : 0] != '.');
  bad |= (uint64_t)(text[negative] == '0') & (*whole > negative + 1);
  return bad == 0;
}

#if MWC_JOIN(MWC_IS_X86, MWC_LEVEL)
/// What two times sixteen values 0 … 9 stand for, as `mwc_join_eights`: the first one in the lower
/// half.
#define join_both MWC_AT_LEVEL(join_both)
MWC_INLINE __m128i join_both(__m128i first, __m128i second) {
  first = _mm_maddubs_epi16(first, _mm_set1_epi16(10 | 1 << 8));
  second = _mm_maddubs_epi16(second, _mm_set1_epi16(10 | 1 << 8));
  first = _mm_madd_epi16(first, _mm_set1_epi32(100 | 1 << 16));
  second = _mm_madd_epi16(second, _mm_set1_epi32(100 | 1 << 16));
  __m128i value =
      _mm_madd_epi16(_mm_packus_epi32(first, second), _mm_set1_epi32(10000 | 1 << 16));
  return _mm_add_epi64(_mm_mul_epu32(value, _mm_set1_epi64x(100000000)),
                       _mm_srli_epi64(value, 32));
}
#endif

/// Checks the number of `length` bytes at `at`, which may be long, and gives it its value. False if
/// it is none.
#define take_long MWC_AT_LEVEL(take_long)
static __attribute__((noinline)) bool take_long(const message *message, mwc_json_value *values,
                                                size_t at, uint32_t length, uint32_t place) {
  const uint8_t *json = message->json;
  // With a sign, a point and nineteen digits.
  if (length - 1 > 20 || at + length < 17 || !message->converts) {
    return take_slowly(message, values, at, length, place);
  }
  uint32_t negative = json[at] == '-';
  uint32_t whole;
  bool has_point;
  bool bad = !is_plain(window_at(message, at), json + at, length, &whole, &has_point) || !has_point;
  uint32_t places = length - 1 - whole, count = length - 1 - negative;
  // Digits before the last sixteen have to stand together.
  uint32_t before = count > 16 ? count - 16 : 0;
  bad |= count > MWC_DIGITS_EXACT || whole - negative < before || places > 16;
  if (bad) return take_slowly(message, values, at, length, place);
  const uint8_t *end = json + at + length;
  uint64_t mantissa = mwc_join_decimal(end, count - before, places);
  if (before != 0) mantissa += mwc_digits_word(json + at + negative, before) * mwc_tens[16];
  double real = mwc_decimal_quotient(mantissa, places);
  if (negative) real = -real;
  uint64_t number;
  memcpy(&number, &real, 8);
  give_number(values, place, at, length, 0, number);
  return true;
}

#if MWC_JOIN(MWC_IS_X86, MWC_LEVEL)
/// Checks a number that does not fit in sixteen bytes, and gives it its value. False if it is none.
#define take_wide MWC_AT_LEVEL(take_wide)
static __attribute__((noinline)) bool take_wide(const message *message, mwc_json_value *values,
                                                size_t at, uint32_t length, uint32_t place) {
  // At most nineteen digits and a point.
  if (length - 17 >= 4 || at + length < 32 || !message->converts) {
    return take_long(message, values, at, length, place);
  }
  const uint8_t *start = message->json + at, *end = start + length;
  // Its digits, at the end of two times sixteen bytes, and where something else stands among them.
  const __m128i minus = _mm_set1_epi8(-'0'), ten = _mm_set1_epi8(10);
  __m128i last = _mm_add_epi8(_mm_loadu_si128((const void *)(end - 16)), minus);
  __m128i first = _mm_add_epi8(_mm_loadu_si128((const void *)(end - 32)), minus);
  uint32_t in_last = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(last, ten), last));
  uint32_t in_first = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(first, ten), first));
  uint32_t others = (in_last << 16 | in_first) >> (32 - length);
  first = _mm_and_si128(first, _mm_loadu_si128((const void *)(mwc_last_bytes + length - 16)));
  bool leads_zero = *start == '0';
  if (others == 0) {
    __m128i joined = join_both(last, first);
    uint64_t number = (uint64_t)_mm_cvtsi128_si64(joined) +
                      (uint64_t)_mm_extract_epi64(joined, 1) * mwc_tens[16];
    if ((length == 20) | leads_zero | (number > INT64_MAX)) {
      return take_slowly(message, values, at, length, place);
    }
    give_number(values, place, at, length, MWC_JSON_INTEGER | MWC_JSON_INT64, number);
    return true;
  }
  // One point, digits on both sides, no zero before another digit. Those before the last sixteen
  // bytes stand together.
  uint32_t whole = (uint32_t)__builtin_ctz(others);
  uint32_t places = length - 1 - whole;
  uint32_t bad = (others & (others - 1)) | (others & (1u | 1u << (length - 1)));
  bad |= (leads_zero & (whole != 1)) | (places > 15);
  if (__builtin_expect(bad != 0 || start[whole] != '.', 0)) {
    return take_slowly(message, values, at, length, place);
  }
  last = _mm_shuffle_epi8(last, _mm_loadu_si128((const void *)point_moves[places]));
  __m128i joined = join_both(last, first);
  uint64_t mantissa = (uint64_t)_mm_cvtsi128_si64(joined) +
                      (uint64_t)_mm_extract_epi64(joined, 1) * mwc_tens[15];
  uint64_t number;
  if (!mwc_reciprocal_quotient(mantissa, places, &number)) {
    return take_slowly(message, values, at, length, place);
  }
  give_number(values, place, at, length, 0, number);
  return true;
}
#endif

/// Checks the number of `length` bytes at `at`, and gives it its value. False if it is none.
#define take_number MWC_AT_LEVEL(take_number)
MWC_INLINE bool take_number(const message *message, mwc_json_value *values, size_t at,
                            uint32_t length, uint32_t place) {
#if MWC_JOIN(MWC_IS_X86, MWC_LEVEL)
  const uint8_t *end = message->json + at + length;
  if (__builtin_expect(length - 1 < 16 && at + length >= 17, 1)) {
    // Its digits, at the end of sixteen bytes, and where something else stands among them.
    __m128i digits = _mm_add_epi8(_mm_loadu_si128((const void *)(end - 16)), _mm_set1_epi8(-'0'));
    __m128i is_other = _mm_cmpeq_epi8(_mm_max_epu8(digits, _mm_set1_epi8(10)), digits);
    uint32_t others = (uint32_t)_mm_movemask_epi8(is_other) >> (16 - length);
    bool leads_zero = end[-(int64_t)length] == '0';
    if (others == 0) {
      if (__builtin_expect(leads_zero & (length > 1), 0)) return false;
      if (__builtin_expect(!message->converts, 0)) {
        give_number(values, place, at, length, MWC_JSON_INTEGER, 0);
        return true;
      }
      __m128i mask = _mm_loadu_si128((const void *)(mwc_last_bytes + length));
      uint64_t number = mwc_join_eights(_mm_and_si128(digits, mask));
      give_number(values, place, at, length, MWC_JSON_INTEGER | MWC_JSON_INT64, number);
      return true;
    }
    // One point and no more, digits on both sides, no zero before another digit.
    uint32_t bad = (others & (others - 1)) | (others & (1u | 1u << (length - 1)));
    bad |= leads_zero & (others != 2);
    uint32_t whole = (uint32_t)__builtin_ctz(others);
    uint32_t places = length - 1 - whole;
    bad |= end[-(int64_t)places - 1] != '.';
    if (__builtin_expect(bad == 0, 1)) {
      if (__builtin_expect(!message->converts, 0)) {
        give_number(values, place, at, length, 0, 0);
        return true;
      }
      __m128i mask = _mm_loadu_si128((const void *)(mwc_last_bytes + length));
      __m128i order = _mm_loadu_si128((const void *)point_moves[places]);
      uint64_t mantissa = mwc_join_eights(_mm_shuffle_epi8(_mm_and_si128(digits, mask), order));
      // At most fifteen digits: both factors are exact, so the one operation rounds correctly.
      double real = (double)(int64_t)mantissa / mwc_exact_tens[places];
      uint64_t number;
      memcpy(&number, &real, 8);
      give_number(values, place, at, length, 0, number);
      return true;
    }
  }
  return take_wide(message, values, at, length, place);
#else
  return take_long(message, values, at, length, place);
#endif
}

// MARK: Numbers whose spelling is known

/// The digits of a number whose spelling is known, joined. `end` has 17 bytes before it.
#define known_digits MWC_AT_LEVEL(known_digits)
MWC_INLINE int64_t known_digits(const uint8_t *end, const shape_number *number) {
#if MWC_JOIN(MWC_IS_X86, MWC_LEVEL)
  __m128i text = _mm_loadu_si128((const void *)(end - 16));
  __m128i order = _mm_loadu_si128((const void *)number->order);
  return (int64_t)mwc_join_eights(
      _mm_shuffle_epi8(_mm_add_epi8(text, _mm_set1_epi8(-'0')), order));
#else
  return (int64_t)(number->places == 0 ? mwc_join_digits(end, number->count)
                                       : mwc_join_decimal(end, number->count, number->places));
#endif
}

/// Writes the first sixteen bytes of a value.
#define give_head MWC_AT_LEVEL(give_head)
MWC_INLINE mwc_json_value *give_head(mwc_json_value *values, const uint64_t head[2], uint64_t place,
                                     size_t at) {
  uint8_t *value = (uint8_t *)values + place;
#if MWC_JOIN(MWC_IS_X86, MWC_LEVEL)
  __m128i moved = _mm_add_epi64(_mm_loadu_si128((const void *)head),
                                _mm_cvtsi64_si128((long long)at));
  _mm_storeu_si128((void *)value, moved);
#else
  uint64_t moved[2] = {head[0] + at, head[1]};
  memcpy(value, moved, 16);
#endif
  return (mwc_json_value *)(void *)value;
}

/// Gives the numbers of a segment whose spelling is known and that are in no group. Seventeen bytes
/// can be read before where these end.
#define give_numbers MWC_AT_LEVEL(give_numbers)
MWC_INLINE void give_numbers(const uint8_t *json, mwc_json_value *values,
                             const shape_number *number, const shape_segment *segment, size_t at) {
  json += at;
#pragma clang loop unroll(disable)
  for (uint32_t count = segment->real_count; count != 0; count--, number++) {
    // At most fifteen digits: both factors are exact, so the one operation rounds correctly.
    double real = (double)known_digits(json + number->end, number) / number->tens;
    give_head(values, &number->first, number->place, at)->number.real = real;
  }
#pragma clang loop unroll(disable)
  for (uint32_t count = segment->integer_count; count != 0; count--, number++) {
    int64_t integer = known_digits(json + number->end, number);
    give_head(values, &number->first, number->place, at)->number.integer = integer;
  }
}

#if !MWC_JOIN(MWC_HAS_AVX2, MWC_LEVEL)
/// Gives one number of a group.
#define give_one MWC_AT_LEVEL(give_one)
MWC_INLINE void give_one(const uint8_t *json, mwc_json_value *values, const shape_group *group,
                         uint32_t i, size_t at) {
  const uint8_t *end = json + group->ends[i];
  uint64_t digits = group->decimals[i] == 0
                        ? mwc_join_digits(end, group->counts[i])
                        : mwc_join_decimal(end, group->counts[i], group->decimals[i]);
  mwc_json_value *value = give_head(values, group->heads[i], group->places[i], at);
  if (group->decimals[i] == 0) {
    value->number.integer = (int64_t)digits;
  } else {
    value->number.real = (double)(int64_t)digits / group->tens[i];
  }
}
#endif

#if MWC_JOIN(MWC_HAS_AVX2, MWC_LEVEL)
/// The last sixteen bytes of two texts, put in order and joined to fours.
#define join_two MWC_AT_LEVEL(join_two)
MWC_INLINE __m256i join_two(const uint8_t *left, const uint8_t *right, const uint8_t *orders) {
  __m256i text = _mm256_castsi128_si256(_mm_loadu_si128((const void *)(left - 16)));
  text = _mm256_inserti128_si256(text, _mm_loadu_si128((const void *)(right - 16)), 1);
  __m256i digits = _mm256_shuffle_epi8(_mm256_add_epi8(text, _mm256_set1_epi8(-'0')),
                                       _mm256_loadu_si256((const void *)orders));
  __m256i value = _mm256_maddubs_epi16(digits, _mm256_set1_epi16(10 | 1 << 8));
  return _mm256_madd_epi16(value, _mm256_set1_epi32(100 | 1 << 16));
}

/// Gives all four numbers of a group.
#define give_group MWC_AT_LEVEL(give_group)
MWC_INLINE void give_group(const uint8_t *json, mwc_json_value *values, const shape_group *group,
                           size_t at) {
  const uint16_t *ends = group->ends;
  // As `mwc_join_eights`, but with two numbers side by side in each half.
  __m256i value = _mm256_packus_epi32(
      join_two(json + ends[0], json + ends[2], group->orders[0]),
      join_two(json + ends[1], json + ends[3], group->orders[2]));
  value = _mm256_madd_epi16(value, _mm256_set1_epi32(10000 | 1 << 16));
  __m256i integers = _mm256_add_epi64(_mm256_mul_epu32(value, _mm256_set1_epi64x(100000000)),
                                      _mm256_srli_epi64(value, 32));
#if MWC_JOIN(MWC_HAS_AVX512, MWC_LEVEL)
  __m256d reals = _mm256_cvtepi64_pd(integers);
#else
  // Below 2^52 a number is the fraction of itself and 2^52. Sixteen digits without a point are not.
  __m256d over = _mm256_set1_pd(0x1p52);
  __m256d reals = _mm256_sub_pd(
      _mm256_castsi256_pd(_mm256_or_si256(integers, _mm256_castpd_si256(over))), over);
#endif
  // At most fifteen digits: both factors are exact, so the one operation rounds correctly.
  __m256d tens = _mm256_loadu_pd(group->tens);
  reals = _mm256_div_pd(reals, tens);
  __m256d is_integer = _mm256_cmp_pd(tens, _mm256_set1_pd(1), _CMP_EQ_OQ);
  __m256d numbers = _mm256_blendv_pd(reals, _mm256_castsi256_pd(integers), is_integer);
  const uint16_t *places = group->places;
  __m128d low = _mm256_castpd256_pd128(numbers), high = _mm256_extractf128_pd(numbers, 1);
  _mm_storel_pd(&give_head(values, group->heads[0], places[0], at)->number.real, low);
  _mm_storeh_pd(&give_head(values, group->heads[1], places[1], at)->number.real, low);
  _mm_storel_pd(&give_head(values, group->heads[2], places[2], at)->number.real, high);
  _mm_storeh_pd(&give_head(values, group->heads[3], places[3], at)->number.real, high);
}
#endif

#if MWC_JOIN(MWC_IS_X86, MWC_LEVEL)
/// Gives a long number whose spelling is known.
#define give_long MWC_AT_LEVEL(give_long)
MWC_INLINE void give_long(const uint8_t *json, mwc_json_value *values, const shape_number *number,
                          size_t at) {
  const uint8_t *end = json + number->end;
  const __m128i zero = _mm_set1_epi8('0');
  __m128i last = _mm_sub_epi8(_mm_loadu_si128((const void *)(end - 16)), zero);
  __m128i before = _mm_sub_epi8(_mm_loadu_si128((const void *)(end - 20)), zero);
  last = _mm_shuffle_epi8(last, _mm_loadu_si128((const void *)number->order));
  __m128d order = _mm_castsi128_pd(_mm_set1_epi8(-1));
  order = _mm_loadh_pd(order, (const double *)(const void *)number->before);
  before = _mm_shuffle_epi8(before, _mm_castpd_si128(order));
  __m128i joined = join_both(last, before);
  uint64_t digits = (uint64_t)_mm_cvtsi128_si64(joined);
  digits += (uint64_t)_mm_extract_epi64(joined, 1) * mwc_tens[number->last];
  if (number->places == 0) {
    mwc_json_value *value = give_head(values, &number->first, number->place, at);
    value->number.integer = (int64_t)digits;
    if (__builtin_expect(digits > INT64_MAX, 0)) convert_slowly(json - at, value);
    return;
  }
  uint64_t bits;
  if (__builtin_expect(!mwc_reciprocal_quotient(digits, number->places, &bits), 0)) {
    convert_slowly(json - at, give_head(values, &number->first, number->place, at));
    return;
  }
  bits |= (uint64_t)number->is_negative << 63;
  memcpy(&give_head(values, &number->first, number->place, at)->number, &bits, 8);
}
#endif

/// Gives the long numbers of a segment. Twenty bytes can be read before where they end.
#define give_longs MWC_AT_LEVEL(give_longs)
static __attribute__((noinline)) void give_longs(const shape_memory *memory, const message *message,
                                                 mwc_json_value *values,
                                                 const shape_segment *segment, size_t at) {
  const shape_number *number = shape_at(memory, segment->singles);
  number += segment->real_count + segment->integer_count;
#pragma clang loop unroll(disable)
  for (uint32_t count = segment->long_count; count != 0; count--, number++) {
#if MWC_JOIN(MWC_IS_X86, MWC_LEVEL)
    give_long(message->json + at, values, number, at);
#else
    take_long(message, values, at + (uint32_t)number->first, (uint32_t)(number->first >> 32),
              number->place);
#endif
  }
}

/// Gives the numbers of a segment that are in groups or long.
#define give_groups MWC_AT_LEVEL(give_groups)
static __attribute__((noinline)) void give_groups(const shape_memory *memory,
                                                  const message *message, mwc_json_value *values,
                                                  const shape_segment *segment, size_t at) {
  const uint8_t *json = message->json + at;
  const shape_number *number = shape_at(memory, segment->numbers);
#pragma clang loop unroll(disable)
  for (uint32_t count = segment->group_count; count != 0; count--, number += 4) {
    const shape_group *group = (const void *)number;
#if MWC_JOIN(MWC_HAS_AVX2, MWC_LEVEL)
    give_group(json, values, group, at);
#else
#pragma clang loop unroll(full)
    for (uint32_t i = 0; i < 4; i++) give_one(json, values, group, i, at);
#endif
  }
  if (segment->long_count != 0) give_longs(memory, message, values, segment, at);
}

/// Gives all of them near the start of a message.
#define give_first_numbers MWC_AT_LEVEL(give_first_numbers)
static __attribute__((noinline)) void give_first_numbers(const shape_memory *memory,
                                                         const message *message,
                                                         mwc_json_value *values,
                                                         const shape_segment *segment, size_t at) {
  const shape_number *number = shape_at(memory, segment->numbers);
  for (uint32_t i = 0; i < segment->group_count; i++, number += 4) {
    const shape_group *group = (const void *)number;
    for (uint32_t k = 0; k < 4; k++) {
      convert_slowly(message->json, give_head(values, group->heads[k], group->places[k], at));
    }
  }
  uint32_t count = (uint32_t)segment->real_count + segment->integer_count + segment->long_count;
  for (uint32_t i = 0; i < count; i++, number++) {
    convert_slowly(message->json, give_head(values, &number->first, number->place, at));
  }
}
