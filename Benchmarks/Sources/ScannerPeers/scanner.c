// The scanner as a C program would use it: one scanner per stream, values taken where they stand.
#include <stdio.h>
#include <stdlib.h>

#include "mwc_json.h"
#include "peers.h"

enum {
  SCRATCH = 65536,
  // So that values stay in the first cache until they are used.
  BATCH = 16,
};

typedef struct state {
  mwc_json_scanner *scanner;
  mwc_json_value values[BATCH * MWC_JSON_PATHS_MAX];
  uint8_t scratch[SCRATCH];
  mwc_json_range *ranges;  // of all messages; for batches only
  mwc_json_result results[BATCH];
} state;

static void *open_scanner(const stream *stream, uint32_t options) {
  mwc_json_text paths[MWC_JSON_PATHS_MAX];
  for (size_t i = 0; i < stream->path_count; i++) {
    paths[i] = (mwc_json_text){(const uint8_t *)stream->paths[i], strlen(stream->paths[i])};
  }
  size_t size = mwc_json_scanner_size(paths, stream->path_count);
  state *made = malloc(sizeof *made);
  void *memory = aligned_alloc(64, (size + 63) & ~(size_t)63);
  int error = 0;
  size_t at_fault = 0;
  if (made != NULL && memory != NULL) {
    made->scanner = mwc_json_scanner_init(memory, size, paths, stream->path_count, options, 0,
                                          &error, &at_fault);
    made->ranges = malloc(stream->count * sizeof *made->ranges);
    for (size_t i = 0; i < stream->count; i++) {
      stream_message message = stream->messages[i];
      made->ranges[i] = (mwc_json_range){message.offset, message.length, 0};
    }
    if (made->scanner != NULL) return made;
  }
  fprintf(stderr, "bench: no scanner for %s (%d, path %zu)\n", stream->name, error, at_fault);
  exit(1);
}

static void *open_general(const stream *stream) {
  return open_scanner(stream, MWC_JSON_CONVERT | MWC_JSON_GENERAL);
}
static void *open_default(const stream *stream) { return open_scanner(stream, MWC_JSON_CONVERT); }

static void close_scanner(void *opened) {
  state *state = opened;
  free(state->scanner);
  free(state->ranges);
  free(state);
}

// MARK: Fields

static inline uint64_t text_of(unsigned field, const mwc_json_value *value, const uint8_t *json,
                               uint8_t *scratch) {
  if (value->type != MWC_JSON_STRING) return 0;
  const uint8_t *text = json + value->offset;
  if ((value->flags & MWC_JSON_ESCAPED) == 0) return streams_text(field, text, value->length);
  if (value->length > SCRATCH) return 0;
  return streams_text(field, scratch, mwc_json_unescape(text, value->length, scratch));
}

static inline uint64_t integer_of(unsigned field, const mwc_json_value *value) {
  bool fits = value->type == MWC_JSON_NUMBER && (value->flags & MWC_JSON_INT64) != 0;
  return fits ? streams_integer(field, value->number.integer) : 0;
}

static inline uint64_t double_of(unsigned field, const mwc_json_value *value) {
  if (value->type != MWC_JSON_NUMBER) return 0;
  bool integer = (value->flags & MWC_JSON_INT64) != 0;
  return streams_double(field, integer ? (double)value->number.integer : value->number.real);
}

/// `sum_KIND`: adds up the fields of one message.
#define SUM_TEXT(name, path) sum += text_of(field, &values[field], json, scratch), field++;
#define SUM_INTEGER(name, path) sum += integer_of(field, &values[field]), field++;
#define SUM_DOUBLE(name, path) sum += double_of(field, &values[field]), field++;
#define SUM_FUNCTION(function, FIELDS)                                                    \
  static inline uint64_t function(const mwc_json_value *values, const uint8_t *json,      \
                                  uint8_t *scratch) {                                     \
    uint64_t sum = 0;                                                                     \
    unsigned field = 0;                                                                   \
    FIELDS(SUM_TEXT, SUM_INTEGER, SUM_DOUBLE)                                             \
    (void)json, (void)scratch;                                                            \
    return sum;                                                                           \
  }
