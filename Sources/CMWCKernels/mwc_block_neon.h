// Blocks in four registers of 16 bytes.

typedef struct mwc_block {
  uint8x16_t part[4];
} mwc_block;

MWC_INLINE mwc_block mwc_block_load(const uint8_t *bytes) {
  mwc_block block;
  for (unsigned i = 0; i < 4; i++) block.part[i] = vld1q_u8(bytes + 16 * i);
  return block;
}

MWC_INLINE mwc_block mwc_block_load_part(const uint8_t *bytes, size_t count, uint8_t fill) {
  uint8_t copy[64];
  mwc_copy_part(copy, bytes, count, fill);
  return mwc_block_load(copy);
}

MWC_INLINE mwc_block mwc_block_or(mwc_block left, mwc_block right) {
  for (unsigned i = 0; i < 4; i++) left.part[i] = vorrq_u8(left.part[i], right.part[i]);
  return left;
}

MWC_INLINE mwc_block mwc_block_copy_part(uint8_t copy[65], const uint8_t *bytes, size_t count) {
  copy[64] = ' ';
  mwc_copy_part(copy, bytes, count, ' ');
  return mwc_block_load(copy);
}

/// One bit for each byte of four registers that hold 0x00 or 0xFF: every byte keeps the bit of its
/// place among eight, and adding neighbours three times brings eight of them together.
#define mwc_block_tops MWC_AT_LEVEL(mwc_block_tops)
MWC_INLINE uint64_t mwc_block_tops(uint8x16_t a, uint8x16_t b, uint8x16_t c, uint8x16_t d) {
  const uint8x16_t places = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint8x16_t low = vpaddq_u8(vandq_u8(a, places), vandq_u8(b, places));
  uint8x16_t high = vpaddq_u8(vandq_u8(c, places), vandq_u8(d, places));
  uint8x16_t sum = vpaddq_u8(low, high);
  sum = vpaddq_u8(sum, sum);
  return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}

#define MWC_FOR_PARTS(expression) \
  mwc_block_tops(expression(0), expression(1), expression(2), expression(3))

MWC_INLINE uint64_t mwc_block_equal(mwc_block block, uint8_t byte) {
  const uint8x16_t wanted = vdupq_n_u8(byte);
#define EQUAL(i) vceqq_u8(block.part[i], wanted)
  return MWC_FOR_PARTS(EQUAL);
#undef EQUAL
}

MWC_INLINE uint64_t mwc_block_range(mwc_block block, uint8_t low, uint8_t span) {
  const uint8x16_t first = vdupq_n_u8(low);
  const uint8x16_t most = vdupq_n_u8(span);
#define IN_RANGE(i) vcleq_u8(vsubq_u8(block.part[i], first), most)
  return MWC_FOR_PARTS(IN_RANGE);
#undef IN_RANGE
}

MWC_INLINE uint64_t mwc_block_high(mwc_block block) {
#define HIGH(i) vcltzq_s8(vreinterpretq_s8_u8(block.part[i]))
  return MWC_FOR_PARTS(HIGH);
#undef HIGH
}

MWC_INLINE uint64_t mwc_block_sorts(mwc_block block, mwc_block sorts) {
  const uint8x16_t lower = {MWC_SORTS_BY_LOWER};
  const uint8x16_t upper = {MWC_SORTS_BY_UPPER};
  const uint8x16_t half = vdupq_n_u8(15);
#define FITS(i)                                                                               \
  vtstq_u8(vandq_u8(vqtbl1q_u8(lower, vandq_u8(block.part[i], half)),                         \
                    vqtbl1q_u8(upper, vshrq_n_u8(block.part[i], 4))),                         \
           sorts.part[i])
  return MWC_FOR_PARTS(FITS);
#undef FITS
}

MWC_INLINE uint64_t mwc_block_space(mwc_block block) {
  // Indexed by the low half of a byte: the white space with that half, or what cannot be equal.
  const uint8x16_t table = {' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0};
  const uint8x16_t half = vdupq_n_u8(15);
#define SPACE(i) vceqq_u8(vqtbl1q_u8(table, vandq_u8(block.part[i], half)), block.part[i])
  return MWC_FOR_PARTS(SPACE);
#undef SPACE
}

MWC_INLINE uint64_t mwc_block_operator(mwc_block block) {
  // With bit 5 set, brackets become braces, and only 0x1A and 0x0C join in.
  const uint8x16_t table = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '{', ',', '}', 0, 0};
  const uint8x16_t half = vdupq_n_u8(15);
  const uint8x16_t bit = vdupq_n_u8(0x20);
#define OPERATOR(i) \
  vceqq_u8(vqtbl1q_u8(table, vandq_u8(block.part[i], half)), vorrq_u8(block.part[i], bit))
  return MWC_FOR_PARTS(OPERATOR);
#undef OPERATOR
}

