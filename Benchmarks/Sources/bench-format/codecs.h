/// What the formats are measured on and with: blocks of messages, and ways to make them small.
#ifndef CODECS_H
#define CODECS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mwc_batch.h"

enum { PADDING = 64 };

/// Messages that are encoded together.
typedef struct block {
  uint8_t *bytes;  ///< Payloads one behind the other, then PADDING.
  size_t size;
  mwc_entry *entries;
  size_t count;
  uint8_t *lines;  ///< The same as lines of JSON with the time of receiving.
  size_t line_size;
} block;

/// Bytes that grow; kept from block to block.
typedef struct buffer {
  uint8_t *bytes;
  size_t size;
  size_t room;
} buffer;

/// Room for `more` bytes behind what is there.
uint8_t *buffer_reserve(buffer *buffer, size_t more);

/// A way to make blocks small. One state for all blocks of a stream.
typedef struct codec {
  const char *name;
  void *(*open)(int level);
  int level;
  /// Appends the block to `output`.
  void (*encode)(void *state, const block *block, buffer *output);
  /// Decodes what `encode` appended, all of it, to payloads (`is_lines`: to lines) in `output`. Returns
  /// where each message stands, or NULL where they stand one behind the other.
  const mwc_entry *(*decode)(void *state, const uint8_t *bytes, size_t size, buffer *output);
  bool is_lines;
  /// Whether `decode` appends a `values_sum` instead.
  bool is_values;
} codec;

/// What the values of messages add up to.
typedef struct values_sum {
  double numbers;
  uint64_t texts, count;
} values_sum;

/// The sum of a block's values, found by scanning its messages.
values_sum scan_values(const block *block);

extern const codec codecs[];
extern const size_t codec_count;

#endif
