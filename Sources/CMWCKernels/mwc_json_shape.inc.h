// Following a message from segment to segment, over the blocks of `mwc_block.h`. `mwc_json_shape.h`
// says how.

#include "mwc_json_convert.inc.h"

// MARK: What does not vary

/// Sets 64 bytes to zero.
#define mwc_block_clear MWC_AT_LEVEL(mwc_block_clear)
#if MWC_JOIN(MWC_HAS_AVX512, MWC_LEVEL)
MWC_INLINE void mwc_block_clear(uint8_t *bytes) {
  _mm512_storeu_si512(bytes, _mm512_setzero_si512());
}
#else
MWC_INLINE void mwc_block_clear(uint8_t *bytes) {
  const uint64_t zeros[8] = {0};
  memcpy(bytes, zeros, 64);
}
#endif

#if MWC_JOIN(MWC_IS_SCALAR, MWC_LEVEL)
/// Whether the message fits a segment.
#define fits MWC_AT_LEVEL(fits)
MWC_INLINE bool fits(const uint8_t *json, const shape_segment *segment, const uint8_t *known) {
  for (uint32_t at = 0; at < segment->length; at += 8) {
    const uint8_t *text = known + at / 64 * 128 + at % 64;
    uint32_t count = segment->length - at < 8 ? segment->length - at : 8;
    if (count == 8) {
      uint64_t left, right;
      memcpy(&left, json + at, 8);
      memcpy(&right, text, 8);
      if (left == right) continue;
    }
    for (uint32_t i = 0; i < count; i++) {
      if (json[at + i] != text[i] && !shape_is_of_sort(json[at + i], text[i + 64])) return false;
    }
  }
  return true;
}

/// The same where the message ends.
#define fits_at_end MWC_AT_LEVEL(fits_at_end)
MWC_INLINE bool fits_at_end(const message *message, const shape_segment *segment,
                            const uint8_t *known, size_t at) {
  return message->length >= at + segment->length && fits(message->json + at, segment, known);
}
#else
/// Which bytes of a block are not as 64 bytes of text and 64 of sorts say.
#define misfits MWC_AT_LEVEL(misfits)
#if MWC_JOIN(MWC_HAS_AVX512, MWC_LEVEL)
MWC_INLINE uint64_t misfits(mwc_block block, const uint8_t *known) {
  const __m512i lower = _mm512_broadcast_i32x4(_mm_setr_epi8(MWC_SORTS_BY_LOWER));
  const __m512i upper = _mm512_broadcast_i32x4(_mm_setr_epi8(MWC_SORTS_BY_UPPER));
  __mmask64 differ = _mm512_cmpneq_epi8_mask(block, _mm512_loadu_si512(known));
  __m512i half = _mm512_and_si512(_mm512_srli_epi16(block, 4), _mm512_set1_epi8(15));
  // Of all three: an AND.
  __m512i found = _mm512_ternarylogic_epi64(_mm512_shuffle_epi8(lower, block),
                                            _mm512_shuffle_epi8(upper, half),
                                            _mm512_loadu_si512(known + 64), 0x80);
  return _mm512_mask_testn_epi8_mask(differ, found, found);
}
#else
MWC_INLINE uint64_t misfits(mwc_block block, const uint8_t *known) {
  return mwc_block_differ(block, mwc_block_load(known)) &
         ~mwc_block_sorts(block, mwc_block_load(known + 64));
}
#endif

/// Whether the message fits a segment, all of whose blocks can be read.
#define fits MWC_AT_LEVEL(fits)
MWC_INLINE bool fits(const uint8_t *json, const shape_segment *segment, const uint8_t *known) {
  uint64_t bad = 0;
#pragma clang loop unroll(disable)
  for (uint32_t count = segment->block_count - 1u; count != 0; count--) {
    bad |= misfits(mwc_block_load(json), known);
    json += 64;
    known += 128;
  }
  return (bad | (misfits(mwc_block_load(json), known) & segment->tail)) == 0;
}

