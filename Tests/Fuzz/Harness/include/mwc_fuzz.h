/// What is asked of the kernels about bytes nobody chose: fuzz targets that also run in the tests.
///
/// Each function takes an input of any kind and returns 0, or the line of the check that failed;
/// `mwc_fuzz_story` then says what it was. libFuzzer calls them through `entry.c`, the test run calls
/// them with seeds, kept failures and seeded chance. Any number of threads.
#ifndef MWC_FUZZ_H
#define MWC_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/// One document: scan and walk agree, located values lie inside it and can be used.
int mwc_fuzz_json(const uint8_t *data, size_t size);

/// Paths, one per line, NUL, a document: together they find what each finds alone.
int mwc_fuzz_paths(const uint8_t *data, size_t size);

/// A script of messages that differ from each other by edits, for one set of scanners that live
/// through all of them; see `fuzz_stream.c` for the script.
int mwc_fuzz_stream(const uint8_t *data, size_t size);

/// One message, and every message that differs from it in one byte; see `fuzz_neighbours.c`.
int mwc_fuzz_neighbours(const uint8_t *data, size_t size);

/// Messages of generated shapes whose values drift, sometimes damaged; see `fuzz_drift.c`.
int mwc_fuzz_drift(const uint8_t *data, size_t size);

/// One document at every place before and behind a page that must not be touched.
int mwc_fuzz_edges(const uint8_t *data, size_t size);

/// Numbers: conversions against the C library's, spelled numbers read back.
int mwc_fuzz_numbers(const uint8_t *data, size_t size);

/// Strings: UTF-8 whole and in pieces, escapes, comparisons against plain code.
int mwc_fuzz_text(const uint8_t *data, size_t size);

/// Blocks in columns: round trips, and damage behind intact checksums; see `fuzz_columns.c`.
int mwc_fuzz_columns(const uint8_t *data, size_t size);

/// Fails on purpose for input that begins with "canary": proof that a failure is seen.
int mwc_fuzz_canary(const uint8_t *data, size_t size);

/// What the last check that failed on this thread said: file, line, condition, and more where there
/// is more: which implementation, which message.
const char *mwc_fuzz_story(void);

#endif
