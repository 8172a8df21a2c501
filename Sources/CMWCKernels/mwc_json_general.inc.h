// The scan of `mwc_json_general.c` over the blocks of one level.

// MARK: Finding tokens

/// Appends the tokens of one block, which starts `base` bytes into the document and was loaded from
/// `source`. Returns how many.
#define find_tokens MWC_AT_LEVEL(find_tokens)
MWC_INLINE uint32_t find_tokens(tokens *tokens, carry *carry, uint32_t count, mwc_block block,
                                const uint8_t *source, size_t base) {
  uint64_t quotes = mwc_block_equal(block, '"');
  uint64_t backslashes = mwc_block_equal(block, '\\');
  if (__builtin_expect((backslashes | carry->is_escaped) != 0, 0)) {
    escapes found =
        find_escapes(tokens->json, tokens->length, base, backslashes, carry->is_escaped);
    quotes &= ~found.escaped;
    carry->is_escaped = found.next;
    carry->has_escapes = ~(uint64_t)0;
    carry->bad |= found.bad;
  }
  // From an opening quote to before the closing one.
  uint64_t strings = mwc_prefix_xor(quotes) ^ carry->in_string;
  carry->in_string = (uint64_t)((int64_t)strings >> 63);
  carry->bad |= strings & mwc_block_range(block, 0, 0x1F);

  if (base < MAPPED) tokens->nondigits[base / 64] = ~mwc_block_range(block, '0', 9);
  uint64_t operators = mwc_block_operator(block) & ~strings;
  uint64_t scalars = ~(operators | strings | quotes | mwc_block_space(block));
  uint64_t starts = scalars & ~(scalars << 1 | carry->in_scalar);
  carry->in_scalar = scalars >> 63;
  return mwc_tokens_put(operators | starts | (quotes & strings), source, block, (uint32_t)base,
                        tokens->positions + count, tokens->bytes + count);
}

/// Drops the tokens before `used`, and finds more: as many as there is room for. The first token
/// that was not used is then the first of all.
#define find_more MWC_AT_LEVEL(find_more)
static __attribute__((noinline)) void find_more(tokens *tokens, uint32_t used) {
  uint32_t count = tokens->count - used;
  if (count != 0) {
    memmove(tokens->positions, tokens->positions + used, count * sizeof(uint32_t));
    memmove(tokens->bytes, tokens->bytes + used, count);
  }
  const uint8_t *json = tokens->json;
  const size_t length = tokens->length;
  size_t base = tokens->next;
  carry carry = tokens->carry;
  mwc_block all = {0};  // to see whether there is anything above 0x7F
  while (count <= TOKENS - 64 && length - base > 64) {
    // As many as there is room for, even if every byte were a token.
    size_t blocks = (TOKENS - count) / 64;
    size_t whole = (length - base - 1) / 64;
    const size_t end = base + 64 * (whole < blocks ? whole : blocks);
    do {
      mwc_block block = mwc_block_load(json + base);
      all = mwc_block_or(all, block);
      count += find_tokens(tokens, &carry, count, block, json + base, base);
      base += 64;
    } while (base != end);
  }
  tokens->enough = count - AHEAD;
  if (count <= TOKENS - 64) {
    // The last block. Bits behind the end are white space.
    uint8_t copy[64 + 1];
    mwc_block block = mwc_block_copy_part(copy, json + base, length - base);
    all = mwc_block_or(all, block);
    count += find_tokens(tokens, &carry, count, block, copy, base);
    base = length;
    carry.bad |= carry.in_string;
    for (uint32_t i = count; i < count + BEHIND; i++) {
      tokens->positions[i] = (uint32_t)length;
      tokens->bytes[i] = 0;
    }
    tokens->enough = SIZE_MAX;
  }
  carry.high |= mwc_block_high(all);
  tokens->next = base;
  tokens->carry = carry;
  tokens->count = count;
}

// MARK: Values

/// A number in its plain form: digits, perhaps with a sign and a point.
typedef struct MWC_AT_LEVEL(plain) {
  const uint8_t *digits;
  size_t count;  // of digits and point
  size_t whole;  // digits before the point
  bool is_plain;
} MWC_AT_LEVEL(plain);
#define plain MWC_AT_LEVEL(plain)

