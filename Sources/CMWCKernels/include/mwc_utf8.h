/// UTF-8 validation (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF), whole and
/// incremental.
#ifndef MWC_UTF8_H
#define MWC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether all of `bytes[0..<length)` is valid. Reads nothing outside that range.
bool mwc_utf8_is_valid(const uint8_t *bytes, size_t length);

/// The offset of the first byte of the first ill-formed or cut sequence in `bytes[0..<length)`, or
/// `length` when all of it is valid. Reads nothing outside that range.
size_t mwc_utf8_valid_prefix(const uint8_t *bytes, size_t length);

/// State between the pieces of a text that arrives in parts; start with 0.
typedef uint32_t mwc_utf8_state;
enum { MWC_UTF8_COMPLETE = 0, MWC_UTF8_REJECT = 12 };

/// Continues over the next `length` bytes. Fails fast: returns MWC_UTF8_REJECT as soon as no
/// continuation could make the text valid; MWC_UTF8_COMPLETE when it ends between characters; any
/// other value is to be passed to the next call.
mwc_utf8_state mwc_utf8_continue(mwc_utf8_state state, const uint8_t *bytes, size_t length);

#endif
