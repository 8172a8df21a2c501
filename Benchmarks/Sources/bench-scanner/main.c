// `make bench-scanner`
#include "measure.h"

void *swift_scanner_open(const stream *stream);
uint64_t swift_scanner_pass(void *state, const stream *stream);
uint64_t swift_scanner_pass_batches(void *state, const stream *stream);
void swift_scanner_close(void *state);

static const peer peer_swift = {"Swift", swift_scanner_open, swift_scanner_pass,
                                swift_scanner_close, &peer_default};
static const peer peer_swift_batch = {"Swift, batch", swift_scanner_open,
                                      swift_scanner_pass_batches, swift_scanner_close, &peer_batch};

int main(int count, char **arguments) {
  measure_options options = measure_arguments(count, arguments);
  const peer *const peers[] = {&peer_general, &peer_default, &peer_batch, &peer_swift,
                               &peer_swift_batch};
  measure_streams(&options, peers, 5);
  measure_new_shapes(&options, peers, 3);
  measure_bulk(&options, peers, 3);
  measure_allocations(&options, peers, 5);
  return 0;
}
