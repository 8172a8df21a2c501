// What a scanner remembers of a stream, and how a message is checked against it.
//
// A **strand** is the shape of one message: its bytes, cut into the places of its values (**slots**)
// and the literals between them. For each byte there are **sorts**: what else may stand there without
// changing the shape, so that a message is compared 64 bytes at a time:
//
//     template   {"cpu":45.2,"host":"vm-7","gpu":null}
//     sorts             ld d         tttt                  d  a digit       l  a digit but zero
//                                                          t  printable ASCII but quote and backslash
//
// Only a byte that differs and is not of these sorts stops the comparison. It lies in a value, which is then
// read anew and may change its length or type, after which the comparison goes on behind it with the
// message shifted against the template; or it lies in a literal. Then the literals are tried that
// were once seen to follow the value before it (**turns**); each leads to a slot of this or another
// strand: over an optional member, back to the start of an array's element, to the end.
//
// Why this accepts exactly what the grammar accepts: every strand comes from a message that was
// checked in full. A value put in another value's place leaves a document valid. And what may follow
// a value depends only on the containers that are open (`shape_slot.context` and `.stack`), so a
// literal seen after one slot may follow every slot of the same context, leading to the same context.
// What it means to the paths is part of the context, too; a member that a path leads to or through
// and that comes twice ends the attempt, for then the last one counts.
//
// Everything lives in one piece of memory and is addressed by offsets. When it is full, all is
// forgotten: shapes that are still in use come back at once.
#ifndef MWC_JSON_SHAPE_H
#define MWC_JSON_SHAPE_H

#include <string.h>

#include "mwc_json_scanner.h"
#include "mwc_json_split.h"

enum {
  /// What a scanner may remember, in bytes: some thirty shapes of a kilobyte, and a share of a
  /// second-level cache that leaves room for the messages.
  SHAPE_POOL = 192 * 1024,
  SHAPE_STRANDS = 64,
  SHAPE_TURNS = 1024,
  /// Turns tried at one slot.
  SHAPE_TURNS_OF_SLOT = 8,
  /// Longest message to learn. Longer ones can still be followed along turns.
  SHAPE_BYTES = 12 * 1024,
  SHAPE_SLOTS = 768,
  /// Guesses of the strand by how a message begins and how long it is.
  SHAPE_GUESSES = 256,
  /// Shorter messages are not worth it.
  SHAPE_SHORTEST = 16,
  SHAPE_NONE = 0xFFFF,
};

/// What is known of 64 bytes of a template.
typedef struct shape_block {
  uint64_t ends;  // bytes behind a value: its delimiter
  uint32_t rank;  // how many slots end before this block
  uint32_t reserved;
} shape_block;

/// Where the value of a slot stands in the template.
typedef struct shape_place {
  uint16_t start;
  uint16_t end;
} shape_place;

typedef struct shape_slot {
  uint64_t stack;    // kinds of the open containers, innermost lowest: 1 object
  uint64_t context;  // depth, and where in the trie of paths
  uint64_t opened;   // nodes of the trie met up to here in this strand, if there are at most 64
  uint32_t column;   // hash of the path, array indices left out
  uint16_t turns;    // first of its turns
  uint16_t wanted;   // first of the wanted at this slot or behind it
  uint8_t is_string;
  uint8_t type;  // of the value in the template
  uint8_t flags;
  uint8_t stale;  // the template's value is older than the last one given
  uint16_t numbers;  // first of the numbers at this slot or behind it
  uint16_t reserved;
} shape_slot;

/// Something asked for: attached to the literal before `slot` (which is slot_count for the last one)
/// or to the slot's value.
typedef struct shape_wanted {
  uint16_t slot;
  uint16_t path;
  uint16_t back;  // BEGIN, END: how many bytes before the slot's start
  uint8_t kind;
  uint8_t flags;  // END: whether the container is empty
} shape_wanted;
enum { SHAPE_VALUE, SHAPE_BEGIN, SHAPE_END };

/// How a number is spelled.
typedef struct spelling {
  uint8_t digits;  // how many, 0: in a way that is not worth it
  uint8_t places;  // how many of them behind the point, or SPELLING_INTEGER
  uint8_t negative;
  uint8_t reserved;
} spelling;
enum { SPELLING_INTEGER = 32 };

/// A number that is asked for and converted.
typedef struct shape_number {
  uint16_t slot;
  uint16_t path;
  spelling spelling;  // in the template
} shape_number;

/// A literal that was seen after a slot although it is not the template's next.
typedef struct shape_turn {
  uint64_t opens;    // nodes of the trie met in it
  uint32_t literal;  // offset in the memory
  uint32_t number;   // of the literal, for splitting
  uint16_t length;
  uint16_t strand;  // where it leads
  uint16_t slot;    // or SHAPE_NONE: the document ends with it
  uint16_t next;    // of the same slot
} shape_turn;

