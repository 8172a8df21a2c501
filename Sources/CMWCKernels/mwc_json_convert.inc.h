// Numbers to binary without a branch on how long they are, over the blocks of `mwc_block.h`.

#if MWC_JOIN(MWC_IS_X86, MWC_LEVEL)
/// The number that the last `count` (1 … 16) digits before `end` spell. The last `places` of them
/// stand behind a point, if there are more. Reads 17 bytes.
#define last_digits MWC_AT_LEVEL(last_digits)
MWC_INLINE uint64_t last_digits(const uint8_t *end, uint32_t count, uint32_t places) {
  static const uint8_t slide[48] = {[16 ... 31] = 0xFF, [32 ... 47] = 0xFF};
  const __m128i zeros = _mm_set1_epi8('0');
  // What stands before the point moves over it.
  __m128i right = _mm_loadu_si128((const void *)(end - 16));
  __m128i left = _mm_loadu_si128((const void *)(end - 17));
  __m128i is_right = _mm_loadu_si128((const void *)(slide + places));
  __m128i is_digit = _mm_loadu_si128((const void *)(slide + count));
  __m128i digits = _mm_sub_epi8(_mm_blendv_epi8(left, right, is_right), zeros);
  digits = _mm_and_si128(digits, is_digit);
  const __m128i tens = _mm_set1_epi16(0x010A);
  const __m128i hundreds = _mm_set1_epi32(0x00010064);
  const __m128i myriads = _mm_set1_epi32(0x00012710);
  __m128i pairs = _mm_maddubs_epi16(digits, tens);
  __m128i fours = _mm_madd_epi16(pairs, hundreds);
  __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), myriads);
  uint64_t both = (uint64_t)_mm_cvtsi128_si64(eights);
  return (both & 0xFFFFFFFFu) * 100000000u + (both >> 32);
}
#else
#define last_digits MWC_AT_LEVEL(last_digits)
MWC_INLINE uint64_t last_digits(const uint8_t *end, uint32_t count, uint32_t places) {
  uint8_t digits[24];
  memset(digits, '0', 16);
  if (places > count) places = count;
  memcpy(digits + 16 - places, end - places, places);
  if (places < count) memcpy(digits + 16 - count, end - count - 1, count - places);
  return mwc_digits_value(digits, 16);
}
#endif

/// Gives a located number its value, knowing how it is spelled.
#define convert MWC_AT_LEVEL(convert)
MWC_INLINE void convert(const uint8_t *json, spelling spelling, mwc_json_value *value) {
  const uint8_t *end = json + value->offset + value->length;
  uint32_t count = spelling.digits;
  if (__builtin_expect(count == 0 || end - json < 17, 0)) {
    convert_slowly(json, value);
    return;
  }
  uint32_t places = spelling.places;
  uint64_t mantissa = last_digits(end, count < 16 ? count : 16, places < 16 ? places : 16);
  if (__builtin_expect(count > 16, 0)) {
    mantissa += mwc_digits_word(end - value->length + spelling.negative, count - 16) * mwc_tens[16];
  }
  if (places != SPELLING_INTEGER) {
    double real = mwc_decimal_quotient(mantissa, places);
    value->number.real = spelling.negative ? -real : real;
  } else if (__builtin_expect(mantissa == 0 && spelling.negative, 0)) {
    convert_slowly(json, value);
  } else {
    value->number.integer = spelling.negative ? -(int64_t)mantissa : (int64_t)mantissa;
    value->flags |= MWC_JSON_INT64;
  }
}
