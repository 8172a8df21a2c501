/// Fuzzes the edges of memory: the same document at every alignment, in front of and behind a page
/// that must not be touched, with bytes around it that would go on with it.
///
/// The first byte is options and chance, the rest the document.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chance.h"
#include "check.h"
#include "mwc_simd.h"
#include "mwc_utf8.h"
#include "stage.h"

enum { ALIGNMENTS = 64, DOCUMENT_MAX = 2048 };

/// Two readable pages between two forbidden ones.
typedef struct edges {
  uint8_t *pages;
  size_t page;
} edges;

static bool map(edges *edges) {
  edges->page = (size_t)sysconf(_SC_PAGESIZE);
  void *pages = mmap(NULL, 4 * edges->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  edges->pages = pages;
  return pages != MAP_FAILED &&
         mprotect(edges->pages + edges->page, 2 * edges->page, PROT_READ | PROT_WRITE) == 0;
}

/// What is done with located bytes must stay inside of them just as well.
static int use(const uint8_t *bytes, size_t length, size_t expected) {
  int usual_level = mwc_simd_level();
  for (int level = 0; level < MWC_SIMD_LEVELS; level++) {
    if (!mwc_simd_force(level)) continue;
    size_t valid = mwc_utf8_valid_prefix(bytes, length);
    CHECK(valid == expected, "%s: %zu, not %zu", mwc_simd_name(level), valid, expected);
    mwc_json_walk walk;
    mwc_json_event event;
    mwc_json_walk_init(&walk, bytes, length, 0, 0);
    while (mwc_json_walk_next(&walk, &event) == 1) {
      uint8_t out[DOCUMENT_MAX];
      const uint8_t *at = bytes + event.offset;
      if (event.kind == MWC_JSON_STRING) {
        size_t count = mwc_json_unescape(at, event.length, out);
        CHECK(mwc_json_equal(at, event.length, out, count));
      }
      int64_t integer;
      double real = event.kind == MWC_JSON_NUMBER ? mwc_json_double(at, event.length) : 0;
      if (event.kind == MWC_JSON_NUMBER && mwc_json_int64(at, event.length, &integer)) {
        CHECK((double)integer == real);
      }
    }
  }
  mwc_simd_force(usual_level);
  return 0;
}

static int place_everywhere(const edges *edges, stage *stage, const uint8_t *json, size_t length) {
  static const uint8_t around[] = "\"9 }a]\\\x80";
  uint8_t *first = edges->pages + edges->page;
  size_t size = 2 * edges->page;
  size_t valid = mwc_utf8_valid_prefix(json, length);
  for (size_t i = 0; i < ALIGNMENTS; i++) {
    uint8_t fill = around[i % (sizeof around - 1)];
    // At the end, and i bytes before it; at the start, and i bytes behind it.
    for (int behind = 0; behind < 2; behind++) {
      uint8_t *at = behind ? first + i : first + size - i - length;
      memset(at > first + ALIGNMENTS ? at - ALIGNMENTS : first, fill,
             at > first + ALIGNMENTS ? ALIGNMENTS : (size_t)(at - first));
      if (length > 0) memcpy(at, json, length);
      size_t rest = (size_t)(first + size - (at + length));
      memset(at + length, fill, rest < ALIGNMENTS ? rest : ALIGNMENTS);
      PASS(stage_read_here(stage, at, length));
      if (i == 0) PASS(use(at, length, valid));
    }
  }
  return 0;
}

int mwc_fuzz_edges(const uint8_t *data, size_t size) {
  if (size < 1 || size > DOCUMENT_MAX) return 0;
  const uint8_t *json = data + 1;
  size_t length = size - 1;
  oracle_path paths[8];
  uint32_t options = data[0] & 1 ? MWC_JSON_NONFINITE : 0;
  size_t count = stage_choose_paths(json, length, options, data[0], paths, 8);
  edges edges;
  CHECK(map(&edges));
  stage *stage = stage_open(paths, count, options, 0);
  CHECK(stage != NULL);
  int failed = place_everywhere(&edges, stage, json, length);
  stage_close(stage);
  munmap(edges.pages, 4 * edges.page);
  return failed;
}
