// Compiling paths into the trie of a scanner.
#include <string.h>

#include "mwc_json_scanner.h"
#include "mwc_json_shape.h"

/// One step of a path as it is spelled.
typedef struct step {
  const uint8_t *name;
  size_t length;
  uint32_t index;
  bool is_element;
  bool is_quoted;
} step;

static bool is_name_byte(uint8_t byte) {
  return byte != '.' && byte != '[' && byte != ']' && byte != '"';
}

/// `[3]` or `["name"]` from `*at` on, which stands behind the bracket.
static bool parse_bracket(const mwc_json_text *path, size_t *at, step *step) {
  size_t i = *at;
  if (i < path->length && path->bytes[i] == '"') {
    // The name is a JSON string: the walk knows how to read it.
    mwc_json_walk walk;
    mwc_json_event event;
    size_t rest = path->length - i;
    if (mwc_json_walk_init(&walk, path->bytes + i, rest, 0, 0) != 0) return false;
    if (mwc_json_walk_next(&walk, &event) != 1) return false;
    step->name = path->bytes + i + event.offset;
    step->length = event.length;
    step->is_quoted = true;
    step->is_element = false;
    i += event.offset + event.length + 1;
  } else {
    size_t digits = i;
    uint64_t index = 0;
    while (i < path->length && path->bytes[i] >= '0' && path->bytes[i] <= '9') {
      index = index * 10 + (uint64_t)(path->bytes[i] - '0');
      if (index > UINT32_MAX) return false;
      i++;
    }
    if (i == digits) return false;
    step->index = (uint32_t)index;
    step->is_element = true;
  }
  if (i == path->length || path->bytes[i] != ']') return false;
  *at = i + 1;
  return true;
}

/// The next step from `*at` on. False if there is none that could be understood.
static bool parse_step(const mwc_json_text *path, size_t *at, step *step) {
  memset(step, 0, sizeof *step);
  size_t i = *at;
  bool has_dot = path->bytes[i] == '.';
  if (!has_dot && path->bytes[i] == '[') {
    *at = i + 1;
    return parse_bracket(path, at, step);
  }
  // Only the first name stands without a dot.
  if (!has_dot && i > 0) return false;
  if (has_dot) i++;
  size_t start = i;
  while (i < path->length && is_name_byte(path->bytes[i])) i++;
  if (i == start) return false;
  step->name = path->bytes + start;
  step->length = i - start;
  *at = i;
  return true;
}

static bool same_step(const mwc_json_scanner *scanner, const mwc_json_node *node, const step *step) {
  if ((node->name_length == MWC_NOT_A_NAME) != step->is_element) return false;
  if (step->is_element) return node->index == step->index;
  const uint8_t *name = (const uint8_t *)scanner + node->name_offset;
  if (step->is_quoted) return mwc_json_equal(step->name, step->length, name, node->name_length);
  return node->name_length == step->length && memcmp(name, step->name, step->length) == 0;
}

static uint16_t find_step(const mwc_json_scanner *scanner, uint16_t parent, const step *step) {
  uint16_t child = (uint16_t)(parent + 1);
  while (child < scanner->nodes[parent].end) {
    if (same_step(scanner, &scanner->nodes[child], step)) return child;
    child = scanner->nodes[child].end;
  }
  return MWC_NO_NODE;
}

/// Adds a node as the last child of `parent`, moving what comes after it in preorder.
static uint16_t insert(mwc_json_scanner *scanner, uint16_t parent, const step *step,
                       uint32_t *names) {
  mwc_json_node *nodes = scanner->nodes;
  uint16_t at = nodes[parent].end;
  memmove(&nodes[at + 1], &nodes[at], (size_t)(scanner->node_count - at) * sizeof(mwc_json_node));
  scanner->node_count++;
  for (uint16_t i = 0; i < scanner->node_count; i++) {
    if (i == at) continue;
    if (i > at && nodes[i].parent >= at) nodes[i].parent++;
    // Ranges that reach beyond the new node grow; so do those of its ancestors, which end at it.
    if (nodes[i].end > at) nodes[i].end++;
  }
  for (uint16_t i = parent;; i = nodes[i].parent) {
    if (nodes[i].end == at) nodes[i].end++;
    if (i == 0) break;
  }
  mwc_json_node *added = &nodes[at];
  memset(added, 0, sizeof *added);
  added->path = MWC_NO_NODE;
  added->parent = parent;
  added->end = (uint16_t)(at + 1);
  added->name_length = MWC_NOT_A_NAME;
  added->index = step->index;
  if (!step->is_element) {
    uint8_t *name = (uint8_t *)scanner + *names;
    added->name_offset = *names;
    if (step->is_quoted) {
      added->name_length = (uint32_t)mwc_json_unescape(step->name, step->length, name);
    } else {
      memcpy(name, step->name, step->length);
      added->name_length = (uint32_t)step->length;
    }
    *names += added->name_length;
    nodes[parent].names |=
        mwc_trie_name_bit(added->name_length == 0 ? '"' : name[0], added->name_length);
  } else {
    nodes[parent].indices |= mwc_trie_index_bit(step->index);
  }
  return at;
}

