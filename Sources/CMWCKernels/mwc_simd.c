#include "mwc_simd.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[MWC_SIMD_LEVELS] = {"scalar", "sse4", "avx2", "avx512", "neon"};

enum { UNDECIDED = -1 };
// Relaxed everywhere: whoever finds it undecided decides the same.
static _Atomic int chosen = UNDECIDED;

const char *mwc_simd_name(int level) {
  return level >= 0 && level < MWC_SIMD_LEVELS ? names[level] : NULL;
}

bool mwc_simd_has(int level) {
  if (level == MWC_SIMD_SCALAR) return true;
#if defined(__x86_64__)
  bool sse4 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt") &&
              __builtin_cpu_supports("pclmul");
  bool avx2 = sse4 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
              __builtin_cpu_supports("bmi2");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
  if (level == MWC_SIMD_SSE4) return sse4;
  if (level == MWC_SIMD_AVX2) return avx2;
  if (level == MWC_SIMD_AVX512) return avx512;
#elif defined(__aarch64__)
  if (level == MWC_SIMD_NEON) return true;
#endif
  return false;
}

static int best_level(void) {
  int level = MWC_SIMD_LEVELS - 1;
  while (!mwc_simd_has(level)) level--;
  return level;
}

/// The level that the environment names; UNDECIDED if it names none that could be followed.
static int asked_level(const char *asked) {
  for (int level = 0; level < MWC_SIMD_LEVELS; level++) {
    if (strcmp(asked, names[level]) == 0 && mwc_simd_has(level)) return level;
  }
  return UNDECIDED;
}

const char *mwc_simd_refused(void) {
  const char *asked = getenv("MWC_SIMD");
  return asked != NULL && *asked != 0 && asked_level(asked) == UNDECIDED ? asked : NULL;
}

int mwc_simd_level(void) {
  int level = atomic_load_explicit(&chosen, memory_order_relaxed);
  if (level != UNDECIDED) return level;
  const char *asked = getenv("MWC_SIMD");
  if (asked != NULL) level = asked_level(asked);
  if (level == UNDECIDED) level = best_level();
  atomic_store_explicit(&chosen, level, memory_order_relaxed);
  return level;
}

bool mwc_simd_force(int level) {
  if (!mwc_simd_has(level)) return false;
  atomic_store_explicit(&chosen, level, memory_order_relaxed);
  return true;
}
