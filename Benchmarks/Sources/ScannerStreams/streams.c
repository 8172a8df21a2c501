#include "streams.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "mwc_json.h"

#define PATH(name, path) path,
static const char *const monitoring_paths[] = {FIELDS_MONITORING(PATH, PATH, PATH)};
static const char *const alerts_paths[] = {FIELDS_ALERTS(PATH, PATH, PATH)};
static const char *const metrics_paths[] = {FIELDS_METRICS(PATH, PATH, PATH)};
static const char *const logs_paths[] = {FIELDS_LOGS(PATH, PATH, PATH)};
static const char *const socketio_paths[] = {FIELDS_SOCKETIO(PATH, PATH, PATH)};
#define PATHS(list) list, sizeof list / sizeof list[0]

static const struct {
  const char *name;
  const char *files[3];
  const char *const *paths;
  size_t path_count;
} kinds[STREAM_KINDS] = {
    [STREAM_MONITORING] = {"monitoring", {"monitoring.jsonl"}, PATHS(monitoring_paths)},
    [STREAM_ALERTS] = {"monitoring, GPU, alerts",
                       {"monitoring-alerts-gpu.jsonl", "monitoring-alerts-gpu-loaded.jsonl"},
                       PATHS(alerts_paths)},
    [STREAM_DOCUMENTED] = {"metrics, documented", {"metrics.jsonl"}, PATHS(metrics_paths)},
    [STREAM_SHIPPED] = {"metrics, shipped", {"metrics-shipped.jsonl"}, PATHS(metrics_paths)},
    [STREAM_LOGS] = {"smartlogger", {"smartlogger.jsonl"}, PATHS(logs_paths)},
    [STREAM_SOCKETIO] = {"socketio",
                         {"socketio.jsonl", "socketio-shipped.jsonl"},
                         PATHS(socketio_paths)},
    [STREAM_HISTORIES] = {"smartlogger with histories", {"smartlogger.jsonl"}, PATHS(logs_paths)},
};

/// Longest message of the live logs: five entries.
static const size_t longest_log = 1200;

static void *grown(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (memory == NULL) {
    fprintf(stderr, "bench: no memory for %zu bytes\n", size);
    exit(1);
  }
  return memory;
}

// MARK: Building

/// A stream under construction; `bytes` and `messages` grow by doubling.
typedef struct builder {
  stream stream;
  size_t bytes_room;
  size_t messages_room;
} builder;

static void append(builder *builder, const uint8_t *message, size_t length) {
  stream *stream = &builder->stream;
  if (stream->size + length + STREAMS_PADDING > builder->bytes_room) {
    builder->bytes_room = 2 * (stream->size + length + STREAMS_PADDING);
    stream->bytes = grown(stream->bytes, builder->bytes_room);
  }
  if (stream->count == builder->messages_room) {
    builder->messages_room = 2 * builder->messages_room + 64;
    stream->messages = grown(stream->messages, builder->messages_room * sizeof(stream_message));
  }
  stream->messages[stream->count++] = (stream_message){(uint32_t)stream->size, (uint32_t)length};
  memcpy(stream->bytes + stream->size, message, length);
  memset(stream->bytes + stream->size + length, ' ', STREAMS_PADDING);
  stream->size += length + STREAMS_PADDING;
  stream->payload += length;
}

void stream_free(stream *stream) {
  free(stream->bytes);
  free(stream->messages);
  memset(stream, 0, sizeof *stream);
}

// MARK: Recorded conversations

static void *read_file(const char *folder, const char *name, size_t *size) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    fprintf(stderr, "bench: cannot read %s; give the folder of recorded traffic\n", path);
    exit(66);
  }
  uint8_t *bytes = NULL;
  *size = 0;
  for (;;) {
    bytes = grown(bytes, *size + 65536);
    size_t count = fread(bytes + *size, 1, 65536, file);
    if (count == 0) break;
    *size += count;
  }
  fclose(file);
  return bytes;
}

/// Where the JSON of a Socket.IO packet begins: behind its type, namespace and number.
static size_t packet_prefix(const uint8_t *packet, size_t length) {
  size_t at = 0;
  while (at < length && packet[at] != '[' && packet[at] != '{' && packet[at] != '"') at++;
  return at;
}

