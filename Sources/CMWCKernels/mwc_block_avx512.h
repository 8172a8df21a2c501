// Blocks in one register. Loads under a mask touch no byte that the mask leaves out, so that the end
// of a text needs no copy.

typedef __m512i mwc_block;

MWC_INLINE mwc_block mwc_block_load(const uint8_t *bytes) { return _mm512_loadu_si512(bytes); }

MWC_INLINE mwc_block mwc_block_load_part(const uint8_t *bytes, size_t count, uint8_t fill) {
  return _mm512_mask_loadu_epi8(_mm512_set1_epi8((char)fill), _bzhi_u64(~0ull, (uint32_t)count),
                                bytes);
}

MWC_INLINE mwc_block mwc_block_or(mwc_block left, mwc_block right) {
  return _mm512_or_si512(left, right);
}

MWC_INLINE mwc_block mwc_block_copy_part(uint8_t copy[65], const uint8_t *bytes, size_t count) {
  (void)copy;
  return mwc_block_load_part(bytes, count, ' ');
}

MWC_INLINE uint64_t mwc_block_equal(mwc_block block, uint8_t byte) {
  return _mm512_cmpeq_epi8_mask(block, _mm512_set1_epi8((char)byte));
}

MWC_INLINE uint64_t mwc_block_range(mwc_block block, uint8_t low, uint8_t span) {
  return _mm512_cmple_epu8_mask(_mm512_sub_epi8(block, _mm512_set1_epi8((char)low)),
                                _mm512_set1_epi8((char)span));
}

MWC_INLINE uint64_t mwc_block_high(mwc_block block) { return _mm512_movepi8_mask(block); }

MWC_INLINE uint64_t mwc_block_space(mwc_block block) {
  // Indexed by the low half of a byte: the white space with that half, or what cannot be equal.
  const __m512i table = _mm512_broadcast_i32x4(
      _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));
  return _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(table, block), block);
}

MWC_INLINE uint64_t mwc_block_operator(mwc_block block) {
  // With bit 5 set, brackets become braces, and only 0x1A and 0x0C join in.
  const __m512i table = _mm512_broadcast_i32x4(
      _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0));
  return _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(table, block),
                                _mm512_or_si512(block, _mm512_set1_epi8(0x20)));
}

MWC_INLINE uint64_t mwc_block_differ(mwc_block left, mwc_block right) {
  return _mm512_cmpneq_epi8_mask(left, right);
}

MWC_INLINE uint64_t mwc_block_sorts(mwc_block block, mwc_block sorts) {
  const __m512i lower = _mm512_broadcast_i32x4(_mm_setr_epi8(MWC_SORTS_BY_LOWER));
  const __m512i upper = _mm512_broadcast_i32x4(_mm_setr_epi8(MWC_SORTS_BY_UPPER));
  __m512i half = _mm512_and_si512(_mm512_srli_epi16(block, 4), _mm512_set1_epi8(15));
  // The first shuffle gives 0 for bytes above 0x7F.
  __m512i found = _mm512_and_si512(_mm512_shuffle_epi8(lower, block),
                                   _mm512_shuffle_epi8(upper, half));
  return _mm512_test_epi8_mask(found, sorts);
}

MWC_INLINE uint64_t mwc_prefix_xor(uint64_t mask) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)mask), _mm_set1_epi8(-1), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

MWC_INLINE uint32_t mwc_nondigits(const uint8_t *bytes, size_t count, const uint8_t *end) {
  (void)end;
  __mmask32 asked = _bzhi_u32(~0u, (uint32_t)count);
  __m256i over = _mm256_sub_epi8(_mm256_maskz_loadu_epi8(asked, bytes), _mm256_set1_epi8('0'));
  return _mm256_mask_cmpgt_epu8_mask(asked, over, _mm256_set1_epi8(9));
}

MWC_INLINE bool mwc_same_bytes(const uint8_t *left, const uint8_t *right, size_t count) {
  for (; count > 64; left += 64, right += 64, count -= 64) {
    if (mwc_block_differ(mwc_block_load(left), mwc_block_load(right)) != 0) return false;
  }
  return mwc_block_differ(mwc_block_load_part(left, count, 0),
                          mwc_block_load_part(right, count, 0)) == 0;
}

MWC_INLINE bool mwc_same_name(const uint8_t *bytes, const uint8_t *name, size_t count) {
  __mmask32 wanted = _bzhi_u32(~0u, (uint32_t)count);
  return _mm256_mask_cmpneq_epu8_mask(wanted, _mm256_maskz_loadu_epi8(wanted, bytes),
                                      _mm256_loadu_si256((const void *)name)) == 0;
}

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
  __mmask16 asked = (__mmask16)(0xFFFF0000u >> count);
  __m128i text = _mm_loadu_si128((const void *)(end - 16));
  return mwc_join_eights(_mm_maskz_sub_epi8(asked, text, _mm_set1_epi8('0')));
}

MWC_INLINE uint64_t mwc_join_decimal(const uint8_t *end, size_t count, size_t places) {
  // What stands before the point moves over it.
  __mmask16 asked = (__mmask16)(0xFFFF0000u >> count);
  __mmask16 behind = (__mmask16)(0xFFFF0000u >> places);
  __m128i text = _mm_mask_loadu_epi8(_mm_loadu_si128((const void *)(end - 17)), behind, end - 16);
  return mwc_join_eights(_mm_maskz_sub_epi8(asked, text, _mm_set1_epi8('0')));
}

MWC_INLINE uint32_t mwc_tokens_put(uint64_t mask, const uint8_t *source, mwc_block block,
                                   uint32_t base, uint32_t *positions, uint8_t *bytes) {
  (void)source;
  const __m512i places = _mm512_set_epi8(
      63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
      40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
      17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i bases = _mm512_set1_epi32((int)base);
  uint32_t count = (uint32_t)__builtin_popcountll(mask);
  __m512i found = _mm512_maskz_compress_epi8(mask, places);
  // Not compressed as well: that takes ten times as long as fetching.
  _mm512_storeu_si512(bytes, _mm512_permutexvar_epi8(found, block));
  // Sixteen at a time; more than thirty-two tokens in a block are rare.
#define PUT(i)                                                                       \
  _mm512_storeu_si512(positions + 16 * (i),                                          \
                      _mm512_add_epi32(bases, _mm512_cvtepu8_epi32(                  \
                                                  _mm512_extracti32x4_epi32(found, i))))
  PUT(0);
  PUT(1);
  if (__builtin_expect(count > 32, 0)) {
    PUT(2);
    PUT(3);
  }
#undef PUT
  return count;
}
