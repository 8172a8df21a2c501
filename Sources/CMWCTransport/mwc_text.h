// Characters and views of HTTP text, shared by the handshake's files. ASCII only; no locale.
#ifndef MWC_TEXT_H
#define MWC_TEXT_H

#include "mwc_handshake.h"

/// `tchar` of RFC 9110, section 5.6.2.
bool mwc_is_token_character(char character);

/// Exactly these characters.
bool mwc_slice_equals(mwc_slice slice, const char *text);

/// The same but for ASCII case.
bool mwc_slice_matches(mwc_slice slice, const char *text);

/// Without blanks and tabs around it.
mwc_slice mwc_slice_trim(mwc_slice slice);

/// The part of `*list` before its next comma, trimmed; `*list` goes on behind that. False: the list
/// is used up.
bool mwc_slice_next(mwc_slice *list, mwc_slice *element);

#endif
