// Learning: a message that was checked in full becomes a strand, or adds turns to known ones.
#include "mwc_json_scanner.h"
#include "mwc_json_shape.h"

enum {
  /// Deeper documents are not remembered: the kinds of their containers have to fit in one word.
  DEPTH = 64,
  /// Most BEGIN, END and VALUE entries of a strand.
  WANTED = 2 * MWC_JSON_PATHS_MAX + MWC_JSON_PATHS_MAX,
  /// Elements of an array behind the last one that a path names are all alike.
  ELEMENT_MAX = 0xFFF0,
};

/// A message taken apart, before it becomes a strand.
typedef struct draft {
  const mwc_json_scanner *scanner;
  uint32_t slot_count;
  uint32_t wanted_count;
  // The containers that are open:
  uint32_t paths[DEPTH + 1];     // hash of the path to the container
  uint64_t stack;                // as shape_slot.stack
  uint32_t depth;
  // Those that lead along the trie of paths:
  uint32_t level;
  uint16_t nodes[MWC_JSON_STEPS_MAX + 2];
  uint32_t elements[MWC_JSON_STEPS_MAX + 2];  // index of the next element, or …
  uint32_t last_elements[MWC_JSON_STEPS_MAX + 2];  // how many a path could mean
  uint64_t opened;
  uint64_t met[(MWC_JSON_PATHS_MAX * MWC_JSON_STEPS_MAX) / 64 + 1];
  shape_place places[SHAPE_SLOTS + 1];
  shape_slot slots[SHAPE_SLOTS + 1];
  shape_wanted wanted[WANTED];
  uint32_t positions[WANTED];  // of BEGIN and END, in the message
} draft;

void shape_forget(shape_memory *memory) {
  memory->used = memory->base;
  memory->literal_bytes = 0;
  memory->literals = 0;
  memory->strand_count = 0;
  memory->turn_count = 0;
  memory->recent = 0;
  memory->is_full = 0;
  memset(memory->guesses, 0, sizeof memory->guesses);
  memset(memory->turned, 0, sizeof memory->turned);
  memset(memory->costs, 0, sizeof memory->costs);
}

// MARK: Taking apart

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

/// A path leads to or through the value that comes. False if one was already there.
static bool meet(draft *draft, uint16_t node) {
  uint64_t bit = 1ull << (node % 64);
  if (draft->met[node / 64] & bit) return false;
  draft->met[node / 64] |= bit;
  // With more nodes than bits there are no turns, and nothing looks at this.
  draft->opened |= bit;
  return true;
}

static bool want(draft *draft, uint16_t path, uint8_t kind, uint32_t position, uint8_t flags) {
  if (path == SHAPE_NONE) return true;
  if (draft->wanted_count == WANTED) return false;
  draft->positions[draft->wanted_count] = position;
  draft->wanted[draft->wanted_count++] = (shape_wanted){
      .slot = (uint16_t)draft->slot_count, .path = path, .kind = kind, .flags = flags};
  return true;
}

static bool add_slot(draft *draft, const mwc_json_event *event, uint32_t column, uint16_t node) {
  uint32_t i = draft->slot_count;
  if (i == SHAPE_SLOTS) return false;
  bool is_string = event->kind == MWC_JSON_STRING;
  draft->places[i] = (shape_place){(uint16_t)event->offset,
                                   (uint16_t)(event->offset + event->length)};
  uint64_t element = 0;
  uint64_t top = SHAPE_NONE;
  if (draft->level > 0) {
    top = draft->nodes[draft->level];
    element = draft->elements[draft->level];
    uint32_t most = draft->last_elements[draft->level];
    if (element > most) element = most;
  }
  draft->slots[i] = (shape_slot){
      .stack = draft->stack,
      .context = top | element << 16 | (uint64_t)node << 32 | (uint64_t)draft->depth << 48 |
                 (uint64_t)draft->level << 56,
      .opened = draft->opened,
      .column = (column ^ is_string) | 2,
      .turns = SHAPE_NONE,
      .is_string = is_string,
      .type = event->kind,
      .flags = event->flags,
      .stale = 1,
  };
  draft->slot_count++;
  return true;
}