/// All offsets count from the start of the memory.
typedef struct shape_strand {
  uint32_t bytes;    // template, followed by at least 64 zeros
  uint32_t sorts;    // for each byte of it, what may stand there instead; as long as `bytes`
  uint32_t blocks;   // length / 64 + 1 of them
  uint32_t places;   // slot_count + 1; the last one is the end of the template, twice
  uint32_t slots;
  uint32_t wanted;
  uint32_t numbers;
  uint32_t values;   // of all paths, as they are for the template
  uint32_t length;
  uint32_t capacity;  // most bytes the template can grow to
  uint16_t slot_count;
  uint16_t wanted_count;
  uint16_t number_count;
  bool has_bounds;    // some of the wanted are BEGIN or END
  uint32_t first_literal;  // number of the literal before slot 0
  uint32_t shifts;         // messages in a row that did not fit without shifting
} shape_strand;

typedef struct shape_memory {
  uint32_t used;       // bytes of the pool in use
  uint32_t literals;   // how many literals have numbers
  uint16_t strand_count;
  uint16_t turn_count;
  uint16_t recent;     // strand that was used last
  uint16_t misses;     // in a row
  uint32_t skip;       // messages for which nothing is tried
  uint32_t passed;     // messages that were not worth following
  uint32_t credit;     // what may be spent on learning
  uint32_t is_splitter;
  uint32_t is_full;    // a splitter does not forget by itself
  uint32_t base;       // where the pool begins
  uint32_t literal_bytes;  // at the end of the pool, growing downwards
  uint32_t path_count;
  uint32_t options;
  uint8_t guesses[SHAPE_GUESSES];  // strand + 1
  uint8_t turned[SHAPE_GUESSES];   // how often such a message needed turns
  uint8_t costs[SHAPE_GUESSES];    // by how they begin: whether messages are worth following
  shape_strand strands[SHAPE_STRANDS];
  shape_turn turns[SHAPE_TURNS];
  uint8_t pool[SHAPE_POOL + 64];
} shape_memory;

/// What a message being followed becomes.
typedef struct shape_output {
  mwc_json_value *values;  // of all paths, or NULL when splitting
  mwc_json_piece *pieces;
  mwc_json_pieces *split;
} shape_output;

/// What stands at an offset.
static inline void *shape_at(const shape_memory *memory, uint32_t offset) {
  return (uint8_t *)memory + offset;
}

/// What a scanner remembers.
static inline shape_memory *shape_of(mwc_json_scanner *scanner) {
  return (shape_memory *)((uint8_t *)scanner + scanner->shapes);
}

/// Makes an empty memory. `options` are those of the scan.
void shape_init(shape_memory *memory, size_t path_count, uint32_t options, bool is_splitter);

/// Forgets all strands and turns.
void shape_forget(shape_memory *memory);

/// The literal before slot `slot` of a strand; that before slot_count is the last one.
static inline mwc_json_text shape_literal(const shape_memory *memory, const shape_strand *strand,
                                          uint32_t slot) {
  const shape_place *places = (const shape_place *)shape_at(memory, strand->places);
  uint32_t start = slot == 0 ? 0 : places[slot - 1].end;
  const uint8_t *bytes = (const uint8_t *)shape_at(memory, strand->bytes);
  return (mwc_json_text){bytes + start, places[slot].start - start};
}

/// Where the cost is kept of messages that begin like this one, which has SHAPE_SHORTEST bytes; that of
/// those that are as long, too, is kept where their guess is.
static inline uint32_t shape_kind(const uint8_t *json) {
  uint64_t head, next;
  memcpy(&head, json, 8);
  memcpy(&next, json + 8, 8);
  return (uint32_t)((head * 0x9E3779B97F4A7C15u ^ next) * 0xD6E8FEB86659FD93u >> 56);
}

/// Where guesses are kept for messages like this one, which has at least SHAPE_SHORTEST bytes.
static inline uint32_t shape_guess(const uint8_t *json, size_t length) {
  uint64_t head, next;
  memcpy(&head, json, 8);
  memcpy(&next, json + 8, 8);
  uint64_t hash = (head ^ (length / 32)) * 0x9E3779B97F4A7C15u;
  hash = (hash ^ hash >> 32 ^ next) * 0xD6E8FEB86659FD93u;
  return (uint32_t)(hash >> 56);
}

/// Checks a message against what is remembered. False if it does not fit; the output then means
/// nothing.
bool shape_follow(shape_memory *memory, const uint8_t *json, size_t length, size_t readable,
                  const shape_output *output);

/// Remembers a message that is known to be valid, with the values of all paths. `scanner` knows the
/// paths, or is NULL. With `as_strand` not only turns are added to known strands. Returns false if
/// this message cannot be remembered.
bool shape_learn(shape_memory *memory, const mwc_json_scanner *scanner, const uint8_t *json,
                 size_t length, const mwc_json_value *values, bool as_strand);

/// `mwc_json_scan` with what is remembered, of a message of which `readable` bytes may be read.
int mwc_json_scan_shaped(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                         size_t readable, mwc_json_value *values, size_t *error_offset);

/// Makes the masks of a strand from its template and places.
void shape_index(shape_memory *memory, shape_strand *strand);

#endif
