#include "generator.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mwc_decimal.h"

// MARK: Chance

static uint64_t next(uint64_t *state) {
  uint64_t z = (*state += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

/// In [0, 1).
static double uniform(uint64_t *state) { return (double)(next(state) >> 11) * 0x1p-53; }

static bool chance(uint64_t *state, double probability) { return uniform(state) < probability; }

static int below(uint64_t *state, int bound) { return (int)(uniform(state) * bound); }

/// Mostly near `scale`, rarely many times that.
static double heavy(uint64_t *state, double scale) {
  return scale * exp(1.6 * (uniform(state) + uniform(state) + uniform(state) - 1.5) * 1.4);
}

// MARK: Text

enum { ROOM = 65536 };

typedef struct text {
  size_t length;
  char bytes[ROOM];
} text;

__attribute__((format(printf, 2, 3))) static void put(text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int count = vsnprintf(text->bytes + text->length, ROOM - text->length, format, arguments);
  va_end(arguments);
  if (count > 0) text->length += (size_t)count;
  if (text->length >= ROOM) text->length = ROOM - 1;
}

/// As Python spells a float.
static void put_float(text *text, double value) {
  char spelled[MWC_REPR_MAX];
  size_t length = mwc_decimal_repr(value, spelled);
  put(text, "%.*s", (int)length, spelled);
}

/// `round(value, digits)` as Python spells it.
static double rounded(double value, int digits) {
  double scale = digits == 1 ? 10 : 100;
  return rint(value * scale) / scale;
}

/// `2026-11-21T10:14:21.182086`, in UTC.
static void put_moment(text *text, int64_t microseconds) {
  time_t seconds = (time_t)(microseconds / 1000000);
  struct tm parts;
  gmtime_r(&seconds, &parts);
  put(text, "%04d-%02d-%02dT%02d:%02d:%02d.%06d", parts.tm_year + 1900, parts.tm_mon + 1,
      parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, (int)(microseconds % 1000000));
}

// MARK: A host

enum { CORES_MAX = 16, PAGE = 4096 };

typedef struct host {
  uint64_t random;
  uint32_t connection;
  int cores;
  bool has_gpu;
  double memory_limit, disk_limit;  // percentages above which there are alerts
  const char *release;
  const char *version;
  const char *platform;
  const char *python;
  char name[16];
  double frequency;
  int64_t memory_total, available, memory_aim;
  int64_t disk_total, disk_used, disk_free;
  int busy;        // cores that are fully loaded in the present phase
  int phase_left;  // messages until the phase ends
  double gpu_phase;
  int64_t gpu_total;  // MiB
  int64_t due;        // when the next message is made, microseconds since 1970
  int interval;       // microseconds, without what the message itself takes
} host;

static void host_open(host *host, uint64_t seed, uint32_t connection, int cores, bool has_gpu) {
  static const char *const releases[] = {"6.18.44-generic", "6.1.0-37-amd64", "6.8.0-60-generic"};
  static const char *const versions[] = {
      "#1 SMP PREEMPT_DYNAMIC Debian 6.18.44-1~bpo12+1 (2026-10-02)",
      "#1 SMP PREEMPT_DYNAMIC Debian 6.1.140-1 (2025-05-22)", "#63-Ubuntu SMP PREEMPT_DYNAMIC"};
  static const char *const platforms[] = {"Linux-6.18.44-generic-x86_64-with-glibc2.36",
                                          "Linux-6.1.0-37-amd64-x86_64-with-glibc2.36",
                                          "Linux-6.8.0-60-generic-x86_64-with-glibc2.39"};
  static const char *const pythons[] = {"3.11.7", "3.11.2", "3.12.3"};
  memset(host, 0, sizeof *host);
  host->random = seed;
  host->connection = connection;
  int make = (int)(connection % 3);
  host->release = releases[make];
  host->version = has_gpu ? "#1 SMP PREEMPT_DYNAMIC @0" : versions[make];
  host->platform = platforms[make];
  host->python = pythons[make];
  snprintf(host->name, sizeof host->name, connection == 0 ? "vm" : "node%02u", connection);
  host->cores = cores;
  host->has_gpu = has_gpu;
  host->frequency = make == 1 ? 2600 : 2300;
  // The kernel keeps some for itself.
  host->memory_total = cores == 2 ? 25274793984 : (int64_t)cores * 8589934592 - 120934 * PAGE;
  host->available = (int64_t)((double)host->memory_total * (0.78 + 0.15 * uniform(&host->random)));
  host->available -= host->available % PAGE;
  host->memory_aim = host->available;
  host->disk_total = 270553174016;
  host->disk_used = ((int64_t)(25e9 + 1e10 * uniform(&host->random))) / PAGE * PAGE;
  host->disk_free = 101443186688 - host->disk_used;
  // So that there is an alert every few messages, in spells.
  host->memory_limit =
      rounded(100.5 - 100.0 * (double)host->available / (double)host->memory_total, 1);
  host->disk_limit = 100;
  host->gpu_total = 10240;
  host->gpu_phase = 6.28 * uniform(&host->random);
  host->interval = 704000;
  host->due = 1795256061182086 + below(&host->random, 700000);
}

/// Percent of a span of processor time, which is counted in ticks of 10 ms.
static double ticks(uint64_t *random, double load, int span) {
  int all = span + below(random, 3) - 1;
  int used = load >= 1 ? all : (int)rint(load * all + 1.2 * (uniform(random) - 0.5));
  if (load >= 1 && chance(random, 0.05)) used--;
  if (used < 0) used = 0;
  if (used > all) used = all;
  return rounded(100.0 * used / all, 1);
}

static void host_advance(host *host) {
  uint64_t *random = &host->random;
  // Memory: rests, drifts by a few pages, or something starts or ends.
  double kind = uniform(random);
  int64_t change = 0;
  if (kind < 0.22) {
    change = -(int64_t)heavy(random, 1.5) * PAGE;
  } else if (kind < 0.72) {
    change = (int64_t)(heavy(random, 2600) * (chance(random, 0.5) ? 1 : -1)) * PAGE;
  } else {
    change = (int64_t)(heavy(random, 28000) * (chance(random, 0.5) ? 1 : -1)) * PAGE;
    change += (host->memory_aim - host->available) / 4 / PAGE * PAGE;
  }
  host->available += change;
  int64_t least = host->memory_total / 5, most = host->memory_total / 100 * 96;
  if (host->available < least || host->available > most) {
    host->available = host->memory_aim;
  }

  // Disk: logs and files grow, now and then one is removed.
  double write = uniform(random);
  int64_t pages = 0;
  if (write < 0.42) {
    pages = 0;
  } else if (write < 0.56) {
    pages = 1 + below(random, 3);
  } else {
    pages = (int64_t)heavy(random, 150);
  }
  if (chance(random, 0.03)) pages = -(int64_t)heavy(random, 2400);
  host->disk_used += pages * PAGE;
  host->disk_free -= pages * PAGE;
  if (host->disk_free < 40000000000) {
    host->disk_free += 30000000000 / PAGE * PAGE;
    host->disk_used -= 30000000000 / PAGE * PAGE;
  }

  if (host->phase_left-- <= 0) {
    host->phase_left = 5 + (int)heavy(random, 14);
    host->busy = chance(random, 0.7) ? host->cores : below(random, host->cores + 1);
  }
}

static void put_alert(text *text, int64_t moment, const char *component, double value,
                      double threshold, const char *level, const char *word) {
  put(text, "{\"timestamp\": \"");
  put_moment(text, moment);
  put(text, "\", \"component\": \"%s\", \"metric\": \"usage_percent\", \"value\": %.1f, ", component,
      value);
  put(text, "\"threshold\": ");
  put_float(text, threshold);
  put(text, ", \"level\": \"%s\", \"message\": \"%s %s usage: %.1f%% (threshold: ", level, word,
      component, value);
  put_float(text, threshold);
  put(text, "%%)\"}");
}

static void put_gpu(host *host, text *text) {
  uint64_t *random = &host->random;
  host->gpu_phase += 0.016;
  double total = (double)(host->gpu_total * 1048576);
  double used = rint((double)host->gpu_total * (0.55 + 0.43 * sin(host->gpu_phase))) * 1048576;
  int percent = (int)(50 - 42 * sin(host->gpu_phase * 1.07) + 12 * (uniform(random) - 0.5));
  put(text, ", \"gpu\": {\"name\": \"NVIDIA GeForce RTX 3080\", \"driver_version\": \"537.58\", ");
  put(text, "\"memory_total\": %.1f, \"memory_used\": %.1f, \"memory_free\": %.1f, ", total, used,
      total - used);
  put(text, "\"memory_percentage\": ");
  put_float(text, used / total * 100);
  put(text, ", \"gpu_usage_percent\": ");
  put_float(text, percent / 100.0 * 100);
  put(text, ", \"temperature\": %.1f, \"power_draw\": null, \"power_limit\": null}",
      rint(40.6 + 0.35 * percent));
}

static void put_host(host *host, text *text) {
  uint64_t *random = &host->random;
  host_advance(host);
  double memory = rounded(100.0 * (double)(host->memory_total - host->available) /
                              (double)host->memory_total, 1);
  double disk = rounded(
      100.0 * (double)host->disk_used / (double)(host->disk_used + host->disk_free), 1);

  put(text, "{\"type\": \"monitoring_data\", \"timestamp\": \"");
  put_moment(text, host->due);
  put(text, "\", \"data\": {\"memory\": {\"total\": %lld, \"available\": %lld, \"used\": %lld, ",
      (long long)host->memory_total, (long long)host->available,
      (long long)(host->memory_total - host->available));
  put(text, "\"percentage\": %.1f}, ", memory);
  double load = (double)host->busy / host->cores;
  put(text, "\"processor\": {\"usage_percent\": %.1f, ",
      ticks(random, load >= 1 ? 1 : load + 0.08 * uniform(random), 10 * host->cores));
  put(text, "\"core_count\": %d, \"logical_count\": %d, \"frequency_current\": ", host->cores,
      host->cores);
  put_float(text, host->frequency);
  put(text, ", \"frequency_max\": 0.0, \"per_core_usage\": [");
  for (int core = 0; core < host->cores; core++) {
    double share = core < host->busy ? 1 : 0.1 + 0.2 * uniform(random);
    put(text, "%s%.1f", core > 0 ? ", " : "", ticks(random, share, 10));
  }
  put(text, "]}, \"disk\": {\"total\": %lld, \"used\": %lld, \"free\": %lld, \"percentage\": %.1f, ",
      (long long)host->disk_total, (long long)host->disk_used, (long long)host->disk_free, disk);
  put(text, "\"path\": \"/\"}, \"system\": {\"os_name\": \"Linux\", \"os_version\": \"%s\", ",
      host->version);
  put(text, "\"os_release\": \"%s\", \"architecture\": \"x86_64\", \"platform\": \"%s\", ",
      host->release, host->platform);
  put(text, "\"machine\": \"x86_64\", \"processor\": \"\", \"python_version\": \"%s\", ",
      host->python);
  put(text, "\"hostname\": \"%s\"}", host->name);
  if (host->has_gpu) put_gpu(host, text);
  put(text, "}");
  if (host->has_gpu) {
    // Both are looked at together, a little after the message was begun.
    int64_t moment = host->due + 18 + below(random, 12);
    bool first = true;
    const char *separator = ", \"alerts\": [";
    if (memory > host->memory_limit) {
      put(text, "%s", separator);
      put_alert(text, moment, "memory", memory, host->memory_limit, "WARNING", "High");
      separator = ", ";
      first = false;
    }
    if (disk > host->disk_limit) {
      put(text, "%s", separator);
      put_alert(text, moment, "disk", disk, host->disk_limit, "WARNING", "High");
      first = false;
    }
    put(text, first ? ", \"alerts\": []" : "]");
  }
  put(text, "}");
}

// MARK: A log server

typedef struct log_server {
  uint64_t random;
  uint32_t connection;
  int most_entries;
  int64_t due;
  int64_t metrics_due;
  int64_t received, sent, disk_used, memory_used;
} log_server;

static void log_server_open(log_server *server, uint64_t seed, uint32_t connection, int most) {
  memset(server, 0, sizeof *server);
  server->random = seed;
  server->connection = connection;
  server->most_entries = most;
  server->due = 1795256061300000;
  server->metrics_due = 1795256064300000;
  server->received = 19311867403;
  server->sent = 18860182247;
  server->disk_used = 27003867136;
  server->memory_used = 1995632640;
}

static void put_hex(text *text, uint64_t *random, int digits) {
  for (int i = 0; i < digits; i++) put(text, "%c", "0123456789abcdef"[below(random, 16)]);
}

static void put_entry(log_server *server, text *text, int64_t milliseconds) {
  static const char *const messages[] = {
      "cache miss", "payload rejected", "file not found", "user session opened",
      "réponse envoyée ✓", "connexion établie", "slow query", "request completed",
      "délai d'attente dépassé", "worker started", "retry scheduled"};
  static const char *const tags[] = {"db", "cache", "io", "api", "auth"};
  uint64_t *random = &server->random;
  put(text, "{\"id\":\"");
  put_hex(text, random, 32);
  double level = uniform(random);
  put(text, "\",\"timestamp\":%lld,\"level\":\"%s\",\"message\":\"%s #%d\"",
      (long long)milliseconds,
      level < 0.53   ? "info"
      : level < 0.70 ? "debug"
      : level < 0.83 ? "warn"
      : level < 0.95 ? "log"
                     : "error",
      messages[below(random, 11)], 10000 + below(random, 90000));
  if (chance(random, 0.61)) {
    put(text, ",\"metadata\":{\"requestId\":\"");
    put_hex(text, random, 12);
    put(text, "\",\"durationMs\":");
    put_float(text, rounded(heavy(random, 22), 2));
    put(text, ",\"tags\":[");
    int count = below(random, 3), first = below(random, 5);
    for (int i = 0; i < count; i++) {
      put(text, "%s\"%s\"", i > 0 ? "," : "", tags[(first + i * (1 + below(random, 4))) % 5]);
    }
    put(text, "]");
    if (chance(random, 0.29)) {
      put(text, ",\"context\":{\"path\":\"/v1/items/%d\",\"ok\":true,\"parent\":null}",
          below(random, 1000));
    }
    put(text, "}");
  }
  put(text, ",\"appId\":\"app456\",\"userId\":\"user123\"}");
}

static void put_server_metrics(log_server *server, text *text) {
  uint64_t *random = &server->random;
  server->received += (int64_t)heavy(random, 500000);
  server->sent += (int64_t)heavy(random, 480000);
  server->disk_used += (int64_t)heavy(random, 150) * PAGE;
  server->memory_used += (int64_t)(heavy(random, 12000) * (chance(random, 0.5) ? 1 : -1)) * PAGE;
  if (server->memory_used < 0) server->memory_used = 1995632640;
  put(text, "{\"type\":\"metrics\",\"payload\":{\"timestamp\":%lld,\"cpu\":{\"usage\":%d,\"cores\":2},",
      (long long)(server->due / 1000), chance(random, 0.7) ? 100 : 50 + below(random, 50));
  put(text, "\"memory\":{\"used\":%lld,\"free\":%lld,\"total\":25274793984},",
      (long long)server->memory_used, (long long)(25274793984 - server->memory_used));
  put(text, "\"disk\":{\"used\":%lld,\"free\":%lld,\"total\":270553174016},",
      (long long)server->disk_used, (long long)(101443186688 - server->disk_used));
  put(text, "\"network\":{\"bytesReceived\":%lld,\"bytesSent\":%lld,\"connections\":%d},",
      (long long)server->received, (long long)server->sent, 1 + below(random, 2));
  put(text, "\"activeConnections\":1,\"messageRate\":");
  put_float(text, rounded(1.6 + uniform(random), 2));
  put(text, ",\"errorRate\":0}}");
}

static void put_logs(log_server *server, text *text) {
  uint64_t *random = &server->random;
  if (server->due >= server->metrics_due) {
    server->metrics_due += 5000000;
    put_server_metrics(server, text);
    return;
  }
  int entries = 1 + (chance(random, 0.49) ? 1 + below(random, server->most_entries - 1) : 0);
  put(text, "{\"type\":\"logs\",\"payload\":[");
  for (int i = 0; i < entries; i++) {
    if (i > 0) put(text, ",");
    put_entry(server, text, server->due / 1000 - (chance(random, 0.8) ? 0 : below(random, 5)));
  }
  put(text, "]}");
}

// MARK: Streams

enum { HOSTS_MAX = 16 };

struct generator {
  uint64_t random;
  int host_count;
  bool has_logs;
  host hosts[HOSTS_MAX];
  log_server logs;
  text text;
};

generator *generator_open(generator_kind kind, uint64_t seed) {
  generator *made = calloc(1, sizeof *made);
  if (made == NULL) return NULL;
  made->random = seed;
  uint64_t *random = &made->random;
  switch (kind) {
    case GENERATOR_GPU:
      host_open(&made->hosts[made->host_count++], next(random), 0, 8, true);
      break;
    case GENERATOR_ALERTS:
      host_open(&made->hosts[made->host_count++], next(random), 0, 2, true);
      made->hosts[0].memory_limit = 21;
      made->hosts[0].disk_limit = 20;
      break;
    case GENERATOR_FLEET:
      for (uint32_t i = 0; i < HOSTS_MAX; i++) {
        bool has_gpu = i % 4 == 3;
        host_open(&made->hosts[made->host_count++], next(random), i, i % 2 == 0 ? 4 : 8, has_gpu);
      }
      made->has_logs = true;
      log_server_open(&made->logs, next(random), HOSTS_MAX, 8);
      break;
    case GENERATOR_LOGS:
      made->has_logs = true;
      log_server_open(&made->logs, next(random), 0, 5);
      break;
    default: host_open(&made->hosts[made->host_count++], next(random), 0, 2, false);
  }
  return made;
}

generated generator_next(generator *generator) {
  host *host = NULL;
  for (int i = 0; i < generator->host_count; i++) {
    if (host == NULL || generator->hosts[i].due < host->due) host = &generator->hosts[i];
  }
  text *text = &generator->text;
  text->length = 0;
  generated made = {.json = (const uint8_t *)text->bytes};
  if (generator->has_logs && (host == NULL || generator->logs.due < host->due)) {
    log_server *server = &generator->logs;
    put_logs(server, text);
    made.connection = server->connection;
    made.time = server->due * 1000 + 300000 + (int64_t)(uniform(&server->random) * 400000);
    server->due += (int64_t)heavy(&server->random, host == NULL ? 400000 : 250000);
  } else {
    put_host(host, text);
    made.connection = host->connection;
    uint64_t *random = &host->random;
    made.time = host->due * 1000 + 200000 + (int64_t)(heavy(random, 250) * 1000);
    // Making and sending takes some milliseconds, a busy machine sometimes more.
    host->due += host->interval + (int64_t)heavy(random, 7000);
  }
  made.length = text->length;
  return made;
}

void generator_close(generator *generator) { free(generator); }

generator_kind generator_named(const char *name) {
  static const char *const names[] = {"host", "gpu", "fleet", "alerts", "logs"};
  generator_kind kind = 0;
  while (kind < GENERATOR_KINDS && strcmp(names[kind], name) != 0) kind++;
  return kind;
}
