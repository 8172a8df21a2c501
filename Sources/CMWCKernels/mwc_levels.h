// Compiles one text once per level of vector instructions:
//
//   #define MWC_TEXT "mwc_utf8.inc.h"
//   #include "mwc_levels.h"
//
// The text is written over the blocks of `mwc_block.h`, and names what it defines with a `#define`
// such as `#define sound_prefix MWC_AT_LEVEL(sound_prefix)`, so that there is a `sound_prefix_avx2`
// and so on. `MWC_CALL_AT_LEVEL(level, sound_prefix, (bytes, length))` calls the one for `level`.
//
// Instructions beyond those of the package's target are allowed by attributes, not by build flags.
// The scalar level is the same text over plain C, unless `MWC_VECTORS_ONLY` is defined: then the
// scalar functions are those of the file itself.
#ifndef MWC_LEVELS_H
#define MWC_LEVELS_H

#include "mwc_block.h"
#include "mwc_simd.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define MWC_JOIN_AGAIN(name, level) name##_##level
#define MWC_JOIN(name, level) MWC_JOIN_AGAIN(name, level)
#define MWC_AT_LEVEL(name) MWC_JOIN(name, MWC_LEVEL)

#if defined(__x86_64__)
#define MWC_CALL_AT_LEVEL(level, name, arguments)        \
  ((level) == MWC_SIMD_AVX512 ? name##_avx512 arguments  \
   : (level) == MWC_SIMD_AVX2 ? name##_avx2 arguments    \
   : (level) == MWC_SIMD_SSE4 ? name##_sse4 arguments    \
                              : name##_scalar arguments)
#elif defined(__aarch64__)
#define MWC_CALL_AT_LEVEL(level, name, arguments) \
  ((level) == MWC_SIMD_NEON ? name##_neon arguments : name##_scalar arguments)
#else
#define MWC_CALL_AT_LEVEL(level, name, arguments) ((void)(level), name##_scalar arguments)
#endif

#endif

#ifndef MWC_VECTORS_ONLY
#define MWC_LEVEL scalar
#include "mwc_block_scalar.h"
#include MWC_TEXT
#undef MWC_LEVEL
#endif

#if defined(__x86_64__)

#define MWC_LEVEL sse4
#pragma clang attribute push(__attribute__((target("sse4.2,popcnt,pclmul"))), apply_to = function)
#include "mwc_block_sse4.h"
#include MWC_TEXT
#pragma clang attribute pop
#undef MWC_LEVEL

#define MWC_LEVEL avx2
#pragma clang attribute push( \
    __attribute__((target("avx2,bmi,bmi2,popcnt,pclmul"))), apply_to = function)
#include "mwc_block_avx2.h"
#include MWC_TEXT
#pragma clang attribute pop
#undef MWC_LEVEL

#define MWC_LEVEL avx512
#pragma clang attribute push(                                                               \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,"     \
                          "avx2,bmi,bmi2,popcnt,pclmul"))),                           \
    apply_to = function)
#include "mwc_block_avx512.h"
#include MWC_TEXT
#pragma clang attribute pop
#undef MWC_LEVEL

#elif defined(__aarch64__)

#define MWC_LEVEL neon
#include "mwc_block_neon.h"
#include MWC_TEXT
#undef MWC_LEVEL

#endif

#undef MWC_TEXT
#undef MWC_VECTORS_ONLY