/// Opens a container, which is on the trail if `node` is one.
static bool open_container(draft *draft, const mwc_json_event *event, uint32_t column,
                           uint16_t node) {
  if (draft->depth == DEPTH) return false;
  bool is_object = event->kind == MWC_JSON_OBJECT;
  draft->depth++;
  draft->stack = draft->stack << 1 | is_object;
  draft->paths[draft->depth] = column;
  if (node == SHAPE_NONE) return true;
  draft->level++;
  draft->nodes[draft->level] = node;
  draft->elements[draft->level] = 0;
  draft->last_elements[draft->level] = 0;
  if (!is_object) {
    uint32_t count = named_elements(draft->scanner, node);
    if (count > ELEMENT_MAX) return false;
    draft->last_elements[draft->level] = count;
  }
  return want(draft, mwc_trie_path(draft->scanner, node), SHAPE_BEGIN, event->offset, 0);
}

/// Takes a valid message apart. False if it is of a kind that is not remembered.
static bool take_apart(draft *draft, const mwc_json_scanner *scanner, uint32_t options,
                       const uint8_t *json, size_t length) {
  memset(draft, 0, offsetof(struct draft, places));
  draft->scanner = scanner;
  mwc_json_walk walk;
  mwc_json_event event;
  mwc_json_walk_init(&walk, json, length, options & MWC_JSON_NONFINITE, 0);
  uint16_t next = scanner == NULL ? SHAPE_NONE : 0;
  uint32_t column = 0;
  int result;
  while ((result = mwc_json_walk_next(&walk, &event)) == 1) {
    bool on_trail = scanner != NULL && event.depth == draft->level;
    if (event.kind == MWC_JSON_KEY) {
      column = mix(draft->paths[draft->depth], json + event.offset, event.length);
      next = on_trail && draft->level > 0
                 ? mwc_trie_member(scanner, draft->nodes[draft->level], json + event.offset,
                                   event.length, event.flags & MWC_JSON_ESCAPED)
                 : SHAPE_NONE;
      continue;
    }
    if (event.kind == MWC_JSON_OBJECT_END || event.kind == MWC_JSON_ARRAY_END) {
      if (scanner != NULL && event.depth + 1u == draft->level) {
        uint16_t path = mwc_trie_path(scanner, draft->nodes[draft->level]);
        if (!want(draft, path, SHAPE_END, event.offset + 1, event.flags)) return false;
        draft->level--;
      }
      draft->depth--;
      draft->stack >>= 1;
      continue;
    }
    bool in_array = draft->depth > 0 && (draft->stack & 1) == 0;
    if (in_array) {
      column = mix(draft->paths[draft->depth], (const uint8_t *)"[", 1);
      next = SHAPE_NONE;
      if (on_trail) {
        next = mwc_trie_element(scanner, draft->nodes[draft->level],
                                draft->elements[draft->level]++);
      }
    }
    uint16_t node = on_trail ? next : SHAPE_NONE;
    if (node != SHAPE_NONE && !meet(draft, node)) return false;
    if (event.kind == MWC_JSON_OBJECT || event.kind == MWC_JSON_ARRAY) {
      if (!open_container(draft, &event, column, node)) return false;
    } else {
      if (draft->depth == 0) return false;
      if (node != SHAPE_NONE &&
          !want(draft, mwc_trie_path(scanner, node), SHAPE_VALUE, event.offset, 0)) {
        return false;
      }
      if (!add_slot(draft, &event, column, node)) return false;
    }
  }
  return result == 0 && draft->slot_count > 0;
}

// MARK: Putting together

static size_t room(const shape_memory *memory) {
  return memory->base + SHAPE_POOL - memory->literal_bytes - memory->used;
}

static uint32_t take(uint32_t *used, size_t size) {
  uint32_t at = (uint32_t)offsetof(shape_memory, pool) + *used;
  *used += (uint32_t)((size + 63) & ~(size_t)63);
  return at;
}

