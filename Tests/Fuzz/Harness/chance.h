/// Seeded chance (SplitMix64), the same everywhere for one seed.
#ifndef CHANCE_H
#define CHANCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct chance {
  uint64_t state;
} chance;

static inline uint64_t chance_next(chance *chance) {
  uint64_t value = chance->state += 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

/// A number below `limit`, which is not 0.
static inline uint32_t chance_below(chance *chance, uint32_t limit) {
  return (uint32_t)((chance_next(chance) >> 32) * limit >> 32);
}

static inline bool chance_of(chance *chance, uint32_t in_hundred) {
  return chance_below(chance, 100) < in_hundred;
}

#endif
