// UTF-8 by blocks. Leads say where continuation bytes have to stand, and these must be exactly the
// continuation bytes there are; what remains are the few leads whose next byte is restricted further
// (The Unicode Standard, table 3-7).

/// Whether a block is well-formed, given what the one before left. Updates that for the next.
#define sound_block MWC_AT_LEVEL(sound_block)
static inline bool sound_block(mwc_block block, uint64_t high, utf8_debt *debt) {
  uint64_t continuation = mwc_block_range(block, 0x80, 0x3F);
  uint64_t lead2 = mwc_block_range(block, 0xC2, 0xDF - 0xC2);
  uint64_t lead3 = mwc_block_range(block, 0xE0, 0x0F);
  uint64_t lead4 = mwc_block_range(block, 0xF0, 0x04);
  uint64_t longer = lead3 | lead4;
  uint64_t expected = debt->expected | (lead2 | longer) << 1 | longer << 2 | lead4 << 3;
  // What is above 0x7F is a continuation byte where one is expected, or one of the leads.
  if (continuation != expected || (continuation | lead2 | longer) != high) return false;

  uint64_t after_e0 = mwc_block_equal(block, 0xE0);
  uint64_t after_ed = mwc_block_equal(block, 0xED);
  uint64_t after_f0 = mwc_block_equal(block, 0xF0);
  uint64_t after_f4 = mwc_block_equal(block, 0xF4);
  uint64_t below_a0 = mwc_block_range(block, 0x80, 0x1F);
  uint64_t below_90 = mwc_block_range(block, 0x80, 0x0F);
  uint64_t wrong = ((after_e0 << 1 | debt->high_only) & below_a0) |
                   ((after_ed << 1 | debt->low_only) & ~below_a0) |
                   ((after_f0 << 1 | debt->high_half) & below_90) |
                   ((after_f4 << 1 | debt->low_half) & ~below_90);
  debt->expected = (lead2 | longer) >> 63 | longer >> 62 | lead4 >> 61;
  debt->high_only = after_e0 >> 63;
  debt->low_only = after_ed >> 63;
  debt->high_half = after_f0 >> 63;
  debt->low_half = after_f4 >> 63;
  return wrong == 0;
}

/// Whether `bytes[0..<length)` is well-formed.
#define is_sound MWC_AT_LEVEL(is_sound)
static bool is_sound(const uint8_t *bytes, size_t length) {
  utf8_debt debt = {0};
  for (; length >= 64; bytes += 64, length -= 64) {
    mwc_block block = mwc_block_load(bytes);
    uint64_t high = mwc_block_high(block);
    if ((high | debt.expected) != 0 && !sound_block(block, high, &debt)) return false;
  }
  if (length == 0) return debt.expected == 0;
  // What is filled in is ASCII, with which no character goes on.
  mwc_block block = mwc_block_load_part(bytes, length, 0);
  uint64_t high = mwc_block_high(block);
  return (high | debt.expected) == 0 || (sound_block(block, high, &debt) && debt.expected == 0);
}

/// A length in whole characters up to which `bytes[0..<length)` is well-formed: all but less than two
/// blocks of it if it is sound, and not far before the first ill-formed byte if it is not.
#define sound_prefix MWC_AT_LEVEL(sound_prefix)
static size_t sound_prefix(const uint8_t *bytes, size_t length) {
  utf8_debt debt = {0};
  size_t i = 0;
  while (length - i >= 64) {
    mwc_block block = mwc_block_load(bytes + i);
    uint64_t high = mwc_block_high(block);
    if ((high | debt.expected) != 0 && !sound_block(block, high, &debt)) break;
    i += 64;
  }
  return whole_characters(bytes, i);
}

#undef sound_block
#undef is_sound
#undef sound_prefix
