#include "mwc_ws.h"

#include <string.h>

#include "mwc_utf8.h"

void mwc_ws_reader_init(mwc_ws_reader *reader, mwc_ws_role role, bool deflate, uint64_t limit) {
  memset(reader, 0, sizeof *reader);
  reader->server = role == MWC_WS_SERVER_ROLE;
  reader->deflate = deflate;
  // Far above any memory, and low enough that sums of two such numbers do not wrap.
  reader->limit = limit < (uint64_t)1 << 61 ? limit : (uint64_t)1 << 61;
}

bool mwc_ws_reader_is_idle(const mwc_ws_reader *reader) {
  return reader->header_length == 0 && !reader->in_payload && reader->message_opcode == 0;
}

void mwc_ws_reader_end(mwc_ws_reader *reader) { reader->ended = true; }

static void swallow(mwc_input *input) {
  input->bytes += input->length;
  input->length = 0;
}

static void advance(mwc_input *input, size_t count) {
  input->bytes += count;
  input->length -= count;
}

static bool fail(mwc_ws_reader *reader, mwc_ws_piece *piece, uint16_t code, const char *problem) {
  reader->ended = true;
  *piece = (mwc_ws_piece){.opcode = MWC_WS_FAILED, .code = code, .problem = problem};
  return false;
}

// MARK: Headers

/// The length of a header by its first two bytes.
static size_t whole_header_length(const uint8_t *header) {
  size_t extended = (header[1] & 127) == 126 ? 2 : (header[1] & 127) == 127 ? 8 : 0;
  return 2 + extended + (header[1] & 128 ? 4 : 0);
}

static uint64_t big_endian(const uint8_t *bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value = value << 8 | bytes[i];
  return value;
}

/// Takes over a whole header and checks it. False: the peer broke a rule, `piece` says which.
static bool begin_frame(mwc_ws_reader *reader, const uint8_t *header, mwc_ws_piece *piece) {
  const uint16_t protocol = MWC_WS_PROTOCOL_ERROR;
  const uint8_t opcode = header[0] & 15;
  const bool fin = header[0] & 0x80;
  const bool compressed = header[0] & 0x40;
  const bool masked = header[1] & 0x80;
  uint64_t length = header[1] & 127;
  size_t extended = 0;

  if (header[0] & 0x30) return fail(reader, piece, protocol, "a reserved bit is set");
  if (compressed && !reader->deflate) {
    return fail(reader, piece, protocol, "a frame is compressed, which was not agreed on");
  }
  if (masked != reader->server) {
    return fail(reader, piece, protocol,
                reader->server ? "a frame of a client is not masked"
                               : "a frame of a server is masked");
  }
  if (length == 126) {
    extended = 2;
    length = big_endian(header + 2, 2);
    if (length < 126) return fail(reader, piece, protocol, "a length is not in its shortest form");
  } else if (length == 127) {
    extended = 8;
    length = big_endian(header + 2, 8);
    if (length >> 63) return fail(reader, piece, protocol, "a length has its highest bit set");
    if (length < 65536) {
      return fail(reader, piece, protocol, "a length is not in its shortest form");
    }
  }

  if (opcode & 8) {
    if (opcode > MWC_WS_PONG) return fail(reader, piece, protocol, "an opcode is reserved");
    if (!fin) return fail(reader, piece, protocol, "a control frame is fragmented");
    if (length > MWC_WS_CONTROL_MAX) {
      return fail(reader, piece, protocol, "a control frame is longer than 125 bytes");
    }
    if (compressed) return fail(reader, piece, protocol, "a control frame is compressed");
  } else {
    if (opcode > MWC_WS_BINARY) return fail(reader, piece, protocol, "an opcode is reserved");
    if (opcode == MWC_WS_CONTINUATION) {
      if (reader->message_opcode == 0) {
        return fail(reader, piece, protocol, "a continuation has nothing to continue");
      }
      if (compressed) {
        return fail(reader, piece, protocol, "a continuation frame says it is compressed");
      }
    } else {
      if (reader->message_opcode != 0) {
        return fail(reader, piece, protocol, "a message begins before the last one has ended");
      }
      reader->message_opcode = opcode;
      reader->message_length = 0;
      reader->first = true;
      reader->compressed = compressed;
    }
    // No honest compressor doubles its input; the rest is for the frames of tiny messages.
    const uint64_t limit = reader->compressed ? 2 * reader->limit + 65536 : reader->limit;
    if (length > limit - reader->message_length) {
      return fail(reader, piece, MWC_WS_TOO_BIG, "a message is larger than the limit");
    }
    reader->message_length += length;
  }

  reader->opcode = opcode;
  reader->fin = fin;
  reader->frame_rest = length;
  reader->control_length = 0;
  reader->in_payload = true;
  if (masked) memcpy(reader->mask, header + 2 + extended, 4);
  return true;
}

