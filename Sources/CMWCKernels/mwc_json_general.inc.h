// The scan of `mwc_json_general.c` over the blocks of one level.

// MARK: Finding tokens

/// Appends the tokens of one block, which starts `base` bytes into the document and was loaded from
/// `source`. `follower` is the byte behind it.
#define find_tokens MWC_AT_LEVEL(find_tokens)
MWC_INLINE void find_tokens(tokens *tokens, mwc_block block, const uint8_t *source, size_t base,
                            uint8_t follower) {
  uint64_t quotes = mwc_block_equal(block, '"');
  uint64_t backslashes = mwc_block_equal(block, '\\');
  if (__builtin_expect((backslashes | tokens->is_escaped) != 0, 0)) {
    quotes &= ~find_escaped(tokens, backslashes, base);
  }
  // From an opening quote to before the closing one.
  uint64_t strings = mwc_prefix_xor(quotes) ^ tokens->in_string;
  tokens->in_string = (uint64_t)((int64_t)strings >> 63);
  tokens->is_bad |= (strings & mwc_block_range(block, 0, 0x1F)) != 0;
  tokens->high |= mwc_block_high(block);

  uint64_t operators = mwc_block_operator(block) & ~strings;
  uint64_t scalars = ~(operators | strings | quotes | mwc_block_space(block));
  uint64_t starts = scalars & ~(scalars << 1 | tokens->in_scalar);
  tokens->in_scalar = scalars >> 63;
  uint64_t followed = operators >> 1 | (uint64_t)is_operator(follower) << 63;
  uint64_t kept_quotes = quotes & (strings | ~followed);
  uint32_t count = tokens->count;
  tokens->count += mwc_tokens_put(operators | starts | kept_quotes, source, block, (uint32_t)base,
                                  tokens->positions + count, tokens->bytes + count);
}

/// Drops the tokens before `used`, and finds more: as many as there is room for. The first token that
/// was not used is then the first of all.
#define find_more MWC_AT_LEVEL(find_more)
static void find_more(tokens *tokens, uint32_t used) {
  tokens->count -= used;
  memmove(tokens->positions, tokens->positions + used, tokens->count * sizeof(uint32_t));
  memmove(tokens->bytes, tokens->bytes + used, tokens->count);
  const uint8_t *json = tokens->json;
  const size_t length = tokens->length;
  size_t base = tokens->next;
  while (tokens->count <= TOKENS - 64 && length - base > 64) {
    find_tokens(tokens, mwc_block_load(json + base), json + base, base, json[base + 64]);
    base += 64;
  }
  tokens->next = base;
  if (length - base > 64 || tokens->count > TOKENS - 64) {
    tokens->enough = tokens->count - AHEAD;
    return;
  }
  if (length > base) {
    uint8_t copy[64];
    mwc_copy_part(copy, json + base, length - base, ' ');
    find_tokens(tokens, mwc_block_load(copy), copy, base, ' ');
    tokens->next = length;
  }
  if (tokens->in_string != 0) tokens->is_bad = true;
  for (uint32_t i = tokens->count; i < tokens->count + AHEAD; i++) {
    tokens->positions[i] = (uint32_t)length;
    tokens->bytes[i] = 0;
  }
  tokens->enough = UINT32_MAX;
}

// MARK: Following the grammar

#define find_member MWC_AT_LEVEL(find_member)
MWC_INLINE uint16_t find_member(const mwc_json_scanner *scanner, uint16_t parent,
                                uint16_t *expected, const uint8_t *key, size_t length,
                                bool has_escapes) {
  const mwc_json_node *nodes = scanner->nodes;
  if (has_escapes && memchr(key, '\\', length) != NULL) {
    return mwc_trie_member(scanner, parent, key, length, true);
  }
  if ((nodes[parent].name_lengths & mwc_trie_bit(length)) == 0) return MWC_NO_NODE;
  // Members mostly come in the order of the paths: the search begins behind the last one found.
  const uint16_t first = *expected;
  uint16_t child = first;
  do {
    const mwc_json_node *node = &nodes[child];
    uint16_t sibling = node->end == nodes[parent].end ? (uint16_t)(parent + 1) : node->end;
    if (node->name_length == length && !node->is_element &&
        mwc_same_bytes(key, (const uint8_t *)scanner + node->name_offset, length)) {
      *expected = sibling;
      return child;
    }
    child = sibling;
  } while (child != first);
  return MWC_NO_NODE;
}

