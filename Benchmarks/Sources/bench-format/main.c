// `make bench-format`: what a message costs in bytes and time, one core, the codecs taking turns block
// by block on the same messages. Everything that is decoded is compared with what went in.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codecs.h"
#include "generator.h"

enum { CODECS_MAX = 8, BLOCKS_MAX = 4096 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int compare_doubles(const void *left, const void *right) {
  double a = *(const double *)left, b = *(const double *)right;
  return (a > b) - (a < b);
}

/// The next messages of the stream, up to `limit` bytes of payload.
static void fill(block *block, generator *generator, size_t limit, size_t most) {
  static buffer bytes, entries, lines;
  bytes.size = entries.size = lines.size = 0;
  block->count = 0;
  while (block->count < most && bytes.size < limit) {
    generated made = generator_next(generator);
    mwc_entry entry = {.wall_ns = made.time,
                       .monotonic_ns = made.time - 1795000000000000000,
                       .offset = bytes.size,
                       .length = (uint32_t)made.length,
                       .connection = made.connection + 1,
                       .kind = 1};
    memcpy(buffer_reserve(&entries, sizeof entry), &entry, sizeof entry);
    entries.size += sizeof entry;
    memcpy(buffer_reserve(&bytes, made.length), made.json, made.length);
    bytes.size += made.length;
    uint8_t *line = buffer_reserve(&lines, made.length + 80);
    lines.size += (size_t)sprintf((char *)line, "{\"t\":%lld,\"c\":%u,\"data\":",
                                  (long long)made.time, made.connection);
    memcpy(lines.bytes + lines.size, made.json, made.length);
    lines.size += made.length;
    memcpy(lines.bytes + lines.size, "}\n", 2);
    lines.size += 2;
    block->count++;
  }
  memset(buffer_reserve(&bytes, PADDING), 0, PADDING);
  block->bytes = bytes.bytes;
  block->size = bytes.size;
  block->entries = (mwc_entry *)(void *)entries.bytes;
  block->lines = lines.bytes;
  block->line_size = lines.size;
}

/// Seconds of a codec for each block.
typedef struct tally {
  double encode[BLOCKS_MAX], decode[BLOCKS_MAX];
  size_t stored;
} tally;

/// Median, least and greatest of how much faster `peer` was than `base`, block by block.
static void print_ratio(const double *base, const double *peer, size_t blocks) {
  static double ratios[BLOCKS_MAX];
  for (size_t i = 0; i < blocks; i++) ratios[i] = base[i] / peer[i];
  qsort(ratios, blocks, sizeof *ratios, compare_doubles);
  printf(" %6.2f (%.2f-%.2f)", ratios[blocks / 2], ratios[0], ratios[blocks - 1]);
}

static double total(const double *seconds, size_t blocks) {
  double sum = 0;
  for (size_t i = 0; i < blocks; i++) sum += seconds[i];
  return sum;
}

/// Whether a codec gave back what went in.
static bool is_same(const block *block, const codec *codec, const buffer *decoded,
                    const mwc_entry *entries) {
  const uint8_t *expected = codec->is_lines ? block->lines : block->bytes;
  size_t size = codec->is_lines ? block->line_size : block->size;
  if (codec->is_values) {
    values_sum sum = scan_values(block);
    if (decoded->size != sizeof sum || memcmp(decoded->bytes, &sum, sizeof sum) != 0) return false;
    for (size_t i = 0; i < block->count; i++) {
      if (block->entries[i].wall_ns != entries[i].wall_ns) return false;
    }
    return true;
  }
  if (decoded->size != size) return false;
  if (entries == NULL) return memcmp(decoded->bytes, expected, size) == 0;
  for (size_t i = 0; i < block->count; i++) {
    const mwc_entry *left = &block->entries[i], *right = &entries[i];
    if (left->wall_ns != right->wall_ns || left->monotonic_ns != right->monotonic_ns ||
        left->connection != right->connection || left->length != right->length ||
        memcmp(block->bytes + left->offset, decoded->bytes + right->offset, left->length) != 0) {
      return false;
    }
  }
  return true;
}

int main(int argument_count, char **arguments) {
  if (argument_count != 5) {
    fprintf(stderr, "usage: %s KIND SEED COUNT BLOCK_KIB\n", arguments[0]);
    return 64;
  }
  generator_kind kind = generator_named(arguments[1]);
  size_t messages = strtoull(arguments[3], NULL, 10);
  size_t limit = strtoull(arguments[4], NULL, 10) << 10;
  if (kind == GENERATOR_KINDS || messages == 0 || limit == 0 || limit > (size_t)8 << 20) return 64;
  generator *generator = generator_open(kind, strtoull(arguments[2], NULL, 10));
  tally *tallies = calloc(codec_count, sizeof *tallies);
  if (generator == NULL || tallies == NULL) return 1;
  void *states[CODECS_MAX];
  for (size_t i = 0; i < codec_count; i++) states[i] = codecs[i].open(codecs[i].level);

  block block;
  size_t blocks = 0, left = messages, payload = 0;
  buffer encoded = {0}, decoded = {0};
  while (left > 0 && blocks < BLOCKS_MAX) {
    fill(&block, generator, limit, left);
    for (size_t turn = 0; turn < codec_count; turn++) {
      size_t i = (turn + blocks) % codec_count;
      encoded.size = decoded.size = 0;
      double start = now();
      codecs[i].encode(states[i], &block, &encoded);
      double middle = now();
      const mwc_entry *entries =
          codecs[i].decode(states[i], encoded.bytes, encoded.size, &decoded);
      double end = now();
      tallies[i].encode[blocks] = middle - start;
      tallies[i].decode[blocks] = end - middle;
      tallies[i].stored += encoded.size;
      if (!is_same(&block, &codecs[i], &decoded, entries)) {
        fprintf(stderr, "bench-format: %s does not give back what went in\n", codecs[i].name);
        return 1;
      }
    }
    blocks++;
    left -= block.count;
    payload += block.size;
  }
  messages -= left;

  printf("\n%s: %zu messages of %.0f bytes in %zu blocks\n", arguments[1], messages,
         (double)payload / (double)messages, blocks);
  printf("  %-18s %8s %12s %12s   encode, times zstd -3   decode, times zstd -d\n", "",
         "bytes", "encoded/s", "decoded/s");
  for (size_t i = 0; i < codec_count; i++) {
    printf("  %-18s %8.2f %12.0f %12.0f  ", codecs[i].name,
           (double)tallies[i].stored / (double)messages,
           (double)messages / total(tallies[i].encode, blocks),
           (double)messages / total(tallies[i].decode, blocks));
    print_ratio(tallies[0].encode, tallies[i].encode, blocks);
    print_ratio(tallies[0].decode, tallies[i].decode, blocks);
    printf("\n");
  }
  generator_close(generator);
  return 0;
}
