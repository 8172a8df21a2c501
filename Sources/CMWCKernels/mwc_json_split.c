#include "mwc_json_split.h"

#include "mwc_json_shape.h"

// A splitter is what a scanner remembers, without a scanner: it asks for no paths, and gives all
// values of a message.
struct mwc_json_splitter {
  shape_memory memory;
};

size_t mwc_json_splitter_size(void) { return sizeof(mwc_json_splitter); }

mwc_json_splitter *mwc_json_splitter_init(void *memory, uint32_t options) {
  mwc_json_splitter *splitter = memory;
  shape_init(&splitter->memory, 0, options & MWC_JSON_NONFINITE, true);
  return splitter;
}

void mwc_json_splitter_reset(mwc_json_splitter *splitter) { shape_forget(&splitter->memory); }

bool mwc_json_splitter_full(const mwc_json_splitter *splitter) {
  return splitter->memory.is_full;
}

bool mwc_json_split(mwc_json_splitter *splitter, const uint8_t *json, size_t length,
                    mwc_json_piece *pieces, mwc_json_pieces *result) {
  shape_memory *memory = &splitter->memory;
  shape_output output = {.pieces = pieces, .split = result};
  if (shape_follow(memory, json, length, length, &output)) return true;
  if (memory->is_full) return false;
  // Taking a message apart for learning checks all of it.
  return shape_learn(memory, NULL, json, length, NULL, false) &&
         shape_follow(memory, json, length, length, &output);
}

mwc_json_text mwc_json_splitter_literal(const mwc_json_splitter *splitter, uint32_t literal,
                                        uint32_t *column) {
  const shape_memory *memory = &splitter->memory;
  for (uint32_t i = 0; i < memory->strand_count; i++) {
    const shape_strand *strand = &memory->strands[i];
    uint32_t slot = literal - strand->first_literal;
    if (slot > strand->slot_count) continue;
    const shape_slot *slots = shape_at(memory, strand->slots);
    *column = slot < strand->slot_count ? slots[slot].column : 0;
    return shape_literal(memory, strand, slot);
  }
  for (uint32_t i = 0; i < memory->turn_count; i++) {
    const shape_turn *turn = &memory->turns[i];
    if (turn->number != literal) continue;
    *column = 0;
    if (turn->slot != SHAPE_NONE) {
      const shape_slot *slots = shape_at(memory, memory->strands[turn->strand].slots);
      *column = slots[turn->slot].column;
    }
    return (mwc_json_text){shape_at(memory, turn->literal), turn->length};
  }
  return (mwc_json_text){NULL, 0};
}