/// Writes a strand behind those there are, without counting it yet. False if there is no room.
static bool put_together(shape_memory *memory, draft *draft, const uint8_t *json, size_t length,
                         const mwc_json_value *values, uint32_t *used) {
  uint32_t count = draft->slot_count;
  size_t capacity = length + length / 8 + 32;
  if (capacity > SHAPE_BYTES) capacity = SHAPE_BYTES;
  *used = memory->used;
  shape_strand *strand = &memory->strands[memory->strand_count];
  strand->bytes = take(used, capacity + 64);
  strand->sorts = take(used, capacity + 64);
  strand->blocks = take(used, (capacity / 64 + 1) * sizeof(shape_block));
  strand->places = take(used, (count + 1) * sizeof(shape_place));
  strand->slots = take(used, (count + 1) * sizeof(shape_slot));
  strand->wanted = take(used, draft->wanted_count * sizeof(shape_wanted));
  strand->numbers = take(used, draft->wanted_count * sizeof(shape_number));
  strand->values = take(used, memory->path_count * sizeof(mwc_json_value));
  if (*used - memory->used > room(memory)) return false;
  strand->length = (uint32_t)length;
  strand->capacity = (uint32_t)capacity;
  strand->slot_count = (uint16_t)count;
  strand->wanted_count = (uint16_t)draft->wanted_count;
  strand->shifts = 0;
  strand->has_bounds = false;
  strand->first_literal = memory->literals;
  uint8_t *bytes = shape_at(memory, strand->bytes);
  memcpy(bytes, json, length);
  memset(bytes + length, 0, capacity + 64 - length);

  draft->places[count] = (shape_place){(uint16_t)length, (uint16_t)length};
  draft->slots[count] = (shape_slot){.opened = draft->opened, .turns = SHAPE_NONE};
  uint32_t wanted = 0;
  for (uint32_t i = 0; i <= count; i++) {
    draft->slots[i].wanted = (uint16_t)wanted;
    while (wanted < draft->wanted_count && draft->wanted[wanted].slot == i) wanted++;
  }
  for (uint32_t i = 0; i < draft->wanted_count; i++) {
    uint32_t start = draft->places[draft->wanted[i].slot].start;
    draft->wanted[i].back = (uint16_t)(start - draft->positions[i]);
    if (draft->wanted[i].kind != SHAPE_VALUE) strand->has_bounds = true;
  }
  memcpy(shape_at(memory, strand->places), draft->places, (count + 1) * sizeof(shape_place));
  memcpy(shape_at(memory, strand->slots), draft->slots, (count + 1) * sizeof(shape_slot));
  if (draft->wanted_count > 0) {
    memcpy(shape_at(memory, strand->wanted), draft->wanted,
           draft->wanted_count * sizeof(shape_wanted));
  }
  if (memory->path_count > 0) {
    memcpy(shape_at(memory, strand->values), values, memory->path_count * sizeof(mwc_json_value));
  }
  shape_index(memory, strand);
  return true;
}

// MARK: Turns

/// Where a message stands in what is known: it has just passed this slot.
typedef struct position {
  uint16_t strand;
  uint16_t slot;
} position;

static const shape_slot *slots_of(const shape_memory *memory, const shape_strand *strand) {
  return shape_at(memory, strand->slots);
}

static bool alike(const shape_slot *left, const shape_slot *right) {
  return left->stack == right->stack && left->context == right->context &&
         left->is_string == right->is_string;
}

static bool same_text(mwc_json_text left, mwc_json_text right) {
  return left.length == right.length && memcmp(left.bytes, right.bytes, left.length) == 0;
}