/// Most steps a text of this many bytes can have, which is what the size is reckoned with.
static size_t steps_bound(size_t length) {
  size_t steps = length / 2 + 1;
  return steps < MWC_JSON_STEPS_MAX ? steps : MWC_JSON_STEPS_MAX;
}

static size_t nodes_bound(const mwc_json_text *paths, size_t count) {
  size_t nodes = 1;
  for (size_t i = 0; i < count; i++) nodes += steps_bound(paths[i].length);
  return nodes;
}

/// Without what it remembers.
static size_t compiled_size(const mwc_json_text *paths, size_t count) {
  size_t names = 0;
  for (size_t i = 0; i < count; i++) names += paths[i].length;
  size_t size = sizeof(mwc_json_scanner) + nodes_bound(paths, count) * sizeof(mwc_json_node) + names +
                MWC_NAME_ROOM;
  return (size + 7) & ~(size_t)7;
}

size_t mwc_json_scanner_size(const mwc_json_text *paths, size_t count) {
  return compiled_size(paths, count) + sizeof(shape_memory);
}

static int compile_path(mwc_json_scanner *scanner, const mwc_json_text *path, uint16_t number,
                        uint32_t *names) {
  size_t at = path->length > 0 && path->bytes[0] == '$' ? 1 : 0;
  uint16_t current = 0;
  size_t steps = 0;
  while (at < path->length) {
    step step;
    if (!parse_step(path, &at, &step)) return MWC_JSON_E_PATH_SYNTAX;
    if (++steps > MWC_JSON_STEPS_MAX) return MWC_JSON_E_PATH_LIMIT;
    uint16_t child = find_step(scanner, current, &step);
    current = child != MWC_NO_NODE ? child : insert(scanner, current, &step, names);
  }
  if (scanner->nodes[current].path != MWC_NO_NODE) return MWC_JSON_E_PATH_DUPLICATE;
  scanner->nodes[current].path = number;
  return 0;
}

/// Numbers the nodes, closes the ring of every parent's children, and says how names are compared and
/// where values are put.
static void link(mwc_json_scanner *scanner) {
  mwc_json_node *nodes = scanner->nodes;
  for (uint16_t i = 0; i < scanner->node_count; i++) {
    nodes[i].number = i;
    uint32_t length = nodes[i].name_length;
    const uint8_t *name = (const uint8_t *)scanner + nodes[i].name_offset;
    nodes[i].key_length = length <= MWC_NAME_ROOM && memchr(name, '\\', length) == NULL
                              ? length
                              : MWC_NOT_A_NAME;
    bool is_leaf = nodes[i].path != MWC_NO_NODE && nodes[i].end == i + 1;
    nodes[i].place =
        is_leaf ? (uint32_t)(nodes[i].path * sizeof(mwc_json_value)) : MWC_NO_PLACE;
    uint16_t parent = nodes[i].parent;
    bool is_last = nodes[i].end == nodes[parent].end;
    const mwc_json_node *sibling = &nodes[is_last ? parent + 1u : nodes[i].end];
    nodes[i].sibling = (uint32_t)((const uint8_t *)sibling - (const uint8_t *)scanner);
  }
}

mwc_json_scanner *mwc_json_scanner_init(void *memory, size_t size, const mwc_json_text *paths,
                                        size_t count, uint32_t options, uint32_t depth_max,
                                        int *error, size_t *bad_path) {
  *bad_path = 0;
  if (count > MWC_JSON_PATHS_MAX) {
    *bad_path = MWC_JSON_PATHS_MAX;
    *error = MWC_JSON_E_PATH_LIMIT;
    return NULL;
  }
  size_t needed = mwc_json_scanner_size(paths, count);
  if (size < needed || needed > UINT32_MAX) {
    *error = MWC_JSON_E_MEMORY;
    return NULL;
  }
  mwc_json_scanner *scanner = memory;
  memset(scanner, 0, compiled_size(paths, count));
  scanner->size = (uint32_t)needed;
  scanner->options = options;
  scanner->depth_max = depth_max;
  scanner->path_count = (uint16_t)count;
  scanner->node_count = 1;
  scanner->nodes[0].path = MWC_NO_NODE;
  scanner->nodes[0].end = 1;
  size_t nodes = nodes_bound(paths, count);
  uint32_t names = (uint32_t)(sizeof(mwc_json_scanner) + nodes * sizeof(mwc_json_node));
  for (size_t i = 0; i < count; i++) {
    *error = compile_path(scanner, &paths[i], (uint16_t)i, &names);
    if (*error != 0) {
      *bad_path = i;
      return NULL;
    }
  }
  link(scanner);
  scanner->shapes = (uint32_t)compiled_size(paths, count);
  shape_init(shape_of(scanner), scanner);
  return scanner;
}
