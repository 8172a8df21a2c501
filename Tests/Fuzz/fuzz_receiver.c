/// Fuzzes the receiving half of a connection: frames, inflating, UTF-8, limits.
///
/// The first bytes of the input choose role, compression and how the stream is cut; the rest is the
/// stream. It is read twice, whole and in cuts, and both readings must tell the same story: how a
/// socket happens to deliver bytes must never matter.

#include <stdlib.h>
#include <string.h>

#include "mwc_receiver.h"

enum { LIMIT = 1 << 16, HEADER = 3 };

/// Everything a reading said, folded into one number.
typedef struct story {
  uint64_t hash;
  size_t events;
} story;

static void tell(story *s, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  for (size_t i = 0; i < length; i++) s->hash = (s->hash ^ at[i]) * 0x100000001b3u;
}

static story read_stream(const uint8_t *settings, const uint8_t *stream, size_t length,
                         size_t cut) {
  mwc_pmd pmd = {
      .enabled = settings[0] & 1,
      .server_no_context_takeover = settings[0] & 2,
      .client_no_context_takeover = settings[0] & 4,
      .server_max_window_bits = (uint8_t)(8 + (settings[1] & 7)),
      .client_max_window_bits = (uint8_t)(8 + (settings[1] >> 4 & 7)),
  };
  mwc_receiver receiver;
  mwc_receiver_init(&receiver, settings[0] & 8 ? MWC_WS_SERVER_ROLE : MWC_WS_CLIENT_ROLE, &pmd, LIMIT);
  story s = {.hash = 0xcbf29ce484222325u};
  for (size_t at = 0; at < length;) {
    size_t count = length - at < cut ? length - at : cut;
    // A copy of exactly this size: a read beyond it is seen by the sanitizer.
    uint8_t *piece = malloc(count);
    memcpy(piece, stream + at, count);
    mwc_input input = {piece, count};
    mwc_event event;
    while (mwc_receiver_next(&receiver, &input, &event)) {
      if (event.length > LIMIT) abort();
      if (event.kind == MWC_WS_FAILED && event.problem == NULL) abort();
      tell(&s, &event.kind, sizeof event.kind);
      tell(&s, &event.code, sizeof event.code);
      tell(&s, &event.length, sizeof event.length);
      if (event.length > 0) tell(&s, event.bytes, event.length);
      s.events++;
    }
    if (input.length != 0) abort();
    free(piece);
    at += count;
  }
  if (mwc_receiver_memory(&receiver) > 4 * LIMIT) abort();
  mwc_receiver_destroy(&receiver);
  return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < HEADER) return 0;
  const uint8_t *stream = data + HEADER;
  size_t length = size - HEADER;
  story whole = read_stream(data, stream, length, length ? length : 1);
  story cut = read_stream(data, stream, length, 1u + data[2] % 16u);
  if (whole.hash != cut.hash || whole.events != cut.events) abort();
  return 0;
}
