// The same fields with simdjson's On-Demand API, written as its documentation recommends: one parser
// for all messages, padded input, members in the order in which they come, every object entered once.
#include <simdjson.h>

#include <cstdio>
#include <cstdlib>

#include "peers.h"

using namespace simdjson;

namespace {

// An object is entered in document order; a member that is missing costs a search to its end, so
// what depends on the kind of message is asked only of messages of that kind.

struct adder {
  uint64_t sum = 0;

  void text(unsigned field, simdjson_result<ondemand::value> &&value) {
    std::string_view text;
    if (value.get_string().get(text) != SUCCESS) return;
    sum += streams_text(field, reinterpret_cast<const uint8_t *>(text.data()), text.size());
  }
  std::string_view text_kept(unsigned field, simdjson_result<ondemand::value> &&value) {
    std::string_view text;
    if (value.get_string().get(text) != SUCCESS) return {};
    sum += streams_text(field, reinterpret_cast<const uint8_t *>(text.data()), text.size());
    return text;
  }
  void integer(unsigned field, simdjson_result<ondemand::value> &&value) {
    int64_t integer;
    if (value.get_int64().get(integer) == SUCCESS) sum += streams_integer(field, integer);
  }
  void real(unsigned field, simdjson_result<ondemand::value> &&value) {
    double real;
    if (value.get_double().get(real) == SUCCESS) sum += streams_double(field, real);
  }
};

uint64_t monitoring(ondemand::document &document) {
  adder add;
  ondemand::object root;
  if (document.get_object().get(root) != SUCCESS) return 0;
  std::string_view type = add.text_kept(MONITORING_type, root.find_field("type"));
  if (type != "monitoring_data") {
    add.text(MONITORING_timestamp, root.find_field("timestamp"));
    return add.sum;
  }
  add.text(MONITORING_timestamp, root.find_field("timestamp"));
  ondemand::object data, part;
  if (root.find_field("data").get_object().get(data) != SUCCESS) return add.sum;
  if (data.find_field("memory").get_object().get(part) == SUCCESS) {
    add.integer(MONITORING_memory_total, part.find_field("total"));
    add.integer(MONITORING_memory_available, part.find_field("available"));
    add.integer(MONITORING_memory_used, part.find_field("used"));
    add.real(MONITORING_memory_percentage, part.find_field("percentage"));
  }
  if (data.find_field("processor").get_object().get(part) == SUCCESS) {
    add.real(MONITORING_usage, part.find_field("usage_percent"));
    add.integer(MONITORING_cores, part.find_field("core_count"));
    ondemand::array cores;
    if (part.find_field("per_core_usage").get_array().get(cores) == SUCCESS) {
      unsigned field = MONITORING_core0;
      for (auto core : cores) {
        if (field > MONITORING_core1) break;
        add.real(field++, std::move(core));
      }
    }
  }
  if (data.find_field("disk").get_object().get(part) == SUCCESS) {
    add.integer(MONITORING_disk_total, part.find_field("total"));
    add.integer(MONITORING_disk_used, part.find_field("used"));
    add.integer(MONITORING_disk_free, part.find_field("free"));
    add.real(MONITORING_disk_percentage, part.find_field("percentage"));
  }
  if (data.find_field("system").get_object().get(part) == SUCCESS) {
    add.text(MONITORING_hostname, part.find_field("hostname"));
  }
  return add.sum;
}

uint64_t alerts(ondemand::document &document) {
  adder add;
  ondemand::object root;
  if (document.get_object().get(root) != SUCCESS) return 0;
  std::string_view type = add.text_kept(ALERTS_type, root.find_field("type"));
  if (type != "monitoring_data") {
    add.text(ALERTS_timestamp, root.find_field("timestamp"));
    return add.sum;
  }
  add.text(ALERTS_timestamp, root.find_field("timestamp"));
  ondemand::object data, part;
  if (root.find_field("data").get_object().get(data) != SUCCESS) return add.sum;
  if (data.find_field("memory").get_object().get(part) == SUCCESS) {
    add.integer(ALERTS_memory_used, part.find_field("used"));
    add.real(ALERTS_memory_percentage, part.find_field("percentage"));
  }
  if (data.find_field("processor").get_object().get(part) == SUCCESS) {
    add.real(ALERTS_usage, part.find_field("usage_percent"));
  }
  if (data.find_field("disk").get_object().get(part) == SUCCESS) {
    add.integer(ALERTS_disk_used, part.find_field("used"));
    add.real(ALERTS_disk_percentage, part.find_field("percentage"));
  }
  if (data.find_field("gpu").get_object().get(part) == SUCCESS) {
    add.text(ALERTS_gpu_name, part.find_field("name"));
    add.real(ALERTS_gpu_memory_total, part.find_field("memory_total"));
    add.real(ALERTS_gpu_memory_used, part.find_field("memory_used"));
    add.real(ALERTS_gpu_memory_percentage, part.find_field("memory_percentage"));
    add.real(ALERTS_gpu_usage, part.find_field("gpu_usage_percent"));
    add.real(ALERTS_gpu_temperature, part.find_field("temperature"));
  }
  ondemand::array list;
  if (root.find_field("alerts").get_array().get(list) != SUCCESS) return add.sum;
  unsigned index = 0;
  for (auto element : list) {
    ondemand::object alert;
    if (index > 1 || element.get_object().get(alert) != SUCCESS) break;
    if (index == 0) {
      add.text(ALERTS_component0, alert.find_field("component"));
      add.real(ALERTS_value0, alert.find_field("value"));
      add.text(ALERTS_level0, alert.find_field("level"));
      add.text(ALERTS_message0, alert.find_field("message"));
    } else {
      add.text(ALERTS_component1, alert.find_field("component"));
      add.real(ALERTS_value1, alert.find_field("value"));
      add.text(ALERTS_level1, alert.find_field("level"));
      break;
    }
    index++;
  }
  return add.sum;
}

uint64_t metrics(ondemand::document &document) {
  adder add;
  ondemand::object root, part;
  if (document.get_object().get(root) != SUCCESS) return 0;
  ondemand::value timestamp;
  // The greeting has none of the fields.
  if (root.find_field("timestamp").get(timestamp) != SUCCESS) return 0;
  add.real(METRICS_timestamp, std::move(timestamp));
  if (root.find_field("cpu").get_object().get(part) == SUCCESS) {
    add.real(METRICS_cpu, part.find_field("percent_total"));
    ondemand::array cores;
    if (part.find_field("percent_per_core").get_array().get(cores) == SUCCESS) {
      unsigned field = METRICS_core0;
      for (auto core : cores) {
        if (field > METRICS_core1) break;
        add.real(field++, std::move(core));
      }
    }
    add.integer(METRICS_cores, part.find_field("count"));
  }
  if (root.find_field("memory").get_object().get(part) == SUCCESS) {
    add.real(METRICS_memory, part.find_field("percent"));
    add.real(METRICS_memory_total, part.find_field("total_mb"));
    add.real(METRICS_memory_used, part.find_field("used_mb"));
  }
  if (root.find_field("disk").get_object().get(part) == SUCCESS) {
    add.real(METRICS_disk, part.find_field("percent"));
    add.real(METRICS_disk_used, part.find_field("used_gb"));
    add.real(METRICS_disk_free, part.find_field("free_gb"));
  }
  if (root.find_field("network").get_object().get(part) == SUCCESS) {
    add.real(METRICS_sent, part.find_field("bytes_sent_mb"));
    add.real(METRICS_received, part.find_field("bytes_recv_mb"));
  }
  if (root.find_field("process").get_object().get(part) == SUCCESS) {
    add.real(METRICS_process_memory, part.find_field("memory_mb"));
    add.real(METRICS_process_cpu, part.find_field("cpu_percent"));
  }
  return add.sum;
}

uint64_t logs(ondemand::document &document) {
  adder add;
  ondemand::object root;
  if (document.get_object().get(root) != SUCCESS) return 0;
  std::string_view type = add.text_kept(LOGS_type, root.find_field("type"));
  if (type == "metrics") {
    ondemand::object payload, part;
    if (root.find_field("payload").get_object().get(payload) != SUCCESS) return add.sum;
    if (payload.find_field("cpu").get_object().get(part) == SUCCESS) {
      add.real(LOGS_cpu, part.find_field("usage"));
    }
    if (payload.find_field("memory").get_object().get(part) == SUCCESS) {
      add.integer(LOGS_memory_used, part.find_field("used"));
    }
    add.real(LOGS_rate, payload.find_field("messageRate"));
    return add.sum;
  }
  ondemand::array payload;
  if (root.find_field("payload").get_array().get(payload) != SUCCESS) return add.sum;
  unsigned field = LOGS_timestamp0;
  for (auto element : payload) {
    ondemand::object entry;
    if (field > LOGS_timestamp4 || element.get_object().get(entry) != SUCCESS) break;
    add.integer(field, entry.find_field("timestamp"));
    add.text(field + 1, entry.find_field("level"));
    add.text(field + 2, entry.find_field("message"));
    field += LOGS_timestamp1 - LOGS_timestamp0;
  }
  return add.sum;
}

/// The nodes that are online, always in the same order.
void nodes_of(adder &add, ondemand::object nodes) {
  static constexpr std::string_view names[] = {"node6.lan",  "node7.lan",  "node9.lan",
                                               "node10.lan", "node11.lan", "node12.lan",
                                               "node13.lan", "node14.lan"};
  unsigned node = 0;
  for (auto field : nodes) {
    ondemand::raw_json_string key;
    if (field.key().get(key) != SUCCESS) return;
    while (node < std::size(names) && !(key == names[node])) node++;
    if (node == std::size(names)) return;
    ondemand::object values;
    if (field.value().get_object().get(values) != SUCCESS) continue;
    add.real(SOCKETIO_cpu6 + node, values.find_field("cpu_usage"));
    node++;
  }
}

uint64_t socketio(ondemand::document &document) {
  adder add;
  ondemand::array root;
  // Engine.IO's own packets are objects without any of the fields.
  if (document.get_array().get(root) != SUCCESS) return 0;
  unsigned index = 0;
  for (auto element : root) {
    if (index++ == 0) {
      add.text(SOCKETIO_event, std::move(element));
      continue;
    }
    ondemand::object body;
    if (element.get_object().get(body) != SUCCESS) return add.sum;
    // The bodies of the events differ: each member is met once, in whatever order.
    for (auto field : body) {
      ondemand::raw_json_string key;
      if (field.key().get(key) != SUCCESS) return add.sum;
      if (key == "timestamp") {
        add.text(SOCKETIO_timestamp, field.value());
      } else if (key == "overall_status") {
        add.text(SOCKETIO_status, field.value());
      } else if (key == "nodes_online") {
        add.integer(SOCKETIO_online, field.value());
      } else if (key == "nodes_total") {
        add.integer(SOCKETIO_total, field.value());
      } else if (key == "alert_count") {
        add.integer(SOCKETIO_alerts, field.value());
      } else if (key == "nodes") {
        ondemand::object nodes;
        if (field.value().get_object().get(nodes) == SUCCESS) nodes_of(add, nodes);
      } else if (key == "cluster_stats") {
        ondemand::object stats;
        if (field.value().get_object().get(stats) != SUCCESS) continue;
        add.integer(SOCKETIO_online_nodes, stats.find_field("online_nodes"));
        add.real(SOCKETIO_average_cpu, stats.find_field("avg_cpu"));
        add.real(SOCKETIO_average_memory, stats.find_field("avg_memory"));
      }
    }
    return add.sum;
  }
  return add.sum;
}

void *open_parser(const stream *) { return new ondemand::parser; }
void close_parser(void *parser) { delete static_cast<ondemand::parser *>(parser); }

template <uint64_t (*fields)(ondemand::document &)>
uint64_t pass_over(ondemand::parser &parser, const stream *stream) {
  uint64_t sum = 0;
  for (size_t i = 0; i < stream->count; i++) {
    const uint8_t *json = stream->bytes + stream->messages[i].offset;
    size_t length = stream->messages[i].length;
    ondemand::document document;
    auto error = parser.iterate(json, length, length + STREAMS_PADDING).get(document);
    if (error != SUCCESS) {
      std::fprintf(stderr, "bench: simdjson refuses message %zu of %s: %s\n", i, stream->name,
                   error_message(error));
      std::exit(1);
    }
    sum += fields(document);
  }
  return sum;
}

uint64_t pass(void *state, const stream *stream) {
  auto &parser = *static_cast<ondemand::parser *>(state);
  switch (stream->kind) {
    case STREAM_MONITORING: return pass_over<monitoring>(parser, stream);
    case STREAM_ALERTS: return pass_over<alerts>(parser, stream);
    case STREAM_DOCUMENTED:
    case STREAM_SHIPPED: return pass_over<metrics>(parser, stream);
    case STREAM_LOGS:
    case STREAM_HISTORIES: return pass_over<logs>(parser, stream);
    default: return pass_over<socketio>(parser, stream);
  }
}

}  // namespace

const peer peer_simdjson = {"simdjson", open_parser, pass, close_parser, nullptr};

const char *peer_simdjson_version() { return SIMDJSON_STRINGIFY(SIMDJSON_VERSION); }

const char *peer_simdjson_implementation() {
  // Indexing is chosen when the program runs, the rest when it is compiled.
  static const std::string name = get_active_implementation()->name() + " and " +
                                  SIMDJSON_STRINGIFY(SIMDJSON_BUILTIN_IMPLEMENTATION);
  return name.c_str();
}
