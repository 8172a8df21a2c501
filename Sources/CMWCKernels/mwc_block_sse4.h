// Blocks in four registers of 16 bytes.

typedef struct mwc_block {
  __m128i part[4];
} mwc_block;

MWC_INLINE mwc_block mwc_block_load(const uint8_t *bytes) {
  mwc_block block;
  for (unsigned i = 0; i < 4; i++) block.part[i] = _mm_loadu_si128((const void *)(bytes + 16 * i));
  return block;
}

MWC_INLINE mwc_block mwc_block_load_part(const uint8_t *bytes, size_t count, uint8_t fill) {
  uint8_t copy[64];
  mwc_copy_part(copy, bytes, count, fill);
  return mwc_block_load(copy);
}

MWC_INLINE mwc_block mwc_block_or(mwc_block left, mwc_block right) {
  for (unsigned i = 0; i < 4; i++) left.part[i] = _mm_or_si128(left.part[i], right.part[i]);
  return left;
}

MWC_INLINE mwc_block mwc_block_copy_part(uint8_t copy[65], const uint8_t *bytes, size_t count) {
  copy[64] = ' ';
  mwc_copy_part(copy, bytes, count, ' ');
  return mwc_block_load(copy);
}

/// The highest bit of every byte.
#define mwc_block_tops MWC_AT_LEVEL(mwc_block_tops)
MWC_INLINE uint64_t mwc_block_tops(__m128i a, __m128i b, __m128i c, __m128i d) {
  uint32_t low = (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
  uint32_t high = (uint32_t)_mm_movemask_epi8(c) | (uint32_t)_mm_movemask_epi8(d) << 16;
  return low | (uint64_t)high << 32;
}

#define MWC_FOR_PARTS(expression) \
  mwc_block_tops(expression(0), expression(1), expression(2), expression(3))

MWC_INLINE uint64_t mwc_block_equal(mwc_block block, uint8_t byte) {
  const __m128i wanted = _mm_set1_epi8((char)byte);
#define EQUAL(i) _mm_cmpeq_epi8(block.part[i], wanted)
  return MWC_FOR_PARTS(EQUAL);
#undef EQUAL
}

MWC_INLINE uint64_t mwc_block_range(mwc_block block, uint8_t low, uint8_t span) {
  const __m128i first = _mm_set1_epi8((char)low);
  const __m128i most = _mm_set1_epi8((char)span);
  __m128i over[4];
  for (unsigned i = 0; i < 4; i++) over[i] = _mm_sub_epi8(block.part[i], first);
#define IN_RANGE(i) _mm_cmpeq_epi8(_mm_min_epu8(over[i], most), over[i])
  return MWC_FOR_PARTS(IN_RANGE);
#undef IN_RANGE
}

MWC_INLINE uint64_t mwc_block_high(mwc_block block) {
  return mwc_block_tops(block.part[0], block.part[1], block.part[2], block.part[3]);
}

MWC_INLINE uint64_t mwc_block_sorts(mwc_block block, mwc_block sorts) {
  const __m128i lower = _mm_setr_epi8(MWC_SORTS_BY_LOWER);
  const __m128i upper = _mm_setr_epi8(MWC_SORTS_BY_UPPER);
  const __m128i half = _mm_set1_epi8(15);
  const __m128i zero = _mm_setzero_si128();
  // The shuffle by lower halves gives 0 for bytes above 0x7F.
#define MISFITS(i)                                                                              \
  _mm_cmpeq_epi8(                                                                               \
      _mm_and_si128(                                                                            \
          _mm_and_si128(                                                                        \
              _mm_shuffle_epi8(lower, block.part[i]),                                           \
              _mm_shuffle_epi8(upper, _mm_and_si128(_mm_srli_epi16(block.part[i], 4), half))),  \
          sorts.part[i]),                                                                       \
      zero)
  return ~MWC_FOR_PARTS(MISFITS);
#undef MISFITS
}

MWC_INLINE uint64_t mwc_block_space(mwc_block block) {
  // Indexed by the low half of a byte: the white space with that half, or what cannot be equal.
  const __m128i table = _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
#define SPACE(i) _mm_cmpeq_epi8(_mm_shuffle_epi8(table, block.part[i]), block.part[i])
  return MWC_FOR_PARTS(SPACE);
#undef SPACE
}

MWC_INLINE uint64_t mwc_block_operator(mwc_block block) {
  // With bit 5 set, brackets become braces, and only 0x1A and 0x0C join in.
  const __m128i table = _mm_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0);
  const __m128i bit = _mm_set1_epi8(0x20);
#define OPERATOR(i) \
  _mm_cmpeq_epi8(_mm_shuffle_epi8(table, block.part[i]), _mm_or_si128(block.part[i], bit))
  return MWC_FOR_PARTS(OPERATOR);
#undef OPERATOR
}

MWC_INLINE uint64_t mwc_block_differ(mwc_block left, mwc_block right) {
#define SAME(i) _mm_cmpeq_epi8(left.part[i], right.part[i])
  return ~MWC_FOR_PARTS(SAME);
#undef SAME
}
#undef MWC_FOR_PARTS

MWC_INLINE uint64_t mwc_prefix_xor(uint64_t mask) {
  __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)mask), _mm_set1_epi8(-1), 0);
  return (uint64_t)_mm_cvtsi128_si64(product);
}

MWC_INLINE uint32_t mwc_nondigits(const uint8_t *bytes, size_t count, const uint8_t *end) {
  if (end - bytes < 32) return mwc_nondigits_by_bytes(bytes, count);
  const __m128i zero = _mm_set1_epi8('0');
  const __m128i ten = _mm_set1_epi8(10);
  __m128i low = _mm_sub_epi8(_mm_loadu_si128((const void *)bytes), zero);
  uint32_t mask = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(low, ten), low));
  if (count > 16) {
    __m128i high = _mm_sub_epi8(_mm_loadu_si128((const void *)(bytes + 16)), zero);
    high = _mm_cmpeq_epi8(_mm_max_epu8(high, ten), high);
    mask |= (uint32_t)_mm_movemask_epi8(high) << 16;
  }
  return mask & ((1u << count) - 1);
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
  return mwc_tokens_put_by_bits(mask, source, base, positions, bytes);
}
