// Sec-WebSocket-Extensions (RFC 6455, section 9.1) as far as permessage-deflate (RFC 7692, section
// 7.1) needs it.
#include <stdio.h>
#include <string.h>

#include "mwc_deflate.h"
#include "mwc_text.h"

// MARK: Grammar

typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static void skip_space(cursor *c) {
  while (c->at < c->end && (*c->at == ' ' || *c->at == '\t')) c->at++;
}

/// Takes `character`, with white space on both sides. False: something else stands there.
static bool take(cursor *c, char character) {
  skip_space(c);
  if (c->at == c->end || *c->at != character) return false;
  c->at++;
  skip_space(c);
  return true;
}

static bool take_token(cursor *c, mwc_slice *token) {
  token->start = c->at;
  while (c->at < c->end && mwc_is_token_character(*c->at)) c->at++;
  token->length = (size_t)(c->at - token->start);
  return token->length > 0;
}

/// A parameter's value: a token, or a token in quotes. Only its digits are of interest, so it is
/// kept as a number: 0 for anything that is not one from 1 to 99 without leading zeros.
static bool take_number(cursor *c, unsigned *number) {
  const bool quoted = c->at < c->end && *c->at == '"';
  if (quoted) c->at++;
  size_t length = 0;
  *number = 0;
  bool digits = true;
  while (c->at < c->end) {
    if (quoted && *c->at == '\\' && c->end - c->at >= 2) c->at++;
    if (!mwc_is_token_character(*c->at)) break;
    const bool is_digit = *c->at >= '0' && *c->at <= '9' && (length > 0 || *c->at != '0');
    digits = digits && is_digit && length < 2;
    if (digits) *number = *number * 10 + (unsigned)(*c->at - '0');
    length++;
    c->at++;
  }
  if (!digits) *number = 0;
  if (length == 0) return false;
  if (!quoted) return true;
  if (c->at == c->end || *c->at != '"') return false;
  c->at++;
  return true;
}

/// One extension of the list with the parameters of permessage-deflate.
typedef struct extension {
  bool is_deflate;
  bool is_wrong;  // a parameter is unknown, doubled, or has a value it must not have
  bool server_no_context_takeover;
  bool client_no_context_takeover;
  bool has_server_bits;
  bool has_client_bits;
  unsigned server_bits;  // 0: without a value
  unsigned client_bits;
} extension;

static void note_flag(extension *e, bool *flag, bool has_value) {
  if (*flag || has_value) e->is_wrong = true;
  *flag = true;
}

static void note_bits(extension *e, bool *flag, unsigned *bits, bool has_value, unsigned value) {
  if (*flag || (has_value && (value < 8 || value > 15))) e->is_wrong = true;
  *flag = true;
  *bits = has_value ? value : 0;
}

static bool take_extension(cursor *c, extension *e) {
  *e = (extension){0};
  mwc_slice name;
  if (!take_token(c, &name)) return false;
  e->is_deflate = mwc_slice_equals(name, "permessage-deflate");
  while (take(c, ';')) {
    unsigned value = 0;
    if (!take_token(c, &name)) return false;
    const bool has_value = take(c, '=');
    if (has_value && !take_number(c, &value)) return false;
    if (mwc_slice_equals(name, "server_no_context_takeover")) {
      note_flag(e, &e->server_no_context_takeover, has_value);
    } else if (mwc_slice_equals(name, "client_no_context_takeover")) {
      note_flag(e, &e->client_no_context_takeover, has_value);
    } else if (mwc_slice_equals(name, "server_max_window_bits")) {
      note_bits(e, &e->has_server_bits, &e->server_bits, has_value, value);
      if (!has_value) e->is_wrong = true;
    } else if (mwc_slice_equals(name, "client_max_window_bits")) {
      note_bits(e, &e->has_client_bits, &e->client_bits, has_value, value);
    } else {
      e->is_wrong = true;
    }
  }
  return true;
}

