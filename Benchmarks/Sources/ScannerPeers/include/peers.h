/// Competitors: each makes one pass over the messages of a stream, checks them, extracts their fields
/// and returns the sum of these.
#ifndef PEERS_H
#define PEERS_H

#include <stddef.h>
#include <stdint.h>

#include "streams.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct peer {
  const char *name;
  /// What `pass` is given; made once per stream, so that a scanner may learn.
  void *(*open)(const stream *stream);
  uint64_t (*pass)(void *state, const stream *stream);
  void (*close)(void *state);
  /// The competitor that this one only calls from elsewhere, or null.
  const struct peer *base;
} peer;

/// The scanner from C, message by message, forbidden to guess.
extern const peer peer_general;
/// The scanner from C, message by message, as it comes.
extern const peer peer_default;
/// The scanner from C, as it comes, some messages in one call.
extern const peer peer_batch;
/// simdjson's On-Demand API, messages padded as it wants them.
extern const peer peer_simdjson;
/// Its version.
const char *peer_simdjson_version(void);
/// The implementation that it chose for this processor.
const char *peer_simdjson_implementation(void);

#ifdef __cplusplus
}
#endif
#endif