/// Where a known literal leads from a position; false if it is not known there.
static bool next_position(const shape_memory *memory, position from, mwc_json_text literal,
                          bool is_last, position *to) {
  const shape_strand *strand = &memory->strands[from.strand];
  bool ends = from.slot + 1u == strand->slot_count;
  if (ends == is_last && same_text(shape_literal(memory, strand, from.slot + 1u), literal)) {
    *to = (position){from.strand, (uint16_t)(from.slot + 1)};
    return true;
  }
  uint16_t t = slots_of(memory, strand)[from.slot].turns;
  for (; t != SHAPE_NONE; t = memory->turns[t].next) {
    const shape_turn *turn = &memory->turns[t];
    mwc_json_text text = {shape_at(memory, turn->literal), turn->length};
    if ((turn->slot == SHAPE_NONE) == is_last && same_text(text, literal)) {
      *to = (position){turn->strand, turn->slot};
      return true;
    }
  }
  return false;
}

/// A slot of the same path in the same context: in the same strand the next one, or the nearest
/// before, or that of another strand.
static bool find_slot(const shape_memory *memory, position from, const shape_slot *wanted,
                      position *found) {
  for (uint32_t n = 0; n < memory->strand_count; n++) {
    // The strand at hand first.
    uint32_t index = n == 0 ? from.strand : n <= from.strand ? n - 1 : n;
    const shape_strand *strand = &memory->strands[index];
    const shape_slot *slots = slots_of(memory, strand);
    uint32_t start = n == 0 ? from.slot + 1u : 0;
    for (uint32_t k = 0; k < strand->slot_count; k++) {
      uint32_t i = start + k < strand->slot_count ? start + k
                                                  : strand->slot_count - 1 - (k - (strand->slot_count - start));
      if (slots[i].column == wanted->column && alike(&slots[i], wanted)) {
        *found = (position){(uint16_t)index, (uint16_t)i};
        return true;
      }
    }
  }
  return false;
}

/// Adds a turn. False if there is no room for it.
static bool add_turn(shape_memory *memory, position from, mwc_json_text literal, uint64_t opens,
                     position to, size_t reserved) {
  size_t size = (literal.length + 7) & ~(size_t)7;
  if (memory->turn_count == SHAPE_TURNS || room(memory) < size + reserved) return false;
  shape_slot *slot = (shape_slot *)shape_at(memory, memory->strands[from.strand].slots) + from.slot;
  uint32_t count = 0;
  uint16_t *link = &slot->turns;
  for (; *link != SHAPE_NONE; link = &memory->turns[*link].next) count++;
  if (count == SHAPE_TURNS_OF_SLOT) return false;
  memory->literal_bytes += (uint32_t)size;
  uint32_t at = (uint32_t)(offsetof(shape_memory, pool) + memory->base + SHAPE_POOL -
                           memory->literal_bytes);
  memcpy(shape_at(memory, at), literal.bytes, literal.length);
  *link = memory->turn_count;
  memory->turns[memory->turn_count++] = (shape_turn){
      .opens = opens,
      .literal = at,
      .number = memory->literals++,
      .length = (uint16_t)literal.length,
      .strand = to.strand,
      .slot = to.slot,
      .next = SHAPE_NONE,
  };
  return true;
}

/// Whether a container begins or ends in the literal before a slot that a path leads to.
static bool bounds_before(const shape_memory *memory, const shape_strand *strand, uint32_t slot) {
  const shape_wanted *wanted = shape_at(memory, strand->wanted);
  for (uint32_t i = slots_of(memory, strand)[slot].wanted;
       i < strand->wanted_count && wanted[i].slot == slot; i++) {
    if (wanted[i].kind != SHAPE_VALUE) return true;
  }
  return false;
}

/// How far a message got along what is known.
enum { LINKED_WHOLE, LINKED_WITH_TURNS, LINKED_NOT };

