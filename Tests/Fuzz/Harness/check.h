/// Checks inside of fuzz targets.
#ifndef CHECK_H
#define CHECK_H

#include "mwc_fuzz.h"

/// Keeps the story of a failed check; returns its line. `detail` is printf-like and may be "".
int check_failed(const char *file, int line, const char *condition, const char *detail, ...)
    __attribute__((format(printf, 4, 5)));

/// Ends the target with the line of this check if `condition` does not hold.
#define CHECK(condition, ...)                                                              \
  do {                                                                                     \
    if (!(condition)) return check_failed(__FILE_NAME__, __LINE__, #condition, "" __VA_ARGS__); \
  } while (0)

/// Ends the target when a function that checks has found something.
#define PASS(call)                      \
  do {                                  \
    int failed_ = (call);               \
    if (failed_ != 0) return failed_;   \
  } while (0)

#endif
