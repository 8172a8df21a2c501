// What a scanner is made of, for those who scan with it.
//
// Paths are compiled into a trie, and a document is followed in it: as long as the containers that
// are open lead along the trie, keys and elements are looked up; everything else is only checked.
//
//   data.cpu  data.gpus[0].name  type      node:  0 $ ─┬─ 1 data ─┬─ 2 cpu
//                                                      │          └─ 3 gpus ── 4 [0] ── 5 name
//                                                      └─ 6 type
//
// Nodes stand in preorder, so that a node and all below it are one range: when a key comes a second
// time, what its first value gave is taken back by clearing that range.
#ifndef MWC_JSON_SCANNER_H
#define MWC_JSON_SCANNER_H

#include <string.h>

#include "mwc_json.h"

enum {
  MWC_NO_NODE = 0xFFFF,
  /// How many bytes may be read from the start of every name, however short; the longest name that is
  /// compared in one go.
  MWC_NAME_ROOM = 32,
};
/// In place of a name's length: a step into an array, by index, not into an object, by name.
#define MWC_NOT_A_NAME UINT32_MAX
/// In place of a value's: no path ends at a node, or others go on.
#define MWC_NO_PLACE UINT32_MAX
_Static_assert(MWC_JSON_PATHS_MAX * MWC_JSON_STEPS_MAX + 1 < MWC_NO_NODE,
               "nodes are counted in 16 bits");

typedef struct mwc_json_node {
  uint32_t key_length;    // of the name as a key spells it, if that is compared by `mwc_same_name`;
                          // MWC_NOT_A_NAME for elements, and for names too long or with a backslash
  uint32_t name_offset;   // from the start of the scanner's memory
  uint32_t sibling;       // the node after it below the same parent, the first after the last: the
                          // distance from the start of the scanner's memory
  uint32_t seen;          // the last scan in which a value was met here
  uint64_t names;         // `mwc_trie_name_bit` of every child that is a member
  uint64_t indices;       // bit index % 64 for every child that is an element
  uint32_t name_length;   // MWC_NOT_A_NAME for an element
  uint32_t index;         // of an element
  uint32_t place;         // if a path ends here and no other goes on: where its value is put, as the
                          // distance from the first value in bytes; else MWC_NO_PLACE
  uint16_t path;          // which path ends here, or MWC_NO_NODE
  uint16_t end;           // first node that is not below this one
  uint16_t parent;
  uint16_t number;  // its own
} mwc_json_node;

struct mwc_json_scanner {
  uint32_t size;  // of everything: this header, nodes, names
  uint32_t options;
  uint32_t depth_max;
  uint32_t scan;  // number of the current scan, never 0
  uint32_t shapes;  // where what it remembers begins
  uint16_t node_count;
  uint16_t path_count;
  mwc_json_node nodes[];
};

/// The node at a distance from the start of the scanner's memory.
static inline mwc_json_node *mwc_trie_node(mwc_json_scanner *scanner, size_t distance) {
  return (mwc_json_node *)(void *)((uint8_t *)scanner + distance);
}

/// The bit of an index in the summary of a node's children.
static inline uint64_t mwc_trie_index_bit(size_t index) { return (uint64_t)1 << index % 64; }

/// The bit of a name in the summary of a node's children; `first` is its first byte, or the quote that
/// ends it.
static inline uint64_t mwc_trie_name_bit(uint8_t first, size_t length) {
  return (uint64_t)1 << (length * 5 + first) % 64;
}

/// The child of `parent` for a member, or MWC_NO_NODE. `escaped`: the key has a backslash.
uint16_t mwc_trie_member(const mwc_json_scanner *scanner, uint16_t parent, const uint8_t *key,
                         size_t length, bool escaped);

/// The child of `parent` for an element, or MWC_NO_NODE.
uint16_t mwc_trie_element(const mwc_json_scanner *scanner, uint16_t parent, uint32_t index);

/// The path that ends at a node, or MWC_NO_NODE.
static inline uint16_t mwc_trie_path(const mwc_json_scanner *scanner, uint16_t node) {
  return scanner->nodes[node].path;
}

/// Counts scans from 1 again, when all numbers have been used.
void mwc_trie_recount(mwc_json_scanner *scanner);

/// Begins a scan: no value has been met.
static inline void mwc_trie_begin(mwc_json_scanner *scanner, mwc_json_value *values) {
  memset(values, 0, scanner->path_count * sizeof(mwc_json_value));
  if (__builtin_expect(++scanner->scan == 0, 0)) mwc_trie_recount(scanner);
}

/// Takes back what an earlier value at this node gave.
void mwc_trie_forget(mwc_json_scanner *scanner, uint16_t node, mwc_json_value *values);

/// A value begins that a path leads to, or through. Returns where to put it, or NULL if no path ends
/// here; the place is all zeros.
static inline mwc_json_value *mwc_trie_meet(mwc_json_scanner *scanner, mwc_json_node *node,
                                            mwc_json_value *values) {
  if (__builtin_expect(node->seen == scanner->scan, 0)) {
    mwc_trie_forget(scanner, node->number, values);
  }
  node->seen = scanner->scan;
  return node->path == MWC_NO_NODE ? NULL : &values[node->path];
}

/// Converts a located number as MWC_JSON_CONVERT promises.
void mwc_json_convert(const uint8_t *json, mwc_json_value *value);

/// `mwc_json_scan` without anything remembered from earlier messages.
int mwc_json_scan_general(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                          mwc_json_value *values, size_t *error_offset);

/// The same from event to event, slower: for what the faster way does not take, and for the place of an
/// error. `length` ≤ MWC_JSON_LENGTH_MAX.
int mwc_json_scan_by_walking(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                             mwc_json_value *values, size_t *error_offset);

#endif
