/// Splitting messages into what repeats and what varies: the skeleton of a message (keys, punctuation,
/// white space) as numbered **literals**, and between them its **values**. This is what the column
/// encoder feeds on.
///
/// ```
///   {"cpu":{"percent":45.2,"count":8},"host":"vm"}
///   literal 0         value  literal 1 v  literal 2   value literal 3
///   {"cpu":{"percent":  45.2  ,"count":  8  },"host":"  vm  "}
/// ```
///
/// - The literals and values of a message, one after the other, are the message byte for byte. There
///   is one literal more than values.
/// - Values are strings (what stands between the quotes, escapes as spelled), numbers, `true`, `false`
///   and `null`. Empty containers and quotes belong to the literals.
/// - A literal number keeps its bytes and its column until `mwc_json_splitter_reset`. Different
///   numbers may have the same bytes.
/// - A **column** is named by a number made from the path of the value with all array indices taken
///   for one, and whether it is a string. Two paths can share a number (it is a hash); nothing
///   depends on their not doing so.
/// - A message that is not JSON, or whose shape does not fit into the memory, is not split.
///
/// The splitter lives in memory of the caller, contains no pointers and allocates nothing.
/// One thread at a time. It splits what repeats at the speed of `mwc_json_scan`; learning a new shape
/// costs a few microseconds.
#ifndef MWC_JSON_SPLIT_H
#define MWC_JSON_SPLIT_H

#include "mwc_json.h"

enum {
  /// Most values of one message.
  MWC_JSON_PIECES_MAX = 4096,
  /// Flag of a piece beside those of `mwc_json_value`: the same bytes as the value that was given the
  /// last time with this `slot` (never set the first time after a reset).
  MWC_JSON_SAME = 128,
};

/// A literal and the value after it.
typedef struct mwc_json_piece {
  uint32_t literal;  ///< Number of the literal before the value.
  uint32_t slot;     ///< Where the value stands in its shape: a number smaller than `literals`.
  uint32_t offset;   ///< Of the value, in the message.
  uint32_t length;
  uint8_t type;      ///< MWC_JSON_NULL … MWC_JSON_STRING.
  uint8_t flags;     ///< MWC_JSON_ESCAPED, INTEGER, NOTFINITE, SAME.
  uint16_t reserved;
} mwc_json_piece;

/// A message that was split.
typedef struct mwc_json_pieces {
  uint32_t count;     ///< Of the pieces.
  uint32_t terminal;  ///< Number of the literal after the last value.
  /// Not 0: a number of the sequence of literals (and slots) of this message, the same for the same
  /// sequence until the reset. 0: a sequence that has no number (an array of another length, …).
  uint32_t shape;
  uint32_t literals;  ///< All numbers of literals and slots so far are below this.
} mwc_json_pieces;

typedef struct mwc_json_splitter mwc_json_splitter;

/// How many bytes a splitter needs, whatever it splits.
size_t mwc_json_splitter_size(void);

/// Makes a splitter in `memory`, which is aligned to 8 bytes and holds `mwc_json_splitter_size()`.
/// `options` are those of a scan (MWC_JSON_NONFINITE).
mwc_json_splitter *mwc_json_splitter_init(void *memory, uint32_t options);

/// Forgets everything: numbers start again from 0. For the start of a block, when
/// `mwc_json_splitter_full` says so or to keep blocks apart.
void mwc_json_splitter_reset(mwc_json_splitter *splitter);

/// Whether new shapes no longer fit. What was learned goes on being split.
bool mwc_json_splitter_full(const mwc_json_splitter *splitter);

/// Splits a message. Returns whether it did; `pieces` must have room for MWC_JSON_PIECES_MAX.
/// Reads nothing outside `json[0..<length)`.
bool mwc_json_split(mwc_json_splitter *splitter, const uint8_t *json, size_t length,
                    mwc_json_piece *pieces, mwc_json_pieces *result);

/// The bytes of a literal and the column of the value after it (0 if none comes after it). The bytes
/// stay until the next call of `mwc_json_split` or a reset. `literal` is below `literals`.
mwc_json_text mwc_json_splitter_literal(const mwc_json_splitter *splitter, uint32_t literal,
                                        uint32_t *column);

#endif
