/// The receiving half of a WebSocket connection: bytes from the socket in, whole messages out.
///
/// ```
///   socket bytes ─► frames (mwc_ws.h) ─► inflate (if compressed) ─► UTF-8 (if text) ─► message
/// ```
///
/// ```
///   mwc_input input = {bytes, length};
///   mwc_event event;
///   while (mwc_receiver_next(&receiver, &input, &event)) {
///     switch (event.kind) { case MWC_WS_TEXT: … }
///   }
/// ```
///
/// An uncompressed message that stands in the input as one frame is delivered where it stands.
/// Everything else (cut by the read, fragmented, compressed) is put together in the receiver's own
/// buffer, which grows to what the frame header announces and never beyond the limit.
///
/// A receiver belongs to one thread at a time.
#ifndef MWC_RECEIVER_H
#define MWC_RECEIVER_H

#include "mwc_deflate.h"
#include "mwc_ws.h"

/// What came.
typedef struct mwc_event {
  /// MWC_WS_TEXT, MWC_WS_BINARY: a whole message. MWC_WS_PING, MWC_WS_PONG, MWC_WS_CLOSE: a control
  /// frame. MWC_WS_FAILED: the peer broke the protocol or a limit; send a close frame with `code`,
  /// then end the connection. The values up to MWC_WS_PONG are those of `Message.Kind`.
  uint8_t kind;
  /// MWC_WS_CLOSE: the peer's code (MWC_WS_NO_CODE: none). MWC_WS_FAILED: the code to close with
  /// (1002 protocol, 1007 data, 1009 too big, 1011 out of memory).
  uint16_t code;
  /// Payload; MWC_WS_CLOSE: the reason. Valid until the next call on the receiver and, when it
  /// `is_in_input`, while the input's bytes are. May be NULL when `length` is 0.
  const uint8_t *bytes;
  size_t length;
  /// `bytes` points into the input, not into memory of the receiver. Such a payload is never longer
  /// than the input was.
  bool is_in_input;
  const char *problem;  ///< MWC_WS_FAILED: one static sentence, for a person. Otherwise NULL.
} mwc_event;

/// Members are private; ask the functions.
typedef struct mwc_receiver {
  mwc_ws_reader reader;
  mwc_pmd pmd;
  mwc_inflater *inflater;  // made for the first compressed message
  uint8_t *buffer;         // the message under way, or the one delivered last
  size_t buffer_length;
  size_t buffer_capacity;
  uint64_t limit;
  uint32_t utf8;  // mwc_utf8_state of the text under way; complete between texts
  bool server;
  bool is_delivered;  // the buffer holds what the last event spoke of
} mwc_receiver;

/// Starts a receiver. `pmd`: what the handshake agreed on (`enabled` false: nothing). `limit`: most
/// bytes of one message, after inflating; 0 means MWC_WS_MESSAGE_LIMIT. A message of exactly
/// `limit` passes. Allocates nothing yet.
void mwc_receiver_init(mwc_receiver *receiver, mwc_ws_role role, const mwc_pmd *pmd,
                       uint64_t limit);

/// Frees what it holds. A zeroed receiver is fine.
void mwc_receiver_destroy(mwc_receiver *receiver);

/// Takes bytes from `input` until something is complete. Returns true with `*event` filled, false
/// when the input is used up. The input may be cut anywhere. What is wrong fails at once, without
/// waiting for the rest of its message.
///
/// It is fine to stop between two events and to come back later with what is left of the input: a
/// receiver whose reader has no room keeps nothing behind the caller's back.
///
/// After MWC_WS_CLOSE or MWC_WS_FAILED it swallows the input and returns false for ever.
bool mwc_receiver_next(mwc_receiver *receiver, mwc_input *input, mwc_event *event);

/// Bytes of memory held for messages; the inflater not counted.
size_t mwc_receiver_memory(const mwc_receiver *receiver);

#endif
