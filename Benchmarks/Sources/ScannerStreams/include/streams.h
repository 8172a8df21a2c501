/// The messages that scanners are measured with, and what is asked of them.
///
/// A stream is a few hundred messages of one recorded conversation, in their order, and 15 to 20 fields
/// that a program would want of them. Every competitor extracts the same fields and adds them up in
/// the same way (`streams_text` and its like), so equal sums mean equal work.
#ifndef STREAMS_H
#define STREAMS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// Readable bytes behind every message: what simdjson wants. Messages do not share them.
  STREAMS_PADDING = 64,
};

typedef struct stream_message {
  uint32_t offset;
  uint32_t length;
} stream_message;

typedef enum stream_kind {
  STREAM_MONITORING,
  STREAM_ALERTS,
  STREAM_DOCUMENTED,
  STREAM_SHIPPED,
  STREAM_LOGS,       ///< Without answers that hold a whole history: the fields do not cover these.
  STREAM_SOCKETIO,
  STREAM_HISTORIES,  ///< The same logs with these answers.
  STREAM_KINDS,
} stream_kind;

typedef struct stream {
  const char *name;
  stream_kind kind;
  const char *const *paths;
  size_t path_count;
  uint8_t *bytes;
  size_t size;  ///< Of `bytes`, padding included.
  stream_message *messages;
  size_t count;
  size_t payload;  ///< Bytes of all messages.
} stream;

/// Reads the recorded conversations of `kind` below `folder`. Exits with a line of text if it cannot.
stream stream_load(const char *folder, stream_kind kind);

/// A stream of `count` messages none of which has the shape of another: keys, nesting, kinds of values
/// and lengths are drawn from `seed`; at most a few hundred bytes each.
stream stream_random(size_t count, uint64_t seed);

/// Messages as a monitoring server sends them, but with the members of every object shuffled and
/// some left out: new shapes that have much in common with old ones.
stream stream_shuffled(size_t count, uint64_t seed);

/// The messages of `from`, over and over, until they are `payload` bytes.
stream stream_repeated(const stream *from, size_t payload);

void stream_free(stream *stream);

// MARK: Fields

// S text, I integer, D double; a field is left out of the sum where a message has no such value.

#define FIELDS_MONITORING(S, I, D)                              \
  S(type, "type")                                               \
  S(timestamp, "timestamp")                                     \
  I(memory_total, "data.memory.total")                          \
  I(memory_available, "data.memory.available")                  \
  I(memory_used, "data.memory.used")                            \
  D(memory_percentage, "data.memory.percentage")                \
  D(usage, "data.processor.usage_percent")                      \
  I(cores, "data.processor.core_count")                         \
  D(core0, "data.processor.per_core_usage[0]")                  \
  D(core1, "data.processor.per_core_usage[1]")                  \
  I(disk_total, "data.disk.total")                              \
  I(disk_used, "data.disk.used")                                \
  I(disk_free, "data.disk.free")                                \
  D(disk_percentage, "data.disk.percentage")                    \
  S(hostname, "data.system.hostname")

#define FIELDS_ALERTS(S, I, D)                                  \
  S(type, "type")                                               \
  S(timestamp, "timestamp")                                     \
  I(memory_used, "data.memory.used")                            \
  D(memory_percentage, "data.memory.percentage")                \
  D(usage, "data.processor.usage_percent")                      \
  I(disk_used, "data.disk.used")                                \
  D(disk_percentage, "data.disk.percentage")                    \
  S(gpu_name, "data.gpu.name")                                  \
  D(gpu_memory_total, "data.gpu.memory_total")                  \
  D(gpu_memory_used, "data.gpu.memory_used")                    \
  D(gpu_memory_percentage, "data.gpu.memory_percentage")        \
  D(gpu_usage, "data.gpu.gpu_usage_percent")                    \
  D(gpu_temperature, "data.gpu.temperature")                    \
  S(component0, "alerts[0].component")                          \
  D(value0, "alerts[0].value")                                  \
  S(level0, "alerts[0].level")                                  \
  S(message0, "alerts[0].message")                              \
  S(component1, "alerts[1].component")                          \
  D(value1, "alerts[1].value")                                  \
  S(level1, "alerts[1].level")

