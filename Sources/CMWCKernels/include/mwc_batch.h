/// A batch of messages: one arena of payload bytes and one array of entries.
///
/// The socket thread fills a batch, a ring hands it to one consumer, the consumer gives it back.
/// Both arrays are owned by whoever made the batch (Swift's `MessageBatch`); nothing here allocates
/// or frees, and nothing here is thread-safe.
#ifndef MWC_BATCH_H
#define MWC_BATCH_H

#include <stddef.h>
#include <stdint.h>

/// What happened, to which connection, when, and where its bytes stand in the batch.
typedef struct mwc_entry {
  int64_t wall_ns;       ///< Wall clock, nanoseconds since 1970 (UTC), taken at the socket.
  int64_t monotonic_ns;  ///< CLOCK_MONOTONIC, nanoseconds.
  uint64_t offset;       ///< First payload byte, from the start of the batch's bytes.
  uint32_t length;       ///< Payload length in bytes.
  uint32_t connection;   ///< Which connection, from 1; 0 speaks of the recording itself.
  uint8_t kind;          ///< `Message.Kind` raw value.
  uint8_t direction;     ///< `Message.Direction` raw value.
  uint8_t reserved[6];   ///< Zero.
} mwc_entry;

typedef struct mwc_batch {
  uint8_t *bytes;
  size_t byte_capacity;
  size_t byte_count;
  mwc_entry *entries;
  size_t entry_capacity;
  size_t entry_count;
} mwc_batch;

/// Adds one message, copying `length` bytes from `payload` (which may be NULL when `length` is 0).
/// Returns 0, or -1 without any change when the bytes or the entries are full.
int mwc_batch_append(mwc_batch *batch, const mwc_entry *header, const uint8_t *payload,
                     size_t length);

#endif