/// Looks at the number without its sign from `start` to before the next token at `next`. It begins
/// with the digit `first`.
#define read_plain MWC_AT_LEVEL(read_plain)
MWC_INLINE plain read_plain(const tokens *found, const uint8_t *json, size_t length,
                            size_t start, size_t next, uint8_t first) {
  plain number = {json + start, next - start, 0, false};
  if (__builtin_expect(number.count > 31, 0)) return number;
  uint32_t others;
  if (__builtin_expect(length <= MAPPED, 1)) {
    uint64_t map;
    memcpy(&map, (const uint8_t *)found->nondigits + start / 8, 8);
    others = (uint32_t)(map >> start % 8) & ((1u << number.count) - 1);
  } else {
    others = mwc_nondigits(number.digits, number.count, json + length);
  }
  number.whole = number.count;
  if (others != 0) {
    // One point, and digits behind it.
    number.whole = (size_t)__builtin_ctz(others);
    if ((others & (others - 1)) != 0 || number.digits[number.whole] != '.' ||
        number.whole + 1 == number.count) {
      return number;
    }
  }
  number.is_plain = first != '0' || number.whole == 1;
  return number;
}

/// Whether the word from `start` to before the next token, white space behind it included, is
/// `word`.
#define is_word MWC_AT_LEVEL(is_word)
MWC_INLINE bool is_word(const uint8_t *json, size_t start, size_t next, const char *word,
                        size_t count) {
  return next - start >= count && memcmp(json + start, word, count) == 0 &&
         (next - start == count || is_space(json[start + count]));
}

/// The number or word at token `i` in any form it can have: fills `value`, or returns false.
#define read_scalar MWC_AT_LEVEL(read_scalar)
static __attribute__((noinline)) bool read_scalar(const tokens *found, size_t i, uint32_t options,
                                                  mwc_json_value *value) {
  const uint8_t *json = found->json;
  uint32_t start = found->positions[i];
  uint32_t next = found->positions[i + 1];
  value->offset = start;
  value->flags = 0;
  value->number.integer = 0;
  switch (found->bytes[i]) {
    case 't':
      value->type = MWC_JSON_TRUE;
      value->length = 4;
      return is_word(json, start, next, "true", 4);
    case 'f':
      value->type = MWC_JSON_FALSE;
      value->length = 5;
      return is_word(json, start, next, "false", 5);
    case 'n':
      value->type = MWC_JSON_NULL;
      value->length = 4;
      return is_word(json, start, next, "null", 4);
    default: {
      size_t spelled = number_length(json + start, next - start, options, &value->flags);
      if (spelled == 0 || (spelled < next - start && !is_space(json[start + spelled]))) {
        return false;
      }
      value->type = MWC_JSON_NUMBER;
      value->length = (uint32_t)spelled;
      if (options & MWC_JSON_CONVERT) mwc_json_convert(json, value);
      return true;
    }
  }
}

/// Puts a plain number at its place.
#define put_number MWC_AT_LEVEL(put_number)
MWC_INLINE void put_number(plain number, bool negative, const uint8_t *json, uint32_t options,
                           mwc_json_value *value) {
  const uint8_t *end = number.digits + number.count;
  value->offset = (uint32_t)(number.digits - json) - negative;
  value->length = (uint32_t)number.count + negative;
  value->type = MWC_JSON_NUMBER;
  value->flags = 0;
  value->number.integer = 0;
  if (number.whole == number.count) {
    value->flags = MWC_JSON_INTEGER;
    if ((options & MWC_JSON_CONVERT) == 0) return;
    if (number.count <= 16 && end - json >= 16) {
      uint64_t magnitude = mwc_join_digits(end, number.count);
      // `-0` is a double: no integer has its sign.
      if (negative && magnitude == 0) {
        value->number.real = -0.0;
        return;
      }
      value->number.integer = negative ? -(int64_t)magnitude : (int64_t)magnitude;
      value->flags = MWC_JSON_INTEGER | MWC_JSON_INT64;
      return;
    }
  } else {
    if ((options & MWC_JSON_CONVERT) == 0) return;
    size_t count = number.count - 1;
    size_t places = count - number.whole;
    if (count <= 16 && end - json >= 17) {
      double real = mwc_decimal_quotient(mwc_join_decimal(end, count, places), (unsigned)places);
      value->number.real = negative ? -real : real;
      return;
    }
    // The digits in front of the last sixteen stand together.
    if (count > 16 && count <= MWC_DIGITS_EXACT && places <= 16) {
      uint64_t mantissa = mwc_digits_word(number.digits, (unsigned)count - 16) * mwc_tens[16] +
                          mwc_join_decimal(end, 16, places);
      double real = mwc_decimal_quotient(mantissa, (unsigned)places);
      value->number.real = negative ? -real : real;
      return;
    }
  }
  mwc_json_convert(json, value);
}

