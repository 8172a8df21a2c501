// What a scanner remembers of a stream, and how a message is checked against it.
//
// A message is a row of **units**: a literal and the value behind it; at last a literal alone.
// Words (`null`, `true`) belong to the literals. Where a value has been passed, what may follow
// depends only on the containers that are open and on what they mean to the paths
// (`shape_unit.stack` and `.context`). Places that are alike in this, and have the same keys behind
// them, are one **point**.
//
// Between points there are **segments**: rows of units whose values have so far had the same length
// in every message, so that all of a segment is compared 64 bytes at a time, with **sorts** that
// say for each byte what else may stand there:
//
//     text    {"cpu":45.2,"host":"vm-7","gpu":
//     sorts          ld d         tttt              d  a digit       l  a digit but zero
//                                                   t  printable ASCII but quote and backslash
//
// The value at the end of a segment may be one whose length does vary; its end is found in one
// step, too. Behind it, at a point, one or several segments go on: what was seen to follow there.
//
//     ● ── {"cpu": ──▸ 45.2 ● ── ,"host":"vm-7","gpu":null} ── end
//                           ╰─── ,"gpu":{"name":"…","load":──▸ 3 ● ── …
//
// At first a message is one segment. A message that does not fit is scanned without all this and
// then compared unit by unit: where the length of a value differs, the segment is cut behind that
// value, which varies from then on; where a literal differs, it is cut before the literal, and what
// the message has there becomes another segment of that point. So a shape is refined at just those
// places where the stream varies. Optional members and arrays of any length are nothing but
// segments that lead back to points that are known.
//
// A stream comes back to the same lengths of all its values again and again. The layouts that are met
// most often are remembered whole, as segments that go from end to end: they are tried first, for
// messages of just that length, and lead to the others where they do not fit.
//
// Why this accepts exactly what the grammar accepts: every segment comes from a message that was
// checked in full. A value put in another value's place leaves a document valid. And a literal seen
// behind one place may follow every place with the same containers open, leading to the same
// containers. A member that a path leads to or through and that comes twice ends the attempt, for
// then the last one counts.
//
// Everything lives in one piece of memory and is addressed by offsets. When it is full, all is
// forgotten: shapes that are still in use come back at once.
#ifndef MWC_JSON_SHAPE_H
#define MWC_JSON_SHAPE_H

#include <string.h>

#include "mwc_block.h"
#include "mwc_json_scanner.h"

enum {
  /// What a scanner may remember, in bytes: some fifty shapes of a kilobyte, and a share of a
  /// second-level cache that leaves room for the messages.
  SHAPE_POOL = 256 * 1024,
  SHAPE_SEGMENTS = 512,
  SHAPE_POINTS = 384,
  /// The same for layouts: when either is full, all layouts are forgotten.
  SHAPE_LAYOUT_POOL = 384 * 1024,
  SHAPE_LAYOUTS = 192,
  /// Lengths of messages, and how they begin, for which there are layouts.
  SHAPE_LENGTHS = 256,
  /// Layouts of one length.
  SHAPE_LAYOUT_CHOICES = 16,
  /// Segments that begin at one point. More are no shape, but names that are data.
  SHAPE_CHOICES = 16,
  /// Longest message to learn. Longer ones can still be followed.
  SHAPE_BYTES = 12 * 1024,
  SHAPE_UNITS = 768,
  /// Words of bits for the nodes of the trie. With more nodes nothing is remembered.
  SHAPE_NODE_WORDS = 4,
  /// Points are found by a hash of so many values.
  SHAPE_BUCKETS = 256,
  /// Layouts are counted by a hash of so many values.
  SHAPE_SEEN = 256,
  /// Kinds of messages, told apart by how they begin.
  SHAPE_KINDS = 256,
  /// Shorter messages are not worth it.
  SHAPE_SHORTEST = 16,
  SHAPE_NONE = 0xFFFF,
};

/// What stands at the end of a unit, and of a segment.
enum {
  SHAPE_WORD,    ///< Of a unit: a word, which is part of the literal.
  SHAPE_NUMBER,  ///< Of a segment: one whose length varies.
  SHAPE_STRING,
  SHAPE_LAST,    ///< The message ends.
  SHAPE_JOINT,   ///< Of a segment: the end of a value, which belongs to the segment.
};

/// A literal and a value.
typedef struct shape_unit {
  uint64_t stack;    // kinds of the open containers, innermost lowest: 1 object
  uint64_t context;  // depth, and where in the trie of paths
  uint32_t column;   // hash of the path, array indices left out
  uint16_t start;    // of the value, in the text; where the value before ends, the literal starts
  uint16_t end;
  uint8_t kind;      // SHAPE_WORD …
  uint8_t reserved[7];
} shape_unit;

