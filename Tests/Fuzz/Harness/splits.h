/// A splitter that is checked message for message.
#ifndef SPLITS_H
#define SPLITS_H

#include "oracle.h"

typedef struct splits splits;

/// NULL if there is no memory.
splits *splits_open(uint32_t options);
void splits_close(splits *splits);

/// Splits a message with the level now in use. Returns 0 or the line of the check that failed:
/// literals and values make up the message, values are those of a walk, numbers mean what they meant.
int splits_read(splits *splits, const uint8_t *json, size_t length);

#endif
