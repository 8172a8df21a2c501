/// CRC-32C (Castagnoli), as in RFC 3720 appendix B.4: reflected polynomial 0x82F63B78, initial value
/// and final xor 0xFFFFFFFF. The check value of "123456789" is 0xE3069283.
#ifndef MWC_CRC32C_H
#define MWC_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/// The checksum of what `crc` covers (0: nothing yet) followed by `bytes[0..<length)`.
/// Reads nothing outside that range; any alignment; callable from any thread.
uint32_t mwc_crc32c(uint32_t crc, const uint8_t *bytes, size_t length);

/// The table-driven form that every machine has; the other is checked against it.
uint32_t mwc_crc32c_portable(uint32_t crc, const uint8_t *bytes, size_t length);

#endif
