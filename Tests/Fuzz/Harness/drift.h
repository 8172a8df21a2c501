/// Streams as senders make them: messages of a few shapes, generated from a seed, whose values drift
/// from message to message, with everything in them that a scanner could trip over.
#ifndef DRIFT_H
#define DRIFT_H

#include <stddef.h>

#include "chance.h"

enum {
  DRIFT_MESSAGE_MAX = 8192,
  DRIFT_NODES_MAX = 48,
  DRIFT_TEXT_MAX = 176,
};

/// Text with a length.
typedef struct drift_text {
  size_t length;
  char bytes[DRIFT_TEXT_MAX];
} drift_text;

/// Something that can stand in a message.
typedef struct drift_node {
  unsigned kind;
  unsigned flavor;       // of a leaf
  unsigned often;        // per cent of the messages in which this member exists
  unsigned first_child;  // children of containers are linked
  unsigned next;
  unsigned elements;     // of an array: usual length
  drift_text key;        // as spelled, without quotes
  drift_text value;      // of a leaf: the latest, as spelled
  unsigned long counter;
} drift_node;

/// A shape of messages.
typedef struct drift_shape {
  drift_node nodes[DRIFT_NODES_MAX];
  unsigned count;
  unsigned spacing;  // 0 none, 1 as Python does, 2 by chance
  unsigned steady;   // per cent of the leaves that stay as they were
  bool is_restless;  // the order of members changes
  unsigned twins;    // one in so many members comes twice
} drift_shape;

typedef struct drift_message {
  size_t length;
  char bytes[DRIFT_MESSAGE_MAX];
} drift_message;

void drift_shape_make(drift_shape *shape, chance *chance);

/// The next message of a shape. `before` is any earlier message: pieces of it appear inside of
/// strings.
void drift_next(drift_shape *shape, chance *chance, const drift_message *before,
                drift_message *message);

/// Damages a message in one place, or cuts it; now and then the result is still JSON.
void drift_damage(drift_message *message, chance *chance, const drift_message *other);

/// Changes one byte where it hurts: a digit, a letter, what a backslash is about.
void drift_prick(drift_message *message, chance *chance);

#endif
