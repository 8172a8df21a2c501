// Joining digits with 128-bit vectors, the same text at the levels sse4 and avx2. Included once by each,
// so it has no guard.

/// The number that sixteen values 0 … 9 stand for: neighbours are joined, then pairs, then fours.
MWC_INLINE uint64_t mwc_join_eights(__m128i digits) {
  __m128i value = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 | 1 << 8));
  value = _mm_madd_epi16(value, _mm_set1_epi32(100 | 1 << 16));
  value = _mm_packus_epi32(value, value);
  value = _mm_madd_epi16(value, _mm_set1_epi32(10000 | 1 << 16));
  uint64_t halves = (uint64_t)_mm_cvtsi128_si64(value);
  return (halves & 0xFFFFFFFFu) * 100000000u + (halves >> 32);
}

MWC_INLINE uint64_t mwc_join_digits(const uint8_t *end, size_t count) {
  __m128i asked = _mm_loadu_si128((const void *)(mwc_last_bytes + count));
  __m128i text = _mm_loadu_si128((const void *)(end - 16));
  return mwc_join_eights(_mm_and_si128(_mm_sub_epi8(text, _mm_set1_epi8('0')), asked));
}

MWC_INLINE uint64_t mwc_join_decimal(const uint8_t *end, size_t count, size_t places) {
  // What stands before the point moves over it.
  __m128i asked = _mm_loadu_si128((const void *)(mwc_last_bytes + count));
  __m128i behind = _mm_loadu_si128((const void *)(mwc_last_bytes + places));
  __m128i text = _mm_blendv_epi8(_mm_loadu_si128((const void *)(end - 17)),
                                 _mm_loadu_si128((const void *)(end - 16)), behind);
  return mwc_join_eights(_mm_and_si128(_mm_sub_epi8(text, _mm_set1_epi8('0')), asked));
}
