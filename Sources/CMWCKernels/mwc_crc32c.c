#include "mwc_crc32c.h"

#include <string.h>

// A 16-entry table: small enough to write down, fast enough for machines without the instruction.
static const uint32_t nibble[16] = {
    0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1, 0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
    0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9, 0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75,
};

uint32_t mwc_crc32c_portable(uint32_t crc, const uint8_t *bytes, size_t length) {
  crc = ~crc;
  for (size_t i = 0; i < length; i++) {
    crc ^= bytes[i];
    crc = nibble[crc & 15] ^ (crc >> 4);
    crc = nibble[crc & 15] ^ (crc >> 4);
  }
  return ~crc;
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *bytes,
                                                               size_t length) {
  uint64_t wide = ~crc;
  while (length >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    wide = _mm_crc32_u64(wide, word);
    bytes += 8;
    length -= 8;
  }
  uint32_t narrow = (uint32_t)wide;
  while (length > 0) {
    narrow = _mm_crc32_u8(narrow, *bytes);
    bytes += 1;
    length -= 1;
  }
  return ~narrow;
}
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>

#ifndef HWCAP_CRC32
#define HWCAP_CRC32 (1 << 7)
#endif

__attribute__((target("crc"))) static uint32_t crc32c_armv8(uint32_t crc, const uint8_t *bytes,
                                                            size_t length) {
  crc = ~crc;
  while (length >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    crc = __crc32cd(crc, word);
    bytes += 8;
    length -= 8;
  }
  while (length > 0) {
    crc = __crc32cb(crc, *bytes);
    bytes += 1;
    length -= 1;
  }
  return ~crc;
}
#endif

uint32_t mwc_crc32c(uint32_t crc, const uint8_t *bytes, size_t length) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(crc, bytes, length);
#elif defined(__aarch64__)
  if (getauxval(AT_HWCAP) & HWCAP_CRC32) return crc32c_armv8(crc, bytes, length);
#endif
  return mwc_crc32c_portable(crc, bytes, length);
}
