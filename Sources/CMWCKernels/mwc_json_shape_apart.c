// Takes a valid message apart into units, and says what of it the paths ask for.
#include "mwc_json_shape.h"

enum {
  /// Deeper documents are not remembered: the kinds of their containers have to fit in one word.
  DEPTH = 64,
  /// Elements of an array behind the last one that a path names are all alike.
  ELEMENT_MAX = 0xFFF0,
  WANTED = sizeof((shape_draft){0}).wanted / sizeof(shape_wanted),
};

/// The containers that are open.
typedef struct open_containers {
  const mwc_json_scanner *scanner;
  uint32_t columns[DEPTH + 1];  // hash of the path to each
  uint64_t stack;               // as shape_unit.stack
  uint32_t depth;
  // Those that lead along the trie of paths:
  uint32_t level;
  uint16_t nodes[MWC_JSON_STEPS_MAX + 2];
  uint32_t elements[MWC_JSON_STEPS_MAX + 2];       // index of the next element
  uint32_t last_elements[MWC_JSON_STEPS_MAX + 2];  // how many a path could mean
  uint64_t met[SHAPE_NODE_WORDS];
} open_containers;

/// One more than the highest index that a path names below a node; 0 if none does.
static uint32_t named_elements(const mwc_json_scanner *scanner, uint16_t parent) {
  uint32_t count = 0;
  const mwc_json_node *nodes = scanner->nodes;
  for (uint16_t i = (uint16_t)(parent + 1); i < nodes[parent].end; i = nodes[i].end) {
    if (nodes[i].name_length != MWC_NOT_A_NAME || nodes[i].index < count) continue;
    count = nodes[i].index < ELEMENT_MAX ? nodes[i].index + 1 : UINT32_MAX;
  }
  return count;
}

static uint32_t mix(uint32_t hash, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) hash = (hash ^ bytes[i]) * 0x01000193u;
  return (hash ^ hash >> 15) * 0x2C1B3C6Du;
}

static bool want(shape_draft *draft, uint8_t kind, uint16_t path, const mwc_json_event *event) {
  if (path == SHAPE_NONE) return true;
  if (draft->wanted_count == WANTED) return false;
  draft->wanted[draft->wanted_count++] = (shape_wanted){
      .unit = (uint16_t)draft->unit_count,
      .path = path,
      .at = (uint16_t)(event->offset + (kind == SHAPE_END)),
      .length = (uint16_t)event->length,
      .kind = kind,
      .type = event->kind,
      .flags = event->flags,
  };
  return true;
}

/// A path leads to or through the value that comes. False if one was already there.
static bool meet(shape_draft *draft, open_containers *open, uint16_t node,
                 const mwc_json_event *event) {
  uint64_t bit = 1ull << (node % 64);
  if (open->met[node / 64] & bit) return false;
  open->met[node / 64] |= bit;
  return want(draft, SHAPE_MET, node, event);
}

static bool add_unit(shape_draft *draft, const open_containers *open, const mwc_json_event *event,
                     uint32_t column, uint16_t node) {
  if (draft->unit_count == SHAPE_UNITS) return false;
  uint32_t end = event->offset + event->length;
  bool is_word = event->kind < MWC_JSON_NUMBER || (event->flags & MWC_JSON_NOTFINITE);
  uint64_t top = SHAPE_NONE;
  uint64_t element = 0;
  if (open->level > 0) {
    top = open->nodes[open->level];
    element = open->elements[open->level];
    uint32_t most = open->last_elements[open->level];
    if (element > most) element = most;
  }
  bool is_string = event->kind == MWC_JSON_STRING;
  draft->units[draft->unit_count++] = (shape_unit){
      .stack = open->stack,
      .context = top | element << 16 | (uint64_t)node << 32 | (uint64_t)open->depth << 48 |
                 (uint64_t)open->level << 56,
      // What follows a string begins with its quote.
      .column = column * 2 + is_string,
      .start = (uint16_t)(is_word ? end : event->offset),
      .end = (uint16_t)end,
      .kind = is_word ? SHAPE_WORD : is_string ? SHAPE_STRING : SHAPE_NUMBER,
  };
  return true;
}

