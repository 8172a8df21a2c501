#include "mwc_batch.h"

#include <string.h>

int mwc_batch_append(mwc_batch *batch, const mwc_entry *header, const uint8_t *payload,
                     size_t length) {
  if (length > UINT32_MAX || batch->entry_count == batch->entry_capacity ||
      length > batch->byte_capacity - batch->byte_count) {
    return -1;
  }
  mwc_entry *entry = &batch->entries[batch->entry_count];
  *entry = *header;
  entry->offset = batch->byte_count;
  entry->length = (uint32_t)length;
  if (length != 0) memcpy(batch->bytes + batch->byte_count, payload, length);
  batch->byte_count += length;
  batch->entry_count += 1;
  return 0;
}
