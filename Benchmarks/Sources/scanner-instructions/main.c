// For Benchmarks/instructions.sh: runs each stream with each way of scanning, so that valgrind can
// count the instructions of `measured`, one call after the other, in the order of the lines printed.
#include <stdio.h>

#include "peers.h"

__attribute__((noinline)) uint64_t measured(const peer *peer, void *state, const stream *stream);

uint64_t measured(const peer *peer, void *state, const stream *stream) {
  uint64_t sum = peer->pass(state, stream);
  // Something to do behind the call, so that it is no jump.
  __asm__ volatile("" ::: "memory");
  return sum;
}

static void count(const stream *stream, const char *name) {
  const peer *const peers[] = {&peer_general, &peer_default};
  for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
    void *state = peers[i]->open(stream);
    for (int pass = 0; pass < 2; pass++) peers[i]->pass(state, stream);
    uint64_t sum = measured(peers[i], state, stream);
    printf("%s %s %zu %016llx\n", peers[i]->name, name, stream->count, (unsigned long long)sum);
    peers[i]->close(state);
  }
}

int main(int argument_count, char **arguments) {
  if (argument_count != 2) {
    fprintf(stderr, "usage: %s TRAFFIC_FOLDER\n", arguments[0]);
    return 64;
  }
  static const char *const names[] = {"monitoring",      "monitoring-alerts", "metrics-documented",
                                      "metrics-shipped", "smartlogger",       "socketio"};
  for (stream_kind kind = 0; kind < sizeof names / sizeof names[0]; kind++) {
    stream stream = stream_load(arguments[1], kind);
    count(&stream, names[kind]);
    stream_free(&stream);
  }
  stream random = stream_random(500, 1);
  count(&random, "never-repeats");
  stream_free(&random);
  stream shuffled = stream_shuffled(500, 1);
  count(&shuffled, "shuffled");
  stream_free(&shuffled);
  return 0;
}
