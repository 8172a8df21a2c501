// The server's side of the opening handshake: HTTP/1.1 request heads (RFC 9112) as far as an
// upgrade needs them.
#include <string.h>

#include "mwc_handshake.h"
#include "mwc_text.h"

// MARK: Looking at a request

mwc_slice mwc_request_header(const mwc_request *request, const char *name) {
  for (size_t i = 0; i < request->header_count; i++) {
    if (mwc_slice_matches(request->headers[i].name, name)) return request->headers[i].value;
  }
  return (mwc_slice){NULL, 0};
}

ptrdiff_t mwc_request_join(const mwc_request *request, const char *name, char *out,
                           size_t capacity) {
  size_t length = 0;
  for (size_t i = 0; i < request->header_count; i++) {
    if (!mwc_slice_matches(request->headers[i].name, name)) continue;
    const mwc_slice value = request->headers[i].value;
    const size_t comma = length > 0 ? 2 : 0;
    if (value.length + comma >= capacity - length) return -1;
    memcpy(out + length, ", ", comma);
    if (value.length > 0) memcpy(out + length + comma, value.start, value.length);
    length += comma + value.length;
  }
  if (length >= capacity) return -1;
  out[length] = 0;
  return (ptrdiff_t)length;
}

int mwc_request_accept_deflate(const mwc_request *request, const mwc_pmd_policy *policy,
                               mwc_pmd *agreed, char *answer) {
  char offers[MWC_EXTENSIONS_MAX];
  const ptrdiff_t length =
      mwc_request_join(request, "sec-websocket-extensions", offers, sizeof offers);
  if (length < 0) {
    *agreed = (mwc_pmd){0};
    answer[0] = 0;
    return -1;
  }
  return mwc_pmd_accept(offers, (size_t)length, policy, agreed, answer);
}

static size_t count_headers(const mwc_request *request, const char *name) {
  size_t count = 0;
  for (size_t i = 0; i < request->header_count; i++) {
    count += mwc_slice_matches(request->headers[i].name, name);
  }
  return count;
}

/// Whether one of the header lines called `name` lists `token`.
static bool lists(const mwc_request *request, const char *name, const char *token) {
  for (size_t i = 0; i < request->header_count; i++) {
    if (mwc_slice_matches(request->headers[i].name, name) &&
        mwc_list_has_token(request->headers[i].value, token)) {
      return true;
    }
  }
  return false;
}

// MARK: Lines

static bool refuse(mwc_request *request, int status, const char *problem) {
  request->status = status;
  request->problem = problem;
  return false;
}

static bool is_visible(char c) { return c > 0x20 && c < 0x7F; }

/// `GET /path?query HTTP/1.1`, without its line end.
static bool parse_request_line(const char *line, const char *end, mwc_request *request) {
  const char *at = line;
  while (at < end && mwc_is_token_character(*at)) at++;
  request->method = (mwc_slice){line, (size_t)(at - line)};
  if (at == line || at == end || *at != ' ') return refuse(request, 400, "no HTTP request");

  const char *target = ++at;
  while (at < end && is_visible(*at)) at++;
  request->target = (mwc_slice){target, (size_t)(at - target)};
  if (at == target || at == end || *at != ' ') return refuse(request, 400, "no request target");

  const mwc_slice version = {at + 1, (size_t)(end - at - 1)};
  if (version.length != 8 || memcmp(version.start, "HTTP/", 5) != 0 || version.start[6] != '.') {
    return refuse(request, 400, "no HTTP version");
  }
  if (version.start[5] != '1') return refuse(request, 505, "the HTTP version is not 1.1");
  if (version.start[7] < '0' || version.start[7] > '9') {
    return refuse(request, 400, "no HTTP version");
  }
  // HTTP/1.0 is understood, but it has no upgrades.
  request->status = version.start[7] == '0' ? 426 : 0;
  return true;
}

/// Splits the target into path and query. Whole URLs are allowed (RFC 9112, section 3.2.2).
static bool split_target(mwc_request *request) {
  const char *at = request->target.start;
  const char *end = at + request->target.length;
  if (*at != '/') {
    static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
    const char *path = NULL;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0] && path == NULL; i++) {
      const size_t length = strlen(schemes[i]);
      const mwc_slice start = {at, length};
      if ((size_t)(end - at) <= length || !mwc_slice_matches(start, schemes[i])) continue;
      path = memchr(at + length, '/', (size_t)(end - at) - length);
    }
    if (path == NULL) return refuse(request, 400, "the request target is no path");
    at = path;
  }
  if (memchr(at, '#', (size_t)(end - at)) != NULL) {
    return refuse(request, 400, "the request target has a fragment");
  }
  const char *mark = memchr(at, '?', (size_t)(end - at));
  request->path = (mwc_slice){at, (size_t)((mark != NULL ? mark : end) - at)};
  if (mark != NULL) request->query = (mwc_slice){mark + 1, (size_t)(end - mark - 1)};
  return true;
}