/// Locates the string at token `i`.
#define put_string MWC_AT_LEVEL(put_string)
MWC_INLINE void put_string(const tokens *found, const uint8_t *json, size_t i,
                           mwc_json_value *value) {
  size_t start = (size_t)found->positions[i] + 1;
  size_t count = closing_quote(json, found->positions[i + 1]) - start;
  value->offset = (uint32_t)start;
  value->length = (uint32_t)count;
  value->type = MWC_JSON_STRING;
  value->flags = 0;
  value->number.integer = 0;
  if (__builtin_expect(found->carry.has_escapes != 0, 0) &&
      memchr(json + start, '\\', count) != NULL) {
    value->flags = MWC_JSON_ESCAPED;
  }
}

/// Whether token `i`, which begins with `first`, is a number without sign in its plain form.
#define is_plain_number MWC_AT_LEVEL(is_plain_number)
MWC_INLINE bool is_plain_number(const tokens *found, const uint8_t *json, size_t length, size_t i,
                         uint8_t first) {
  return is_digit(first) &&
         read_plain(found, json, length, found->positions[i], found->positions[i + 1], first)
             .is_plain;
}

/// Checks any number or word at token `i` and puts it at `value`, if that is not NULL.
#define scan_scalar MWC_AT_LEVEL(scan_scalar)
static __attribute__((noinline)) bool scan_scalar(const tokens *found, size_t i, uint32_t options,
                                                  mwc_json_value *value) {
  if (found->bytes[i] == '-') {
    const uint8_t *json = found->json;
    const size_t length = found->length;
    size_t start = (size_t)found->positions[i] + 1;
    if (start < length && is_digit(json[start])) {
      plain number = read_plain(found, json, length, start, found->positions[i + 1], json[start]);
      if (number.is_plain) {
        if (value != NULL) put_number(number, true, json, options, value);
        return true;
      }
    }
  }
  mwc_json_value ignored;
  if (value == NULL) {
    value = &ignored;
    options &= ~(uint32_t)MWC_JSON_CONVERT;
  }
  return read_scalar(found, i, options, value);
}

/// Puts the value at token `i`, which begins with `first`, at `value`, if it is a string or a plain
/// number without sign, and returns whether it is.
#define put_simple MWC_AT_LEVEL(put_simple)
MWC_INLINE bool put_simple(const tokens *found, const uint8_t *json, size_t length, size_t i,
                           uint8_t first, uint32_t options, mwc_json_value *value) {
  if (first == '"') {
    put_string(found, json, i, value);
    return true;
  }
  if (is_digit(first)) {
    plain number =
        read_plain(found, json, length, found->positions[i], found->positions[i + 1], first);
    if (number.is_plain) {
      put_number(number, false, json, options, value);
      return true;
    }
  }
  return false;
}

/// Checks the value at token `i`, which is no container, and puts it where it belongs: for a node to
/// which paths lead, but none of them ends there, or others go on.
#define meet_value MWC_AT_LEVEL(meet_value)
static __attribute__((noinline)) bool meet_value(mwc_json_scanner *scanner, const tokens *found,
                                                 size_t i, mwc_json_node *node,
                                                 mwc_json_value *values) {
  mwc_json_value ignored;
  mwc_json_value *value = mwc_trie_meet(scanner, node, values);
  if (value == NULL) value = &ignored;
  return put_simple(found, found->json, found->length, i, found->bytes[i], scanner->options,
                    value) ||
         scan_scalar(found, i, scanner->options, value);
}
#undef plain