stream stream_load(const char *folder, stream_kind kind) {
  builder builder = {0};
  builder.stream.name = kinds[kind].name;
  builder.stream.kind = kind;
  builder.stream.paths = kinds[kind].paths;
  builder.stream.path_count = kinds[kind].path_count;

  const mwc_json_text paths[] = {
      {(const uint8_t *)"dir", 3}, {(const uint8_t *)"op", 2}, {(const uint8_t *)"data", 4}};
  int error;
  size_t at_fault;
  size_t size = mwc_json_scanner_size(paths, 3);
  mwc_json_scanner *scanner =
      mwc_json_scanner_init(grown(NULL, size), size, paths, 3, 0, 0, &error, &at_fault);

  for (const char *const *name = kinds[kind].files; *name != NULL; name++) {
    size_t length;
    uint8_t *bytes = read_file(folder, *name, &length);
    uint8_t *text = grown(NULL, length + 1);
    for (size_t start = 0; start < length;) {
      const uint8_t *end = memchr(bytes + start, '\n', length - start);
      size_t line = end == NULL ? length - start : (size_t)(end - (bytes + start));
      mwc_json_value values[3];
      if (mwc_json_scan(scanner, bytes + start, line, values, &at_fault) != 0) {
        fprintf(stderr, "bench: %s is not a recording at byte %zu\n", *name, start + at_fault);
        exit(1);
      }
      bool wanted = mwc_json_equal(bytes + start + values[0].offset, values[0].length,
                                   (const uint8_t *)"in", 2) &&
                    mwc_json_equal(bytes + start + values[1].offset, values[1].length,
                                   (const uint8_t *)"text", 4);
      if (wanted && values[2].type == MWC_JSON_STRING) {
        size_t count =
            mwc_json_unescape(bytes + start + values[2].offset, values[2].length, text);
        size_t prefix = kind == STREAM_SOCKETIO ? packet_prefix(text, count) : 0;
        bool history = kind == STREAM_LOGS && count > longest_log;
        if (count > prefix && !history) append(&builder, text + prefix, count - prefix);
      }
      start += line + 1;
    }
    free(text);
    free(bytes);
  }
  free(scanner);
  return builder.stream;
}

stream stream_repeated(const stream *from, size_t payload) {
  builder builder = {.stream = *from};
  builder.stream.bytes = NULL;
  builder.stream.messages = NULL;
  builder.stream.size = builder.stream.count = builder.stream.payload = 0;
  for (size_t i = 0; builder.stream.payload < payload; i = (i + 1) % from->count) {
    append(&builder, from->bytes + from->messages[i].offset, from->messages[i].length);
  }
  return builder.stream;
}

// MARK: Streams that never repeat

static uint64_t random_next(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

static size_t random_below(uint64_t *state, size_t bound) {
  return (size_t)(random_next(state) % bound);
}

enum { MESSAGE_ROOM = 8192 };

typedef struct text {
  char bytes[MESSAGE_ROOM];
  size_t length;
} text;

__attribute__((format(printf, 2, 3))) static void put(text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(text->bytes + text->length, MESSAGE_ROOM - text->length, format, arguments);
  va_end(arguments);
  text->length += (size_t)count;
  if (count < 0 || text->length >= MESSAGE_ROOM) {
    fprintf(stderr, "bench: a generated message is too long\n");
    exit(1);
  }
}

static void put_word(text *text, uint64_t *state, size_t longest) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOP0123456789";
  size_t length = 1 + random_below(state, longest);
  put(text, "\"");
  for (size_t i = 0; i < length; i++) {
    put(text, "%c", letters[random_below(state, sizeof letters - 1)]);
  }
  put(text, "\"");
}

/// A value, containers only as long as there is `depth` and `budget` left.
static void put_random(text *text, uint64_t *state, int depth, int *budget) {
  bool leaf = depth == 0 || *budget <= 0;
  size_t kind = random_below(state, leaf ? 6 : 9);
  (*budget)--;
  switch (kind) {
    case 0: put(text, "%d", (int)random_below(state, 1u << (1 + random_below(state, 30)))); break;
    case 1: put(text, "%.1f", (double)random_below(state, 2000) / 10); break;
    case 2: put(text, "%.17g", (double)random_next(state) * 1e-9); break;
    case 3: put(text, "%s", random_below(state, 2) == 0 ? "null" : "true"); break;
    case 4:
    case 5: put_word(text, state, 30); break;
    case 6: {
      size_t count = random_below(state, 6);
      put(text, "[");
      for (size_t i = 0; i < count; i++) {
        if (i > 0) put(text, ",");
        put_random(text, state, depth - 1, budget);
      }
      put(text, "]");
      break;
    }
    default: {
      size_t count = 1 + random_below(state, 7);
      put(text, "{");
      for (size_t i = 0; i < count; i++) {
        if (i > 0) put(text, ", ");
        put_word(text, state, 16);
        put(text, ": ");
        put_random(text, state, depth - 1, budget);
      }
      put(text, "}");
    }
  }
}

