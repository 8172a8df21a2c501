// libFuzzer's way into a target: compiled with -DTARGET=mwc_fuzz_…
#ifdef TARGET
#include <stdio.h>
#include <stdlib.h>

#include "mwc_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (TARGET(data, size) != 0) {
    fprintf(stderr, "%s\n", mwc_fuzz_story());
    abort();
  }
  return 0;
}
#endif