typedef enum { HEADER_INCOMPLETE, HEADER_DONE, HEADER_WRONG } header_result;

static header_result read_header(mwc_ws_reader *reader, mwc_input *input, mwc_ws_piece *piece) {
  // Nearly always the whole header stands in the input.
  if (reader->header_length == 0 && input->length >= 2) {
    const uint8_t *header = input->bytes;
    const size_t length = whole_header_length(header);
    if (input->length >= length) {
      advance(input, length);
      return begin_frame(reader, header, piece) ? HEADER_DONE : HEADER_WRONG;
    }
  }
  while (input->length > 0) {
    reader->header[reader->header_length++] = *input->bytes;
    advance(input, 1);
    if (reader->header_length < 2) continue;
    if (reader->header_length == whole_header_length(reader->header)) {
      reader->header_length = 0;
      return begin_frame(reader, reader->header, piece) ? HEADER_DONE : HEADER_WRONG;
    }
  }
  return HEADER_INCOMPLETE;
}

// MARK: Payload

/// Unmasks the next `length` bytes of the frame and turns the key to the byte after them.
static void unmask(mwc_ws_reader *reader, uint8_t *bytes, size_t length) {
  mwc_ws_mask(bytes, length, reader->mask, 0);
  const uint8_t key[4] = {reader->mask[0], reader->mask[1], reader->mask[2], reader->mask[3]};
  for (size_t i = 0; i < 4; i++) reader->mask[i] = key[(i + length) & 3];
}

/// The part of a data frame that stands in the input. False: none does.
static bool read_data(mwc_ws_reader *reader, mwc_input *input, mwc_ws_piece *piece) {
  const uint64_t rest = reader->frame_rest;
  if (rest > 0 && input->length == 0) return false;
  const size_t length = rest < input->length ? (size_t)rest : input->length;
  if (reader->server) unmask(reader, input->bytes, length);
  reader->frame_rest = rest - length;
  const bool frame_done = reader->frame_rest == 0;
  *piece = (mwc_ws_piece){
      .opcode = reader->message_opcode,
      .first = reader->first,
      .last = frame_done && reader->fin,
      .compressed = reader->compressed,
      .bytes = input->bytes,
      .length = length,
      .rest = reader->frame_rest,
  };
  advance(input, length);
  reader->first = false;
  if (frame_done) {
    reader->in_payload = false;
    if (reader->fin) reader->message_opcode = 0;
  }
  return true;
}

/// Takes a close frame's payload apart (section 5.5.1).
static bool read_close(mwc_ws_reader *reader, mwc_ws_piece *piece) {
  const uint8_t *bytes = piece->bytes;
  reader->ended = true;
  if (piece->length == 0) {
    piece->code = MWC_WS_NO_CODE;
    return true;
  }
  if (piece->length == 1) {
    return fail(reader, piece, MWC_WS_PROTOCOL_ERROR, "a close frame has half a code");
  }
  piece->code = (uint16_t)big_endian(bytes, 2);
  piece->bytes = bytes + 2;
  piece->length -= 2;
  if (!mwc_ws_close_code_is_valid(piece->code)) {
    return fail(reader, piece, MWC_WS_PROTOCOL_ERROR, "a close code is not allowed");
  }
  if (mwc_utf8_valid_prefix(piece->bytes, piece->length) != piece->length) {
    return fail(reader, piece, MWC_WS_INVALID_DATA, "a close reason is not valid UTF-8");
  }
  return true;
}