#define FIELDS_METRICS(S, I, D)                                 \
  D(timestamp, "timestamp")                                     \
  D(cpu, "cpu.percent_total")                                   \
  D(core0, "cpu.percent_per_core[0]")                           \
  D(core1, "cpu.percent_per_core[1]")                           \
  I(cores, "cpu.count")                                         \
  D(memory, "memory.percent")                                   \
  D(memory_total, "memory.total_mb")                            \
  D(memory_used, "memory.used_mb")                              \
  D(disk, "disk.percent")                                       \
  D(disk_used, "disk.used_gb")                                  \
  D(disk_free, "disk.free_gb")                                  \
  D(sent, "network.bytes_sent_mb")                              \
  D(received, "network.bytes_recv_mb")                          \
  D(process_memory, "process.memory_mb")                        \
  D(process_cpu, "process.cpu_percent")

// Every entry: live messages have up to five.
#define FIELDS_LOGS(S, I, D)                                    \
  S(type, "type")                                               \
  I(timestamp0, "payload[0].timestamp")                         \
  S(level0, "payload[0].level")                                 \
  S(message0, "payload[0].message")                             \
  I(timestamp1, "payload[1].timestamp")                         \
  S(level1, "payload[1].level")                                 \
  S(message1, "payload[1].message")                             \
  I(timestamp2, "payload[2].timestamp")                         \
  S(level2, "payload[2].level")                                 \
  S(message2, "payload[2].message")                             \
  I(timestamp3, "payload[3].timestamp")                         \
  S(level3, "payload[3].level")                                 \
  S(message3, "payload[3].message")                             \
  I(timestamp4, "payload[4].timestamp")                         \
  S(level4, "payload[4].level")                                 \
  S(message4, "payload[4].message")                             \
  D(cpu, "payload.cpu.usage")                                   \
  I(memory_used, "payload.memory.used")                         \
  D(rate, "payload.messageRate")

// Every node of the cluster.
#define FIELDS_SOCKETIO(S, I, D)                                \
  S(event, "[0]")                                               \
  S(timestamp, "[1].timestamp")                                 \
  S(status, "[1].overall_status")                               \
  I(online, "[1].nodes_online")                                 \
  I(total, "[1].nodes_total")                                   \
  I(alerts, "[1].alert_count")                                  \
  D(cpu6, "[1].nodes[\"node6.lan\"].cpu_usage")                 \
  D(cpu7, "[1].nodes[\"node7.lan\"].cpu_usage")                 \
  D(cpu9, "[1].nodes[\"node9.lan\"].cpu_usage")                 \
  D(cpu10, "[1].nodes[\"node10.lan\"].cpu_usage")               \
  D(cpu11, "[1].nodes[\"node11.lan\"].cpu_usage")               \
  D(cpu12, "[1].nodes[\"node12.lan\"].cpu_usage")               \
  D(cpu13, "[1].nodes[\"node13.lan\"].cpu_usage")               \
  D(cpu14, "[1].nodes[\"node14.lan\"].cpu_usage")               \
  I(online_nodes, "[1].cluster_stats.online_nodes")             \
  D(average_cpu, "[1].cluster_stats.avg_cpu")                   \
  D(average_memory, "[1].cluster_stats.avg_memory")

#define NUMBER_MONITORING(name, path) MONITORING_##name,
#define NUMBER_ALERTS(name, path) ALERTS_##name,
#define NUMBER_METRICS(name, path) METRICS_##name,
#define NUMBER_LOGS(name, path) LOGS_##name,
#define NUMBER_SOCKETIO(name, path) SOCKETIO_##name,
enum { FIELDS_MONITORING(NUMBER_MONITORING, NUMBER_MONITORING, NUMBER_MONITORING) };
enum { FIELDS_ALERTS(NUMBER_ALERTS, NUMBER_ALERTS, NUMBER_ALERTS) };
enum { FIELDS_METRICS(NUMBER_METRICS, NUMBER_METRICS, NUMBER_METRICS) };
enum { FIELDS_LOGS(NUMBER_LOGS, NUMBER_LOGS, NUMBER_LOGS) };
enum { FIELDS_SOCKETIO(NUMBER_SOCKETIO, NUMBER_SOCKETIO, NUMBER_SOCKETIO) };

// MARK: Sums

// The number of the field is part of what is added, so that swapped fields do not go unnoticed.

static inline uint64_t streams_integer(unsigned field, int64_t value) {
  return (2 * (uint64_t)field + 1) * (uint64_t)value;
}

static inline uint64_t streams_double(unsigned field, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (2 * (uint64_t)field + 1) * bits;
}

/// `text` with its escapes resolved. Looks at both ends of it, not at every byte: a program that wants
/// a string does not always read it.
static inline uint64_t streams_text(unsigned field, const uint8_t *text, size_t length) {
  uint64_t value = length == 0 ? 1 : length + 256 * (uint64_t)text[0] + 65536 * text[length - 1];
  return (2 * (uint64_t)field + 1) * value;
}

#ifdef __cplusplus
}
#endif
#endif
