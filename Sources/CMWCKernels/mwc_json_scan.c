// The entry, and the scan of what the faster way of `mwc_json_general.c` does not take: it walks from
// event to event. That is slower, and finds the exact place of an error.
#include <string.h>

#include "mwc_json_scanner.h"
#include "mwc_json_shape.h"

// In place of an element's index: the container is an object.
#define NO_ELEMENTS UINT32_MAX

// MARK: The trie

uint16_t mwc_trie_member(const mwc_json_scanner *scanner, uint16_t parent, const uint8_t *key,
                         size_t length, bool escaped) {
  const mwc_json_node *nodes = scanner->nodes;
  uint64_t bit = mwc_trie_name_bit(key[0], length);
  if (!escaped && (nodes[parent].names & bit) == 0) return MWC_NO_NODE;
  uint16_t end = nodes[parent].end;
  for (uint16_t child = (uint16_t)(parent + 1); child < end; child = nodes[child].end) {
    const mwc_json_node *node = &nodes[child];
    if (node->name_length == MWC_NOT_A_NAME) continue;
    const uint8_t *name = (const uint8_t *)scanner + node->name_offset;
    bool equal = escaped ? mwc_json_equal(key, length, name, node->name_length)
                         : length == node->name_length && memcmp(key, name, length) == 0;
    if (equal) return child;
  }
  return MWC_NO_NODE;
}

uint16_t mwc_trie_element(const mwc_json_scanner *scanner, uint16_t parent, uint32_t index) {
  const mwc_json_node *nodes = scanner->nodes;
  if ((nodes[parent].indices & mwc_trie_index_bit(index)) == 0) return MWC_NO_NODE;
  uint16_t end = nodes[parent].end;
  for (uint16_t child = (uint16_t)(parent + 1); child < end; child = nodes[child].end) {
    if (nodes[child].name_length == MWC_NOT_A_NAME && nodes[child].index == index) return child;
  }
  return MWC_NO_NODE;
}

void mwc_trie_recount(mwc_json_scanner *scanner) {
  for (uint16_t i = 0; i < scanner->node_count; i++) scanner->nodes[i].seen = 0;
  scanner->scan = 1;
}

void mwc_trie_forget(mwc_json_scanner *scanner, uint16_t at, mwc_json_value *values) {
  mwc_json_node *nodes = scanner->nodes;
  for (uint16_t i = at; i < nodes[at].end; i++) {
    nodes[i].seen = 0;
    if (nodes[i].path != MWC_NO_NODE) memset(&values[nodes[i].path], 0, sizeof(mwc_json_value));
  }
}

// MARK: Scanning by walking

/// What a scan knows about the containers that are open and lead along the trie. A level is one
/// deeper than the node's depth in the trie, hence the bound.
typedef struct trail {
  uint16_t node[MWC_JSON_STEPS_MAX + 2];     // of the container at this level
  uint32_t element[MWC_JSON_STEPS_MAX + 2];  // index of its next element
  uint16_t level;                            // how many containers are on the trail
} trail;

static void locate(const mwc_json_scanner *scanner, const uint8_t *json,
                   const mwc_json_event *event, mwc_json_value *value) {
  value->offset = event->offset;
  value->length = event->length;
  value->type = event->kind;
  value->flags = event->flags;
  if (event->kind == MWC_JSON_NUMBER && (scanner->options & MWC_JSON_CONVERT)) {
    mwc_json_convert(json, value);
  }
}

int mwc_json_scan_by_walking(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                             mwc_json_value *values, size_t *error_offset) {
  mwc_json_walk walk;
  mwc_json_walk_init(&walk, json, length, scanner->options, scanner->depth_max);
  mwc_trie_begin(scanner, values);

  trail trail;
  trail.level = 0;
  uint16_t next = 0;  // the node of the value that comes next, or MWC_NO_NODE; the document is node 0
  mwc_json_event event;
  int result;
  while ((result = mwc_json_walk_next(&walk, &event)) == 1) {
    bool on_trail = event.depth == trail.level;
    switch (event.kind) {
      case MWC_JSON_KEY:
        next = on_trail ? mwc_trie_member(scanner, trail.node[trail.level], json + event.offset,
                                      event.length, event.flags & MWC_JSON_ESCAPED)
                        : MWC_NO_NODE;
        continue;
      case MWC_JSON_OBJECT_END:
      case MWC_JSON_ARRAY_END: {
        // The container that ends does not count itself in `depth`.
        if (event.depth + 1 != trail.level) continue;
        uint16_t path = scanner->nodes[trail.node[trail.level]].path;
        if (path != MWC_NO_NODE) {
          values[path].length = event.offset + 1 - values[path].offset;
          values[path].flags = event.flags;
        }
        trail.level--;
        continue;
      }
      default: break;
    }
    // A value. In an array it has no key; its index is counted instead.
    if (on_trail && trail.level > 0 && trail.element[trail.level] != NO_ELEMENTS) {
      next = mwc_trie_element(scanner, trail.node[trail.level], trail.element[trail.level]++);
    }
    if (!on_trail || next == MWC_NO_NODE) continue;
    mwc_json_value *value = mwc_trie_meet(scanner, &scanner->nodes[next], values);
    if (value != NULL) locate(scanner, json, &event, value);
    if (event.kind == MWC_JSON_OBJECT || event.kind == MWC_JSON_ARRAY) {
      trail.level++;
      trail.node[trail.level] = next;
      trail.element[trail.level] = event.kind == MWC_JSON_ARRAY ? 0 : NO_ELEMENTS;
    }
  }
  *error_offset = event.offset;
  return result;
}

// MARK: The entry

int mwc_json_scan(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                  mwc_json_value *values, size_t *error_offset) {
  if (scanner->options & MWC_JSON_GENERAL) {
    return mwc_json_scan_general(scanner, json, length, values, error_offset);
  }
  return mwc_json_scan_shaped(scanner, json, length, length, values, error_offset);
}

size_t mwc_json_scan_batch(mwc_json_scanner *scanner, const uint8_t *base, size_t readable,
                           const mwc_json_range *ranges, size_t count, mwc_json_value *values,
                           mwc_json_result *results) {
  size_t valid = 0;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *json = base + ranges[i].offset;
    size_t length = ranges[i].length;
    size_t error_offset = 0;
    int code;
    if (scanner->options & MWC_JSON_GENERAL) {
      code = mwc_json_scan_general(scanner, json, length, values, &error_offset);
    } else {
      code = mwc_json_scan_shaped(scanner, json, length, readable - ranges[i].offset, values,
                                  &error_offset);
    }
    results[i] = (mwc_json_result){code, (uint32_t)error_offset};
    valid += code == 0;
    values += scanner->path_count;
  }
  return valid;
}
