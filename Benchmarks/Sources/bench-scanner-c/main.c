// `make bench-scanner-c`
#include "measure.h"

int main(int count, char **arguments) {
  measure_options options = measure_arguments(count, arguments);
  const peer *const peers[] = {&peer_general, &peer_default, &peer_batch};
  measure_streams(&options, peers, 3);
  measure_new_shapes(&options, peers, 3);
  measure_bulk(&options, peers, 3);
  return 0;
}
