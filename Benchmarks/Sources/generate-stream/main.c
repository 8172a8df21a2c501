// generate-stream KIND SEED COUNT: COUNT messages of a generated stream, a line each:
// {"t":1795256061889705327,"c":0,"data":{…}}
// with the time of receiving in nanoseconds since 1970 and the number of the connection.
#include <stdio.h>
#include <stdlib.h>

#include "generator.h"

int main(int count, char **arguments) {
  generator_kind kind = count == 4 ? generator_named(arguments[1]) : GENERATOR_KINDS;
  if (kind == GENERATOR_KINDS) {
    fprintf(stderr, "usage: %s host|gpu|fleet|alerts|logs SEED COUNT\n", arguments[0]);
    return 64;
  }
  generator *generator = generator_open(kind, strtoull(arguments[2], NULL, 10));
  if (generator == NULL) return 1;
  for (long long left = atoll(arguments[3]); left > 0; left--) {
    generated made = generator_next(generator);
    printf("{\"t\":%lld,\"c\":%u,\"data\":%.*s}\n", (long long)made.time, made.connection,
           (int)made.length, (const char *)made.json);
  }
  generator_close(generator);
  return fflush(stdout) == 0 ? 0 : 74;
}