/// The next extension of a list. 1: here it is, 0: the list is at its end, -1: it is malformed.
static int next_extension(cursor *c, extension *e) {
  do skip_space(c);
  while (take(c, ','));  // empty elements are allowed
  if (c->at == c->end) return 0;
  if (!take_extension(c, e)) return -1;
  skip_space(c);
  return c->at == c->end || *c->at == ',' ? 1 : -1;
}

// MARK: Agreement

static void write_answer(const mwc_pmd *agreed, char *answer) {
  const size_t room = MWC_PMD_ANSWER_MAX;
  size_t length = (size_t)snprintf(answer, room, "permessage-deflate%s%s",
                                   agreed->server_no_context_takeover
                                       ? "; server_no_context_takeover" : "",
                                   agreed->client_no_context_takeover
                                       ? "; client_no_context_takeover" : "");
  if (agreed->server_max_window_bits < 15) {
    length += (size_t)snprintf(answer + length, room - length, "; server_max_window_bits=%u",
                               (unsigned)agreed->server_max_window_bits);
  }
  if (agreed->client_max_window_bits < 15) {
    snprintf(answer + length, room - length, "; client_max_window_bits=%u",
             (unsigned)agreed->client_max_window_bits);
  }
}

int mwc_pmd_accept(const char *header, size_t length, const mwc_pmd_policy *policy,
                   mwc_pmd *agreed, char *answer) {
  *agreed = (mwc_pmd){0};
  answer[0] = 0;
  if (length == 0) return 0;
  cursor c = {header, header + length};
  extension offer;
  int found;
  while ((found = next_extension(&c, &offer)) > 0) {
    if (agreed->enabled || !policy->enabled || !offer.is_deflate || offer.is_wrong) continue;
    unsigned client_bits = 15;
    if (offer.has_client_bits) {
      client_bits = offer.client_bits != 0 ? offer.client_bits : 15;
      if (client_bits > policy->client_max_window_bits) {
        client_bits = policy->client_max_window_bits;
      }
    }
    *agreed = (mwc_pmd){
        .enabled = true,
        .server_no_context_takeover =
            offer.server_no_context_takeover || policy->server_no_context_takeover,
        .client_no_context_takeover =
            offer.client_no_context_takeover || policy->client_no_context_takeover,
        .server_max_window_bits = (uint8_t)(offer.has_server_bits ? offer.server_bits : 15),
        .client_max_window_bits = (uint8_t)client_bits,
    };
  }
  if (found < 0) {
    *agreed = (mwc_pmd){0};
    return -1;
  }
  if (agreed->enabled) write_answer(agreed, answer);
  return 0;
}

int mwc_pmd_confirm(const char *header, size_t length, bool offered, mwc_pmd *agreed,
                    const char **problem) {
  *agreed = (mwc_pmd){0};
  *problem = NULL;
  if (length == 0) return 0;
  cursor c = {header, header + length};
  extension answer;
  int found;
  while ((found = next_extension(&c, &answer)) > 0) {
    if (!offered) {
      *problem = "the server chose an extension although none was offered";
    } else if (!answer.is_deflate) {
      *problem = "the server chose an extension that was not offered";
    } else if (agreed->enabled) {
      *problem = "the server chose permessage-deflate twice";
    } else if (answer.is_wrong || (answer.has_client_bits && answer.client_bits == 0)) {
      *problem = "the server's permessage-deflate parameters are not valid";
    }
    if (*problem != NULL) break;
    *agreed = (mwc_pmd){
        .enabled = true,
        .server_no_context_takeover = answer.server_no_context_takeover,
        .client_no_context_takeover = answer.client_no_context_takeover,
        .server_max_window_bits = (uint8_t)(answer.has_server_bits ? answer.server_bits : 15),
        .client_max_window_bits = (uint8_t)(answer.has_client_bits ? answer.client_bits : 15),
    };
  }
  if (found < 0) *problem = "the server's Sec-WebSocket-Extensions is malformed";
  if (*problem == NULL) return 0;
  *agreed = (mwc_pmd){0};
  return -1;
}
