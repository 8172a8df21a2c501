// Following a message along strands, over the blocks of `mwc_block.h`. `mwc_json_shape.h` says how.

#include "mwc_json_convert.inc.h"

/// Bytes of a string that stand for themselves.
#define plain_bytes MWC_AT_LEVEL(plain_bytes)
MWC_INLINE uint64_t plain_bytes(mwc_block block) {
  return mwc_block_range(block, 0x20, 0x7F - 0x20) &
         ~(mwc_block_equal(block, '"') | mwc_block_equal(block, '\\'));
}

/// A block that begins before the message or reaches beyond it; zeros stand for what is missing.
#define edge_block MWC_AT_LEVEL(edge_block)
static __attribute__((noinline)) void edge_block(const uint8_t *json, size_t length, int64_t at,
                                                 uint8_t copy[64]) {
  memset(copy, 0, 64);
  int64_t from = at < 0 ? 0 : at;
  int64_t to = at + 64 < (int64_t)length ? at + 64 : (int64_t)length;
  if (from < to) memcpy(copy + (from - at), json + from, (size_t)(to - from));
}

#define message_block MWC_AT_LEVEL(message_block)
MWC_INLINE mwc_block message_block(const follower *f, int64_t at) {
  if (__builtin_expect(at >= 0 && at + 64 <= (int64_t)f->readable, 1)) {
    return mwc_block_load(f->json + at);
  }
  if (at >= 0) {
    size_t count = (size_t)at < f->length ? f->length - (size_t)at : 0;
    return mwc_block_load_part(f->json + at, count < 64 ? count : 64, 0);
  }
  uint8_t copy[64];
  edge_block(f->json, f->length, at, copy);
  return mwc_block_load(copy);
}

/// Reads the value at `at`, which is a string exactly if `is_string`. False if there is none.
#define read_value MWC_AT_LEVEL(read_value)
MWC_INLINE bool read_value(const follower *f, int64_t at, bool is_string, reading *value) {
  mwc_block block = message_block(f, at);
  uint32_t i;
  value->offset = (uint32_t)at;
  if (is_string) {
    uint64_t stops = ~plain_bytes(block);
    if (stops == 0) return read_slowly(f, at, true, value);
    i = (uint32_t)__builtin_ctzll(stops);
    if ((size_t)at + i >= f->length || f->json[at + i] != '"') {
      return read_slowly(f, at, true, value);
    }
    value->type = MWC_JSON_STRING;
    value->flags = 0;
  } else {
    if ((size_t)at >= f->length) return false;
    uint64_t others = ~mwc_block_range(block, '0', 9);
    bool negative = f->json[at] == '-';
    i = negative;
    if (others >> i == 0) return read_slowly(f, at, false, value);
    uint32_t digits = (uint32_t)__builtin_ctzll(others >> i);
    if (digits == 0 || (digits > 1 && f->json[at + i] == '0')) {
      return read_slowly(f, at, false, value);
    }
    i += digits;
    value->flags = MWC_JSON_INTEGER;
    value->spelling = digits <= 18 ? (spelling){(uint8_t)digits, SPELLING_INTEGER, negative, 0}
                                   : (spelling){0};
    // Whatever stands behind is checked against the template.
    if ((size_t)at + i >= f->length) return false;
    uint8_t next = f->json[at + i];
    if (next == '.') {
      i++;
      if (i > 62 || others >> i == 0) return read_slowly(f, at, false, value);
      uint32_t places = (uint32_t)__builtin_ctzll(others >> i);
      if (places == 0) return false;
      i += places;
      value->flags = 0;
      value->spelling = make_spelling(digits, places, negative);
      if ((size_t)at + i >= f->length) return false;
      next = f->json[at + i];
    }
    if ((next | 0x20) == 'e') return read_slowly(f, at, false, value);
    value->type = MWC_JSON_NUMBER;
  }
  value->length = i;
  return true;
}

// MARK: Giving what was found