#define locate MWC_AT_LEVEL(locate)
MWC_INLINE mwc_json_value *locate(mwc_json_scanner *scanner, uint16_t node, mwc_json_value *values,
                                  uint8_t type, uint32_t offset, uint32_t length, uint8_t flags) {
  mwc_json_value *value = mwc_trie_meet(scanner, node, values);
  if (value == NULL) return NULL;
  value->offset = offset;
  value->length = length;
  value->type = type;
  value->flags = flags;
  return value;
}

/// Checks the number from `start` to before the next token at `next`, white space behind it included,
/// and locates it.
#define scan_number MWC_AT_LEVEL(scan_number)
MWC_INLINE bool scan_number(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                            uint32_t start, uint32_t next, uint16_t node, mwc_json_value *values) {
  const uint8_t *number = json + start;
  uint32_t negative = number[0] == '-';
  const uint8_t *digits = number + negative;
  uint32_t count = next - start - negative;
  if (__builtin_expect(count - 1 < 32, 1)) {
    uint32_t others = ~mwc_digits(digits, count, json + length);
    if (count < 32) others &= (1u << count) - 1;
    uint32_t whole = others == 0 ? count : (uint32_t)__builtin_ctz(others);
    bool has_point = others != 0;
    // Nothing but digits, or one point between digits; a zero in front only if it is alone there.
    if (((others & (others - 1)) | (digits[0] == '0' && whole > 1)) == 0 &&
        (!has_point || (digits[whole] == '.' && whole > 0 && whole < count - 1))) {
      if (node == MWC_NO_NODE) return true;
      mwc_json_value *value = locate(scanner, node, values, MWC_JSON_NUMBER, start, next - start,
                                     has_point ? 0 : MWC_JSON_INTEGER);
      if (value == NULL || (scanner->options & MWC_JSON_CONVERT) == 0) return true;
      if (count - has_point > (has_point ? MWC_DIGITS_EXACT : 18) ||
          length - start < MWC_NUMBER_ROOM) {
        mwc_json_convert(json, value);
      } else if (has_point) {
        uint32_t places = count - whole - 1;
        uint64_t mantissa = mwc_digits_value(digits, whole) * mwc_tens[places] +
                            mwc_digits_value(digits + whole + 1, places);
        double real = mwc_decimal_quotient(mantissa, places);
        value->number.real = negative ? -real : real;
      } else {
        int64_t integer = (int64_t)mwc_digits_value(digits, count);
        value->number.integer = negative ? -integer : integer;
        value->flags |= MWC_JSON_INT64;
      }
      return true;
    }
  }
  uint8_t flags;
  size_t spelled = number_length(number, next - start, scanner->options, &flags);
  if (spelled == 0 || (spelled < next - start && !is_space(number[spelled]))) return false;
  if (node == MWC_NO_NODE) return true;
  mwc_json_value *value =
      locate(scanner, node, values, MWC_JSON_NUMBER, start, (uint32_t)spelled, flags);
  if (value != NULL && (scanner->options & MWC_JSON_CONVERT)) mwc_json_convert(json, value);
  return true;
}

/// Whether the word from `start` to before the next token, white space behind it included, is `word`.
#define is_word MWC_AT_LEVEL(is_word)
MWC_INLINE bool is_word(const uint8_t *json, uint32_t start, uint32_t next, const char *word,
                        uint32_t count) {
  return next - start >= count && memcmp(json + start, word, count) == 0 &&
         (next - start == count || is_space(json[start + count]));
}