/// Something that a path asks for, or leads through.
typedef struct shape_wanted {
  uint16_t unit;
  uint16_t path;    // or the node of the trie that is met
  uint16_t at;      // in the text; of an end, behind the bracket
  uint16_t length;  // of a value
  uint8_t kind;     // SHAPE_VALUE …
  uint8_t type;
  uint8_t flags;    // of an end, those of its container
  uint8_t reserved;
} shape_wanted;
enum { SHAPE_VALUE, SHAPE_BEGIN, SHAPE_END, SHAPE_MET };

/// A message that segments were made of.
typedef struct shape_lesson {
  uint32_t text;  // offsets in the memory
  uint32_t units;
  uint32_t wanted;
  uint16_t unit_count;
  uint16_t wanted_count;
} shape_lesson;

/// A value as it is written for a message.
typedef struct shape_head {
  uint64_t first;   // the first eight bytes of an mwc_json_value, with an offset in the segment
  uint64_t second;  // and the next
  uint64_t place;   // where the value stands among the others, in bytes
} shape_head;

/// The end of a container that a path asks for.
typedef struct shape_bound {
  uint16_t path;
  uint16_t at;  // from the start of the segment
  uint8_t flags;
  uint8_t reserved[3];
} shape_bound;

/// A number that has the same spelling in every message of a segment, but for its digits.
typedef struct shape_number {
  uint8_t order[16];  // for each of sixteen digits, which of the text's last sixteen bytes it is
  uint64_t first, second;  // as in shape_head
  union {
    double tens;        // 10^places, negative if the number is; 1 for an integer
    uint8_t before[8];  // of a long one: for the last eight of the digits before those, which of the
                        // text's last twenty bytes they are
  };
  uint16_t end;       // from the start of the segment
  uint16_t place;     // where its value stands among the others, in bytes
  uint8_t count;      // of digits
  uint8_t places;     // digits behind the point
  uint8_t last;       // digits in the text's last sixteen bytes
  bool is_negative;
} shape_number;

/// Four of them that are converted at once, in the room of four.
typedef struct shape_group {
  uint8_t orders[4][16];  // of the numbers 0, 2, 1, 3: two times two are joined
  double tens[4];
  uint64_t heads[4][2];
  uint16_t ends[4];
  uint16_t places[4];  // where their values stand
  uint8_t counts[4];
  uint8_t decimals[4];  // digits behind the point
} shape_group;
_Static_assert(sizeof(shape_group) <= 4 * sizeof(shape_number), "in their room");

/// A number that is not as regular as that.
typedef struct shape_rest {
  uint16_t at;  // from the start of the segment
  uint16_t length;
  uint16_t place;  // where its value stands among the others, in bytes
} shape_rest;

typedef struct shape_segment {
  // What following needs. Offsets count from the start of the memory.
  uint32_t blocks;       // 64 bytes of text and 64 of sorts in turn
  uint16_t block_count;
  uint16_t length;       // up to its end, or to the start of the value that varies
  uint32_t reach;        // how far it looks
  uint64_t tail;         // which bytes of the last block count
  uint64_t word;         // at a point with several segments: what tells it from the others …
  uint64_t mask;         // … and which bits of the message's eight bytes there count
  uint16_t word_at;
  uint16_t other;        // the next segment of the same point, or SHAPE_NONE
  uint16_t place;        // where the value that varies stands among the others, or SHAPE_NONE
  uint8_t ending;        // SHAPE_NUMBER, SHAPE_STRING, SHAPE_LAST or SHAPE_JOINT
  uint8_t stops[2];      // with which of two bytes the segments behind it begin
  bool has_two_stops;
  bool has_values;       // heads or numbers
  bool has_groups;       // or long numbers
  bool has_more;         // rests, bounds or nodes beyond the first 64
  uint32_t next;         // the first segment behind it
  uint32_t heads;
  uint32_t singles;      // numbers that are in no group: reals, integers, long ones
  uint32_t rests;
  uint32_t bounds;
  uint16_t head_count;
  uint16_t real_count;
  uint16_t integer_count;
  uint16_t rest_count;
  uint16_t bound_count;
  uint16_t point;        // where it leads
  uint32_t early;        // no number ends before this place, and none needs twenty bytes of text that
                         // ends less than three bytes behind it
  uint64_t met[SHAPE_NODE_WORDS];  // nodes of the trie
  uint32_t numbers;      // groups, and behind them the singles
  uint16_t group_count;
  uint16_t long_count;   // of numbers with more digits than a vector has bytes
  // What learning needs.
  uint32_t lesson;
  uint16_t first;  // unit
  uint16_t count;  // of units
} shape_segment;

typedef struct shape_point {
  uint64_t stack, context;  // as of a unit
  uint32_t column;
  uint16_t first;   // of its segments, or SHAPE_NONE
  uint16_t next;    // point of the same bucket
  uint8_t varies;   // the length of the value before it does
  uint8_t choices;  // how many segments it has
  uint8_t reserved[6];
} shape_point;