/// Converts the numbers of slots first … last, which are spelled as in the template. They are all
/// converted, changed or not: looking costs as much as converting, and guessing costs more.
#define convert_numbers MWC_AT_LEVEL(convert_numbers)
MWC_INLINE void convert_numbers(follower *f, const shape_strand *strand, uint32_t first,
                                uint32_t last) {
  const shape_slot *slots = shape_at(f->memory, strand->slots);
  const shape_number *numbers = shape_at(f->memory, strand->numbers);
  for (uint32_t i = slots[first].numbers; i < strand->number_count; i++) {
    if (numbers[i].slot > last) break;
    convert(f->json, numbers[i].spelling, &f->output->values[numbers[i].path]);
  }
}

/// Takes the values of a run from its template, for a message that has turned.
#define take_values MWC_AT_LEVEL(take_values)
MWC_INLINE void take_values(follower *f, const run *run) {
  const shape_strand *strand = run->strand;
  const shape_slot *slots = shape_at(f->memory, strand->slots);
  const shape_wanted *wanted = shape_at(f->memory, strand->wanted);
  const shape_place *places = shape_at(f->memory, strand->places);
  const mwc_json_value *known = shape_at(f->memory, strand->values);
  for (uint32_t i = slots[run->first].wanted; i < strand->wanted_count; i++) {
    const shape_wanted *entry = &wanted[i];
    if (entry->slot > run->last) break;
    mwc_json_value *value = &f->output->values[entry->path];
    uint32_t at = (uint32_t)(places[entry->slot].start - entry->back + run->shift);
    if (entry->kind == SHAPE_VALUE) {
      *value = known[entry->path];
      value->offset = at;
    } else if (entry->slot == run->arrived) {
      // The literal that led here is another one, and has no bounds.
    } else if (entry->kind == SHAPE_BEGIN) {
      *value = (mwc_json_value){.offset = at, .type = known[entry->path].type};
    } else {
      value->length = at - value->offset;
      value->flags = entry->flags;
    }
  }
}

/// Moves the values of a run, which have been taken from the template.
#define move_values MWC_AT_LEVEL(move_values)
MWC_INLINE void move_values(follower *f, const run *run) {
  const shape_strand *strand = run->strand;
  const shape_slot *slots = shape_at(f->memory, strand->slots);
  const shape_wanted *wanted = shape_at(f->memory, strand->wanted);
  const shape_place *places = shape_at(f->memory, strand->places);
  if (run->shift == 0 && !strand->has_bounds) return;
  for (uint32_t i = slots[run->first].wanted; i < strand->wanted_count; i++) {
    const shape_wanted *entry = &wanted[i];
    if (entry->slot > run->last) break;
    mwc_json_value *value = &f->output->values[entry->path];
    uint32_t at = (uint32_t)(places[entry->slot].start - entry->back + run->shift);
    if (entry->kind == SHAPE_END) {
      value->length = at - value->offset;
    } else {
      value->offset = at;
    }
  }
}

/// The values of a run, of which the last one may have been read anew.
#define give_values MWC_AT_LEVEL(give_values)
MWC_INLINE void give_values(follower *f, const run *run, const reading *last) {
  if (f->turned) {
    take_values(f, run);
  } else {
    move_values(f, run);
  }
  const shape_strand *strand = run->strand;
  if (last == NULL) {
    convert_numbers(f, strand, run->first, run->last);
    return;
  }
  if (run->last > run->first) convert_numbers(f, strand, run->first, run->last - 1);
  const shape_slot *slots = shape_at(f->memory, strand->slots);
  const shape_wanted *wanted = shape_at(f->memory, strand->wanted);
  for (uint32_t i = slots[run->last].wanted; i < strand->wanted_count; i++) {
    if (wanted[i].slot != run->last) break;
    if (wanted[i].kind != SHAPE_VALUE) continue;
    mwc_json_value *value = &f->output->values[wanted[i].path];
    *value = (mwc_json_value){.offset = last->offset,
                              .length = last->length,
                              .type = last->type,
                              .flags = last->flags};
    if (last->type == MWC_JSON_NUMBER && (f->memory->options & MWC_JSON_CONVERT)) {
      convert(f->json, last->spelling, value);
    }
  }
}

