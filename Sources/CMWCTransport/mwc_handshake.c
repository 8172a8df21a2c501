#include "mwc_handshake.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <string.h>

#include "mwc_text.h"

// MARK: Key and accept

/// `length` bytes, 20 at most, in base64 with a final zero; `out` has room for exactly that.
static void encode_base64(const uint8_t *bytes, int length, char *out) {
  // libwebsockets wants more room than it fills.
  char text[MWC_ACCEPT_LENGTH + 8] = {0};
  lws_b64_encode_string((const char *)bytes, length, text, sizeof text);
  memcpy(out, text, strlen(text) + 1);
}

void mwc_handshake_key(const uint8_t random[16], char *out) { encode_base64(random, 16, out); }

void mwc_handshake_accept(const char *key, char *out) {
  // RFC 6455, section 1.3.
  static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char text[MWC_KEY_LENGTH + sizeof guid - 1];
  memcpy(text, key, MWC_KEY_LENGTH);
  memcpy(text + MWC_KEY_LENGTH, guid, sizeof guid - 1);
  unsigned char digest[20];
  lws_SHA1(text, sizeof text, digest);
  encode_base64(digest, sizeof digest, out);
}

// MARK: Writing answers

typedef struct writer {
  char *out;
  size_t capacity;
  size_t length;
  bool failed;
} writer;

static void put_slice(writer *w, mwc_slice slice) {
  if (w->failed || slice.length > w->capacity - w->length) {
    w->failed = true;
    return;
  }
  if (slice.length > 0) memcpy(w->out + w->length, slice.start, slice.length);
  w->length += slice.length;
}

static void put(writer *w, const char *text) { put_slice(w, (mwc_slice){text, strlen(text)}); }

/// One header line. A name that is no token or a value with a control character spoils the answer:
/// what came from outside must not add lines.
static void put_header(writer *w, mwc_slice name, mwc_slice value) {
  if (name.length == 0) w->failed = true;
  for (size_t i = 0; i < name.length; i++) {
    if (!mwc_is_token_character(name.start[i])) w->failed = true;
  }
  for (size_t i = 0; i < value.length; i++) {
    const unsigned char byte = (unsigned char)value.start[i];
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) w->failed = true;
  }
  put_slice(w, name);
  put(w, ": ");
  put_slice(w, value);
  put(w, "\r\n");
}

static void put_text_header(writer *w, const char *name, const char *value) {
  put_header(w, (mwc_slice){name, strlen(name)}, (mwc_slice){value, strlen(value)});
}

size_t mwc_response_accept(char *out, size_t capacity, const mwc_request *request,
                           const char *subprotocol, const char *extensions,
                           const mwc_header *extra, size_t extra_count) {
  if (request->status != 101) return 0;
  writer w = {.out = out, .capacity = capacity};
  char accept[MWC_ACCEPT_LENGTH + 1];
  mwc_handshake_accept(request->key.start, accept);
  put(&w, "HTTP/1.1 101 Switching Protocols\r\n");
  put_text_header(&w, "Upgrade", "websocket");
  put_text_header(&w, "Connection", "Upgrade");
  put_text_header(&w, "Sec-WebSocket-Accept", accept);
  if (subprotocol != NULL && subprotocol[0] != 0) {
    put_text_header(&w, "Sec-WebSocket-Protocol", subprotocol);
  }
  if (extensions != NULL && extensions[0] != 0) {
    put_text_header(&w, "Sec-WebSocket-Extensions", extensions);
  }
  for (size_t i = 0; i < extra_count; i++) put_header(&w, extra[i].name, extra[i].value);
  put(&w, "\r\n");
  return w.failed ? 0 : w.length;
}

static const char *status_text(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
    case 505: return "HTTP Version Not Supported";
    default: return "Error";
  }
}

size_t mwc_response_plain(char *out, size_t capacity, int status, const char *content_type,
                          const char *body) {
  if (status < 100 || status > 999) return 0;
  writer w = {.out = out, .capacity = capacity};
  char number[24];
  snprintf(number, sizeof number, "HTTP/1.1 %d ", status);
  put(&w, number);
  put(&w, status_text(status));
  put(&w, "\r\n");
  if (status == 405) put_text_header(&w, "Allow", "GET");
  if (status == 426) {
    put_text_header(&w, "Upgrade", "websocket");
    put_text_header(&w, "Connection", "Upgrade, close");
    put_text_header(&w, "Sec-WebSocket-Version", "13");
  } else {
    put_text_header(&w, "Connection", "close");
  }
  put_text_header(&w, "Content-Type",
                  content_type != NULL ? content_type : "text/plain; charset=utf-8");
  const char *newline = body != NULL ? "" : "\n";
  if (body == NULL) body = status_text(status);
  snprintf(number, sizeof number, "%zu", strlen(body) + strlen(newline));
  put_text_header(&w, "Content-Length", number);
  put(&w, "\r\n");
  put(&w, body);
  put(&w, newline);
  return w.failed ? 0 : w.length;
}

// MARK: The client's check

static bool was_offered(const char *subprotocols, mwc_slice chosen) {
  if (subprotocols == NULL) return false;
  mwc_slice list = {subprotocols, strlen(subprotocols)};
  mwc_slice element;
  while (mwc_slice_next(&list, &element)) {
    if (element.length == chosen.length && chosen.length > 0 &&
        memcmp(element.start, chosen.start, chosen.length) == 0) {
      return true;
    }
  }
  return false;
}

int mwc_handshake_check(const mwc_answer *answer, const char *key, const char *subprotocols,
                        bool offered_deflate, mwc_pmd *agreed, const char **problem) {
  *agreed = (mwc_pmd){0};
  *problem = NULL;
  char accept[MWC_ACCEPT_LENGTH + 1];
  mwc_handshake_accept(key, accept);
  if (answer->status != 101) {
    *problem = "the server did not switch protocols";
  } else if (!mwc_slice_matches(mwc_slice_trim(answer->upgrade), "websocket")) {
    *problem = "the server's answer lacks 'Upgrade: websocket'";
  } else if (!mwc_list_has_token(answer->connection, "upgrade")) {
    *problem = "the server's answer lacks 'Connection: Upgrade'";
  } else if (!mwc_slice_equals(mwc_slice_trim(answer->accept), accept)) {
    *problem = "the server's Sec-WebSocket-Accept does not answer our key";
  } else if (answer->subprotocol.start != NULL &&
             !was_offered(subprotocols, mwc_slice_trim(answer->subprotocol))) {
    *problem = "the server chose a subprotocol that was not offered";
  }
  if (*problem != NULL) return -1;
  return mwc_pmd_confirm(answer->extensions.start, answer->extensions.length, offered_deflate,
                         agreed, problem);
}
