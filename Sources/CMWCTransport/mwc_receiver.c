#include "mwc_receiver.h"

#include <stdlib.h>
#include <string.h>

#include "mwc_utf8.h"

enum {
  // The smallest buffer worth allocating.
  BUFFER_MIN = 1024,
  // What a receiver keeps between messages; more is given back, so that one large message does not
  // stay in memory as long as its connection.
  BUFFER_KEEP = 256 << 10,
  // The least room given to zlib: its fast loop wants 258 bytes.
  INFLATE_ROOM = 1024,
};

void mwc_receiver_init(mwc_receiver *receiver, mwc_ws_role role, const mwc_pmd *pmd,
                       uint64_t limit) {
  memset(receiver, 0, sizeof *receiver);
  receiver->pmd = *pmd;
  receiver->server = role == MWC_WS_SERVER_ROLE;
  receiver->limit = limit != 0 ? limit : MWC_WS_MESSAGE_LIMIT;
  // Sizes must fit the address space even when they are doubled.
  if (receiver->limit > SIZE_MAX / 4) receiver->limit = SIZE_MAX / 4;
  mwc_ws_reader_init(&receiver->reader, role, pmd->enabled, receiver->limit);
}

void mwc_receiver_destroy(mwc_receiver *receiver) {
  mwc_inflater_destroy(receiver->inflater);
  free(receiver->buffer);
  receiver->inflater = NULL;
  receiver->buffer = NULL;
  receiver->buffer_capacity = 0;
  receiver->buffer_length = 0;
}

size_t mwc_receiver_memory(const mwc_receiver *receiver) { return receiver->buffer_capacity; }

static bool fail(mwc_receiver *receiver, mwc_input *input, mwc_event *event, uint16_t code,
                 const char *problem) {
  mwc_ws_reader_end(&receiver->reader);
  input->bytes += input->length;
  input->length = 0;
  *event = (mwc_event){.kind = MWC_WS_FAILED, .code = code, .problem = problem};
  return true;
}

// MARK: The buffer

/// Makes room for `needed` bytes, which the caller has checked against the limit.
static bool reserve(mwc_receiver *receiver, size_t needed) {
  if (needed <= receiver->buffer_capacity) return true;
  size_t capacity = 2 * receiver->buffer_capacity;
  if (capacity > receiver->limit) capacity = (size_t)receiver->limit;
  if (capacity < BUFFER_MIN) capacity = BUFFER_MIN;
  if (capacity < needed) capacity = needed;
  uint8_t *buffer = realloc(receiver->buffer, capacity);
  if (buffer == NULL) return false;
  receiver->buffer = buffer;
  receiver->buffer_capacity = capacity;
  return true;
}

/// The message that was delivered is not needed any more.
static void forget_delivered(mwc_receiver *receiver) {
  receiver->is_delivered = false;
  receiver->buffer_length = 0;
  if (receiver->buffer_capacity > BUFFER_KEEP) {
    free(receiver->buffer);
    receiver->buffer = NULL;
    receiver->buffer_capacity = 0;
  }
}

/// Follows the text of a message as it comes. False: it can not become valid any more.
static bool check_text(mwc_receiver *receiver, const mwc_ws_piece *piece, const uint8_t *bytes,
                       size_t length, bool ends) {
  if (piece->opcode != MWC_WS_TEXT) return true;
  receiver->utf8 = mwc_utf8_continue(receiver->utf8, bytes, length);
  return receiver->utf8 != MWC_UTF8_REJECT && (!ends || receiver->utf8 == MWC_UTF8_COMPLETE);
}

// MARK: Pieces

static const char *const not_utf8 = "a text message is not valid UTF-8";
static const char *const no_memory = "there is no memory for a message";
static const char *const too_big = "a message is larger than the limit";

/// Adds an uncompressed piece to the buffer. Returns 0, or the code to fail with.
static uint16_t append(mwc_receiver *receiver, const mwc_ws_piece *piece, const char **problem) {
  // The reader has checked the sum of all announced lengths against the limit.
  const size_t known = receiver->buffer_length + piece->length;
  if (!reserve(receiver, known + (size_t)piece->rest)) {
    *problem = no_memory;
    return MWC_WS_INTERNAL_ERROR;
  }
  if (piece->length > 0) {
    memcpy(receiver->buffer + receiver->buffer_length, piece->bytes, piece->length);
  }
  if (!check_text(receiver, piece, piece->bytes, piece->length, piece->last)) {
    *problem = not_utf8;
    return MWC_WS_INVALID_DATA;
  }
  receiver->buffer_length = known;
  return 0;
}

