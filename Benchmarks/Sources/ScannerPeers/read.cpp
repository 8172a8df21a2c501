#include "measure.h"

uint64_t measure_read(const uint8_t *bytes, size_t size) {
  // Sixty-four sums that do not wait for each other; the compiler makes vectors of them.
  uint64_t sums[64] = {0};
  size_t at = 0;
  for (; at + sizeof sums <= size; at += sizeof sums) {
    uint64_t words[64];
    memcpy(words, bytes + at, sizeof words);
    for (int i = 0; i < 64; i++) sums[i] += words[i];
  }
  uint64_t sum = 0;
  for (int i = 0; i < 64; i++) sum += sums[i];
  for (; at < size; at++) sum += bytes[at];
  return sum;
}
