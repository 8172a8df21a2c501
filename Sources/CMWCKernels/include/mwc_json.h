/// JSON without a tree: one pass over a message says whether it is JSON (RFC 8259) and where the few
/// values stand that somebody asked for.
///
/// ```
///   {"type":"monitoring_data","data":{"processor":{"usage_percent":45.2},"gpu":null}}
///            ^^^^^^^^^^^^^^^                                       ^^^^        ^^^^
///            type                                    data.processor.usage_percent  data.gpu
///            STRING, 9, 15                           NUMBER, 65, 4                 NULL, 77, 4
/// ```
///
/// Rules that hold for every function here:
///
/// - The bytes stay with the caller and are only read, exactly `[0..<length)` of them: no padding is
///   needed after the end and none is looked at. Nothing is allocated, nothing is kept, nothing
///   recurses. Functions may run on any number of threads as long as each has its own scanner or walk.
/// - What is located is described by offset and length into the caller's bytes; nothing is copied.
/// - The **whole** document is checked, also what no path leads to: the grammar of RFC 8259 and UTF-8
///   (RFC 3629) in all strings and keys. Exactly one value with optional white space around it.
/// - An error is a code and the offset of the first byte with which no valid document can go on; for
///   a document that only stops too early the offset is `length`, for ill-formed UTF-8 it is the
///   first byte of the ill-formed or cut sequence.
///
/// What RFC 8259 leaves open is decided like this:
///
/// | case | decision |
/// |---|---|
/// | the same key twice in an object | the last one counts, with all that hangs below it; the walk shows both |
/// | `\ud800` without its partner | accepted; unescapes to U+FFFD |
/// | numbers beyond `double` | accepted; convert to an infinity, or to zero if too small |
/// | `NaN`, `Infinity`, `-Infinity` | an error, unless `MWC_JSON_NONFINITE` is set (Python writes them) |
/// | byte order mark | an error (`MWC_JSON_E_BOM`) |
/// | nesting | at most `MWC_JSON_DEPTH_MAX` levels, or fewer if asked |
/// | NUL and other control characters in strings | an error unless escaped |
#ifndef MWC_JSON_H
#define MWC_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mwc_decimal.h"

/// What a value is.
enum {
  MWC_JSON_MISSING = 0,  ///< No such value; offset and length are 0.
  MWC_JSON_NULL = 1,
  MWC_JSON_FALSE = 2,
  MWC_JSON_TRUE = 3,
  MWC_JSON_NUMBER = 4,  ///< Offset and length cover the number as it is spelled.
  MWC_JSON_STRING = 5,  ///< Offset and length cover what stands between the quotes.
  MWC_JSON_ARRAY = 6,   ///< Offset and length include the brackets.
  MWC_JSON_OBJECT = 7,  ///< Offset and length include the braces.
};

/// More about a value.
enum {
  MWC_JSON_ESCAPED = 1,    ///< A string with at least one backslash: needs `mwc_json_unescape`.
  MWC_JSON_INTEGER = 2,    ///< A number without fraction and exponent.
  MWC_JSON_NOTFINITE = 4,  ///< `NaN`, `Infinity` or `-Infinity`.
  MWC_JSON_EMPTY = 8,      ///< An array or object without elements.
  MWC_JSON_INT64 = 16,     ///< `number.integer` holds the value of the number exactly.
};

/// Where a value stands, and what it is if it is a number.
typedef struct mwc_json_value {
  uint32_t offset;
  uint32_t length;
  uint8_t type;   ///< MWC_JSON_MISSING …
  uint8_t flags;  ///< MWC_JSON_ESCAPED …
  uint16_t reserved[3];
  /// With MWC_JSON_CONVERT the value of a number: the exact integer if MWC_JSON_INT64 is set, which
  /// it is for integers in range but `-0`; otherwise the double that `mwc_json_double` gives. 0 for
  /// the rest.
  union {
    double real;
    int64_t integer;
  } number;
} mwc_json_value;