/// Follows the strand `memory->strands[strand_count]`, which is not counted yet, along the known ones
/// and adds the turns that are missing. `reserved` bytes are to stay free for the strand. Where no
/// known slot goes on, `*stuck` is the position and `*slot` the slot behind it.
static int link_turns(shape_memory *memory, size_t reserved, position *stuck, uint32_t *slot) {
  const shape_strand *strand = &memory->strands[memory->strand_count];
  const shape_slot *slots = slots_of(memory, strand);
  *slot = 0;
  // Where it starts: in the strand that was tried, or one that begins with the same literal.
  position at = {SHAPE_NONE, 0};
  for (uint32_t n = 0; n <= memory->strand_count; n++) {
    uint32_t index = n == 0 ? memory->recent : n - 1;
    if (index >= memory->strand_count) continue;
    const shape_strand *known = &memory->strands[index];
    if (same_text(shape_literal(memory, known, 0), shape_literal(memory, strand, 0)) &&
        alike(slots_of(memory, known), slots)) {
      at.strand = (uint16_t)index;
      break;
    }
  }
  if (at.strand == SHAPE_NONE) return LINKED_NOT;
  int result = LINKED_WHOLE;
  memory->recent = at.strand;
  for (uint32_t i = 1; i <= strand->slot_count; i++) {
    bool is_last = i == strand->slot_count;
    mwc_json_text literal = shape_literal(memory, strand, i);
    position next;
    if (!next_position(memory, at, literal, is_last, &next)) {
      *stuck = at;
      *slot = i;
      if (bounds_before(memory, strand, i)) return LINKED_NOT;
      next = (position){0, SHAPE_NONE};
      if (!is_last && !find_slot(memory, at, &slots[i], &next)) return LINKED_NOT;
      uint64_t opens = slots[i].opened & ~slots[i - 1].opened;
      if (!add_turn(memory, at, literal, opens, next, reserved)) return LINKED_NOT;
      result = LINKED_WITH_TURNS;
    }
    if (is_last) return result;
    at = next;
    const shape_slot *here = slots_of(memory, &memory->strands[at.strand]) + at.slot;
    if (!alike(here, &slots[i])) return LINKED_NOT;
  }
  return result;
}

static void add_strand(shape_memory *memory, uint32_t used, uint32_t guess) {
  shape_strand *strand = &memory->strands[memory->strand_count];
  strand->first_literal = memory->literals;
  memory->literals += strand->slot_count + 1u;
  memory->used = used;
  memory->recent = memory->strand_count;
  memory->strand_count++;
  memory->guesses[guess] = (uint8_t)memory->strand_count;
}

bool shape_learn(shape_memory *memory, const mwc_json_scanner *scanner, const uint8_t *json,
                 size_t length, const mwc_json_value *values, bool as_strand) {
  if (length < SHAPE_SHORTEST || length + 32 > SHAPE_BYTES) return false;
  draft draft;
  if (!take_apart(&draft, scanner, memory->options, json, length)) return false;
  uint32_t used;
  bool fits = memory->strand_count < SHAPE_STRANDS &&
              put_together(memory, &draft, json, length, values, &used);
  if (!fits) {
    if (memory->is_splitter) {
      memory->is_full = 1;
      return false;
    }
    shape_forget(memory);
    if (!put_together(memory, &draft, json, length, values, &used)) return false;
  }
  uint32_t guess = shape_guess(json, length);
  // Turns look at 64 nodes of the trie at most.
  bool may_turn = scanner == NULL || scanner->node_count <= 64;
  position stuck;
  uint32_t slot = 0;
  if (!as_strand && may_turn) {
    int linked = link_turns(memory, used - memory->used, &stuck, &slot);
    if (linked == LINKED_WITH_TURNS) {
      memory->guesses[guess] = (uint8_t)(memory->recent + 1);
      return true;
    }
    if (linked == LINKED_WHOLE) slot = 0;
  }
  // What could be turned into before is a turn into the new strand now.
  const shape_strand *strand = &memory->strands[memory->strand_count];
  const shape_slot *slots = slots_of(memory, strand);
  if (slot > 0 && slot < strand->slot_count && !bounds_before(memory, strand, slot)) {
    position to = {memory->strand_count, (uint16_t)slot};
    uint64_t opens = slots[slot].opened & ~slots[slot - 1].opened;
    add_turn(memory, stuck, shape_literal(memory, strand, slot), opens, to, used - memory->used);
  }
  add_strand(memory, used, guess);
  return true;
}