SUM_FUNCTION(sum_monitoring, FIELDS_MONITORING)
SUM_FUNCTION(sum_alerts, FIELDS_ALERTS)
SUM_FUNCTION(sum_metrics, FIELDS_METRICS)
SUM_FUNCTION(sum_logs, FIELDS_LOGS)
SUM_FUNCTION(sum_socketio, FIELDS_SOCKETIO)

// MARK: Passes

_Noreturn static void refuse(const stream *stream, size_t message, int error, size_t offset) {
  fprintf(stderr, "bench: message %zu of %s refused (%d at byte %zu)\n", message, stream->name,
          error, offset);
  exit(1);
}

#define PASS_FUNCTION(function, sum_function)                                             \
  static uint64_t function(state *state, const stream *stream) {                          \
    uint64_t sum = 0;                                                                     \
    for (size_t i = 0; i < stream->count; i++) {                                          \
      const uint8_t *json = stream->bytes + stream->messages[i].offset;                   \
      size_t offset;                                                                      \
      int error = mwc_json_scan(state->scanner, json, stream->messages[i].length,         \
                                state->values, &offset);                                  \
      if (error != 0) refuse(stream, i, error, offset);                                   \
      sum += sum_function(state->values, json, state->scratch);                           \
    }                                                                                     \
    return sum;                                                                           \
  }
PASS_FUNCTION(pass_monitoring, sum_monitoring)
PASS_FUNCTION(pass_alerts, sum_alerts)
PASS_FUNCTION(pass_metrics, sum_metrics)
PASS_FUNCTION(pass_logs, sum_logs)
PASS_FUNCTION(pass_socketio, sum_socketio)

#define BATCH_FUNCTION(function, sum_function)                                            \
  static uint64_t function(state *state, const stream *stream) {                          \
    uint64_t sum = 0;                                                                     \
    for (size_t i = 0; i < stream->count; i += BATCH) {                                   \
      size_t count = stream->count - i < BATCH ? stream->count - i : BATCH;               \
      size_t valid = mwc_json_scan_batch(state->scanner, stream->bytes, stream->size,     \
                                         state->ranges + i, count, state->values,         \
                                         state->results);                                 \
      if (valid != count) refuse(stream, i, 0, 0);                                        \
      const mwc_json_value *values = state->values;                                       \
      for (size_t at = i; at < i + count; at++, values += stream->path_count) {           \
        sum += sum_function(values, stream->bytes + stream->messages[at].offset,          \
                            state->scratch);                                              \
      }                                                                                   \
    }                                                                                     \
    return sum;                                                                           \
  }
BATCH_FUNCTION(batch_monitoring, sum_monitoring)
BATCH_FUNCTION(batch_alerts, sum_alerts)
BATCH_FUNCTION(batch_metrics, sum_metrics)
BATCH_FUNCTION(batch_logs, sum_logs)
BATCH_FUNCTION(batch_socketio, sum_socketio)

static uint64_t pass(void *state, const stream *stream) {
  switch (stream->kind) {
    case STREAM_MONITORING: return pass_monitoring(state, stream);
    case STREAM_ALERTS: return pass_alerts(state, stream);
    case STREAM_DOCUMENTED:
    case STREAM_SHIPPED: return pass_metrics(state, stream);
    case STREAM_LOGS:
    case STREAM_HISTORIES: return pass_logs(state, stream);
    default: return pass_socketio(state, stream);
  }
}

static uint64_t pass_batches(void *state, const stream *stream) {
  switch (stream->kind) {
    case STREAM_MONITORING: return batch_monitoring(state, stream);
    case STREAM_ALERTS: return batch_alerts(state, stream);
    case STREAM_DOCUMENTED:
    case STREAM_SHIPPED: return batch_metrics(state, stream);
    case STREAM_LOGS:
    case STREAM_HISTORIES: return batch_logs(state, stream);
    default: return batch_socketio(state, stream);
  }
}

const peer peer_general = {"general", open_general, pass, close_scanner, NULL};
const peer peer_default = {"default", open_default, pass, close_scanner, NULL};
const peer peer_batch = {"batch", open_default, pass_batches, close_scanner, NULL};