/// What went wrong; all are negative.
enum {
  MWC_JSON_E_END = -1,       ///< The document stops too early (also: nothing but white space).
  MWC_JSON_E_SYNTAX = -2,    ///< A byte that cannot stand here.
  MWC_JSON_E_NUMBER = -3,    ///< A number that is not spelled as RFC 8259 wants it (`01`, `1.`, `+1`).
  MWC_JSON_E_CONTROL = -4,   ///< A control character in a string.
  MWC_JSON_E_ESCAPE = -5,    ///< A backslash followed by something else than an escape.
  MWC_JSON_E_UTF8 = -6,      ///< Ill-formed UTF-8 in a string.
  MWC_JSON_E_DEPTH = -7,     ///< Nested too deeply.
  MWC_JSON_E_TRAILING = -8,  ///< Something follows the value.
  MWC_JSON_E_BOM = -9,       ///< A byte order mark.
  MWC_JSON_E_LENGTH = -10,   ///< Longer than MWC_JSON_LENGTH_MAX; nothing was read.
};

/// Options of a scan or a walk.
enum {
  MWC_JSON_NONFINITE = 1,  ///< Take the bare words `NaN`, `Infinity` and `-Infinity` as numbers.
  MWC_JSON_GENERAL = 2,    ///< Expect nothing of a message for what earlier ones were like.
  MWC_JSON_CONVERT = 4,    ///< Convert located numbers, too.
};

enum {
  /// Deepest nesting: more than any sender of ours (Python gives up near 1,000), and its bookkeeping
  /// still fits in a few cache lines on the stack.
  MWC_JSON_DEPTH_MAX = 1024,
  /// Most paths of one scanner.
  MWC_JSON_PATHS_MAX = 256,
  /// Most steps of one path.
  MWC_JSON_STEPS_MAX = 32,
};
/// Longest document in bytes, so that every offset fits in 32 bits.
#define MWC_JSON_LENGTH_MAX ((size_t)0xFFFFFFFE)

// MARK: Scanning for paths

/// A piece of text that is not NUL-terminated.
typedef struct mwc_json_text {
  const uint8_t *bytes;
  size_t length;
} mwc_json_text;

/// A compiled set of paths, and what the scanner remembers from message to message: the shapes of the
/// stream, so that a message of a known shape is compared rather than parsed. What it remembers never
/// changes a result, and a stream that never repeats is soon scanned as if nothing were remembered.
/// It lives in memory of the caller, contains no pointers (may be copied byte by byte to get one for
/// another thread) and needs no clean-up. One thread at a time.
typedef struct mwc_json_scanner mwc_json_scanner;

enum {
  MWC_JSON_E_PATH_SYNTAX = -20,     ///< The path is not spelled as it should be.
  MWC_JSON_E_PATH_DUPLICATE = -21,  ///< The path leads to the same value as an earlier one.
  MWC_JSON_E_PATH_LIMIT = -22,      ///< Too many paths, or too many steps in one.
  MWC_JSON_E_MEMORY = -23,          ///< The memory is smaller than `mwc_json_scanner_size` says.
};

/// How many bytes a scanner for these paths needs; always enough, whatever the paths contain. Some
/// 754 KiB of it, always the same, are for shapes; they are not touched before something is learned.
size_t mwc_json_scanner_size(const mwc_json_text *paths, size_t count);

/// Compiles `count` paths into `memory`, which is aligned to 8 bytes and holds `size` of them. The
/// texts of the paths are copied. `options` are those of the scan; `depth_max` is the deepest
/// nesting to accept, 0 meaning MWC_JSON_DEPTH_MAX.
///
/// A path is a chain of steps: `name` or `.name` a member, `[3]` an element counted from 0, `["any
/// name"]` a member whose name holds `.`, `[`, `]` or `"` (JSON escapes apply). A leading `$` stands
/// for the document and may be left out: `data.gpu.gpus[0].name`, `$[0]`, `$`.
///
/// Returns NULL and sets `*error` (an MWC_JSON_E_PATH…, MWC_JSON_E_MEMORY) and `*bad_path` (the index
/// of the path at fault) if it cannot be done.
mwc_json_scanner *mwc_json_scanner_init(void *memory, size_t size, const mwc_json_text *paths,
                                        size_t count, uint32_t options, uint32_t depth_max,
                                        int *error, size_t *bad_path);

/// Checks the whole of `json[0..<length)` and locates the values of all paths: `values[i]` belongs to
/// path `i` and is MWC_JSON_MISSING where the document has no such value.
///
/// Returns 0, or an MWC_JSON_E_… and sets `*error_offset`; the values then mean nothing.
int mwc_json_scan(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                  mwc_json_value *values, size_t *error_offset);

/// Where a message stands in a block of messages.
typedef struct mwc_json_range {
  uint64_t offset;
  uint32_t length;
  uint32_t reserved;
} mwc_json_range;

