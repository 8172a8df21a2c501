#include "mwc_column_split.h"

/// No place of the same value is known.
#define UNKNOWN UINT32_MAX

enum {
  EDGES_MAX = 4 * MWC_COLUMN_NODES_MAX,
  TABLE_SIZE = 4 * MWC_COLUMN_NODES_MAX,
  LITERALS_MAX = 512 << 10,
  SUCCESSORS_MAX = 64,
  DEPTH_MAX = 64,
  /// Elements of arrays of numbers that have a column each.
  INDEXES_MAX = 32,
  /// Messages that are longer are taken as a whole.
  MESSAGE_MAX = 4 << 20,
  /// Strings that may decide how messages go on.
  TYPES_MAX = 64,
  TYPE_LENGTH_MAX = 40,
};

/// Bytes of words: numbers, `true`, `NaN`.
static const bool is_word[256] = {
    ['0' ... '9'] = true, ['a' ... 'z'] = true, ['A' ... 'Z'] = true,
    ['.'] = true,         ['-'] = true,         ['+'] = true,
};

static bool begins_word(uint8_t byte) {
  return (uint8_t)(byte - '0') < 10 || (uint8_t)((byte | 0x20) - 'a') < 26 || byte == '-';
}

static uint64_t mix(uint64_t one, uint64_t other) {
  unsigned __int128 product = (unsigned __int128)(one ^ 0x9E3779B97F4A7C15u) * (other ^ 0xD6E8FEB86659FD93u);
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_bytes(const uint8_t *bytes, size_t length) {
  uint64_t hash = length;
  for (; length >= 8; bytes += 8, length -= 8) hash = mix(hash, mwc_load64(bytes));
  if (length > 0) hash = mix(hash, mwc_load64(bytes) << (64 - 8 * length));
  return hash;
}

/// The how manieth successor of `node` is `next`; makes it one. SUCCESSORS_MAX: no room.
static uint32_t rank_of(mwc_split *split, mwc_split_node *node, uint32_t next) {
  uint32_t rank = 0;
  for (uint32_t edge = node->first_edge; edge != 0; edge = split->edges[edge].next) {
    if (split->edges[edge].node == next) return rank;
    rank++;
  }
  if (rank >= SUCCESSORS_MAX || split->edge_count >= EDGES_MAX) return SUCCESSORS_MAX;
  uint32_t edge = split->edge_count++;
  split->edges[edge] = (mwc_column_edge){.node = next, .next = 0};
  if (node->first_edge == 0) {
    node->first_edge = edge;
  } else {
    split->edges[node->last_edge].next = edge;
  }
  node->last_edge = edge;
  node->edge_count++;
  return rank;
}

bool mwc_split_init(mwc_split *split, mwc_arena *arena, const uint8_t *bytes, size_t size,
                    size_t records) {
  memset(split, 0, sizeof *split);
  split->bytes = bytes;
  // A value needs a few bytes in the message; where there are more values, messages stay whole.
  split->visit_room = size / 6 + 64;
  split->nodes = mwc_arena_take(arena, MWC_COLUMN_NODES_MAX * sizeof(mwc_split_node));
  split->edges = mwc_arena_take(arena, EDGES_MAX * sizeof(mwc_column_edge));
  split->table = mwc_arena_take(arena, TABLE_SIZE * sizeof(uint16_t));
  split->columns = mwc_arena_take(arena, MWC_COLUMN_NODES_MAX * sizeof(mwc_split_column));
  split->column_table = mwc_arena_take(arena, TABLE_SIZE * sizeof(uint16_t));
  split->literals = mwc_arena_take(arena, LITERALS_MAX);
  size_t room = split->visit_room + 2 * records + 1;
  split->changes = mwc_arena_take(arena, room * sizeof(mwc_split_change));
  split->choices = mwc_arena_take(arena, room * sizeof(mwc_split_change));
  split->visits = mwc_arena_take(arena, room * sizeof(mwc_split_visit));
  split->models = mwc_arena_take(arena, MWC_SPLIT_MODELS * sizeof(mwc_split_model));
  mwc_split_visit *models = mwc_arena_take(
      arena, MWC_SPLIT_MODELS * MWC_SPLIT_MODEL_VISITS * sizeof(mwc_split_visit));
  if (split->nodes == NULL || split->edges == NULL || split->table == NULL ||
      split->columns == NULL || split->column_table == NULL || split->literals == NULL || split->changes == NULL || split->choices == NULL ||
      split->visits == NULL || split->models == NULL || models == NULL)
    return false;
  for (size_t i = 0; i < MWC_SPLIT_MODELS; i++)
    split->models[i] = (mwc_split_model){.visits = models + i * MWC_SPLIT_MODEL_VISITS};
  split->literals_end = split->literals + LITERALS_MAX - 8;
  memset(split->table, 0, TABLE_SIZE * sizeof(uint16_t));
  memset(split->column_table, 0, TABLE_SIZE * sizeof(uint16_t));
  memset(split->columns, 0, MWC_SPLIT_FIRST * sizeof(mwc_split_column));
  split->columns[MWC_SPLIT_BYTES].form = MWC_NODE_WHOLE;
  split->column_count = MWC_SPLIT_FIRST;
  memset(split->nodes, 0, MWC_NODE_FIRST * sizeof(mwc_split_node));
  split->node_count = MWC_NODE_FIRST;
  split->edge_count = 1;
  for (int node = 0; node < MWC_NODE_FIRST; node++) split->nodes[node].literal = split->literals;
  split->nodes[MWC_NODE_BYTES].form = MWC_NODE_WHOLE;
  split->nodes[MWC_NODE_BYTES].column = MWC_SPLIT_BYTES;
  split->nodes[MWC_NODE_EMPTY].form = MWC_NODE_END;
  // A message can be taken as a whole however much has been learned.
  rank_of(split, &split->nodes[MWC_NODE_START], MWC_NODE_BYTES);
  rank_of(split, &split->nodes[MWC_NODE_BYTES], MWC_NODE_EMPTY);
  return true;
}

/// The column of values at this path; there are never more than nodes.
static uint32_t find_column(mwc_split *split, uint64_t path, uint8_t form) {
  uint64_t key = mix(path, form);
  size_t slot = key % TABLE_SIZE;
  for (; split->column_table[slot] != 0; slot = (slot + 1) % TABLE_SIZE) {
    if (split->columns[split->column_table[slot]].path == key) return split->column_table[slot];
  }
  uint32_t number = split->column_count++;
  split->columns[number] = (mwc_split_column){.path = key, .form = form};
  split->column_table[slot] = (uint16_t)number;
  return number;
}

/// The node with this literal at this path; made if need be. 0 when there is no room.
static uint32_t find_node(mwc_split *split, uint64_t path, uint8_t form, const uint8_t *literal,
                          size_t length) {
  uint64_t hash = mix(hash_bytes(literal, length), path + form);
  size_t slot = hash % TABLE_SIZE;
  for (; split->table[slot] != 0; slot = (slot + 1) % TABLE_SIZE) {
    const mwc_split_node *node = &split->nodes[split->table[slot]];
    if (node->hash == hash && node->form == form && node->literal_length == length &&
        mwc_same_bytes(node->literal, literal, length))
      return split->table[slot];
  }
  // What is learned has to come again: a stream that always brings new literals is not cut.
  if (split->node_count >= MWC_COLUMN_NODES_MAX ||
      split->node_count > 192 + split->learned_visits / 8 ||
      length > (size_t)(split->literals_end - split->literals))
    return 0;
  uint32_t number = split->node_count++;
  mwc_split_node *node = &split->nodes[number];
  memset(node, 0, sizeof *node);
  memcpy(split->literals, literal, length);
  node->literal = split->literals;
  node->literal_length = (uint32_t)length;
  split->literals += length;
  node->form = form;
  node->hash = hash;
  node->column = form == MWC_NODE_END ? MWC_SPLIT_NONE : find_column(split, path, form);
  split->table[slot] = (uint16_t)number;
  return number;
}

// MARK: The way that is known

/// The end of a word or a string that begins at `at`; NULL when there is none.
static const uint8_t *value_end(const uint8_t *at, const uint8_t *end, uint8_t form) {
  if (form == MWC_NODE_WORD) {
    const uint8_t *start = at;
    while (at < end && is_word[*at]) at++;
    return at > start && begins_word(*start) ? at : NULL;
  }
  while (at < end) {
    uint64_t word = mwc_load64(at);
    uint64_t quotes = word ^ 0x2222222222222222u, slashes = word ^ 0x5C5C5C5C5C5C5C5Cu;
    // The lowest byte that is marked is one of the two.
    uint64_t found = (((quotes - 0x0101010101010101u) & ~quotes) |
                      ((slashes - 0x0101010101010101u) & ~slashes)) &
                     0x8080808080808080u;
    if (found == 0) {
      at += 8;
      continue;
    }
    at += __builtin_ctzll(found) / 8;
    if (*at == '"') return at < end ? at : NULL;
    at += 2;
  }
  return NULL;
}

/// A message that is being cut along nodes that are known.
typedef struct follower {
  const uint8_t *at, *end;
  uint32_t node;  ///< the last one
  size_t count;   ///< of visits
} follower;

static void visit(mwc_split *split, follower *f, uint32_t node, const uint8_t *value,
                  const uint8_t *stop, uint32_t known) {
  split->visits[f->count++] = (mwc_split_visit){.node = node,
                                                .place = (uint32_t)(value - split->bytes),
                                                .length = (uint32_t)(stop - value),
                                                .known = known};
  f->node = node;
  f->at = stop;
}

/// Goes on to the successor whose literal stands there; false: there is none.
static bool follow_one(mwc_split *split, follower *f) {
  const mwc_split_node *node = &split->nodes[f->node];
  uint32_t next = node->likely, edge = node->first_edge;
  for (bool is_first = true;; is_first = false) {
    if (!is_first) {
      if (edge == 0) return false;
      next = split->edges[edge].node;
      edge = split->edges[edge].next;
      if (next == node->likely) continue;
    }
    if (next == 0) continue;
    const mwc_split_node *candidate = &split->nodes[next];
    size_t literal = candidate->literal_length;
    if (candidate->form == MWC_NODE_WHOLE || literal > (size_t)(f->end - f->at) ||
        !mwc_same_bytes(f->at, candidate->literal, literal))
      continue;
    const uint8_t *value = f->at + literal, *stop = value;
    if (candidate->form == MWC_NODE_END) {
      if (value != f->end) continue;
    } else {
      stop = value_end(value, f->end, candidate->form);
      if (stop == NULL) continue;
    }
    visit(split, f, next, value, stop, UNKNOWN);
    return true;
  }
}

/// Takes over the visits of a model as long as the message is the same but for its values.
static void follow_model(mwc_split *split, follower *f, const mwc_split_model *model) {
  const mwc_split_visit *visits = model->visits;
  const uint8_t *before = split->bytes + visits[f->count - 1].place + visits[f->count - 1].length;
  const uint8_t *before_end = split->bytes + model->end;
  while (f->count < model->count && f->count < split->visit_room) {
    // The visits that end before the first byte that differs are the same. The byte behind a value
    // says that it ends there, and must be the same, too.
    size_t room = (size_t)(f->end - f->at), other = (size_t)(before_end - before);
    if (other < room) room = other;
    size_t same = mwc_same_length(f->at, before, room);
    const uint8_t *limit = before + same;
    const uint8_t *from = before;
    while (f->count + 1 < model->count && f->count < split->visit_room) {
      const mwc_split_visit *known = &visits[f->count];
      const uint8_t *stop = split->bytes + known->place + known->length;
      if (stop >= limit) break;
      visit(split, f, known->node, f->at + (split->bytes + known->place - before),
            f->at + (stop - before), known->place);
      before = stop;
    }
    if (before == from && same == room && room == 0) return;
    if (f->count >= split->visit_room) return;
    const mwc_split_visit *known = &visits[f->count];
    const mwc_split_node *node = &split->nodes[known->node];
    const uint8_t *value = split->bytes + known->place;
    // The literal has to be the same up to the value, which may be another.
    if (value > limit) return;
    size_t literal = (size_t)(value - before);
    const uint8_t *own = f->at + literal;
    if (node->form == MWC_NODE_END) {
      if (own == f->end) visit(split, f, known->node, own, own, UNKNOWN);
      return;
    }
    const uint8_t *stop = value_end(own, f->end, node->form);
    if (stop == NULL) return;
    visit(split, f, known->node, own, stop, UNKNOWN);
    before = value + known->length;
  }
}

/// Follows the nodes that are known; the number of visits, 0 where none fits.
static size_t follow(mwc_split *split, uint32_t place, uint32_t length) {
  const uint8_t *at = split->bytes + place;
  follower f = {.at = at, .end = at + length, .node = MWC_NODE_START};
  if (!follow_one(split, &f)) return 0;
  uint32_t first = f.node;
  mwc_split_model *model = &split->models[first % MWC_SPLIT_MODELS];
  if (model->first == first) follow_model(split, &f, model);
  while (split->nodes[f.node].form != MWC_NODE_END) {
    if (f.count >= split->visit_room || !follow_one(split, &f)) return 0;
  }
  if (f.count <= MWC_SPLIT_MODEL_VISITS) {
    *model = (mwc_split_model){
        .first = first, .end = place + length, .count = (uint32_t)f.count, .visits = model->visits};
    memcpy(model->visits, split->visits, f.count * sizeof *model->visits);
  }
  return f.count;
}

// MARK: A new way

typedef struct level {
  uint64_t path;
  uint64_t key;
  uint32_t index;
  bool is_array;
} level;

static uint64_t path_of(const level *top, bool is_container) {
  if (!top->is_array) return mix(top->path, top->key);
  uint32_t index = top->index < INDEXES_MAX ? top->index : INDEXES_MAX;
  return mix(top->path, is_container ? 1 : 2 + (uint64_t)index);
}

/// Whether a string is the first value of the message and looks like the name of a type: it then
/// belongs to the literal, because it decides what follows.
static bool is_type(const mwc_split *split, const uint8_t *at, size_t length) {
  if (length == 0 || length > TYPE_LENGTH_MAX || split->type_count >= TYPES_MAX) return false;
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = at[i];
    if ((uint8_t)((byte | 0x20) - 'a') >= 26 && byte != '_' && byte != '-' && byte != ':' &&
        byte != '.' && byte != '/')
      return false;
  }
  return true;
}

