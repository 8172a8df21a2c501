// Blocks in plain C: eight words, and loops over bytes where words do not help.

typedef struct mwc_block {
  uint64_t words[8];
} mwc_block;

MWC_INLINE mwc_block mwc_block_load(const uint8_t *bytes) {
  mwc_block block;
  memcpy(&block, bytes, 64);
  return block;
}

MWC_INLINE mwc_block mwc_block_load_part(const uint8_t *bytes, size_t count, uint8_t fill) {
  uint8_t copy[64];
  mwc_copy_part(copy, bytes, count, fill);
  return mwc_block_load(copy);
}

MWC_INLINE mwc_block mwc_block_or(mwc_block left, mwc_block right) {
  for (unsigned i = 0; i < 8; i++) left.words[i] |= right.words[i];
  return left;
}

MWC_INLINE mwc_block mwc_block_copy_part(uint8_t copy[65], const uint8_t *bytes, size_t count) {
  copy[64] = ' ';
  mwc_copy_part(copy, bytes, count, ' ');
  return mwc_block_load(copy);
}

/// One bit for each byte of `word` that is not 0.
#define mwc_nonzero_bytes MWC_AT_LEVEL(mwc_nonzero_bytes)
MWC_INLINE uint64_t mwc_nonzero_bytes(uint64_t word) {
  const uint64_t low = 0x7F7F7F7F7F7F7F7Fu;
  uint64_t tops = (((word & low) + low) | word) & ~low;
  // The multiplication gathers the lowest bits of eight bytes in the highest byte, in order.
  return ((tops >> 7) * 0x0102040810204080u) >> 56;
}

MWC_INLINE uint64_t mwc_block_differ(mwc_block left, mwc_block right) {
  uint64_t mask = 0;
  for (unsigned i = 0; i < 8; i++) {
    mask |= mwc_nonzero_bytes(left.words[i] ^ right.words[i]) << (8 * i);
  }
  return mask;
}

MWC_INLINE uint64_t mwc_block_equal(mwc_block block, uint8_t byte) {
  uint64_t mask = 0;
  for (unsigned i = 0; i < 8; i++) {
    mask |= mwc_nonzero_bytes(block.words[i] ^ byte * 0x0101010101010101u) << (8 * i);
  }
  return ~mask;
}

MWC_INLINE uint64_t mwc_block_high(mwc_block block) {
  uint64_t mask = 0;
  for (unsigned i = 0; i < 8; i++) {
    mask |= mwc_nonzero_bytes(block.words[i] & 0x8080808080808080u) << (8 * i);
  }
  return mask;
}

MWC_INLINE uint64_t mwc_block_range(mwc_block block, uint8_t low, uint8_t span) {
  uint8_t bytes[64];
  memcpy(bytes, &block, 64);
  uint64_t mask = 0;
  for (unsigned i = 0; i < 64; i++) mask |= (uint64_t)((uint8_t)(bytes[i] - low) <= span) << i;
  return mask;
}

MWC_INLINE uint64_t mwc_block_space(mwc_block block) {
  return mwc_block_equal(block, ' ') | mwc_block_equal(block, '\n') | mwc_block_equal(block, '\r') |
         mwc_block_equal(block, '\t');
}

MWC_INLINE uint64_t mwc_block_operator(mwc_block block) {
  return mwc_block_equal(block, '{') | mwc_block_equal(block, '}') | mwc_block_equal(block, '[') |
         mwc_block_equal(block, ']') | mwc_block_equal(block, ':') | mwc_block_equal(block, ',') |
         mwc_block_equal(block, 0x0C) | mwc_block_equal(block, 0x1A);
}

MWC_INLINE uint64_t mwc_block_sorts(mwc_block block, mwc_block sorts) {
  static const uint8_t lower[16] = {MWC_SORTS_BY_LOWER};
  static const uint8_t upper[16] = {MWC_SORTS_BY_UPPER};
  uint8_t bytes[64], wanted[64];
  memcpy(bytes, &block, 64);
  memcpy(wanted, &sorts, 64);
  uint64_t mask = 0;
  for (unsigned i = 0; i < 64; i++) {
    uint8_t found = lower[bytes[i] & 15] & upper[bytes[i] >> 4] & wanted[i];
    mask |= (uint64_t)(found != 0) << i;
  }
  return mask;
}

MWC_INLINE uint64_t mwc_prefix_xor(uint64_t mask) { return mwc_prefix_xor_by_shifts(mask); }

MWC_INLINE uint32_t mwc_nondigits(const uint8_t *bytes, size_t count, const uint8_t *end) {
  (void)end;
  return mwc_nondigits_by_bytes(bytes, count);
}

MWC_INLINE bool mwc_same_bytes(const uint8_t *left, const uint8_t *right, size_t count) {
  return mwc_same_bytes_by_words(left, right, count);
}

MWC_INLINE bool mwc_same_name(const uint8_t *bytes, const uint8_t *name, size_t count) {
  return mwc_same_bytes_by_words(bytes, name, count);
}

MWC_INLINE uint64_t mwc_join_decimal(const uint8_t *end, size_t count, size_t places) {
  uint64_t value = 0;
  for (size_t i = count; i > 0; i--) {
    value = value * 10 + (uint64_t)(*(end - i - (i > places)) - '0');
  }
  return value;
}

MWC_INLINE uint64_t mwc_join_digits(const uint8_t *end, size_t count) {
  return mwc_join_decimal(end, count, count);
}

MWC_INLINE uint32_t mwc_tokens_put(uint64_t mask, const uint8_t *source, mwc_block block,
                                   uint32_t base, uint32_t *positions, uint8_t *bytes) {
  (void)block;
  return mwc_tokens_put_by_bits(mask, source, base, positions, bytes);
}