// MARK: The grammar

/// The child of `parent` for a member that is not the expected one, or NULL.
#define search_member MWC_AT_LEVEL(search_member)
static __attribute__((noinline)) mwc_json_node *search_member(
    mwc_json_scanner *scanner, const mwc_json_node *parent, mwc_json_node *expected,
    const uint8_t *key, size_t length, bool has_escapes) {
  if (has_escapes && memchr(key, '\\', length) != NULL) {
    uint16_t number = mwc_trie_member(scanner, parent->number, key, length, true);
    return number == MWC_NO_NODE ? NULL : &scanner->nodes[number];
  }
  mwc_json_node *child = expected;
  do {
    child = mwc_trie_node(scanner, child->sibling);
    const uint8_t *name = (const uint8_t *)scanner + child->name_offset;
    if (child->key_length == length ? mwc_same_name(key, name, length)
                                    : child->name_length == length &&
                                          mwc_same_bytes(key, name, length)) {
      return child;
    }
  } while (child != expected);
  return NULL;
}

/// Whether a key is the name of `node`.
#define is_named MWC_AT_LEVEL(is_named)
MWC_INLINE bool is_named(const mwc_json_scanner *scanner, const mwc_json_node *node,
                         const uint8_t *key, size_t length) {
  return node->key_length == length &&
         mwc_same_name(key, (const uint8_t *)scanner + node->name_offset, length);
}

/// The child of `parent` for an element, or NULL. `expected` is tried first.
#define match_element MWC_AT_LEVEL(match_element)
MWC_INLINE mwc_json_node *match_element(mwc_json_scanner *scanner, const mwc_json_node *parent,
                                        mwc_json_node *expected, uint32_t element) {
  if (expected->name_length == MWC_NOT_A_NAME && expected->index == element) return expected;
  uint16_t number = mwc_trie_element(scanner, parent->number, element);
  return number == MWC_NO_NODE ? NULL : &scanner->nodes[number];
}

// From here on, at least AHEAD tokens stand from `i` on, or the end of the document is among them.
#define NEED_TOKENS(failed)                       \
  do {                                            \
    if (__builtin_expect(i > found->enough, 0)) { \
      find_more(found, (uint32_t)i);              \
      if (found->carry.bad) return failed;        \
      i = 0;                                      \
    }                                             \
  } while (0)

/// Whether a member begins at token `i`.
#define is_member MWC_AT_LEVEL(is_member)
MWC_INLINE bool is_member(const tokens *found, size_t i) {
  static const uint8_t start[2] = {'"', ':'};
  return memcmp(found->bytes + i, start, 2) == 0;
}

#define is_opening MWC_AT_LEVEL(is_opening)
MWC_INLINE bool is_opening(uint8_t byte) { return (byte | 0x20) == '{'; }

/// Checks the container at token `i`, which no path leads into, and all in it. Returns one more
/// than the token behind it, or 0. `*last` becomes the position of its closing bracket.
#define skip_container MWC_AT_LEVEL(skip_container)
static __attribute__((noinline)) size_t skip_container(tokens *found, size_t i, uint32_t room,
                                                       uint32_t options, uint32_t *last) {
  const uint8_t *const json = found->json;
  const size_t length = found->length;
  // One bit for each open container but the innermost; 64 of them at hand.
  uint64_t objects = 0;
  uint64_t saved[MWC_JSON_DEPTH_MAX / 64];
  uint32_t depth = 0;
  bool is_object = false;
  uint8_t first;

open:
  if (depth == room) return 0;
  if (depth % 64 == 0) saved[depth / 64] = objects;
  objects = objects << 1 | is_object;
  depth++;
  is_object = found->bytes[i++] == '{';
  if (found->bytes[i] == (is_object ? '}' : ']')) goto close;
  if (!is_object) goto element;

member:
  NEED_TOKENS(0);
  if (!is_member(found, i)) return 0;
  first = found->bytes[i + 2];
  if (first == '"' || is_plain_number(found, json, length, i + 2, first)) {
    i += 4;
    if (found->bytes[i - 1] == ',') goto member;
    i--;
    goto end_of_object;
  }
  i += 2;
  if (is_opening(first)) goto open;
  if (!scan_scalar(found, i, options, NULL)) return 0;
  i++;
after_member:
  if (found->bytes[i] == ',') {
    i++;
    goto member;
  }
end_of_object:
  if (found->bytes[i] != '}') return 0;

close:
  *last = found->positions[i++];
  NEED_TOKENS(0);
  if (--depth == 0) return i + 1;
  is_object = objects & 1;
  objects = depth % 64 == 0 ? saved[depth / 64] : objects >> 1;
  if (is_object) goto after_member;
  goto after_element;

element:
  NEED_TOKENS(0);
  first = found->bytes[i];
  if (first != '"' && !is_plain_number(found, json, length, i, first)) {
    if (is_opening(first)) goto open;
    if (!scan_scalar(found, i, options, NULL)) return 0;
  }
  i++;
after_element:
  if (found->bytes[i] == ',') {
    i++;
    goto element;
  }
  if (found->bytes[i] != ']') return 0;
  goto close;
}

