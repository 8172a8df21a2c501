/// WebSocket frames (RFC 6455, section 5): reading, masking and building, without I/O and without
/// memory of its own.
///
/// ```
///   bytes from a socket, cut anywhere
///   ──►[ mwc_ws_reader ]──► pieces of data messages (first … last) and whole control frames
/// ```
///
/// The reader keeps only a frame header and one control payload (125 bytes at most) between calls,
/// so whoever assembles messages decides about memory. `mwc_receiver.h` is that layer.
///
/// Nothing here allocates, blocks or keeps global state. A reader belongs to one thread at a time.
#ifndef MWC_WS_H
#define MWC_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Opcodes (RFC 6455, section 5.2) as they appear in events; `MWC_WS_FAILED` is ours. The data and
/// ping/pong values are those of `Message.Kind`.
enum {
  MWC_WS_CONTINUATION = 0,
  MWC_WS_TEXT = 1,
  MWC_WS_BINARY = 2,
  MWC_WS_CLOSE = 8,
  MWC_WS_PING = 9,
  MWC_WS_PONG = 10,
  MWC_WS_FAILED = 255,  ///< The peer broke the protocol; the event says how to close.
};

/// Close codes (RFC 6455, section 7.4.1) that this layer itself speaks of.
enum {
  MWC_WS_NORMAL = 1000,
  MWC_WS_GOING_AWAY = 1001,
  MWC_WS_PROTOCOL_ERROR = 1002,
  MWC_WS_NO_CODE = 1005,   ///< Never on the wire: a close frame without a code came.
  MWC_WS_ABNORMAL = 1006,  ///< Never on the wire: the connection ended without a close frame.
  MWC_WS_INVALID_DATA = 1007,
  MWC_WS_TOO_BIG = 1009,
  MWC_WS_INTERNAL_ERROR = 1011,
};

enum {
  MWC_WS_HEADER_MAX = 14,    ///< Bytes of the longest frame header.
  MWC_WS_CONTROL_MAX = 125,  ///< Bytes of the longest control payload.
  MWC_WS_REASON_MAX = 123,   ///< Bytes of the longest close reason.
  MWC_WS_CONTROL_FRAME_MAX = MWC_WS_CONTROL_MAX + 6,
};

/// Largest message accepted unless configured otherwise: 64 MiB, far above any stream we know and
/// far below what would trouble a small machine.
#define MWC_WS_MESSAGE_LIMIT ((uint64_t)64 << 20)

/// Which side we are. A server's peer must mask every frame, a client's peer none (section 5.1).
typedef enum mwc_ws_role { MWC_WS_CLIENT_ROLE = 0, MWC_WS_SERVER_ROLE = 1 } mwc_ws_role;

/// Bytes that came from the socket and are still to be read. Calls advance it. The bytes are
/// written to: masked payload is unmasked where it stands.
typedef struct mwc_input {
  uint8_t *bytes;
  size_t length;
} mwc_input;

/// What `mwc_ws_read` found.
typedef struct mwc_ws_piece {
  /// Data: MWC_WS_TEXT or MWC_WS_BINARY, also for pieces of continuation frames. Control frames:
  /// their opcode. MWC_WS_FAILED: `code` and `problem` are set and nothing else.
  uint8_t opcode;
  bool first;       ///< First piece of a message. Always true for control frames.
  bool last;        ///< Last piece of a message. Always true for control frames.
  bool compressed;  ///< Data: the message has RSV1 (permessage-deflate).
  /// Close frames: its code, MWC_WS_NO_CODE when it had none. Failure: the code to close with.
  uint16_t code;
  /// Payload, unmasked. Close frames: the reason, which is valid UTF-8. Inside the input, or inside
  /// the reader for a control frame that came in parts: valid until the next call. May be NULL when
  /// `length` is 0.
  const uint8_t *bytes;
  size_t length;
  /// Data: payload bytes of this frame that have not come yet. What to reserve beyond `length`.
  uint64_t rest;
  const char *problem;  ///< Failure: one static sentence, for a person.
} mwc_ws_piece;

