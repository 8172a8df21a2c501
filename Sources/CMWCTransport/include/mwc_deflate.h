/// permessage-deflate (RFC 7692): agreeing on it, and the two compressors of a connection.
///
/// An object here belongs to one thread at a time. Memory: an inflater takes about 7 KiB and, once
/// there was a message, a window of 32 KiB; a deflater 128 KiB and 4 * 2^window_bits bytes. Both
/// live as long as their connection: setting one up costs more than a message.
#ifndef MWC_DEFLATE_H
#define MWC_DEFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What two peers agreed on (RFC 7692, section 7.1).
typedef struct mwc_pmd {
  bool enabled;  ///< False: no permessage-deflate in this connection; nothing else means anything.
  bool server_no_context_takeover;  ///< The server forgets its window after each message.
  bool client_no_context_takeover;  ///< The client does.
  uint8_t server_max_window_bits;   ///< 8…15: log2 of the window the server compresses with.
  uint8_t client_max_window_bits;   ///< 8…15: the client's.
} mwc_pmd;

/// What a client of ours offers, as the value of Sec-WebSocket-Extensions.
#define MWC_PMD_OFFER "permessage-deflate; client_max_window_bits"

/// Room for the longest answer, its final zero included.
enum { MWC_PMD_ANSWER_MAX = 160 };

/// How a server of ours answers an offer.
typedef struct mwc_pmd_policy {
  bool enabled;                     ///< False: every offer is declined.
  bool server_no_context_takeover;  ///< Announce that we compress each message by itself.
  bool client_no_context_takeover;  ///< Ask the client to, which saves a window per connection.
  uint8_t client_max_window_bits;   ///< 8…15: ask the client for at most this, if its offer allows.
} mwc_pmd_policy;

/// Server: chooses the first acceptable offer in `header`, the value of Sec-WebSocket-Extensions
/// (several header lines joined by commas; `length` 0: there was none). Unknown extensions and
/// offers with unknown, doubled, valueless or out-of-range parameters are passed over, as the RFC
/// asks.
///
/// Returns 0 and fills `*agreed`; `answer` (room for MWC_PMD_ANSWER_MAX) becomes the value for our
/// response, a zero-terminated string, empty when nothing was agreed. Returns -1 when the header
/// breaks the grammar of RFC 6455, section 9.1: answer 400.
int mwc_pmd_accept(const char *header, size_t length, const mwc_pmd_policy *policy,
                   mwc_pmd *agreed, char *answer);

/// Client: reads the server's answer, `header` as above. `offered`: we sent MWC_PMD_OFFER;
/// otherwise any extension is wrong. Returns 0 and fills `*agreed`, or -1 with a static sentence in
/// `*problem`: the connection must be failed (RFC 6455, section 4.1, and RFC 7692, section 7.1).
int mwc_pmd_confirm(const char *header, size_t length, bool offered, mwc_pmd *agreed,
                    const char **problem);

/// Compresses messages.
typedef struct mwc_deflater mwc_deflater;

/// `level` 1…9 as in zlib, `window_bits` 8…15 as agreed for our direction. Without context takeover
/// every message is compressed by itself. NULL when memory is short, and for 8 window bits: zlib
/// cannot make raw deflate data for a 256-byte window, and a peer that insists gets plain messages
/// (RSV1 clear), which are always allowed.
mwc_deflater *mwc_deflater_create(int level, int window_bits, bool no_context_takeover);
void mwc_deflater_destroy(mwc_deflater *deflater);  ///< NULL is fine.

/// Room that `mwc_deflater_compress` needs for a message of `length` bytes.
size_t mwc_deflater_bound(mwc_deflater *deflater, size_t length);

/// Compresses one message into `out`, which has room for `mwc_deflater_bound(deflater, length)`,
/// and returns the length of the payload (without the trailing 00 00 FF FF, RFC 7692, section
/// 7.2.1). It is to be sent in a frame with RSV1, and with context takeover it MUST be sent: the
/// peer's window depends on it. Returns 0 when zlib failed (never for want of room); make a new one
/// then.
size_t mwc_deflater_compress(mwc_deflater *deflater, const uint8_t *payload, size_t length,
                             uint8_t *out);

/// Forgets the window: the next message can be read by someone who saw none before. Always allowed,
/// announced or not; with it one compression serves clients who joined at different times.
void mwc_deflater_reset(mwc_deflater *deflater);

/// Inflates messages; see `mwc_receiver.h`, which drives it.
typedef struct mwc_inflater mwc_inflater;

/// Takeover as agreed for the peer's direction. NULL when memory is short. The window is always
/// 2^15 bytes: with a smaller one zlib accepts or refuses references that reach too far depending
/// on how the stream was cut, and a peer that overdraws its window a little is better read than cut
/// off.
mwc_inflater *mwc_inflater_create(bool no_context_takeover);
void mwc_inflater_destroy(mwc_inflater *inflater);  ///< NULL is fine.

typedef enum mwc_inflate_result {
  MWC_INFLATE_DONE,     ///< All input is used. With `last`: the message is complete.
  MWC_INFLATE_FULL,     ///< `out` is full and there may be more: call again with more room.
  MWC_INFLATE_CORRUPT,  ///< Not deflate data, or cut inside a block. Of no more use then.
} mwc_inflate_result;

/// Inflates the next piece of a message. `*input` and `*length` advance over what was read, `*out`
/// and `*room` over what was written. `last`: the piece ends the message. After MWC_INFLATE_FULL
/// call again with the advanced input (possibly empty) and the same `last`.
mwc_inflate_result mwc_inflater_continue(mwc_inflater *inflater, const uint8_t **input,
                                         size_t *length, bool last, uint8_t **out, size_t *room);

#endif
