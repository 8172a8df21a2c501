/// Endless streams of messages as monitoring and log servers send them, from a seed: for measurements
/// that need more messages than anybody recorded.
///
/// What changes in them changes as in the recorded conversations: clocks with jitter, memory and disk
/// in pages that drift, jump and rest, processor time counted in ticks, alerts while a limit is
/// exceeded, log entries with random names. `Benchmarks/check_generator.py` compares how well zstd and
/// gzip compress them with how well they compress the recordings.
#ifndef GENERATOR_H
#define GENERATOR_H

#include <stddef.h>
#include <stdint.h>

typedef enum generator_kind {
  GENERATOR_HOST,   ///< A host with 2 cores; one connection.
  GENERATOR_GPU,    ///< A host with 8 cores, a GPU and alerts now and then; one connection.
  GENERATOR_FLEET,  ///< 16 hosts of several makes and a log server; a connection each.
  // Like the recordings, to compare with them:
  GENERATOR_ALERTS,  ///< A host with 2 cores, a GPU and an alert in nearly every message.
  GENERATOR_LOGS,    ///< The log server alone.
  GENERATOR_KINDS,
} generator_kind;

typedef struct generated {
  int64_t time;        ///< When it was received, nanoseconds since 1970.
  uint32_t connection; ///< Counted from 0.
  const uint8_t *json; ///< The generator's, until the next message.
  size_t length;
} generated;

typedef struct generator generator;

/// Returns NULL if there is no memory.
generator *generator_open(generator_kind kind, uint64_t seed);
/// The next message of whichever connection sends one next.
generated generator_next(generator *generator);
void generator_close(generator *generator);

/// `host`, `gpu`, `fleet`, `alerts`, `logs`; GENERATOR_KINDS for any other name.
generator_kind generator_named(const char *name);

#endif