/// A whole control frame, or nothing yet. False: it is incomplete, or it was wrong and `piece` has
/// become a failure.
static bool read_control(mwc_ws_reader *reader, mwc_input *input, mwc_ws_piece *piece) {
  const size_t rest = (size_t)reader->frame_rest;
  const size_t length = rest < input->length ? rest : input->length;
  const bool in_place = reader->control_length == 0 && length == rest;
  uint8_t *bytes = in_place ? input->bytes : reader->control + reader->control_length;
  if (!in_place && length != 0) memcpy(bytes, input->bytes, length);
  if (reader->server) unmask(reader, bytes, length);
  advance(input, length);
  reader->frame_rest -= length;
  if (!in_place) {
    reader->control_length = (uint8_t)(reader->control_length + length);
    if (reader->frame_rest != 0) return false;
  }
  reader->in_payload = false;
  *piece = (mwc_ws_piece){
      .opcode = reader->opcode,
      .first = true,
      .last = true,
      .bytes = in_place ? bytes : reader->control,
      .length = in_place ? length : reader->control_length,
  };
  return reader->opcode != MWC_WS_CLOSE || read_close(reader, piece);
}

bool mwc_ws_read(mwc_ws_reader *reader, mwc_input *input, mwc_ws_piece *piece) {
  if (reader->ended) {
    swallow(input);
    return false;
  }
  piece->opcode = MWC_WS_CONTINUATION;
  if (!reader->in_payload && read_header(reader, input, piece) == HEADER_INCOMPLETE) return false;
  bool found = false;
  if (reader->in_payload) {
    found = reader->opcode & 8 ? read_control(reader, input, piece)
                               : read_data(reader, input, piece);
  }
  if (piece->opcode == MWC_WS_FAILED) {
    swallow(input);
    return true;
  }
  return found;
}

// MARK: Masking and building

bool mwc_ws_close_code_is_valid(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

void mwc_ws_mask(uint8_t *bytes, size_t length, const uint8_t key[4], size_t phase) {
  uint8_t turned[8];
  for (size_t i = 0; i < 8; i++) turned[i] = key[(i + phase) & 3];
  uint64_t wide;
  memcpy(&wide, turned, 8);
  // Written so that the compiler turns it into vector code of whatever the machine has.
  const size_t whole = length & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, 8);
    word ^= wide;
    memcpy(bytes + i, &word, 8);
  }
  for (size_t i = whole; i < length; i++) bytes[i] ^= turned[i & 7];
}

size_t mwc_ws_header_length(uint64_t length, bool masked) {
  return (length < 126 ? 2u : length < 65536 ? 4u : 10u) + (masked ? 4u : 0u);
}

size_t mwc_ws_build_header(uint8_t *out, uint8_t opcode, bool fin, bool compressed, uint64_t length,
                           const uint8_t *mask) {
  out[0] = (uint8_t)(opcode | (fin ? 0x80 : 0) | (compressed ? 0x40 : 0));
  const uint8_t mask_bit = mask != NULL ? 0x80 : 0;
  size_t at = 2;
  if (length < 126) {
    out[1] = (uint8_t)(length | mask_bit);
  } else {
    const bool wide = length >= 65536;
    out[1] = (uint8_t)((wide ? 127 : 126) | mask_bit);
    for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8) out[at++] = (uint8_t)(length >> shift);
  }
  if (mask != NULL) {
    memcpy(out + at, mask, 4);
    at += 4;
  }
  return at;
}

size_t mwc_ws_build_frame(uint8_t *out, uint8_t opcode, bool compressed, const uint8_t *payload,
                          size_t length, const uint8_t *mask) {
  const size_t start = mwc_ws_build_header(out, opcode, true, compressed, length, mask);
  if (length == 0) return start;
  memcpy(out + start, payload, length);
  if (mask != NULL) mwc_ws_mask(out + start, length, mask, 0);
  return start + length;
}

size_t mwc_ws_build_close(uint8_t *out, unsigned code, const char *reason, size_t reason_length,
                          const uint8_t *mask) {
  if (!mwc_ws_close_code_is_valid(code)) {
    return mwc_ws_build_frame(out, MWC_WS_CLOSE, false, NULL, 0, mask);
  }
  uint8_t payload[MWC_WS_CONTROL_MAX] = {(uint8_t)(code >> 8), (uint8_t)code};
  size_t length = 2;
  if (reason != NULL) {
    const size_t most = reason_length < MWC_WS_REASON_MAX ? reason_length : MWC_WS_REASON_MAX;
    const size_t whole = mwc_utf8_valid_prefix((const uint8_t *)reason, most);
    memcpy(payload + 2, reason, whole);
    length += whole;
  }
  return mwc_ws_build_frame(out, MWC_WS_CLOSE, false, payload, length, mask);
}
