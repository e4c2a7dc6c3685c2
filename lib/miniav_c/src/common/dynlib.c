#include "common/dynlib.h"

#include <stdio.h>
#include <string.h>

#if !defined(_WIN32)
#include <dlfcn.h>
#endif

static void *library_open(const char *file_name) {
#if defined(_WIN32)
  return (void *)LoadLibraryA(file_name);
#else
  /* NOW: a library that lacks something fails here and not in the middle of a call. */
  return dlopen(file_name, RTLD_NOW | RTLD_LOCAL);
#endif
}

static void library_close(void *handle) {
#if defined(_WIN32)
  FreeLibrary((HMODULE)handle);
#else
  dlclose(handle);
#endif
}

/* Writes the address of a function to `slot`. Copied as bytes: ISO C has no conversion between
 * pointers to objects and to functions, POSIX and Win32 say that they have one representation. */
static bool symbol_find(void *handle, const char *name, unsigned char *slot) {
#if defined(_WIN32)
  FARPROC address = GetProcAddress((HMODULE)handle, name);
#else
  void *address = dlsym(handle, name);
#endif
  memcpy(slot, &address, sizeof(address));
  return address != NULL;
}

/* NULL, or the required symbol that the library does not have. */
static const char *symbols_find(void *handle, const struct dynlib *library) {
  for (uint32_t i = 0; i < library->symbol_count; i++) {
    unsigned char unused[sizeof(void *)];
    const struct dynlib_symbol *symbol = &library->symbols[i];
    if (!symbol_find(handle, symbol->name, unused) && symbol->need == DYNLIB_REQUIRED) {
      return symbol->name;
    }
  }
  for (uint32_t i = 0; i < library->symbol_count; i++) {
    const struct dynlib_symbol *symbol = &library->symbols[i];
    symbol_find(handle, symbol->name, (unsigned char *)library->functions + symbol->offset);
  }
  return NULL;
}

/* glibc keeps what it has to say of a failure, for each thread, until it was asked twice. */
static void forget_failures(void) {
#if !defined(_WIN32)
  dlerror();
  dlerror();
#endif
}

static void explain(char *why, size_t why_bytes, const char *file_name, const char *symbol) {
  if (why == NULL || why_bytes == 0) {
    return;
  }
  if (symbol != NULL) {
    snprintf(why, why_bytes, "%s has no %s", file_name, symbol);
  } else {
    snprintf(why, why_bytes, "%s cannot be loaded", file_name);
  }
}

bool dynlib_load(struct dynlib *library, char *why, size_t why_bytes) {
  if (atomic_load_explicit(&library->loaded, memory_order_acquire)) {
    return true;
  }
  mutex_lock(&library->mutex);
  bool loaded = atomic_load_explicit(&library->loaded, memory_order_relaxed);
  /* The first name is the one that people know: a later failure does not hide it, unless a file
   * was there and had not what is needed. */
  if (!loaded) {
    explain(why, why_bytes, library->file_names[0], NULL);
  }
  for (const char *const *name = library->file_names; *name != NULL && !loaded; name++) {
    void *handle = library_open(*name);
    if (handle == NULL) {
      continue;
    }
    const char *missing = symbols_find(handle, library);
    if (missing == NULL) {
      loaded = true;
      atomic_store_explicit(&library->loaded, true, memory_order_release);
    } else {
      explain(why, why_bytes, *name, missing);
      library_close(handle);
    }
  }
  forget_failures();
  mutex_unlock(&library->mutex);
  return loaded;
}