/// The pieces of a run. False if there are too many.
#define give_pieces MWC_AT_LEVEL(give_pieces)
MWC_INLINE bool give_pieces(follower *f, const run *run, const reading *last) {
  const shape_strand *strand = run->strand;
  shape_slot *slots = shape_at(f->memory, strand->slots);
  const shape_place *places = shape_at(f->memory, strand->places);
  uint8_t *bytes = shape_at(f->memory, strand->bytes);
  uint32_t end = run->last < strand->slot_count ? run->last + 1 : strand->slot_count;
  if (f->count + (end - run->first) > MWC_JSON_PIECES_MAX) return false;
  mwc_json_piece *piece = f->output->pieces + f->count;
  for (uint32_t i = run->first; i < end; i++, piece++) {
    uint32_t number = strand->first_literal + i;
    piece->literal = i == run->arrived ? run->literal : number;
    piece->slot = number;
    piece->reserved = 0;
    if (last != NULL && i == run->last) {
      piece->offset = last->offset;
      piece->length = last->length;
      piece->type = last->type;
      piece->flags = last->flags;
      slots[i].stale = 1;
    } else {
      piece->offset = (uint32_t)(places[i].start + run->shift);
      piece->length = (uint32_t)places[i].end - places[i].start;
      piece->type = slots[i].type;
      bool same = !has_changed(run->changed, places[i].start, places[i].end);
      piece->flags = slots[i].flags | (same && !slots[i].stale ? MWC_JSON_SAME : 0);
      // The template follows.
      if (!same) memcpy(bytes + places[i].start, f->json + piece->offset, piece->length);
      slots[i].stale = 0;
    }
  }
  f->count += end - run->first;
  return true;
}

#define give MWC_AT_LEVEL(give)
MWC_INLINE bool give(follower *f, const run *run, const reading *last) {
  if (f->settles && !f->turned) {
    const shape_place *places = shape_at(f->memory, run->strand->places);
    for (uint32_t i = run->first; i <= run->last; i++) {
      f->places[i].start = (uint16_t)(places[i].start + run->shift);
      f->places[i].end = (uint16_t)(places[i].end + run->shift);
    }
    if (last != NULL) {
      f->places[run->last].end = (uint16_t)(last->offset + last->length);
      if (f->reread_count < REREAD_MAX) {
        f->reread[f->reread_count].slot = (uint16_t)run->last;
        f->reread[f->reread_count].type = last->type;
        f->reread[f->reread_count].flags = last->flags;
      }
      f->reread_count++;
    }
  }
  if (f->output->values == NULL) return give_pieces(f, run, last);
  give_values(f, run, last);
  return true;
}

/// All of the message has the template's layout.
#define take_whole MWC_AT_LEVEL(take_whole)
MWC_INLINE void take_whole(follower *f, const shape_strand *strand, const uint64_t *changed) {
  f->terminal = strand->first_literal + strand->slot_count;
  if (f->output->values == NULL) {
    run all = {.strand = strand, .last = strand->slot_count, .arrived = SHAPE_NONE,
               .changed = changed};
    give_pieces(f, &all, NULL);
    return;
  }
  memcpy(f->output->values, shape_at(f->memory, strand->values),
         f->memory->path_count * sizeof(mwc_json_value));
  convert_numbers(f, strand, 0, strand->slot_count);
}

/// Takes the turn that the message takes behind a slot, where it stands at `at`. False if it takes a
/// literal that was never seen there, or what a path leads to or through comes twice.
#define take_turn MWC_AT_LEVEL(take_turn)
MWC_INLINE bool take_turn(follower *f, run *run, uint32_t slot, size_t at) {
  shape_memory *memory = f->memory;
  const shape_slot *slots = shape_at(memory, run->strand->slots);
  size_t rest = f->length - at;
  const shape_turn *turn = NULL;
  for (uint16_t t = slots[slot].turns; t != SHAPE_NONE; t = turn->next) {
    turn = &memory->turns[t];
    bool fits = turn->slot == SHAPE_NONE ? turn->length == rest : turn->length < rest;
    if (fits && mwc_same_bytes(f->json + at, shape_at(memory, turn->literal), turn->length)) {
      uint64_t passed = slots[slot].opened & ~f->base;
      if ((f->seen & passed) != 0 || ((f->seen | passed) & turn->opens) != 0) return false;
      f->seen |= passed | turn->opens;
      if (!f->turned) leave(f, run->strand, slot);
      f->turned = true;
      f->work++;
      if (turn->slot == SHAPE_NONE) {
        f->terminal = turn->number;
        f->ended = true;
        return true;
      }
      run->strand = &memory->strands[turn->strand];
      run->first = turn->slot;
      run->arrived = turn->slot;
      run->literal = turn->number;
      const shape_slot *target = shape_at(memory, run->strand->slots);
      const shape_place *places = shape_at(memory, run->strand->places);
      f->base = target[turn->slot].opened;
      run->from = places[turn->slot].start;
      run->shift = (int64_t)(at + turn->length) - run->from;
      return true;
    }
  }
  return false;
}