#define scan_blocks MWC_AT_LEVEL(scan_blocks)
static bool scan_blocks(mwc_json_scanner *scanner, const uint8_t *json, size_t length,
                        mwc_json_value *values) {
  tokens found;
  found.json = json;
  found.length = length;
  found.next = 0;
  found.in_string = found.in_scalar = found.is_escaped = found.high = 0;
  found.has_escapes = found.is_bad = false;
  found.count = 0;
  find_more(&found, 0);
  if (found.is_bad) return false;
  mwc_trie_begin(scanner, values);

  const mwc_json_node *const nodes = scanner->nodes;
  const uint32_t *const positions = found.positions;
  const uint8_t *const bytes = found.bytes;
  const uint32_t depth_max = scanner->depth_max == 0 || scanner->depth_max > MWC_JSON_DEPTH_MAX
                                 ? MWC_JSON_DEPTH_MAX
                                 : scanner->depth_max;
  container around[MWC_JSON_DEPTH_MAX];  // the container is itself not in it
  container here = {MWC_NO_NODE, 0, 0, false};
  uint32_t depth = 0;
  uint32_t i = 0;      // the next token
  uint16_t child = 0;  // the node of the value that comes next, or MWC_NO_NODE

// At least AHEAD tokens stand from `i` on, or the end of the document is among them.
#define NEED_TOKENS()                                    \
  do {                                                   \
    if (__builtin_expect(i > found.enough, 0)) {         \
      find_more(&found, i);                              \
      if (found.is_bad) return false;                    \
      i = 0;                                             \
    }                                                    \
  } while (0)

value:
  NEED_TOKENS();
  {
    uint32_t start = positions[i];
    switch (bytes[i]) {
      case '"': {
        // Without a token of its own the closing quote stands right before the next one.
        uint32_t hidden = bytes[i + 1] != '"';
        uint32_t end = positions[i + 1] - hidden;
        i += 2 - hidden;
        if (child != MWC_NO_NODE) {
          uint32_t count = end - start - 1;
          bool escaped = found.has_escapes && memchr(json + start + 1, '\\', count) != NULL;
          locate(scanner, child, values, MWC_JSON_STRING, start + 1, count,
                 escaped ? MWC_JSON_ESCAPED : 0);
        }
        break;
      }
      case 'N':
      case 'I':
        if ((scanner->options & MWC_JSON_NONFINITE) == 0) return false;
        // fall through
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9':
        if (!scan_number(scanner, json, length, start, positions[i + 1], child, values)) {
          return false;
        }
        i++;
        break;
      case 't':
        if (!is_word(json, start, positions[++i], "true", 4)) return false;
        if (child != MWC_NO_NODE) locate(scanner, child, values, MWC_JSON_TRUE, start, 4, 0);
        break;
      case 'f':
        if (!is_word(json, start, positions[++i], "false", 5)) return false;
        if (child != MWC_NO_NODE) locate(scanner, child, values, MWC_JSON_FALSE, start, 5, 0);
        break;
      case 'n':
        if (!is_word(json, start, positions[++i], "null", 4)) return false;
        if (child != MWC_NO_NODE) locate(scanner, child, values, MWC_JSON_NULL, start, 4, 0);
        break;
      case '{':
      case '[': {
        if (depth == depth_max) return false;
        around[depth++] = here;
        bool is_object = bytes[i] == '{';
        here = (container){child, (uint16_t)(child + 1), 0, is_object};
        i++;
        if (child != MWC_NO_NODE) {
          locate(scanner, child, values, is_object ? MWC_JSON_OBJECT : MWC_JSON_ARRAY, start, 1,
                 MWC_JSON_EMPTY);
        }
        if (bytes[i] == (is_object ? '}' : ']')) {
          i++;
          goto end_of_container;
        }
        if (child != MWC_NO_NODE && nodes[child].path != MWC_NO_NODE) {
          values[nodes[child].path].flags = 0;
        }
        if (is_object) goto member;
        goto element;
      }
      default: return false;
    }
  }

after_value:
  if (depth == 0) {
    if (bytes[i] != 0 || positions[i] != length) return false;
    return found.high == 0 || mwc_utf8_valid_prefix(json, length) == length;
  }
  if (here.is_object) {
    if (bytes[i] == ',') {
      i++;
      goto member;
    }
    if (bytes[i] != '}') return false;
  } else {
    if (bytes[i] == ',') {
      i++;
      goto element;
    }
    if (bytes[i] != ']') return false;
  }
  i++;

end_of_container:
  if (here.node != MWC_NO_NODE && nodes[here.node].path != MWC_NO_NODE) {
    mwc_json_value *value = &values[nodes[here.node].path];
    value->length = positions[i - 1] + 1 - value->offset;
  }
  here = around[--depth];
  NEED_TOKENS();
  goto after_value;

member:
  NEED_TOKENS();
  {
    if (bytes[i] != '"') return false;
    uint32_t start = positions[i] + 1;
    uint32_t end;
    if (bytes[i + 1] == ':') {
      end = positions[i + 1] - 1;
      i += 2;
    } else {
      if (bytes[i + 1] != '"' || bytes[i + 2] != ':') return false;
      end = positions[i + 1];
      i += 3;
    }
    child = here.node == MWC_NO_NODE || here.node + 1 == nodes[here.node].end
                ? MWC_NO_NODE
                : find_member(scanner, here.node, &here.expected, json + start, end - start,
                              found.has_escapes);
    goto value;
  }

element:
  child = here.node == MWC_NO_NODE ? MWC_NO_NODE
                                   : mwc_trie_element(scanner, here.node, here.element++);
  goto value;
#undef NEED_TOKENS
}
