/*
 * Shared libraries that are opened on first use, so that this one loads where they are missing.
 *
 * A user of libfoo has a struct of function pointers that are typed from foo's own headers, a table
 * of the symbols that go into it, and one struct dynlib:
 *
 *   struct foo_functions { __typeof__(&foo_open) foo_open; __typeof__(&foo_new) foo_new; };
 *   static struct foo_functions foo;
 *   static const struct dynlib_symbol foo_symbols[] = {
 *       {"foo_open", offsetof(struct foo_functions, foo_open), DYNLIB_REQUIRED},
 *       {"foo_new", offsetof(struct foo_functions, foo_new), DYNLIB_OPTIONAL}};
 *
 * A library that was loaded is never closed: its threads, its atexit handlers and the pointers in
 * the table stay good. One that could not be is tried again at the next call: it may have been
 * installed meanwhile.
 */
#ifndef MINIAV_COMMON_DYNLIB_H
#define MINIAV_COMMON_DYNLIB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/thread.h"

enum dynlib_need {
  DYNLIB_REQUIRED,
  DYNLIB_OPTIONAL /* NULL in the table where the library is too old for it */
};

struct dynlib_symbol {
  const char *name;
  size_t offset; /* of its pointer in the table of functions */
  enum dynlib_need need;
};

struct dynlib {
  const char *const *file_names; /* tried in this order; ends with NULL */
  const struct dynlib_symbol *symbols;
  uint32_t symbol_count;
  void *functions; /* the table; written once, before `loaded` is set */
  atomic_bool loaded;
  struct mutex mutex;
};

#define DYNLIB_INITIALIZER(names, symbol_table, function_table)                                    \
  {                                                                                                \
    names, symbol_table, sizeof(symbol_table) / sizeof((symbol_table)[0]), function_table, false,  \
        MUTEX_INITIALIZER                                                                          \
  }

/* Loads the library and fills the table, or finds that done; true on success. On failure the table
 * is as before and `why` (may be NULL) says which file or symbol is missing. Any thread. */
bool dynlib_load(struct dynlib *library, char *why, size_t why_bytes);

#endif