/// Reads frames. Initialise with `mwc_ws_reader_init`; the members are private.
typedef struct mwc_ws_reader {
  uint64_t limit;           // bytes of payload in one message
  uint64_t message_length;  // announced so far for the message that is under way
  uint64_t frame_rest;      // payload bytes of this frame still to come
  uint8_t header[MWC_WS_HEADER_MAX];
  uint8_t header_length;
  uint8_t control_length;
  uint8_t control[MWC_WS_CONTROL_MAX];
  uint8_t mask[4];        // key, rotated to the next payload byte
  uint8_t opcode;         // of the frame under way
  uint8_t message_opcode; // of the message under way, 0 between messages
  bool server, deflate;   // which side we are; permessage-deflate was negotiated
  bool in_payload, fin, first, compressed, ended;
} mwc_ws_reader;

/// Starts a reader. `deflate`: permessage-deflate was negotiated, so RSV1 is allowed on the first
/// frame of a data message. `limit`: most payload bytes of one message; a frame that announces more
/// fails with 1009 before any byte of it is looked at. Compressed messages are measured by what
/// they inflate to, which is the inflater's work; on the wire they may have twice the limit.
void mwc_ws_reader_init(mwc_ws_reader *reader, mwc_ws_role role, bool deflate, uint64_t limit);

/// Takes bytes from `input` until there is something to tell. Returns true with `*piece` filled, or
/// false when all input is used up and nothing more can be said. The input may be cut anywhere; a
/// data frame is delivered as far as it has come (no piece is empty unless its frame is).
///
/// Checked: reserved bits and opcodes, masking by role, shortest length form, 63-bit lengths,
/// control frames whole and at most 125 bytes, fragment order, the limit, close codes and close
/// reasons. Text is not checked here, since it may be compressed.
///
/// After a close frame or a failure the reader swallows everything and returns false.
bool mwc_ws_read(mwc_ws_reader *reader, mwc_input *input, mwc_ws_piece *piece);

/// Whether the reader stands between two frames and two messages: nothing is lost if the stream
/// ends here.
bool mwc_ws_reader_is_idle(const mwc_ws_reader *reader);

/// Makes the reader swallow whatever comes from now on, as after a close frame.
void mwc_ws_reader_end(mwc_ws_reader *reader);

/// Whether a close frame may carry `code` (RFC 6455, section 7.4, and the IANA registry).
bool mwc_ws_close_code_is_valid(unsigned code);

/// Xors `bytes[0..<length)` with `key`, starting at `key[phase % 4]`. Masking and unmasking are the
/// same. Any alignment.
void mwc_ws_mask(uint8_t *bytes, size_t length, const uint8_t key[4], size_t phase);

/// The bytes of the header of a frame with `length` bytes of payload: 2, 4 or 10, and 4 more with a
/// mask.
size_t mwc_ws_header_length(uint64_t length, bool masked);

/// Writes a frame header to `out` (room for MWC_WS_HEADER_MAX) and returns its length. `mask`: four
/// unpredictable bytes when we are the client, NULL when we are the server; the caller masks the
/// payload. `length` is below 2^63. `compressed` sets RSV1 and belongs to first data frames only.
size_t mwc_ws_build_header(uint8_t *out, uint8_t opcode, bool fin, bool compressed, uint64_t length,
                           const uint8_t *mask);

/// Writes a whole unfragmented frame to `out`, which has room for
/// `mwc_ws_header_length(length, mask != NULL) + length` bytes, and returns that number. `payload`
/// may be NULL when `length` is 0, must not overlap `out`, and stays as it is. Control payloads are
/// at most MWC_WS_CONTROL_MAX bytes.
size_t mwc_ws_build_frame(uint8_t *out, uint8_t opcode, bool compressed, const uint8_t *payload,
                          size_t length, const uint8_t *mask);

/// Writes a close frame to `out` (room for MWC_WS_CONTROL_FRAME_MAX) and returns its length. A
/// `code` that must not be sent (MWC_WS_NO_CODE, …) gives a close frame without code and reason. A
/// reason longer than MWC_WS_REASON_MAX is cut between two characters; `reason` may be NULL.
size_t mwc_ws_build_close(uint8_t *out, unsigned code, const char *reason, size_t reason_length,
                          const uint8_t *mask);

#endif
