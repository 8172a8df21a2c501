/// Fuzzes the opening handshake of both sides: the request a server gets, the extension lines, the
/// answer a client gets.

#include <stdlib.h>
#include <string.h>

#include "mwc_handshake.h"

static void check_slice(mwc_slice slice, const char *bytes, size_t length) {
  if (slice.start == NULL) {
    if (slice.length != 0) abort();
    return;
  }
  if (slice.start < bytes || slice.start + slice.length > bytes + length) abort();
}

static void request(const char *bytes, size_t length) {
  mwc_request request;
  ptrdiff_t head = mwc_request_parse(bytes, length, &request);
  if (head > (ptrdiff_t)length) abort();
  // Whatever prefix has come, an answer given early must stay right when more comes.
  if (head > 0 && mwc_request_parse(bytes, (size_t)head, &request) != head) abort();
  if (head <= 0) return;
  check_slice(request.path, bytes, length);
  check_slice(request.query, bytes, length);
  check_slice(request.key, bytes, length);
  for (size_t i = 0; i < request.header_count; i++) {
    check_slice(request.headers[i].name, bytes, length);
    check_slice(request.headers[i].value, bytes, length);
  }
  mwc_pmd_policy policy = {.enabled = true, .client_max_window_bits = 15};
  mwc_pmd agreed;
  char answer[MWC_PMD_ANSWER_MAX];
  char out[1024];
  if (request.status == 101 &&
      mwc_request_accept_deflate(&request, &policy, &agreed, answer) == 0) {
    if (mwc_response_accept(out, sizeof out, &request, NULL, answer, NULL, 0) > sizeof out) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  // A copy of exactly this size: a read beyond it is seen by the sanitizer.
  char *bytes = malloc(size ? size : 1);
  if (size > 0) memcpy(bytes, data, size);
  request(bytes, size);

  mwc_pmd_policy policy = {.enabled = true, .client_max_window_bits = 12};
  mwc_pmd agreed;
  char answer[MWC_PMD_ANSWER_MAX];
  const char *problem = NULL;
  if (mwc_pmd_accept(bytes, size, &policy, &agreed, answer) == 0 && agreed.enabled) {
    // Whatever our server answers, our client must be able to read.
    mwc_pmd confirmed;
    if (mwc_pmd_confirm(answer, strlen(answer), true, &confirmed, &problem) != 0) abort();
  }
  if (mwc_pmd_confirm(bytes, size, true, &agreed, &problem) != 0 && problem == NULL) abort();
  free(bytes);
  return 0;
}