/// Inflates a compressed piece into the buffer. Returns 0, or the code to fail with.
static uint16_t inflate_piece(mwc_receiver *receiver, const mwc_ws_piece *piece,
                              const char **problem) {
  if (receiver->inflater == NULL) {
    receiver->inflater = mwc_inflater_create(receiver->server
                                                 ? receiver->pmd.client_no_context_takeover
                                                 : receiver->pmd.server_no_context_takeover);
  }
  const uint8_t *input = piece->bytes;
  size_t length = piece->length;
  size_t wanted = INFLATE_ROOM + 4 * length;
  for (;;) {
    // One byte beyond the limit shows that a message is too large without storing more of it.
    const size_t left = (size_t)receiver->limit + 1 - receiver->buffer_length;
    if (wanted > left) wanted = left;
    if (receiver->inflater == NULL || !reserve(receiver, receiver->buffer_length + wanted)) {
      *problem = no_memory;
      return MWC_WS_INTERNAL_ERROR;
    }
    uint8_t *start = receiver->buffer + receiver->buffer_length;
    uint8_t *out = start;
    size_t room = receiver->buffer_capacity - receiver->buffer_length;
    if (room > left) room = left;
    const mwc_inflate_result result =
        mwc_inflater_continue(receiver->inflater, &input, &length, piece->last, &out, &room);
    const size_t count = (size_t)(out - start);
    const bool is_too_big = count == left;
    const bool done = result == MWC_INFLATE_DONE;
    // Of two faults the first in the stream is told, however the stream was cut.
    if (!check_text(receiver, piece, start, count - is_too_big,
                    done && piece->last && !is_too_big)) {
      *problem = not_utf8;
      return MWC_WS_INVALID_DATA;
    }
    if (is_too_big) {
      *problem = too_big;
      return MWC_WS_TOO_BIG;
    }
    receiver->buffer_length += count;
    if (done) return 0;
    if (result == MWC_INFLATE_CORRUPT) {
      *problem = "a compressed message is damaged";
      return MWC_WS_INVALID_DATA;
    }
    wanted = receiver->buffer_length + INFLATE_ROOM;
  }
}

static bool deliver(const mwc_ws_piece *piece, const uint8_t *bytes, size_t length,
                    bool is_in_input, mwc_event *event) {
  *event = (mwc_event){
      .kind = piece->opcode,
      .code = piece->code,
      .bytes = bytes,
      .length = length,
      .is_in_input = is_in_input,
  };
  return true;
}

bool mwc_receiver_next(mwc_receiver *receiver, mwc_input *input, mwc_event *event) {
  if (receiver->is_delivered) forget_delivered(receiver);
  mwc_ws_piece piece;
  while (mwc_ws_read(&receiver->reader, input, &piece)) {
    if (piece.opcode == MWC_WS_FAILED) {
      return fail(receiver, input, event, piece.code, piece.problem);
    }
    if (piece.opcode & 8) {
      const uint8_t *kept = receiver->reader.control;
      const bool is_kept = piece.bytes >= kept && piece.bytes < kept + MWC_WS_CONTROL_MAX;
      return deliver(&piece, piece.bytes, piece.length, !is_kept, event);
    }
    if (piece.first && piece.last && !piece.compressed) {
      if (!check_text(receiver, &piece, piece.bytes, piece.length, true)) {
        return fail(receiver, input, event, MWC_WS_INVALID_DATA, not_utf8);
      }
      return deliver(&piece, piece.bytes, piece.length, true, event);
    }
    const char *problem = NULL;
    const uint16_t code = piece.compressed ? inflate_piece(receiver, &piece, &problem)
                                           : append(receiver, &piece, &problem);
    if (code != 0) return fail(receiver, input, event, code, problem);
    if (piece.last) {
      receiver->is_delivered = true;
      return deliver(&piece, receiver->buffer, receiver->buffer_length, false, event);
    }
  }
  return false;
}