/// The same where the message ends.
#define fits_at_end MWC_AT_LEVEL(fits_at_end)
MWC_INLINE bool fits_at_end(const message *message, const shape_segment *segment,
                            const uint8_t *known, size_t at) {
  if (message->length < at + segment->length) return false;
  uint64_t bad = 0;
  for (uint32_t count = segment->block_count; count > 1; count--, at += 64, known += 128) {
    bad |= misfits(mwc_block_load(message->json + at), known);
  }
  size_t rest = message->readable - at;
  mwc_block block = mwc_block_load_part(message->json + at, rest < 64 ? rest : 64, 0);
  return (bad | (misfits(block, known) & segment->tail)) == 0;
}
#endif

/// Gives what not all segments have. False if a path meets something twice, or there is a number
/// that is none.
#define give_more MWC_AT_LEVEL(give_more)
static __attribute__((noinline)) bool give_more(const shape_memory *memory, const message *message,
                                                mwc_json_value *values,
                                                const shape_segment *segment,
                                                uint64_t met[SHAPE_NODE_WORDS], size_t at) {
  for (uint32_t i = 1; i < SHAPE_NODE_WORDS; i++) {
    if ((met[i] & segment->met[i]) != 0) return false;
    met[i] |= segment->met[i];
  }
  const shape_bound *bounds = shape_at(memory, segment->bounds);
  for (uint32_t i = 0; i < segment->bound_count; i++) {
    mwc_json_value *value = &values[bounds[i].path];
    value->length = (uint32_t)(at + bounds[i].at - value->offset);
    value->flags = bounds[i].flags;
  }
  const shape_rest *rests = shape_at(memory, segment->rests);
  for (uint32_t i = 0; i < segment->rest_count; i++) {
    if (!take_long(message, values, at + rests[i].at, rests[i].length, rests[i].place)) {
      return false;
    }
  }
  return true;
}

// MARK: What varies

/// The length of a string that is not plain ASCII, or long; UINT32_MAX if there is none.
#define string_length MWC_AT_LEVEL(string_length)
static __attribute__((noinline)) uint32_t string_length(const message *message, size_t at,
                                                        uint8_t *flags, uint32_t *work) {
  uint64_t high = 0;  // not 0: there is something that is not ASCII
  for (size_t from = at; from < message->length; from += 64) {
    size_t rest = message->length - from;
    mwc_block block = rest >= 64 ? mwc_block_load(message->json + from)
                                 : mwc_block_load_part(message->json + from, rest, 0);
    uint64_t quotes = mwc_block_equal(block, '"');
    uint64_t before = quotes ^ (quotes - 1);
    if (((mwc_block_range(block, 0, 0x1F) | mwc_block_equal(block, '\\')) & before) != 0) break;
    high |= mwc_block_high(block) & before;
    if (quotes == 0) continue;
    size_t length = from - at + (size_t)__builtin_ctzll(quotes);
    if (high != 0 && !mwc_utf8_is_valid(message->json + at, length)) return UINT32_MAX;
    return (uint32_t)length;
  }
  *work += RARE_WORK;
  return read_slowly(message, at, true, flags);
}

/// Gives the values that stand at the same places in every message of a segment.
#define give_values MWC_AT_LEVEL(give_values)
MWC_INLINE void give_values(const shape_memory *memory, const message *message,
                            mwc_json_value *values, const shape_segment *segment, size_t at) {
  const shape_head *head = shape_at(memory, segment->heads);
#pragma clang loop unroll(disable)
  for (uint32_t count = segment->head_count; count != 0; count--, head++) {
    give_head(values, &head->first, head->place, at);
  }
  if (__builtin_expect(at + segment->early < 17, 0)) {
    give_first_numbers(memory, message, values, segment, at);
    return;
  }
  give_numbers(message->json, values, shape_at(memory, segment->singles), segment, at);
  if (segment->has_groups) give_groups(memory, message, values, segment, at);
}

