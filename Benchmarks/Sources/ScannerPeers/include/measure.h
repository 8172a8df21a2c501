/// The measurements of `make bench-scanner`.
#ifndef MEASURE_H
#define MEASURE_H

#include "peers.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct measure_options {
  const char *traffic;  ///< Folder of recorded conversations.
  int rounds;           ///< Paired rounds per stream.
  double seconds;       ///< Time for one competitor in one round.
  size_t bulk;          ///< Bytes of the bulk scan; 0 leaves it out.
} measure_options;

/// From the command line: `[--rounds N] [--seconds S] [--bulk MiB] TRAFFIC`. Exits with a line of help
/// where that is not understood.
measure_options measure_arguments(int count, char *const *arguments);

/// Every stream with every competitor, taking turns: simdjson first, then `peers`. Prints the table, then
/// the figures that have a goal. Exits where sums differ.
void measure_streams(const measure_options *options, const peer *const *peers, size_t count);

/// `peers` on messages that never have the shape of an earlier one; ratios are to the first of them.
void measure_new_shapes(const measure_options *options, const peer *const *peers, size_t count);

/// More messages than any cache holds, with the last of `peers`, against plain reading of their bytes.
void measure_bulk(const measure_options *options, const peer *const *peers, size_t count);

/// How often `peers` ask for memory once they have learned a stream.
void measure_allocations(const measure_options *options, const peer *const *peers, size_t count);

/// Adds up memory as fast as the processor reads it.
uint64_t measure_read(const uint8_t *bytes, size_t size);

#ifdef __cplusplus
}
#endif
#endif