/// Cuts a message by looking at every byte; the number of visits, 0 where it stays whole.
static size_t cut(mwc_split *split, uint32_t place, uint32_t length) {
  const uint8_t *at = split->bytes + place;
  const uint8_t *end = at + length;
  const uint8_t *literal = at;
  level stack[DEPTH_MAX] = {{.path = 1}};
  level *top = stack;
  size_t count = 0;
  bool has_value = false;
  while (at < end) {
    uint8_t form;
    const uint8_t *value, *stop, *next;
    if (*at == '"') {
      value = at + 1;
      stop = value_end(value, end, MWC_NODE_STRING);
      if (stop == NULL) break;
      next = stop + 1;
      const uint8_t *after = next;
      while (after < end && (*after == ' ' || *after == '\n' || *after == '\t')) after++;
      if (after < end && *after == ':') {
        top->key = hash_bytes(value, (size_t)(stop - value));
        at = after + 1;
        continue;
      }
      form = MWC_NODE_STRING;
      bool is_first = !has_value && top == stack + 1;
      has_value = true;
      if (is_first && is_type(split, value, (size_t)(stop - value))) {
        at = next;
        continue;
      }
    } else if (begins_word(*at)) {
      value = at;
      while (at < end && is_word[*at]) at++;
      stop = next = at;
      form = MWC_NODE_WORD;
      // Outside of any JSON: the head of a Socket.IO packet.
      bool is_digit = (uint8_t)(*value - '0') < 10;
      if (top == stack && (!is_digit || (value == split->bytes + place && stop - value < 4)))
        continue;
      has_value = true;
    } else {
      switch (*at++) {
        case '{':
        case '[': {
          if (top == stack + DEPTH_MAX - 1) return 0;
          uint64_t path = path_of(top, true);
          top++;
          *top = (level){.path = mix(path, at[-1]), .is_array = at[-1] == '['};
          break;
        }
        case '}':
        case ']':
          if (top > stack) top--;
          break;
        case ',': top->index++; break;
        default: break;
      }
      continue;
    }
    if (count + 1 >= split->visit_room) return 0;
    uint32_t node = find_node(split, path_of(top, false), form, literal, (size_t)(value - literal));
    if (node == 0) return 0;
    split->visits[count++] = (mwc_split_visit){.node = node,
                                               .place = (uint32_t)(value - split->bytes),
                                               .length = (uint32_t)(stop - value),
                                               .known = UNKNOWN};
    literal = stop;
    at = next;
  }
  if (count + 1 >= split->visit_room) return 0;
  uint32_t before = split->node_count;
  uint32_t node = literal == end
                      ? MWC_NODE_EMPTY
                      : find_node(split, 0, MWC_NODE_END, literal, (size_t)(end - literal));
  if (node == 0) return 0;
  if (split->node_count > before && has_value) split->type_count++;
  split->visits[count++] =
      (mwc_split_visit){.node = node, .place = (uint32_t)(end - split->bytes), .length = 0};
  return count;
}

