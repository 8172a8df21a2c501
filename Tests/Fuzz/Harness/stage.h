/// A set of scanners for the same paths that all read the same stream of messages, each in its own
/// way, and each of which has to say of every message what the oracle says.
#ifndef STAGE_H
#define STAGE_H

#include "oracle.h"

typedef struct stage stage;

enum {
  /// Messages beyond this many are no longer kept for the batch at the end.
  STAGE_BATCH_MAX = 256,
};

/// Compiles the paths; duplicates among them are left out. NULL if there is no memory.
stage *stage_open(const oracle_path *paths, size_t count, uint32_t options, uint32_t depth_max);

/// Has every scanner read `json` where it is. Returns 0 or the line of the check that failed.
int stage_read_here(stage *stage, const uint8_t *json, size_t length);

/// The same with a copy in memory of exactly this size.
int stage_read(stage *stage, const uint8_t *json, size_t length);

/// Has the scanners read all messages so far once more, as batches with and without padding.
int stage_finish(stage *stage);

void stage_close(stage *stage);

/// The paths of up to `count` values of a document, chosen by `choice`: what a stream that begins
/// with it may be asked for. Returns how many there are.
size_t stage_choose_paths(const uint8_t *json, size_t length, uint32_t options, uint64_t choice,
                          oracle_path *paths, size_t count);

#endif
