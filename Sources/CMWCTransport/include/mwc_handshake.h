/// The opening handshake (RFC 6455, section 4) without I/O: the server's side whole, the client's
/// side as far as libwebsockets' HTTP client does not do it.
///
/// Views (`mwc_slice`) point into the bytes that were parsed and live as long as those. Nothing
/// here allocates or keeps global state; call it from any thread.
#ifndef MWC_HANDSHAKE_H
#define MWC_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mwc_deflate.h"

enum {
  MWC_REQUEST_MAX = 8192,    ///< Most bytes of a request head; browsers with cookies stay below.
  MWC_REQUEST_HEADERS = 64,  ///< Most header lines of a request.
  MWC_EXTENSIONS_MAX = 1024, ///< Most bytes of all Sec-WebSocket-Extensions lines together.
  MWC_KEY_LENGTH = 24,       ///< Characters of Sec-WebSocket-Key: 16 bytes in base64.
  MWC_ACCEPT_LENGTH = 28,    ///< Characters of Sec-WebSocket-Accept: 20 bytes in base64.
};

/// A view of characters, not zero-terminated. Absent: `start` is NULL.
typedef struct mwc_slice {
  const char *start;
  size_t length;
} mwc_slice;

typedef struct mwc_header {
  mwc_slice name;
  mwc_slice value;  ///< Without white space around it.
} mwc_header;

/// A request to a server of ours.
typedef struct mwc_request {
  /// 101: a valid WebSocket upgrade. 426: a correct GET that asks for no WebSocket of version 13,
  /// which the caller may answer as plain HTTP. 400, 405, 431, 505: refuse with this status.
  int status;
  const char *problem;  ///< Static sentence that says why the status is not 101, else NULL.
  mwc_slice method;
  mwc_slice target;  ///< As sent: `/path?query`.
  mwc_slice path;    ///< Up to the question mark. Not decoded.
  mwc_slice query;   ///< After the question mark; absent without one. Not decoded.
  mwc_slice host;
  mwc_slice key;           ///< Sec-WebSocket-Key, checked.
  mwc_slice subprotocols;  ///< First Sec-WebSocket-Protocol line; absent when none.
  mwc_header headers[MWC_REQUEST_HEADERS];
  size_t header_count;
} mwc_request;

/// Parses a request head from the start of `bytes[0..<length)`. Call it again from the start when
/// more has come.
///
/// Returns the length of the head (through its empty line) with `*request` filled as far as
/// possible and `status` set; what follows belongs to the WebSocket stream. Returns 0 when the head
/// is not complete and fewer than MWC_REQUEST_MAX bytes are there. Returns -1 when it is malformed
/// or too long: answer `status` and close.
ptrdiff_t mwc_request_parse(const char *bytes, size_t length, mwc_request *request);

/// The value of the first header line called `name` (any case); absent when there is none.
mwc_slice mwc_request_header(const mwc_request *request, const char *name);

/// Joins the values of all header lines called `name` by `, ` into `out` (room for `capacity`, the
/// final zero included). Returns the length, or -1 when they do not fit.
ptrdiff_t mwc_request_join(const mwc_request *request, const char *name, char *out,
                           size_t capacity);

/// Whether the comma-separated list `list` has `token` (any case).
bool mwc_list_has_token(mwc_slice list, const char *token);

/// Server: agrees on permessage-deflate for a request; `mwc_pmd_accept` on all of its extension
/// lines. Returns 0, or -1: answer 400.
int mwc_request_accept_deflate(const mwc_request *request, const mwc_pmd_policy *policy,
                               mwc_pmd *agreed, char *answer);

/// Writes the 101 answer to a request whose status is 101. `subprotocol` and `extensions` may be
/// NULL or empty: no such line. `extra`: more header lines. Returns its length; 0 when it does not
/// fit `capacity`, or when a name is no token or a value holds a control character (which would let
/// it write header lines of its own).
size_t mwc_response_accept(char *out, size_t capacity, const mwc_request *request,
                           const char *subprotocol, const char *extensions,
                           const mwc_header *extra, size_t extra_count);

/// Writes a plain HTTP answer after which the connection is closed: 200, 400, 401, 403, 404, 405,
/// 426, 429, 431, 503 or 505. 405 carries Allow, 426 carries Upgrade and Sec-WebSocket-Version.
/// Body and content type are zero-terminated and may be NULL: then the status text, as text/plain.
/// Returns the length, 0 when it does not fit.
size_t mwc_response_plain(char *out, size_t capacity, int status, const char *content_type,
                          const char *body);

/// Client: the key for 16 random bytes; `out` has room for MWC_KEY_LENGTH + 1.
void mwc_handshake_key(const uint8_t random[16], char *out);

/// The answer to a key; `key` has MWC_KEY_LENGTH characters, `out` room for MWC_ACCEPT_LENGTH + 1.
void mwc_handshake_accept(const char *key, char *out);

/// Client: what the server's answer said, as libwebsockets gives it. Absent lines: zero.
typedef struct mwc_answer {
  int status;
  mwc_slice upgrade;
  mwc_slice connection;
  mwc_slice accept;
  mwc_slice subprotocol;
  mwc_slice extensions;  ///< All lines, joined by commas.
} mwc_answer;

/// Client: checks the answer to an upgrade (RFC 6455, section 4.1). `key` is what we sent;
/// `subprotocols` the comma-separated list we offered (NULL: none); `offered_deflate`: we sent
/// MWC_PMD_OFFER. Returns 0 and fills `*agreed`, or -1 with a static sentence in `*problem`. Does
/// not speak of statuses other than 101: look at those first.
int mwc_handshake_check(const mwc_answer *answer, const char *key, const char *subprotocols,
                        bool offered_deflate, mwc_pmd *agreed, const char **problem);

#endif