/// Follows the message with its blocks shifted against the template, and along turns. `changed` holds
/// what differs before `block`, from which to go on.
#define follow_shifted MWC_AT_LEVEL(follow_shifted)
static __attribute__((noinline)) bool follow_shifted(follower *f, const shape_strand *strand,
                                                     uint64_t *changed, uint32_t block) {
  run run = {.strand = strand, .arrived = SHAPE_NONE, .from = block * 64, .changed = changed};
  uint32_t done = SHAPE_NONE;  // the slot whose value was read last
  f->seen = 0;
  f->base = 0;
  f->ended = false;
  if (f->output->values != NULL) {
    memcpy(f->output->values, shape_at(f->memory, strand->values),
           f->memory->path_count * sizeof(mwc_json_value));
  }
  do {
    strand = run.strand;
    const uint8_t *bytes = shape_at(f->memory, strand->bytes);
    const uint8_t *sorts = shape_at(f->memory, strand->sorts);
    const shape_block *blocks = shape_at(f->memory, strand->blocks);
    const shape_place *places = shape_at(f->memory, strand->places);
    const shape_slot *slots = shape_at(f->memory, strand->slots);
    uint32_t last = strand->length / 64;
    uint32_t b = run.from / 64;
    uint64_t mask = ~0ull << (run.from % 64);
    uint64_t bad;
    for (;; b++, mask = ~0ull) {
      int64_t at = (int64_t)b * 64 + run.shift;
      mwc_block message = message_block(f, at);
      uint64_t differ = mwc_block_differ(message, mwc_block_load(bytes + b * 64));
      bad = differ & ~mwc_block_sorts(message, mwc_block_load(sorts + b * 64));
      if (__builtin_expect(at + 64 > (int64_t)f->length, 0)) {
        uint64_t beyond = ~below(at < (int64_t)f->length ? (int64_t)f->length - at : 0);
        differ |= beyond;
        bad |= beyond;
      }
      if (b == last) mask &= below(strand->length % 64);
      changed[b] = differ & mask;
      bad &= mask;
      if (bad != 0 || b == last) break;
    }
    uint32_t place = bad != 0 ? b * 64 + (uint32_t)__builtin_ctzll(bad) : strand->length;
    uint32_t slot =
        blocks[b].rank + (uint32_t)__builtin_popcountll(blocks[b].ends & below(place % 64));
    bool is_end = bad == 0 && (int64_t)strand->length + run.shift == (int64_t)f->length;
    bool is_value = !is_end && slot < strand->slot_count && slot != done &&
                    places[slot].start <= place;
    reading value;
    run.last = slot;
    if (is_value) {
      // In a value, or at what should have been its end.
      int64_t at = (int64_t)places[slot].start + run.shift;
      if (!read_value(f, at, slots[slot].is_string, &value)) return false;
    } else if (!is_end && slot != done) {
      // In the literal behind the slot before.
      if (slot == 0) return false;
      run.last = slot - 1;
    }
    if (run.first <= run.last && run.last != done) {
      if (!give(f, &run, is_value ? &value : NULL)) return false;
    }
    if (is_value) {
      f->work++;
      done = slot;
      run.from = places[slot].end;
      run.shift = (int64_t)value.offset + value.length - run.from;
      run.first = slot + 1;
      run.arrived = SHAPE_NONE;
    } else if (is_end) {
      f->ended = true;
      f->terminal = strand->first_literal + strand->slot_count;
      if (f->turned && (f->seen & slots[slot].opened & ~f->base) != 0) return false;
    } else {
      size_t at = (size_t)((int64_t)places[run.last].end + run.shift);
      if (!take_turn(f, &run, run.last, at)) return false;
      done = SHAPE_NONE;
    }
  } while (!f->ended);
  return true;
}