/// Checks a message against what is remembered, and gives its values. False if it does not fit;
/// `*way` then means nothing. It is never part of its caller: a compiler that splits off what is rare
/// takes all of it for rare there, and makes it small instead of fast.
#define follow MWC_AT_LEVEL(follow)
static __attribute__((noinline, no_builtin("memset"))) bool follow(const shape_memory *memory,
                                                                   const message *message,
                                                                   mwc_json_value *values,
                                                                   way *way) {
  uint64_t met[SHAPE_NODE_WORDS] = {0};
  const uint8_t *json = message->json;
  const size_t readable = message->readable;
  // By hand: a call would cost more than the few stores.
  uint8_t *cleared = (uint8_t *)values, *values_end = cleared + memory->path_count * sizeof *values;
  for (; values_end - cleared >= 64; cleared += 64) mwc_block_clear(cleared);
  const uint64_t zero = 0;
  for (; cleared != values_end; cleared += 8) memcpy(cleared, &zero, 8);
  const shape_layouts *layouts = &memory->layouts[shape_layouts_at(json, message->length)];
  uint32_t start = memory->points[0].first;
  if (layouts->length == message->length) start = layouts->first;
  const shape_segment *segment = &memory->segments[start];
  uint64_t layout = 0;
  uint32_t work = 0, values_passed = 0;
  size_t at = 0;
  for (;;) {
    // Of several segments, one that may fit by a few bytes where they differ.
    while (segment->other != SHAPE_NONE) {
      size_t place = at + segment->word_at;
      if (place + 8 > readable) break;
      uint64_t word;
      memcpy(&word, json + place, 8);
      if (((word ^ segment->word) & segment->mask) == 0) break;
      segment = &memory->segments[segment->other];
      work++;
    }
    const uint8_t *known = shape_at(memory, segment->blocks);
    bool is_near_end = readable - at < segment->reach;
    bool is_fitting = is_near_end ? fits_at_end(message, segment, known, at)
                                  : fits(json + at, segment, known);
    if (__builtin_expect(!is_fitting, 0)) {
      if (segment->other == SHAPE_NONE) return false;
      work += RARE_WORK;
      segment = &memory->segments[segment->other];
      continue;
    }

    uint64_t nodes = segment->met[0];
    if (__builtin_expect((met[0] & nodes) != 0, 0)) return false;
    met[0] |= nodes;
    if (segment->has_values) give_values(memory, message, values, segment, at);
    if (segment->has_more && !give_more(memory, message, values, segment, met, at)) return false;
    at += segment->length;
    if (segment->ending == SHAPE_LAST) break;
    if (segment->ending != SHAPE_JOINT) {
      // Where the value ends does not wait for anything but where it starts.
      window bytes = is_near_end ? window_at(message, at) : window_load(json + at);
      window_mask stops = window_equal(bytes, segment->stops[0]);
      if (__builtin_expect(segment->has_two_stops, 0)) {
        stops |= window_equal(bytes, segment->stops[1]);
      }
      uint32_t size = window_count(stops);
      uint32_t place = segment->place;
      if (segment->ending == SHAPE_STRING) {
        uint8_t flags = 0;
        window_mask others = ~window_range(bytes, 0x20, 0x7F - 0x20) | window_equal(bytes, '\\');
        // What is not plain before the quote.
        if (__builtin_expect((others & (stops ^ (stops - 1))) != 0 || stops == 0, 0)) {
          size = string_length(message, at, &flags, &work);
          if (size == UINT32_MAX) return false;
        }
        if (place != SHAPE_NONE) {
          uint8_t *value = (uint8_t *)values + place;
          uint64_t first = at | (uint64_t)size << 32;
          uint64_t second = MWC_JSON_STRING | (uint64_t)flags << 8;
          memcpy(value, &first, 8);
          memcpy(value + 8, &second, 8);
        }
      } else {
        if (__builtin_expect(stops == 0, 0)) {
          uint8_t flags;
          size = read_slowly(message, at, false, &flags);
          if (size == UINT32_MAX) return false;
        }
        if (place != SHAPE_NONE) {
          if (!take_number(message, values, at, size, place)) return false;
        } else {
          uint32_t whole;
          bool has_point;
          bool is_number = stops != 0 && is_plain(bytes, json + at, size, &whole, &has_point);
          if (!is_number && !take_slowly(message, values, at, size, place)) return false;
        }
      }
      at += size;
      layout = (layout + size) * 0x9E3779B97F4A7C15u;
      values_passed++;
    }
    segment = shape_at(memory, segment->next);
  }
  *way = (struct way){layout, work, values_passed};
  return at == message->length;
}