/// How the scan of a message of a batch ended.
typedef struct mwc_json_result {
  int32_t code;           ///< 0 or MWC_JSON_E_….
  uint32_t error_offset;  ///< In the message.
} mwc_json_result;

/// Scans messages that stand in `base[0..<readable)`, in any order and with anything between them:
/// `mwc_json_scan` for each, with equal results. The values of message `i` begin at
/// `values[i * paths]`. Bytes behind a message are read if they are readable, which makes the ends of
/// messages cheaper; a block that ends with 64 bytes of padding makes the last one cheap, too.
/// Returns how many messages were valid.
size_t mwc_json_scan_batch(mwc_json_scanner *scanner, const uint8_t *base, size_t readable,
                           const mwc_json_range *ranges, size_t count, mwc_json_value *values,
                           mwc_json_result *results);

// MARK: Walking through everything

/// Kinds of events beside the types of values; MWC_JSON_OBJECT and MWC_JSON_ARRAY mean "begins".
enum {
  MWC_JSON_KEY = 8,          ///< The name of the member whose value comes next.
  MWC_JSON_ARRAY_END = 9,    ///< Offset of the bracket.
  MWC_JSON_OBJECT_END = 10,  ///< Offset of the brace.
};

/// One step of a walk.
typedef struct mwc_json_event {
  uint32_t offset;  ///< As in mwc_json_value; for the beginning of a container, its bracket.
  uint32_t length;  ///< As in mwc_json_value; 1 for brackets.
  uint8_t kind;     ///< MWC_JSON_NULL … MWC_JSON_OBJECT_END.
  uint8_t flags;    ///< MWC_JSON_ESCAPED …; MWC_JSON_EMPTY at the end of an empty container.
  uint16_t depth;   ///< How many containers are open around it; a container does not count itself.
} mwc_json_event;

/// Where a walk stands. Belongs to the caller, usually on the stack; no field is of interest.
typedef struct mwc_json_walk {
  const uint8_t *json;
  uint32_t length;
  uint32_t position;
  uint32_t options;
  uint16_t depth;
  uint16_t depth_max;
  uint8_t state;
  uint64_t objects[MWC_JSON_DEPTH_MAX / 64];  ///< One bit for each open container: is it an object?
} mwc_json_walk;

/// Begins a walk through `json[0..<length)`, which has to stay as long as the walk.
/// Returns 0 or MWC_JSON_E_LENGTH.
int mwc_json_walk_init(mwc_json_walk *walk, const uint8_t *json, size_t length, uint32_t options,
                       uint32_t depth_max);

/// The next event: returns 1 and fills `*event`; 0 when the document has been walked through and all
/// of it was valid; an MWC_JSON_E_… otherwise, then `event->offset` says where. After 0 or an error
/// every further call returns the same.
int mwc_json_walk_next(mwc_json_walk *walk, mwc_json_event *event);

// MARK: Values

/// The double nearest to a number that a scan or walk located, ties to even: correctly rounded
/// however many digits it has. Too large gives an infinity, too small a zero, with the sign kept.
double mwc_json_double(const uint8_t *number, size_t length);

/// Spells a number that is no integer as Python spells the float it reads: `1E2` becomes `100.0`,
/// `1e400` `Infinity`; see `mwc_decimal_repr`. Returns the length.
size_t mwc_json_respell(const uint8_t *number, size_t length, char out[MWC_REPR_MAX]);

/// The exact value of an integer (MWC_JSON_INTEGER). Returns false, leaving `*value`, if it is out of
/// range or not spelled as an integer.
bool mwc_json_int64(const uint8_t *number, size_t length, int64_t *value);
bool mwc_json_uint64(const uint8_t *number, size_t length, uint64_t *value);

/// Writes the text of a located string with its escapes resolved to `out`, which must have room for
/// `length` bytes (the result is never longer; `out` may not overlap). Returns the number of bytes;
/// they are valid UTF-8.
size_t mwc_json_unescape(const uint8_t *string, size_t length, uint8_t *out);

/// Whether a located string or key, escapes resolved, is exactly `text`.
bool mwc_json_equal(const uint8_t *string, size_t length, const uint8_t *text, size_t text_length);

/// One UTF-16 unit or scalar of a located string that starts at `string[*position]`; moves the
/// position behind it. Escaped surrogate pairs come as one scalar, a lone surrogate as itself
/// (0xD800…0xDFFF), so that a string can be spelled again exactly as it was meant.
uint32_t mwc_json_next_scalar(const uint8_t *string, size_t length, size_t *position);

#endif
