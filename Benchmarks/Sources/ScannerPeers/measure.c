#include "measure.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "allocations.h"

enum {
  PEERS_MAX = 12,
  ROUNDS_MAX = 999,
};

measure_options measure_arguments(int count, char *const *arguments) {
  measure_options options = {.rounds = 31, .seconds = 0.003, .bulk = (size_t)256 << 20};
  for (int i = 1; i < count; i++) {
    bool last = i + 1 == count;
    if (!last && strcmp(arguments[i], "--rounds") == 0) {
      options.rounds = atoi(arguments[++i]);
    } else if (!last && strcmp(arguments[i], "--seconds") == 0) {
      options.seconds = atof(arguments[++i]);
    } else if (!last && strcmp(arguments[i], "--bulk") == 0) {
      options.bulk = (size_t)atoi(arguments[++i]) << 20;
    } else if (last && arguments[i][0] != '-') {
      options.traffic = arguments[i];
    }
  }
  bool sound = options.rounds > 0 && options.rounds <= ROUNDS_MAX && options.seconds > 0;
  if (options.traffic == NULL || !sound) {
    fprintf(stderr, "usage: %s [--rounds N] [--seconds S] [--bulk MiB] TRAFFIC_FOLDER\n",
            arguments[0]);
    exit(64);
  }
  return options;
}

/// Time of the processor, so that a busy machine's other work does not count.
static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int compare_doubles(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/// Sorts the figures.
static double median(double *figures, int count) {
  qsort(figures, (size_t)count, sizeof *figures, compare_doubles);
  return count % 2 == 1 ? figures[count / 2] : (figures[count / 2 - 1] + figures[count / 2]) / 2;
}

// MARK: One stream

/// Seconds for one pass, by competitor and round.
typedef struct timing {
  const stream *stream;
  size_t count;
  int rounds;
  double seconds[PEERS_MAX][ROUNDS_MAX];
} timing;

/// Lets the competitors take turns. All passes of all rounds give the same sum, or the program ends.
static void take_turns(timing *timing, const stream *stream, const peer *const *peers, size_t count,
                       const measure_options *options) {
  void *states[PEERS_MAX];
  uint64_t expected = 0;
  timing->stream = stream;
  timing->count = count;
  timing->rounds = options->rounds;
  int passes = 1;
  for (size_t i = 0; i < count; i++) {
    states[i] = peers[i]->open(stream);
    // Two passes to learn and to warm up, the second also says how many fill the time.
    for (int pass = 0; pass < 2; pass++) {
      double start = now();
      uint64_t sum = peers[i]->pass(states[i], stream);
      double seconds = now() - start;
      if (i == 0) {
        expected = sum;
        passes = (int)fmax(1, options->seconds / seconds);
      } else if (sum != expected) {
        fprintf(stderr, "bench: %s and %s disagree on %s\n", peers[0]->name, peers[i]->name,
                stream->name);
        exit(1);
      }
    }
  }
  for (int round = 0; round < options->rounds; round++) {
    for (size_t turn = 0; turn < count; turn++) {
      // Everybody is first once in a while, and has everybody else before him.
      size_t i = (turn + (size_t)round) % count;
      uint64_t sum = 0;
      double start = now();
      for (int pass = 0; pass < passes; pass++) sum += peers[i]->pass(states[i], stream);
      timing->seconds[i][round] = (now() - start) / passes;
      if (sum != expected * (uint64_t)passes) {
        fprintf(stderr, "bench: %s changed its mind on %s\n", peers[i]->name, stream->name);
        exit(1);
      }
    }
  }
  for (size_t i = 0; i < count; i++) peers[i]->close(states[i]);
}

typedef struct ratio {
  double low, middle, high;
} ratio;

/// How many times faster `peer` was than `base`, round by round.
static ratio paired(const timing *timing, size_t base, size_t peer) {
  double ratios[ROUNDS_MAX];
  for (int round = 0; round < timing->rounds; round++) {
    ratios[round] = timing->seconds[base][round] / timing->seconds[peer][round];
  }
  double middle = median(ratios, timing->rounds);
  return (ratio){ratios[0], middle, ratios[timing->rounds - 1]};
}

static void print_row(const timing *timing, const peer *peer, size_t base, size_t index) {
  double seconds[ROUNDS_MAX];
  memcpy(seconds, timing->seconds[index], (size_t)timing->rounds * sizeof(double));
  double middle = median(seconds, timing->rounds);
  ratio ratio = paired(timing, base, index);
  printf("  %-16s %8.0f ns %11.0f/s %7.2f GB/s   %5.2f  (%.2f-%.2f)\n", peer->name,
         middle / (double)timing->stream->count * 1e9, (double)timing->stream->count / middle,
         (double)timing->stream->payload / middle * 1e-9, ratio.middle, ratio.low, ratio.high);
}

static void print_heading(const stream *stream, const char *base) {
  printf("\n%s: %zu messages of %.0f bytes, %zu fields\n", stream->name, stream->count,
         (double)stream->payload / (double)stream->count, stream->path_count);
  printf("  %-16s %11s %13s %12s   times %s: median (min-max)\n", "", "per message", "messages",
         "", base);
}

static timing *new_timing(void) {
  timing *made = malloc(sizeof *made);
  if (made == NULL) exit(1);
  return made;
}

// MARK: Measurements

void measure_streams(const measure_options *options, const peer *const *others, size_t count) {
  const peer *peers[PEERS_MAX] = {&peer_simdjson};
  for (size_t i = 0; i < count && i + 1 < PEERS_MAX; i++) peers[i + 1] = others[i];
  count++;
  printf("against simdjson %s On-Demand (%s), %d paired rounds\n", peer_simdjson_version(),
         peer_simdjson_implementation(), options->rounds);

  timing *timing = new_timing();
  double logarithms[PEERS_MAX] = {0};
  for (stream_kind kind = 0; kind < STREAM_KINDS; kind++) {
    stream stream = stream_load(options->traffic, kind);
    take_turns(timing, &stream, peers, count, options);
    print_heading(&stream, "simdjson");
    for (size_t i = 0; i < count; i++) {
      print_row(timing, peers[i], 0, i);
      if (kind <= STREAM_SHIPPED) logarithms[i] += log(paired(timing, 0, i).middle);
    }
    for (size_t i = 1; i < count; i++) {
      // What calling from Swift costs on top of calling from C.
      for (size_t other = 1; other < i; other++) {
        if (peers[i]->base != peers[other]) continue;
        ratio ratio = paired(timing, i, other);
        printf("  %s takes %.3f (%.3f-%.3f) times as long as %s\n", peers[i]->name, ratio.middle,
               ratio.low, ratio.high, peers[other]->name);
      }
    }
    fflush(stdout);
    stream_free(&stream);
  }
  printf("\ngeometric mean of the four monitoring and metrics streams, times simdjson\n");
  for (size_t i = 1; i < count; i++) {
    printf("  %-16s %5.2f\n", peers[i]->name, exp(logarithms[i] / (STREAM_SHIPPED + 1)));
  }
  free(timing);
}

void measure_new_shapes(const measure_options *options, const peer *const *peers, size_t count) {
  timing *timing = new_timing();
  stream streams[] = {stream_random(20000, 1), stream_shuffled(20000, 1)};
  for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
    take_turns(timing, &streams[i], peers, count, options);
    print_heading(&streams[i], peers[0]->name);
    for (size_t peer = 0; peer < count; peer++) print_row(timing, peers[peer], 0, peer);
    fflush(stdout);
    stream_free(&streams[i]);
  }
  free(timing);
}

