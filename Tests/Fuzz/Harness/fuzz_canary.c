#include <string.h>

#include "check.h"

int mwc_fuzz_canary(const uint8_t *data, size_t size) {
  CHECK(size < 6 || memcmp(data, "canary", 6) != 0, "as it should");
  return 0;
}
