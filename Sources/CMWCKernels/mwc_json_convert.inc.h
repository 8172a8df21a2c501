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

/// Gives a located number, whose digits are known to be good, its value.
#define convert MWC_AT_LEVEL(convert)
MWC_INLINE void convert(const follower *f, mwc_json_value *value) {
  const uint8_t *number = f->json + value->offset;
  const uint8_t *end = number + value->length;
  value->flags &= (uint8_t)~MWC_JSON_INT64;
  uint32_t negative = number[0] == '-';
  uint32_t count = value->length - negative;
  if (__builtin_expect(count > 20 || value->offset + value->length < 17, 0)) {
    mwc_json_convert(f->json, value);
    return;
  }
  bool is_integer = value->flags & MWC_JSON_INTEGER;
  uint32_t whole = count;
  uint32_t places = 16;
  if (!is_integer) {
    uint32_t others = ~mwc_digits(number + negative, count, f->json + f->readable);
    others &= (1u << count) - 1;
    whole = (uint32_t)__builtin_ctz(others | 1u << 31);
    if ((others & (others - 1)) != 0 || whole >= count || number[negative + whole] != '.') {
      mwc_json_convert(f->json, value);
      return;
    }
    places = count - whole - 1;
    count--;
  }
  uint64_t mantissa = last_digits(end, count < 16 ? count : 16, places < 16 ? places : 16);
  if (__builtin_expect(count > 16, 0)) {
    // The digits before the last sixteen have to stand together.
    if (count > (is_integer ? 18 : MWC_DIGITS_EXACT) || whole < count - 16) {
      mwc_json_convert(f->json, value);
      return;
    }
    mantissa += mwc_digits_word(number + negative, count - 16) * mwc_tens[16];
  }
  if (!is_integer) {
    double real = mwc_decimal_quotient(mantissa, places);
    value->number.real = negative ? -real : real;
  } else if (mantissa == 0) {
    mwc_json_convert(f->json, value);
  } else {
    value->number.integer = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    value->flags |= MWC_JSON_INT64;
  }
}