#define follow MWC_AT_LEVEL(follow)
static bool follow(follower *f, shape_strand *strand) {
  uint64_t changed[SHAPE_BYTES / 64 + 1];
  const uint8_t *bytes = shape_at(f->memory, strand->bytes);
  const uint8_t *sorts = shape_at(f->memory, strand->sorts);
  uint32_t whole = strand->length / 64;
  uint32_t b = 0;
  if (f->length == strand->length) {
    uint64_t bad = 0;
    for (; b < whole; b++) {
      mwc_block message = mwc_block_load(f->json + b * 64);
      uint64_t differ = mwc_block_differ(message, mwc_block_load(bytes + b * 64));
      bad = differ & ~mwc_block_sorts(message, mwc_block_load(sorts + b * 64));
      changed[b] = differ;
      if (bad != 0) break;
    }
    if (bad == 0) {
      mwc_block message = mwc_block_load_part(f->json + b * 64, strand->length % 64, 0);
      uint64_t differ = mwc_block_differ(message, mwc_block_load(bytes + b * 64));
      bad = differ & ~mwc_block_sorts(message, mwc_block_load(sorts + b * 64));
      changed[b] = differ;
      if (bad == 0) {
        take_whole(f, strand, changed);
        return true;
      }
    }
  }
  f->shifted = true;
  return follow_shifted(f, strand, changed, b);
}

/// Makes the sorts and blocks of a strand.
#define index_blocks MWC_AT_LEVEL(index_blocks)
static void index_blocks(shape_memory *memory, shape_strand *strand) {
  const uint8_t *bytes = shape_at(memory, strand->bytes);
  uint8_t *sorts = shape_at(memory, strand->sorts);
  shape_block *blocks = shape_at(memory, strand->blocks);
  const shape_place *places = shape_at(memory, strand->places);
  const shape_slot *slots = shape_at(memory, strand->slots);
  uint32_t count = strand->length / 64 + 1;
  memset(blocks, 0, count * sizeof(shape_block));
  memset(sorts, 0, count * 64);
  for (uint32_t i = 0; i < strand->slot_count; i++) {
    uint32_t start = places[i].start, end = places[i].end;
    blocks[end / 64].ends |= 1ull << (end % 64);
    if (slots[i].is_string) {
      memset(sorts + start, MWC_SORT_TEXT, end - start);
    } else if (slots[i].type == MWC_JSON_NUMBER) {
      memset(sorts + start, MWC_SORT_DIGIT, end - start);
      // The first of several digits before the point cannot become a zero.
      uint32_t lead = start + (bytes[start] == '-');
      if ((uint8_t)(bytes[lead + 1] - '0') < 10) sorts[lead] = MWC_SORT_NOT_ZERO;
    }
  }
  uint32_t rank = 0;
  for (uint32_t b = 0; b < count; b++) {
    blocks[b].rank = rank;
    rank += (uint32_t)__builtin_popcountll(blocks[b].ends);
    // What is not of its own sort has to stay: points, signs, quotes, what is not ASCII.
    mwc_block sort = mwc_block_load(sorts + b * 64);
    uint64_t fixed = ~(mwc_block_sorts(mwc_block_load(bytes + b * 64), sort) |
                       mwc_block_equal(sort, 0));
    for (; fixed != 0; fixed &= fixed - 1) sorts[b * 64 + (uint32_t)__builtin_ctzll(fixed)] = 0;
  }
  // And what follows a backslash.
  for (uint32_t i = 0; i < strand->slot_count; i++) {
    if (!(slots[i].flags & MWC_JSON_ESCAPED)) continue;
    for (uint32_t at = places[i].start; at < places[i].end; at++) {
      if (bytes[at] != '\\') continue;
      uint32_t after = bytes[at + 1] == 'u' ? 5 : 1;
      memset(sorts + at + 1, 0, after);
      at += after;
    }
  }
}
