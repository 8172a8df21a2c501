// Blocks in two registers of 32 bytes.

typedef struct mwc_block {
  __m256i low, high;
} mwc_block;

MWC_INLINE mwc_block mwc_block_load(const uint8_t *bytes) {
  return (mwc_block){_mm256_loadu_si256((const void *)bytes),
                     _mm256_loadu_si256((const void *)(bytes + 32))};
}

MWC_INLINE mwc_block mwc_block_load_part(const uint8_t *bytes, size_t count, uint8_t fill) {
  uint8_t copy[64];
  mwc_copy_part(copy, bytes, count, fill);
  return mwc_block_load(copy);
}

MWC_INLINE mwc_block mwc_block_or(mwc_block left, mwc_block right) {
  return (mwc_block){_mm256_or_si256(left.low, right.low), _mm256_or_si256(left.high, right.high)};
}

MWC_INLINE mwc_block mwc_block_copy_part(uint8_t copy[65], const uint8_t *bytes, size_t count) {
  copy[64] = ' ';
  mwc_copy_part(copy, bytes, count, ' ');
  return mwc_block_load(copy);
}

/// The highest bit of every byte.
#define mwc_block_tops MWC_AT_LEVEL(mwc_block_tops)
MWC_INLINE uint64_t mwc_block_tops(__m256i low, __m256i high) {
  return (uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32;
}

MWC_INLINE uint64_t mwc_block_equal(mwc_block block, uint8_t byte) {
  const __m256i wanted = _mm256_set1_epi8((char)byte);
  return mwc_block_tops(_mm256_cmpeq_epi8(block.low, wanted),
                        _mm256_cmpeq_epi8(block.high, wanted));
}

MWC_INLINE uint64_t mwc_block_range(mwc_block block, uint8_t low, uint8_t span) {
  const __m256i first = _mm256_set1_epi8((char)low);
  const __m256i most = _mm256_set1_epi8((char)span);
  __m256i over_low = _mm256_sub_epi8(block.low, first);
  __m256i over_high = _mm256_sub_epi8(block.high, first);
  return mwc_block_tops(_mm256_cmpeq_epi8(_mm256_min_epu8(over_low, most), over_low),
                        _mm256_cmpeq_epi8(_mm256_min_epu8(over_high, most), over_high));
}

MWC_INLINE uint64_t mwc_block_high(mwc_block block) {
  return mwc_block_tops(block.low, block.high);
}

MWC_INLINE uint64_t mwc_block_space(mwc_block block) {
  // Indexed by the low half of a byte: the white space with that half, or what cannot be equal.
  const __m256i table = _mm256_setr_epi8(
      ' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0,
      ' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
  return mwc_block_tops(
      _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, block.low), block.low),
      _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, block.high), block.high));
}

MWC_INLINE uint64_t mwc_block_operator(mwc_block block) {
  // With bit 5 set, brackets become braces, and only 0x1A and 0x0C join in.
  const __m256i table = _mm256_setr_epi8(
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0,
      0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0);
  const __m256i bit = _mm256_set1_epi8(0x20);
  return mwc_block_tops(
      _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, block.low), _mm256_or_si256(block.low, bit)),
      _mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, block.high), _mm256_or_si256(block.high, bit)));
}

MWC_INLINE uint64_t mwc_block_differ(mwc_block left, mwc_block right) {
  return ~mwc_block_tops(_mm256_cmpeq_epi8(left.low, right.low),
                         _mm256_cmpeq_epi8(left.high, right.high));
}

MWC_INLINE uint64_t mwc_block_sorts(mwc_block block, mwc_block sorts) {
  const __m256i lower = _mm256_setr_epi8(MWC_SORTS_BY_LOWER, MWC_SORTS_BY_LOWER);
  const __m256i upper = _mm256_setr_epi8(MWC_SORTS_BY_UPPER, MWC_SORTS_BY_UPPER);
  const __m256i half = _mm256_set1_epi8(15);
  const __m256i zero = _mm256_setzero_si256();
  // The shuffle by lower halves gives 0 for bytes above 0x7F.
#define MISFITS(part)                                                                            \
  _mm256_cmpeq_epi8(                                                                             \
      _mm256_and_si256(                                                                          \
          _mm256_and_si256(                                                                      \
              _mm256_shuffle_epi8(lower, block.part),                                            \
              _mm256_shuffle_epi8(upper, _mm256_and_si256(_mm256_srli_epi16(block.part, 4), half))), \
          sorts.part),                                                                           \
      zero)
  return ~mwc_block_tops(MISFITS(low), MISFITS(high));
#undef MISFITS
}

MWC_INLINE uint64_t mwc_prefix_xor(uint64_t mask) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)mask), _mm_set1_epi8(-1), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

MWC_INLINE uint32_t mwc_nondigits(const uint8_t *bytes, size_t count, const uint8_t *end) {
  if (end - bytes < 32) return mwc_nondigits_by_bytes(bytes, count);
  __m256i over = _mm256_sub_epi8(_mm256_loadu_si256((const void *)bytes), _mm256_set1_epi8('0'));
  __m256i is_other = _mm256_cmpeq_epi8(_mm256_max_epu8(over, _mm256_set1_epi8(10)), over);
  return _bzhi_u32((uint32_t)_mm256_movemask_epi8(is_other), (uint32_t)count);
}

MWC_INLINE bool mwc_same_bytes(const uint8_t *left, const uint8_t *right, size_t count) {
  return mwc_same_bytes_by_words(left, right, count);
}

MWC_INLINE bool mwc_same_name(const uint8_t *bytes, const uint8_t *name, size_t count) {
  return mwc_same_bytes_by_words(bytes, name, count);
}

#include "mwc_block_x86.h"

MWC_INLINE uint32_t mwc_tokens_put(uint64_t mask, const uint8_t *source, mwc_block block,
                                   uint32_t base, uint32_t *positions, uint8_t *bytes) {
  (void)block;
  uint32_t count = (uint32_t)_mm_popcnt_u64(mask);
  // Four at a time; those that are too many stand for the byte behind the block.
  for (uint32_t i = 0; i < count; i += 4) {
    for (uint32_t j = i; j < i + 4; j++) {
      uint64_t bit = _tzcnt_u64(mask);
      positions[j] = base + (uint32_t)bit;
      bytes[j] = source[bit];
      mask = _blsr_u64(mask);
    }
  }
  return count;
}
