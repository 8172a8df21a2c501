#include "oracle.h"

#include <stdio.h>
#include <string.h>

/// Where a walk is: one entry for each open container, with the step that leads to the value now
/// being met inside of it. Deeper levels than a path has steps are counted but not kept.
typedef struct place {
  bool is_array[MWC_JSON_DEPTH_MAX + 1];
  uint32_t index[MWC_JSON_DEPTH_MAX + 1];
  mwc_json_event key[MWC_JSON_DEPTH_MAX + 1];
  /// Which path leads to the container at this level; SIZE_MAX for none.
  size_t path[MWC_JSON_DEPTH_MAX + 1];
} place;

static bool step_leads(const oracle_step *step, const place *place, size_t level,
                       const uint8_t *json) {
  if (step->is_element != place->is_array[level]) return false;
  if (step->is_element) return step->index == place->index[level];
  const mwc_json_event *key = &place->key[level];
  return mwc_json_equal(json + key->offset, key->length, step->name, step->name_length);
}

/// Whether the first `depth` steps of `path` lead to where the walk is.
static bool leads(const oracle_path *path, const place *place, size_t depth, const uint8_t *json) {
  if (path->count < depth) return false;
  for (size_t i = 0; i < depth; i++) {
    if (!step_leads(&path->steps[i], place, i, json)) return false;
  }
  return true;
}

void oracle_scan(const oracle_path *paths, size_t count, uint32_t options, uint32_t depth_max,
                 const uint8_t *json, size_t length, oracle_verdict *verdict) {
  memset(verdict, 0, sizeof *verdict);
  place place;
  mwc_json_walk walk;
  mwc_json_event event = {0};
  int result = mwc_json_walk_init(&walk, json, length, options & MWC_JSON_NONFINITE, depth_max);
  while (result == 0 && (result = mwc_json_walk_next(&walk, &event)) == 1) {
    size_t depth = event.depth;
    result = 0;
    if (event.kind == MWC_JSON_KEY) {
      place.key[depth - 1] = event;
      continue;
    }
    if (event.kind == MWC_JSON_ARRAY_END || event.kind == MWC_JSON_OBJECT_END) {
      size_t path = place.path[depth];
      if (path != SIZE_MAX) {
        verdict->values[path].length = event.offset + 1 - verdict->values[path].offset;
        verdict->values[path].flags = event.flags;
      }
      if (depth > 0 && place.is_array[depth - 1]) place.index[depth - 1]++;
      continue;
    }
    // A value. It takes back what an earlier one of the same name gave, and all below that.
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
      if (!leads(&paths[i], &place, depth, json)) continue;
      memset(&verdict->values[i], 0, sizeof verdict->values[i]);
      if (paths[i].count == depth) found = i;
    }
    if (found != SIZE_MAX) {
      mwc_json_value *value = &verdict->values[found];
      value->offset = event.offset;
      value->length = event.length;
      value->type = event.kind;
      value->flags = event.flags;
    }
    if (event.kind == MWC_JSON_ARRAY || event.kind == MWC_JSON_OBJECT) {
      place.is_array[depth] = event.kind == MWC_JSON_ARRAY;
      place.index[depth] = 0;
      place.path[depth] = found;
    } else if (depth > 0 && place.is_array[depth - 1]) {
      place.index[depth - 1]++;
    }
  }
  verdict->result = result;
  verdict->error_offset = event.offset;
}

size_t oracle_spell(const oracle_path *path, char out[ORACLE_SPELLED_MAX]) {
  size_t length = 0;
  out[length++] = '$';
  for (size_t i = 0; i < path->count; i++) {
    const oracle_step *step = &path->steps[i];
    if (step->is_element) {
      length += (size_t)snprintf(out + length, 16, "[%u]", step->index);
      continue;
    }
    out[length++] = '[';
    out[length++] = '"';
    for (size_t k = 0; k < step->name_length; k++) {
      uint8_t byte = step->name[k];
      if (byte < 0x20 || byte == '"' || byte == '\\') {
        length += (size_t)snprintf(out + length, 8, "\\u%04X", byte);
      } else {
        out[length++] = (char)byte;
      }
    }
    out[length++] = '"';
    out[length++] = ']';
  }
  return length;
}

bool oracle_same_path(const oracle_path *a, const oracle_path *b) {
  if (a->count != b->count) return false;
  for (size_t i = 0; i < a->count; i++) {
    const oracle_step *one = &a->steps[i];
    const oracle_step *other = &b->steps[i];
    if (one->is_element != other->is_element) return false;
    if (one->is_element) {
      if (one->index != other->index) return false;
    } else if (one->name_length != other->name_length ||
               memcmp(one->name, other->name, one->name_length) != 0) {
      return false;
    }
  }
  return true;
}

static size_t count_values(const uint8_t *json, size_t length, uint32_t options) {
  mwc_json_walk walk;
  mwc_json_event event;
  size_t count = 0;
  if (mwc_json_walk_init(&walk, json, length, options & MWC_JSON_NONFINITE, 0) != 0) return 0;
  int result;
  while ((result = mwc_json_walk_next(&walk, &event)) == 1) count += event.kind < MWC_JSON_KEY;
  return result == 0 ? count : 0;
}

bool oracle_path_of_value(const uint8_t *json, size_t length, uint32_t options, size_t wanted,
                          oracle_path *path) {
  size_t count = count_values(json, length, options);
  if (count == 0) return false;
  wanted %= count;
  memset(path, 0, sizeof *path);
  mwc_json_walk walk;
  mwc_json_event event;
  if (mwc_json_walk_init(&walk, json, length, options & MWC_JSON_NONFINITE, 0) != 0) return false;
  // Steps so far, one for each open container; those too deep for a path are not kept.
  while (mwc_json_walk_next(&walk, &event) == 1) {
    size_t depth = event.depth;
    oracle_step *inner = depth > 0 && depth <= ORACLE_STEPS_MAX ? &path->steps[depth - 1] : NULL;
    if (event.kind == MWC_JSON_KEY) {
      if (inner == NULL) continue;
      // Resolving escapes makes no name longer.
      if (event.length > ORACLE_NAME_MAX) {
        inner->name_length = SIZE_MAX;
        continue;
      }
      inner->name_length = mwc_json_unescape(json + event.offset, event.length, inner->name);
      continue;
    }
    if (event.kind > MWC_JSON_KEY) {
      if (inner != NULL && inner->is_element) inner->index++;
      continue;
    }
    if (wanted-- == 0) {
      if (depth > ORACLE_STEPS_MAX) return false;
      path->count = depth;
      for (size_t i = 0; i < depth; i++) {
        if (!path->steps[i].is_element && path->steps[i].name_length == SIZE_MAX) return false;
      }
      return true;
    }
    if (event.kind == MWC_JSON_ARRAY || event.kind == MWC_JSON_OBJECT) {
      if (depth < ORACLE_STEPS_MAX) {
        path->steps[depth] = (oracle_step){.is_element = event.kind == MWC_JSON_ARRAY};
      }
    } else if (inner != NULL && inner->is_element) {
      inner->index++;
    }
  }
  return false;
}