stream stream_random(size_t count, uint64_t seed) {
  builder builder = {0};
  builder.stream.name = "never repeats";
  builder.stream.kind = STREAM_MONITORING;
  builder.stream.paths = kinds[STREAM_MONITORING].paths;
  builder.stream.path_count = kinds[STREAM_MONITORING].path_count;
  text *text = grown(NULL, sizeof *text);
  for (size_t i = 0; i < count; i++) {
    text->length = 0;
    int budget = 40;
    put(text, "{\"type\": ");
    put_word(text, &seed, 12);
    while (budget > 0) {
      put(text, ", ");
      put_word(text, &seed, 16);
      put(text, ": ");
      put_random(text, &seed, 4, &budget);
    }
    put(text, "}");
    append(&builder, (const uint8_t *)text->bytes, text->length);
  }
  free(text);
  return builder.stream;
}

/// `{…}` of the members in a random order, each with a chance of one in eight to be left out.
static void put_shuffled(text *text, uint64_t *state, const struct text *members, size_t count) {
  const struct text *order[8];
  for (size_t i = 0; i < count; i++) order[i] = &members[i];
  for (size_t i = count; i > 1; i--) {
    size_t other = random_below(state, i);
    const struct text *swapped = order[i - 1];
    order[i - 1] = order[other];
    order[other] = swapped;
  }
  bool first = true;
  put(text, "{");
  for (size_t i = 0; i < count; i++) {
    if (random_below(state, 8) == 0) continue;
    put(text, "%s%.*s", first ? "" : ", ", (int)order[i]->length, order[i]->bytes);
    first = false;
  }
  put(text, "}");
}

#define MEMBER(...) (members[count].length = 0, put(&members[count++], __VA_ARGS__))

stream stream_shuffled(size_t total, uint64_t seed) {
  builder builder = {0};
  builder.stream.name = "shuffled members";
  builder.stream.kind = STREAM_MONITORING;
  builder.stream.paths = kinds[STREAM_MONITORING].paths;
  builder.stream.path_count = kinds[STREAM_MONITORING].path_count;
  text *members = grown(NULL, 8 * sizeof *members);
  text *parts = grown(NULL, 4 * sizeof *parts);
  text *data = grown(NULL, sizeof *data);
  text *message = grown(NULL, sizeof *message);
  static const char *const names[] = {"memory", "processor", "disk", "system"};
  for (size_t i = 0; i < total; i++) {
    for (size_t part = 0; part < 4; part++) {
      size_t count = 0;
      double percent = (double)random_below(&seed, 1000) / 10;
      unsigned long long total_bytes = 25274793984, used = random_below(&seed, 25274793984);
      parts[part].length = 0;
      put(&parts[part], "\"%s\": ", names[part]);
      if (part == 1) {
        MEMBER("\"usage_percent\": %.1f", percent);
        MEMBER("\"core_count\": 2");
        MEMBER("\"logical_count\": 2");
        MEMBER("\"frequency_current\": 2300.0");
        MEMBER("\"per_core_usage\": [%.1f, %.1f]", percent, 100 - percent);
      } else if (part == 3) {
        MEMBER("\"os_name\": \"Linux\"");
        MEMBER("\"architecture\": \"x86_64\"");
        MEMBER("\"hostname\": \"host%zu\"", random_below(&seed, 16));
        MEMBER("\"python_version\": \"3.11.7\"");
      } else {
        MEMBER("\"total\": %llu", total_bytes);
        MEMBER("\"available\": %llu", total_bytes - used);
        MEMBER("\"used\": %llu", used);
        MEMBER("\"percentage\": %.1f", percent);
        MEMBER("\"free\": %llu", total_bytes - used);
      }
      put_shuffled(&parts[part], &seed, members, count);
    }
    size_t count = 0;
    data->length = 0;
    put_shuffled(data, &seed, parts, 4);
    MEMBER("\"type\": \"monitoring_data\"");
    MEMBER("\"timestamp\": \"2026-11-21T10:14:%02zu.%06zu\"", random_below(&seed, 60),
           random_below(&seed, 1000000));
    MEMBER("\"data\": %.*s", (int)data->length, data->bytes);
    message->length = 0;
    put_shuffled(message, &seed, members, count);
    append(&builder, (const uint8_t *)message->bytes, message->length);
  }
  free(members);
  free(parts);
  free(data);
  free(message);
  return builder.stream;
}