MWC_INLINE uint64_t mwc_block_differ(mwc_block left, mwc_block right) {
#define SAME(i) vceqq_u8(left.part[i], right.part[i])
  return ~MWC_FOR_PARTS(SAME);
#undef SAME
}
#undef MWC_FOR_PARTS

MWC_INLINE uint64_t mwc_prefix_xor(uint64_t mask) { return mwc_prefix_xor_by_shifts(mask); }

MWC_INLINE uint32_t mwc_nondigits(const uint8_t *bytes, size_t count, const uint8_t *end) {
  if (end - bytes < 32) return mwc_nondigits_by_bytes(bytes, count);
  const uint8x16_t zero = vdupq_n_u8('0');
  const uint8x16_t nine = vdupq_n_u8(9);
  const uint8x16_t none = vdupq_n_u8(0);
  uint8x16_t low = vcgtq_u8(vsubq_u8(vld1q_u8(bytes), zero), nine);
  uint8x16_t high = vcgtq_u8(vsubq_u8(vld1q_u8(bytes + 16), zero), nine);
  uint64_t mask = mwc_block_tops(low, high, none, none);
  return (uint32_t)mask & ((1u << count) - 1);
}

MWC_INLINE bool mwc_same_bytes(const uint8_t *left, const uint8_t *right, size_t count) {
  return mwc_same_bytes_by_words(left, right, count);
}

MWC_INLINE bool mwc_same_name(const uint8_t *bytes, const uint8_t *name, size_t count) {
  return mwc_same_bytes_by_words(bytes, name, count);
}

/// The number that sixteen values 0 … 9 stand for: neighbours are joined, then pairs, then fours.
MWC_INLINE uint64_t mwc_join_eights(uint8x16_t digits) {
  const uint8x16_t tens = {10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1};
  const uint16x8_t hundreds = {100, 1, 100, 1, 100, 1, 100, 1};
  const uint32x4_t thousands = {10000, 1, 10000, 1};
  uint16x8_t pairs = vpaddq_u16(vmull_u8(vget_low_u8(digits), vget_low_u8(tens)),
                                vmull_high_u8(digits, tens));
  uint32x4_t fours = vpaddq_u32(vmull_u16(vget_low_u16(pairs), vget_low_u16(hundreds)),
                                vmull_high_u16(pairs, hundreds));
  uint64x2_t eights = vpaddq_u64(vmull_u32(vget_low_u32(fours), vget_low_u32(thousands)),
                                 vmull_high_u32(fours, thousands));
  return vgetq_lane_u64(eights, 0) * 100000000u + vgetq_lane_u64(eights, 1);
}

MWC_INLINE uint64_t mwc_join_digits(const uint8_t *end, size_t count) {
  uint8x16_t asked = vld1q_u8(mwc_last_bytes + count);
  uint8x16_t text = vld1q_u8(end - 16);
  return mwc_join_eights(vandq_u8(vsubq_u8(text, vdupq_n_u8('0')), asked));
}

MWC_INLINE uint64_t mwc_join_decimal(const uint8_t *end, size_t count, size_t places) {
  // What stands before the point moves over it.
  uint8x16_t asked = vld1q_u8(mwc_last_bytes + count);
  uint8x16_t behind = vld1q_u8(mwc_last_bytes + places);
  uint8x16_t text = vbslq_u8(behind, vld1q_u8(end - 16), vld1q_u8(end - 17));
  return mwc_join_eights(vandq_u8(vsubq_u8(text, vdupq_n_u8('0')), asked));
}

MWC_INLINE uint32_t mwc_tokens_put(uint64_t mask, const uint8_t *source, mwc_block block,
                                   uint32_t base, uint32_t *positions, uint8_t *bytes) {
  (void)block;
  return mwc_tokens_put_by_bits(mask, source, base, positions, bytes);
}
