// SQLite as the system has it; only with the package trait `SQLite`.
#include <sqlite3.h>

// SQLITE_TRANSIENT is a macro with a cast, which Swift cannot import: SQLite copies the bytes.
static inline int mwc_sqlite_bind_text(sqlite3_stmt *statement, int index, const void *text,
                                       sqlite3_uint64 length) {
  return sqlite3_bind_text64(statement, index, text ? (const char *)text : "", length,
                             SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline int mwc_sqlite_bind_blob(sqlite3_stmt *statement, int index, const void *bytes,
                                       sqlite3_uint64 length) {
  // No address would be NULL, which is not the same as no bytes.
  return sqlite3_bind_blob64(statement, index, bytes ? bytes : "", length, SQLITE_TRANSIENT);
}