/// The layouts of messages of one length.
typedef struct shape_layouts {
  uint32_t length;  // 0: none
  uint16_t first;   // segment; the last one of them leads to those that begin messages
  uint16_t count;
} shape_layouts;

typedef struct shape_memory {
  uint32_t used;      // bytes of the pool in use
  uint32_t base;      // where the pool begins
  uint16_t segment_count;
  uint16_t point_count;  // the first is where messages begin
  uint16_t misses;    // in a row
  uint16_t node_words;
  uint32_t skip;      // messages for which nothing is tried
  uint32_t passed;    // messages that were not worth following
  uint32_t credit;    // what may be spent on learning
  bool has_costs;     // some messages were not worth following
  uint32_t path_count;
  uint32_t options;
  uint32_t layout_used;    // bytes of the layouts' pool in use
  uint32_t layout_count;
  uint32_t layout_credit;  // what may be spent on learning layouts
  uint32_t layout_hits;    // messages that were one of them, …
  uint32_t layout_misses;  // … and messages that were followed otherwise
  bool layouts_full;       // there is no room for more
  uint16_t buckets[SHAPE_BUCKETS];
  uint8_t costs[SHAPE_KINDS];  // whether messages are worth following
  uint8_t seen[SHAPE_SEEN];    // how often a layout was met that is not remembered, by its hash
  shape_layouts layouts[SHAPE_LENGTHS];
  shape_point points[SHAPE_POINTS];
  shape_segment segments[SHAPE_SEGMENTS + SHAPE_LAYOUTS];
  uint8_t pool[SHAPE_POOL + SHAPE_LAYOUT_POOL + 64];  // layouts after the others
} shape_memory;

/// What stands at an offset.
static inline void *shape_at(const shape_memory *memory, uint32_t offset) {
  return (uint8_t *)memory + offset;
}

/// What a scanner remembers.
static inline shape_memory *shape_of(mwc_json_scanner *scanner) {
  return (shape_memory *)((uint8_t *)scanner + scanner->shapes);
}

/// Makes an empty memory for a scanner whose paths are compiled.
void shape_init(shape_memory *memory, const mwc_json_scanner *scanner);

/// Forgets all points and segments.
void shape_forget(shape_memory *memory);

/// A valid message taken apart. The text stays with the caller.
typedef struct shape_draft {
  uint32_t unit_count;
  uint32_t wanted_count;
  shape_unit units[SHAPE_UNITS + 1];
  /// A path has one value, or two bounds. Nodes are met once each.
  shape_wanted wanted[2 * MWC_JSON_PATHS_MAX + 64 * SHAPE_NODE_WORDS];
} shape_draft;

/// Takes a valid message of at most SHAPE_BYTES bytes apart. False if it is of a kind that is not
/// remembered.
bool shape_take_apart(shape_draft *draft, const mwc_json_scanner *scanner, const uint8_t *json,
                      size_t length);

/// Fills in what following needs of a segment, from its lesson. With fewer units than before it
/// needs no more room than before.
void shape_fill(shape_memory *memory, shape_segment *segment);

/// Says for every segment of a point what tells it from the others, and for those that lead there
/// what comes next.
void shape_link(shape_memory *memory, uint16_t point);

/// Whether a byte is of a sort.
static inline bool shape_is_of_sort(uint8_t byte, uint8_t sort) {
  static const uint8_t lower[16] = {MWC_SORTS_BY_LOWER}, upper[16] = {MWC_SORTS_BY_UPPER};
  return (lower[byte & 15] & upper[byte >> 4] & sort) != 0;
}

/// Where the literal of a unit begins.
static inline uint32_t shape_literal_start(const shape_unit *units, uint32_t unit) {
  return unit == 0 ? 0 : units[unit - 1].end;
}

/// Remembers a message that is known to be valid.
void shape_learn(shape_memory *memory, const mwc_json_scanner *scanner, const uint8_t *json,
                 size_t length);

/// Forgets all layouts.
void shape_forget_layouts(shape_memory *memory);

/// Remembers the layout of a message that is known to be valid.
void shape_learn_layout(shape_memory *memory, const mwc_json_scanner *scanner, const uint8_t *json,
                        size_t length);

/// Where layouts are kept of messages that are as long as this one, of at least SHAPE_SHORTEST bytes,
/// and begin like it.
static inline uint32_t shape_layouts_at(const uint8_t *json, size_t length) {
  uint64_t head;
  memcpy(&head, json, 8);
  uint64_t hash = (head ^ length * 0x9E3779B97F4A7C15u) * 0xD6E8FEB86659FD93u;
  return (uint32_t)(hash >> 56);
}

/// Which of the segments that begin messages comes first; layouts that do not fit lead there.
void shape_link_layouts(shape_memory *memory);

/// `mwc_json_scan` with what is remembered, of a message of which `readable` bytes may be read.
int mwc_json_scan_shaped(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                         size_t readable, mwc_json_value *values, size_t *error_offset);

#endif
