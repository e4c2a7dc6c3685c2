#include "common/platform.h"

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include "miniav_capture.h"

void *pages_map(size_t bytes) {
  return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

void pages_discard(void *address, size_t bytes) {
  /* Decommitted pages fault, and a stale view must not: commit again, which costs no memory until
   * it is touched. */
  if (VirtualFree(address, bytes, MEM_DECOMMIT)) {
    VirtualAlloc(address, bytes, MEM_COMMIT, PAGE_READWRITE);
  }
}

size_t pages_size(void) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return info.dwPageSize;
}

int32_t pages_shared_file(size_t bytes) {
  (void)bytes;
  return -1;
}

void pages_file_close(int32_t file) {
  (void)file;
}

bool pages_share(void *address, size_t bytes, int32_t file, size_t offset) {
  (void)address;
  (void)bytes;
  (void)file;
  (void)offset;
  return false;
}

void pages_unshare(void *address, size_t bytes) {
  (void)address;
  (void)bytes;
}

void platform_pin_library(void) {
  static LONG pinned;
  if (InterlockedExchange(&pinned, 1) == 0) {
    HMODULE module;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                       (LPCWSTR)(const void *)&MiniAV_GetVersionString, &module);
  }
}

bool platform_environment(const char *name, char *value, size_t capacity) {
  DWORD length = GetEnvironmentVariableA(name, value, (DWORD)capacity);
  return length > 0 && length < capacity;
}

bool wake_pair_open(int32_t ends[2]) {
  (void)ends;
  return false;
}

void wake_pair_send(int32_t library_end) {
  (void)library_end;
}

void wake_pair_close(int32_t library_end) {
  (void)library_end;
}

bool wake_pair_supported(void) {
  return false;
}
