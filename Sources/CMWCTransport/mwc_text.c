#include "mwc_text.h"

#include <string.h>

bool mwc_is_token_character(char character) {
  const unsigned char c = (unsigned char)character;
  if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) return true;
  return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool mwc_slice_equals(mwc_slice slice, const char *text) {
  return slice.length == strlen(text) && memcmp(slice.start, text, slice.length) == 0;
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c; }

bool mwc_slice_matches(mwc_slice slice, const char *text) {
  for (size_t i = 0; i < slice.length; i++) {
    if (text[i] == 0 || lower(slice.start[i]) != lower(text[i])) return false;
  }
  return text[slice.length] == 0;
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

mwc_slice mwc_slice_trim(mwc_slice slice) {
  while (slice.length > 0 && is_blank(slice.start[0])) {
    slice.start++;
    slice.length--;
  }
  while (slice.length > 0 && is_blank(slice.start[slice.length - 1])) slice.length--;
  return slice;
}

bool mwc_slice_next(mwc_slice *list, mwc_slice *element) {
  if (list->start == NULL) return false;
  const char *comma = list->length > 0 ? memchr(list->start, ',', list->length) : NULL;
  *element = *list;
  if (comma == NULL) {
    *list = (mwc_slice){NULL, 0};
  } else {
    element->length = (size_t)(comma - list->start);
    list->length -= element->length + 1;
    list->start = comma + 1;
  }
  *element = mwc_slice_trim(*element);
  return true;
}

bool mwc_list_has_token(mwc_slice list, const char *token) {
  mwc_slice element;
  while (mwc_slice_next(&list, &element)) {
    if (mwc_slice_matches(element, token)) return true;
  }
  return false;
}