/// `Name: value`, without its line end.
static bool parse_header(const char *line, const char *end, mwc_request *request) {
  if (request->header_count == MWC_REQUEST_HEADERS) {
    return refuse(request, 431, "the request has too many header lines");
  }
  const char *at = line;
  while (at < end && mwc_is_token_character(*at)) at++;
  if (at == line || at == end || *at != ':') {
    return refuse(request, 400, "a header line is malformed");
  }
  for (const char *c = at + 1; c < end; c++) {
    const unsigned char byte = (unsigned char)*c;
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
      return refuse(request, 400, "a header value has a control character");
    }
  }
  request->headers[request->header_count++] = (mwc_header){
      .name = {line, (size_t)(at - line)},
      .value = mwc_slice_trim((mwc_slice){at + 1, (size_t)(end - at - 1)}),
  };
  return true;
}

// MARK: The upgrade

/// 16 bytes in base64: 22 characters and two equals signs.
static bool is_key(mwc_slice key) {
  if (key.length != MWC_KEY_LENGTH) return false;
  for (size_t i = 0; i < 22; i++) {
    const char c = key.start[i];
    const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    if (!letter && !(c >= '0' && c <= '9') && c != '+' && c != '/') return false;
  }
  return key.start[22] == '=' && key.start[23] == '=';
}

static bool judge_upgrade(mwc_request *request) {
  const bool http_1_0 = request->status == 426;
  if (count_headers(request, "host") > 1) {
    return refuse(request, 400, "there are several Host lines");
  }
  request->host = mwc_request_header(request, "host");
  if (request->host.start == NULL && !http_1_0) {
    return refuse(request, 400, "there is no Host line");
  }
  // A body would be read as frames; nobody sends one here in good faith.
  const mwc_slice body = mwc_request_header(request, "content-length");
  if (count_headers(request, "content-length") > 1 ||
      (body.start != NULL && !mwc_slice_equals(body, "0")) ||
      count_headers(request, "transfer-encoding") > 0) {
    return refuse(request, 400, "the request has a body");
  }
  if (!mwc_slice_equals(request->method, "GET")) {
    return refuse(request, 405, "the method is not GET");
  }
  if (http_1_0) return refuse(request, 426, "HTTP/1.0 has no WebSocket upgrade");
  if (!lists(request, "upgrade", "websocket") || !lists(request, "connection", "upgrade")) {
    return refuse(request, 426, "the request is no WebSocket upgrade");
  }
  if (count_headers(request, "sec-websocket-version") > 1) {
    return refuse(request, 400, "there are several Sec-WebSocket-Version lines");
  }
  const mwc_slice version = mwc_request_header(request, "sec-websocket-version");
  if (version.start == NULL || !mwc_slice_equals(version, "13")) {
    return refuse(request, 426, "the WebSocket version is not 13");
  }
  request->key = mwc_request_header(request, "sec-websocket-key");
  if (count_headers(request, "sec-websocket-key") != 1 || !is_key(request->key)) {
    return refuse(request, 400, "Sec-WebSocket-Key is not 16 bytes in base64");
  }
  request->subprotocols = mwc_request_header(request, "sec-websocket-protocol");
  request->status = 101;
  request->problem = NULL;
  return true;
}

/// The first line end at or after `from`, or NULL.
static const char *line_end(const char *from, const char *end) {
  while (from < end) {
    const char *cr = memchr(from, '\r', (size_t)(end - from));
    if (cr == NULL || end - cr < 2) return NULL;
    if (cr[1] == '\n') return cr;
    from = cr + 1;
  }
  return NULL;
}

ptrdiff_t mwc_request_parse(const char *bytes, size_t length, mwc_request *request) {
  memset(request, 0, sizeof *request);
  const char *end = bytes + (length < MWC_REQUEST_MAX ? length : MWC_REQUEST_MAX);
  const char *line = bytes;
  // Not HTTP at all, a TLS greeting for example: there is no line to wait for.
  if (length > 0 && !mwc_is_token_character(*line)) {
    refuse(request, 400, "no HTTP request");
    return -1;
  }
  for (const char *stop; (stop = line_end(line, end)) != NULL; line = stop + 2) {
    if (line == bytes) {
      if (!parse_request_line(line, stop, request) || !split_target(request)) return -1;
    } else if (stop != line) {
      if (!parse_header(line, stop, request)) return -1;
    } else {
      const ptrdiff_t head = stop + 2 - bytes;
      return judge_upgrade(request) || request->status != 400 ? head : -1;
    }
  }
  if (length < MWC_REQUEST_MAX) return 0;
  refuse(request, 431, "the request head is larger than 8 KiB");
  return -1;
}