/// Opens a container, which is on the trail if `node` is one.
static bool open_container(shape_draft *draft, open_containers *open, const mwc_json_event *event,
                           uint32_t column, uint16_t node) {
  if (open->depth == DEPTH) return false;
  bool is_object = event->kind == MWC_JSON_OBJECT;
  open->depth++;
  open->stack = open->stack << 1 | is_object;
  open->columns[open->depth] = column;
  if (node == SHAPE_NONE) return true;
  open->level++;
  open->nodes[open->level] = node;
  open->elements[open->level] = 0;
  open->last_elements[open->level] = 0;
  if (!is_object) {
    uint32_t count = named_elements(open->scanner, node);
    if (count > ELEMENT_MAX) return false;
    open->last_elements[open->level] = count;
  }
  return want(draft, SHAPE_BEGIN, mwc_trie_path(open->scanner, node), event);
}

static bool close_container(shape_draft *draft, open_containers *open,
                            const mwc_json_event *event) {
  if (event->depth + 1u == open->level) {
    uint16_t path = mwc_trie_path(open->scanner, open->nodes[open->level]);
    if (!want(draft, SHAPE_END, path, event)) return false;
    open->level--;
  }
  open->depth--;
  open->stack >>= 1;
  return true;
}

bool shape_take_apart(shape_draft *draft, const mwc_json_scanner *scanner, const uint8_t *json,
                      size_t length) {
  open_containers open;
  memset(&open, 0, sizeof open);
  open.scanner = scanner;
  draft->unit_count = 0;
  draft->wanted_count = 0;
  mwc_json_walk walk;
  mwc_json_event event;
  mwc_json_walk_init(&walk, json, length, scanner->options & MWC_JSON_NONFINITE, 0);
  uint16_t next = 0;
  uint32_t column = 0;
  int result;
  while ((result = mwc_json_walk_next(&walk, &event)) == 1) {
    bool on_trail = event.depth == open.level;
    if (event.kind == MWC_JSON_KEY) {
      column = mix(open.columns[open.depth], json + event.offset, event.length);
      next = on_trail && open.level > 0
                 ? mwc_trie_member(scanner, open.nodes[open.level], json + event.offset,
                                   event.length, event.flags & MWC_JSON_ESCAPED)
                 : SHAPE_NONE;
      continue;
    }
    if (event.kind == MWC_JSON_OBJECT_END || event.kind == MWC_JSON_ARRAY_END) {
      if (!close_container(draft, &open, &event)) return false;
      continue;
    }
    if (open.depth > 0 && (open.stack & 1) == 0) {
      column = mix(open.columns[open.depth], (const uint8_t *)"[", 1);
      next = SHAPE_NONE;
      if (on_trail) {
        next = mwc_trie_element(scanner, open.nodes[open.level], open.elements[open.level]++);
      }
    }
    uint16_t node = on_trail ? next : SHAPE_NONE;
    if (node != SHAPE_NONE && !meet(draft, &open, node, &event)) return false;
    if (event.kind == MWC_JSON_OBJECT || event.kind == MWC_JSON_ARRAY) {
      if (!open_container(draft, &open, &event, column, node)) return false;
      continue;
    }
    if (open.depth == 0) return false;
    uint16_t path = node == SHAPE_NONE ? SHAPE_NONE : mwc_trie_path(scanner, node);
    if (!want(draft, SHAPE_VALUE, path, &event)) return false;
    if (!add_unit(draft, &open, &event, column, node)) return false;
  }
  if (result != 0 || draft->unit_count == 0) return false;
  draft->units[draft->unit_count++] = (shape_unit){
      .start = (uint16_t)length, .end = (uint16_t)length, .kind = SHAPE_LAST};
  return true;
}