/// A container that is open and leads along the trie.
typedef struct MWC_AT_LEVEL(container) {
  mwc_json_node *node;
  mwc_json_node *expected;  // the child to try first, while a container in it is looked at
  uint32_t element;         // in an array, the index of the next element
  container_kind kind;
} MWC_AT_LEVEL(container);
#define container MWC_AT_LEVEL(container)

// Checks the value of `child` at token `i` and puts it where it belongs, or goes to where containers
// are scanned.
#define PUT_VALUE(first)                                                                       \
  do {                                                                                         \
    if (child->place == MWC_NO_PLACE) {                                                        \
      if (is_opening(first)) goto container;                                                   \
      if (!meet_value(scanner, found, i, child, values)) return false;                         \
    } else {                                                                                   \
      mwc_json_value *place = (mwc_json_value *)(void *)((uint8_t *)values + child->place);    \
      if (!put_simple(found, json, length, i, first, options, place)) {                        \
        if (is_opening(first)) goto container;                                                 \
        if (!scan_scalar(found, i, options, place)) return false;                              \
      }                                                                                        \
    }                                                                                          \
  } while (0)

#define scan_blocks MWC_AT_LEVEL(scan_blocks)
static bool scan_blocks(mwc_json_scanner *scanner, const uint8_t *const json, const size_t length,
                        mwc_json_value *values) {
  tokens all;
  tokens *const found = &all;
  found->json = json;
  found->length = length;
  found->next = 0;
  found->carry = (carry){0};
  found->count = 0;
  find_more(found, 0);
  if (found->carry.bad) return false;
  mwc_trie_begin(scanner, values);

  const uint32_t options = scanner->options;
  const uint32_t depth_max = scanner->depth_max == 0 || scanner->depth_max > MWC_JSON_DEPTH_MAX
                                 ? MWC_JSON_DEPTH_MAX
                                 : scanner->depth_max;
  // Containers that lead along the trie cannot be nested more deeply than a path has steps. The first
  // place stands for the document.
  container open[MWC_JSON_STEPS_MAX + 2];
  container *here = open;
  const container *const deepest =
      open + (depth_max < MWC_JSON_STEPS_MAX + 1 ? depth_max : MWC_JSON_STEPS_MAX + 1);
  here->node = scanner->nodes;
  here->kind = DOCUMENT;
  mwc_json_node *expected = NULL;  // that of the innermost container, tried for the next value
  mwc_json_node *child = scanner->nodes;  // that of the value at hand, or NULL
  mwc_json_value *value;
  uint64_t names = 0;  // a summary of the names that the innermost container waits for
  uint8_t first = found->bytes[0];
  size_t i = 0;

  PUT_VALUE(first);
  i++;
after_document:
  if (found->bytes[i] != 0 || found->positions[i] != length) return false;
  return found->carry.high == 0 || mwc_utf8_is_valid(json, length);

member:
  if (__builtin_expect(i > found->enough, 0)) {
    NEED_TOKENS(false);
    names |= found->carry.has_escapes;
  }
  {
    if (!is_member(found, i)) return false;
    size_t start = (size_t)found->positions[i] + 1;
    size_t count = closing_quote(json, found->positions[i + 1]) - start;
    const uint8_t *key = json + start;
    first = found->bytes[i + 2];
    if (is_named(scanner, expected, key, count)) {
      child = expected;
    } else {
      child = NULL;
      if (__builtin_expect((names & mwc_trie_name_bit(key[0], count)) != 0, 0)) {
        child = search_member(scanner, here->node, expected, key, count,
                              found->carry.has_escapes != 0);
      }
      if (child == NULL) {
        if (first == '"' || is_plain_number(found, json, length, i + 2, first)) {
          i += 4;
          if (found->bytes[i - 1] == ',') goto member;
          i--;
          goto end_of_object;
        }
        i += 2;
        value = NULL;
        if (is_opening(first)) goto skip;
        if (!scan_scalar(found, i, options, NULL)) return false;
        i++;
        goto after_member;
      }
    }
    expected = mwc_trie_node(scanner, child->sibling);
    i += 2;
    PUT_VALUE(first);
    i += 2;
    if (found->bytes[i - 1] == ',') goto member;
    i--;
    goto end_of_object;
  }
after_member:
  if (found->bytes[i] == ',') {
    i++;
    goto member;
  }
end_of_object:
  if (found->bytes[i] != '}') return false;

end_of_container:
  if (__builtin_expect(here->node->path != MWC_NO_NODE, 0)) {
    value = &values[here->node->path];
    value->length = found->positions[i] + 1 - value->offset;
  }
  i++;
  here--;
  expected = here->expected;
  names = here->node->names | found->carry.has_escapes;
after_container:
  if (here->kind == OBJECT) goto after_member;
  if (here->kind == ARRAY) goto after_element;
  goto after_document;

element:
  NEED_TOKENS(false);
  first = found->bytes[i];
  child = match_element(scanner, here->node, expected, here->element++);
  if (child != NULL) {
    expected = mwc_trie_node(scanner, child->sibling);
    PUT_VALUE(first);
  } else if (first != '"' && !is_plain_number(found, json, length, i, first)) {
    value = NULL;
    if (is_opening(first)) goto skip;
    if (!scan_scalar(found, i, options, NULL)) return false;
  }
  i++;
after_element:
  if (found->bytes[i] == ',') {
    i++;
    goto element;
  }
  if (found->bytes[i] != ']') return false;
  goto end_of_container;

container: {
  // Of the value at hand, a container to which paths lead.
  mwc_trie_meet(scanner, child, values);
  bool is_empty = (found->bytes[i + 1] | 0x20) == '}';
  value = NULL;
  if (__builtin_expect(child->path != MWC_NO_NODE, 0)) {
    value = &values[child->path];
    value->offset = found->positions[i];
    value->type = first == '{' ? MWC_JSON_OBJECT : MWC_JSON_ARRAY;
    value->flags = is_empty ? MWC_JSON_EMPTY : 0;
    value->number.integer = 0;
  }
  if (is_empty || (first == '{' ? child->names : child->indices) == 0) goto skip;
  if (here == deepest) return false;
  here->expected = expected;
  here++;
  here->node = child;
  here->element = 0;
  names = child->names | found->carry.has_escapes;
  expected = child + 1;
  i++;
  if (first == '{') {
    here->kind = OBJECT;
    goto member;
  }
  here->kind = ARRAY;
  goto element;
}

skip: {
  // Of the value at hand, a container into which no path leads.
  uint32_t last;
  i = skip_container(found, i, depth_max - (uint32_t)(here - open), options, &last);
  if (i-- == 0) return false;
  if (value != NULL) value->length = last + 1 - value->offset;
  names |= found->carry.has_escapes;
  goto after_container;
}
}
#undef container
#undef PUT_VALUE
#undef NEED_TOKENS

#define scan_level MWC_AT_LEVEL(scan_level)
static int scan_level(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                      mwc_json_value *values, size_t *error_offset) {
  *error_offset = 0;
  if (length > MWC_JSON_LENGTH_MAX) return MWC_JSON_E_LENGTH;
  if (scan_blocks(scanner, json, length, values)) return 0;
  return mwc_json_scan_by_walking(scanner, json, length, values, error_offset);
}
