/// Which vector instructions the kernels use. Every kernel gives the same results at every level; the
/// best one that the processor has is chosen when the first kernel runs.
///
/// `MWC_SIMD=scalar|sse4|avx2|avx512|neon` in the environment chooses another one, to test it. A level
/// that this processor does not have, or a word that names none, is not followed, and
/// `mwc_simd_refused` says so.
///
/// All functions may be called from any thread at any time.
#ifndef MWC_SIMD_H
#define MWC_SIMD_H

#include <stdbool.h>

/// The levels. Those of one kind of processor contain the ones below them.
enum {
  MWC_SIMD_SCALAR = 0,  ///< Plain C; every processor.
  MWC_SIMD_SSE4 = 1,    ///< x86-64: SSE4.2, POPCNT, PCLMULQDQ (2010).
  MWC_SIMD_AVX2 = 2,    ///< x86-64: AVX2, BMI1, BMI2 (2013).
  MWC_SIMD_AVX512 = 3,  ///< x86-64: AVX-512 F, BW, DQ, VL, VBMI, VBMI2 (2019).
  MWC_SIMD_NEON = 4,    ///< Every 64-bit ARM processor.
  MWC_SIMD_LEVELS = 5,
};

/// The level in use.
int mwc_simd_level(void);

/// The name of a level as the environment variable spells it, or NULL if there is no such level.
const char *mwc_simd_name(int level);

/// Whether this processor has a level.
bool mwc_simd_has(int level);

/// Uses another level from now on. For tests: calls that are under way finish at the old one. Returns
/// false, changing nothing, if the processor does not have it.
bool mwc_simd_force(int level);

/// What the environment asked for in vain, or NULL.
const char *mwc_simd_refused(void);

#endif
