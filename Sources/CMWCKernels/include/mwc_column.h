/// Messages as columns: text is cut into the parts that stay (keys, punctuation, spacing) and the
/// values between them, and values are kept column by column. `docs/FORMAT.md`, "Columns", says what
/// the bytes mean; these are its loops.
///
/// ```
///   {"cpu": 12.5, "on": true}        node 1  {"cpu":    value 12.5  ─► column of numbers
///   {"cpu": 12.7, "on": true}        node 2  , "on":    value true  ─► a constant
///                                    node 3  }          the end
/// ```
///
/// A **node** is a literal and the value behind it. A message is a way from node to node; where a
/// node has had several successors, a column of choices says which. What is cut where is decided by
/// the encoder alone: joining literals and values always gives the message back byte for byte,
/// whether it is JSON or not.
///
/// Rules that hold for every function here:
///
/// - Nothing is allocated and nothing is kept: all memory is the caller's, and everything returned
///   points into it. Any number of threads, each with its own memory.
/// - Whatever the decoder is given, it stays inside of what it was given, and ends.
#ifndef MWC_COLUMN_H
#define MWC_COLUMN_H

#include <stddef.h>
#include <stdint.h>

#include "mwc_batch.h"
#include "mwc_json.h"

enum {
  /// Readable bytes that the payloads and streams handed over have behind their end, whatever is in
  /// them: loops load whole words.
  MWC_COLUMN_PADDING = 64,
  /// Most streams of one block.
  MWC_COLUMN_STREAMS_MAX = 512,
  /// Most nodes of one block.
  MWC_COLUMN_NODES_MAX = 4096,
};

/// Most payload bytes and records of one block, together: payload + 16 × records. A block needs up to
/// twenty times that much memory to decode.
#define MWC_COLUMN_RAW_MAX ((size_t)16 << 20)

/// How the bytes of a stream are best compressed.
enum {
  MWC_COLUMN_TEXT = 0,   ///< Repeats itself: look for matches.
  MWC_COLUMN_NOISE = 1,  ///< Does not, apart from runs of one byte.
  MWC_COLUMN_BITS = 2,   ///< Not at all: store.
};

/// A piece of a block's body.
typedef struct mwc_column_stream {
  const uint8_t *bytes;
  size_t length;
  uint32_t hint;  ///< MWC_COLUMN_TEXT …
} mwc_column_stream;

/// Memory to encode records with `bytes` of payload together.
size_t mwc_column_encoder_size(size_t bytes, size_t records);

/// Cuts `count` records into columns. Their payloads stand in `bytes` at the offsets of the entries,
/// with MWC_COLUMN_PADDING behind the last. Writes at most MWC_COLUMN_STREAMS_MAX `streams`, which
/// point into `memory`, and returns how many; 0 when there is no record, of which no block is made, or
/// `size` is less than `mwc_column_encoder_size`.
size_t mwc_column_encode(void *memory, size_t size, const uint8_t *bytes, const mwc_entry *entries,
                         size_t count, int64_t base_wall, int64_t base_monotonic,
                         mwc_column_stream *streams);

/// What is wrong with a block; all are negative.
enum {
  MWC_COLUMN_E_MALFORMED = -1,  ///< The streams contradict themselves or the limits.
  MWC_COLUMN_E_MEMORY = -2,     ///< `size` is less than `mwc_column_decoder_size`.
};

/// Memory to decode a block whose streams have `stored` bytes together, and whose records have `raw`:
/// payload + 16 × records.
size_t mwc_column_decoder_size(size_t stored, size_t raw);

/// Number of records of a block, from its first stream; negative when it is malformed.
int64_t mwc_column_count(const uint8_t *head, size_t length);

/// Gives the bytes of a stream of which so far only the length is known, or NULL when they are
/// malformed. They have MWC_COLUMN_PADDING behind them and stay until the block is done with.
typedef const uint8_t *(*mwc_column_source)(void *context, size_t stream);

/// Puts the records of a block together again, in their order: `mwc_column_count` entries, and their
/// payloads into `bytes`, which has room for `capacity` and MWC_COLUMN_PADDING behind. Streams whose
/// bytes are NULL are asked of `source`.
/// Returns the bytes of payload, or what is wrong.
int64_t mwc_column_decode(void *memory, size_t size, const mwc_column_stream *streams,
                          size_t stream_count, mwc_column_source source, void *context,
                          int64_t base_wall, int64_t base_monotonic, uint8_t *bytes,
                          size_t capacity, mwc_entry *entries, size_t entry_capacity);

// MARK: Reading a few values

/// What somebody wants to know of the value of a path; anything that is not said to be superfluous.
enum {
  /// Of an array or object only that it is there and whether it is empty: its bytes mean nothing.
  MWC_COLUMN_PRESENCE = 1,
  /// Of a number only its value, which is converted: its bytes mean nothing, and there may be none.
  MWC_COLUMN_AMOUNT = 2,
};

/// Paths that somebody reads of every message.
typedef struct mwc_column_paths {
  mwc_json_scanner *scanner;  ///< of these paths; used only while a block is opened
  size_t count;               ///< of paths
  const uint8_t *wants;       ///< for each: MWC_COLUMN_PRESENCE, MWC_COLUMN_AMOUNT; stays as the block
} mwc_column_paths;

/// Most sets of paths of one reader.
enum { MWC_COLUMN_READERS_MAX = 8 };

/// Reads the values of some paths, and only the columns that hold them: messages are not put together
/// unless somebody asks for one.
///
/// Where the values stand is found once for each way that messages take through the nodes: the scanner
/// looks at the message with nothing in place of its values. Lives in the caller's memory.
typedef struct mwc_column_reader mwc_column_reader;

/// Opens a block as `mwc_column_decode` does; `capacity` are the bytes of all payloads, `entry_capacity`
/// is the number of records. The values of all sets of paths are handed out one set behind the other.
/// Returns NULL when the block is malformed, or too various to be read like this: then
/// `mwc_column_decode` tells.
mwc_column_reader *mwc_column_reader_open(void *memory, size_t size,
                                          const mwc_column_stream *streams, size_t stream_count,
                                          mwc_column_source source, void *context,
                                          int64_t base_wall, int64_t base_monotonic,
                                          size_t capacity, size_t entry_capacity,
                                          const mwc_column_paths *sets, size_t set_count);

/// What is known of a record without its message.
typedef struct mwc_column_values {
  uint32_t known;  ///< Bit `i`: the values of set `i` are those of a scan of the message. Otherwise only
                   ///< the message tells: it is no JSON, or not looked at closely enough.
  size_t length;   ///< Of `json`.
  const uint8_t *json;  ///< Where the values are located; not the message.
  const mwc_json_value *values;  ///< Of all sets; numbers are converted, whatever the scanner's options.
} mwc_column_values;

/// Goes to the next record, in the order of arrival; false behind the last. `entry` has its times,
/// connection, direction and kind, but no payload. What `values` points to stays until the next call.
bool mwc_column_reader_next(mwc_column_reader *reader, mwc_entry *entry, mwc_column_values *values);

/// Puts the message of the record together that `next` has come to, and only this one. `bytes` has
/// room for `capacity` and MWC_COLUMN_PADDING behind. Returns its length, or a negative number when
/// the block is malformed or the message longer.
int64_t mwc_column_reader_message(mwc_column_reader *reader, uint8_t *bytes, size_t capacity);

#endif