static void *open_nothing(const stream *stream) { return (void *)(uintptr_t)stream; }
static void close_nothing(void *state) { (void)state; }
static uint64_t expected_sum;
static uint64_t pass_read(void *state, const stream *stream) {
  (void)state;
  static volatile uint64_t kept;
  kept = measure_read(stream->bytes, stream->size);
  return expected_sum;
}

void measure_bulk(const measure_options *options, const peer *const *others, size_t count) {
  static const peer reader = {"plain read", open_nothing, pass_read, close_nothing, NULL};
  measure_options bulk = *options;
  if (bulk.bulk == 0) return;
  if (bulk.rounds > 5) bulk.rounds = 5;
  stream recorded = stream_load(options->traffic, STREAM_MONITORING);
  stream stream = stream_repeated(&recorded, bulk.bulk);
  stream_free(&recorded);

  // The reader has no fields to add up: it is told what the others found.
  const peer *peers[PEERS_MAX] = {others[count - 1], &reader};
  void *state = peers[0]->open(&stream);
  expected_sum = peers[0]->pass(state, &stream);
  peers[0]->close(state);

  timing *timing = new_timing();
  take_turns(timing, &stream, peers, 2, &bulk);
  printf("\nbulk: %.0f MiB, larger than the caches\n", (double)stream.size / (1 << 20));
  print_row(timing, peers[0], 1, 0);
  print_row(timing, peers[1], 1, 1);
  stream_free(&stream);
  free(timing);
}

void measure_allocations(const measure_options *options, const peer *const *peers, size_t count) {
  printf("\nallocations in one pass over all streams, after one to learn\n");
  for (size_t i = 0; i < count; i++) {
    uint64_t allocations = 0;
    size_t messages = 0;
    for (stream_kind kind = 0; kind < STREAM_KINDS; kind++) {
      stream stream = stream_load(options->traffic, kind);
      void *state = peers[i]->open(&stream);
      peers[i]->pass(state, &stream);
      uint64_t before = allocations_count();
      peers[i]->pass(state, &stream);
      allocations += allocations_count() - before;
      messages += stream.count;
      peers[i]->close(state);
      stream_free(&stream);
    }
    printf("  %-16s %llu in %zu messages\n", peers[i]->name, (unsigned long long)allocations,
           messages);
  }
}
