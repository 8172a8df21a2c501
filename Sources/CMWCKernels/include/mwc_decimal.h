/// Doubles as decimal text: the shortest spelling that gives the same double back, and rounding to a
/// fixed number of places. Nothing here depends on the locale, allocates, or keeps anything; call it
/// from any thread.
#ifndef MWC_DECIMAL_H
#define MWC_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  MWC_DIGITS_MAX = 17,  ///< No double needs more to be told from its neighbours.
  MWC_REPR_MAX = 32,    ///< Room that every result of `mwc_decimal_repr` fits in.
  MWC_FIXED_MAX = 320,  ///< Room that every result of `mwc_decimal_fixed` fits in.
};

/// The fewest significant digits that round to `value` (finite, greater than 0), the nearest such
/// ones if there are several: `value` is about d.ddd… × 10^*exponent. Writes them as ASCII without
/// trailing zeros, returns how many.
unsigned mwc_decimal_shortest(double value, char digits[MWC_DIGITS_MAX], int *exponent);

/// Spells significant digits as Python spells floats: fixed for exponents from -4 to 15 (`45.0`,
/// `0.0001`, `1000000000000000.0`), otherwise like `1.5e-05` or `1e+16`. Returns the length.
/// `exponent` is that of the first of `count` digits (1 … MWC_DIGITS_MAX), which has no zero at
/// either end.
size_t mwc_decimal_spell(const char *digits, unsigned count, int exponent, bool negative,
                         char out[MWC_REPR_MAX]);

/// Any double as Python's `json` module spells it: as above, `0.0`, `-0.0`, `NaN`, `Infinity`,
/// `-Infinity`. Returns the length.
size_t mwc_decimal_repr(double value, char out[MWC_REPR_MAX]);

/// A double with `places` (0 or 1) digits after the point, like C's `%.0f` and `%.1f`: the exact
/// binary value is rounded, ties to even; `nan`, `inf` and `-inf` for the rest. Returns the length.
size_t mwc_decimal_fixed(double value, unsigned places, char out[MWC_FIXED_MAX]);

#endif
