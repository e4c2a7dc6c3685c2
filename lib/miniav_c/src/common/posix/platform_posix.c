#define _GNU_SOURCE
#include "common/platform.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "miniav_capture.h"

void *pages_map(size_t bytes) {
  void *address = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return address == MAP_FAILED ? NULL : address;
}

void pages_discard(void *address, size_t bytes) {
#if defined(__linux__)
  madvise(address, bytes, MADV_DONTNEED);
#else
  /* MADV_FREE alone keeps the old bytes readable; mapping afresh over the range gives zeros. */
  mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
#endif
}

size_t pages_size(void) {
  long size = sysconf(_SC_PAGESIZE);
  return size > 0 ? (size_t)size : 4096;
}

#if defined(__linux__)
int32_t pages_shared_file(size_t bytes) {
  int file = memfd_create("miniav", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  bool is_made = file >= 0 && ftruncate(file, (off_t)bytes) == 0 &&
                 fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
  if (file >= 0 && !is_made) {
    close(file);
  }
  return is_made ? file : -1;
}
#else
int32_t pages_shared_file(size_t bytes) {
  (void)bytes;
  return -1;
}
#endif

void pages_file_close(int32_t file) {
  close(file);
}

bool pages_share(void *address, size_t bytes, int32_t file, size_t offset) {
  return mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file,
              (off_t)offset) != MAP_FAILED;
}

void pages_unshare(void *address, size_t bytes) {
  mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

static void pin_once(void) {
  Dl_info info;
  /* The address of a public function of ours names the file we were loaded from. dladdr finds no
   * library when the code was linked into a program, which is never unloaded. */
  if (dladdr((const void *)(uintptr_t)&MiniAV_GetVersionString, &info) != 0 &&
      info.dli_fname != NULL) {
    void *self = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    (void)self;
  }
}

void platform_pin_library(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, pin_once);
}

bool platform_environment(const char *name, char *value, size_t capacity) {
  const char *found = getenv(name);
  if (found == NULL || strlen(found) >= capacity) {
    return false;
  }
  memcpy(value, found, strlen(found) + 1);
  return true;
}

static bool set_flags(int fd) {
  int status = fcntl(fd, F_GETFL);
  return status >= 0 && fcntl(fd, F_SETFL, status | O_NONBLOCK) == 0 &&
         fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

bool wake_pair_open(int32_t ends[2]) {
  int pair[2];
#if defined(SOCK_CLOEXEC)
  int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
#else
  int type = SOCK_STREAM;
#endif
  if (socketpair(AF_UNIX, type, 0, pair) != 0) {
    return false;
  }
  if (!set_flags(pair[0]) || !set_flags(pair[1])) {
    close(pair[0]);
    close(pair[1]);
    return false;
  }
#if defined(SO_NOSIGPIPE)
  int on = 1;
  setsockopt(pair[1], SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
  ends[0] = pair[0];
  ends[1] = pair[1];
  return true;
}

void wake_pair_send(int32_t library_end) {
#if defined(MSG_NOSIGNAL)
  int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
#else
  int flags = MSG_DONTWAIT;
#endif
  char byte = 1;
  while (send(library_end, &byte, 1, flags) < 0 && errno == EINTR) {
  }
}

void wake_pair_close(int32_t library_end) {
  close(library_end);
}

bool wake_pair_supported(void) {
  return true;
}