// MARK: Remembering

/// Makes the ways of the visits gathered known; false when there is no room for them.
static bool learn(mwc_split *split, size_t count) {
  uint32_t from = MWC_NODE_START;
  for (size_t i = 0; i < count; i++) {
    mwc_split_node *node = &split->nodes[from];
    from = split->visits[i].node;
    if (node->likely != from && rank_of(split, node, from) == SUCCESSORS_MAX) return false;
  }
  return true;
}

/// Whether a visit finds the value that its column had last.
static bool is_last(const mwc_split *split, const mwc_split_column *column,
                    const mwc_split_visit *visit) {
  if (column->visits == 0 || column->last_length != visit->length) return false;
  return column->last == visit->known ||
         mwc_same_bytes(split->bytes + column->last, split->bytes + visit->place, visit->length);
}

/// Makes the visits gathered, whose ways are known, part of the block.
static void remember(mwc_split *split, size_t count) {
  uint32_t from = MWC_NODE_START;
  uint32_t departures = split->nodes[MWC_NODE_START].visits++;
  for (size_t i = 0; i < count; i++) {
    const mwc_split_visit *visit = &split->visits[i];
    mwc_split_node *node = &split->nodes[from];
    if (node->likely != visit->node || departures == 0) {
      node->likely = visit->node;
      node->likely_rank = rank_of(split, node, visit->node);
      node->choice_changes++;
      split->choices[split->choice_count++] = (mwc_split_change){
          .owner = from, .visit = departures, .place = node->likely_rank, .length = visit->node};
    }
    from = visit->node;
    node = &split->nodes[from];
    departures = node->visits++;
    mwc_split_column *column = &split->columns[node->column];
    if (node->column == MWC_SPLIT_NONE) continue;
    if (!is_last(split, column, visit)) {
      column->changes++;
      split->changes[split->change_count++] = (mwc_split_change){.owner = node->column,
                                                                 .visit = column->visits,
                                                                 .place = visit->place,
                                                                 .length = visit->length};
    }
    column->visits++;
    column->last = visit->place;
    column->last_length = visit->length;
  }
  split->visit_total += count;
}

void mwc_split_message(mwc_split *split, uint32_t place, uint32_t length, bool is_text) {
  if (is_text && length <= MESSAGE_MAX && split->visit_room > 2 &&
      memchr(split->bytes + place, 0, length) == NULL) {
    size_t count = follow(split, place, length);
    if (count == 0) {
      count = cut(split, place, length);
      if (count > 0 && !learn(split, count)) count = 0;
    }
    if (count > 0) {
      remember(split, count);
      split->learned_visits += count;
      split->visit_room -= count;
      return;
    }
  }
  split->visits[0] = (mwc_split_visit){
      .node = MWC_NODE_BYTES, .place = place, .length = length, .known = UNKNOWN};
  split->visits[1] =
      (mwc_split_visit){.node = MWC_NODE_EMPTY, .place = place + length, .length = 0};
  remember(split, 2);
}
