#include "check.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char story[1024];

int check_failed(const char *file, int line, const char *condition, const char *detail, ...) {
  int written = snprintf(story, sizeof story, "%s:%d: %s; ", file, line, condition);
  if (written > 0 && (size_t)written < sizeof story) {
    va_list arguments;
    va_start(arguments, detail);
    vsnprintf(story + written, sizeof story - (size_t)written, detail, arguments);
    va_end(arguments);
  }
  return line;
}

const char *mwc_fuzz_story(void) { return story; }
