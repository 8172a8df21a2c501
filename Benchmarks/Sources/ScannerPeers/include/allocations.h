/// Counts what a piece of code allocates: the program that links this has its own `malloc`, which counts
/// and asks the C library's. One thread.
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <stdint.h>

/// Calls of `malloc` and its like since the program began.
uint64_t allocations_count(void);

#endif
