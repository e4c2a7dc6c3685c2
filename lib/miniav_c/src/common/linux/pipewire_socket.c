#include "common/linux/pipewire_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/platform.h"

/* As module-protocol-native's local-socket.c does; false: the environment names no folder. */
static bool find_path(char path[sizeof((struct sockaddr_un *)0)->sun_path]) {
  static const char *const folders[] = {"PIPEWIRE_RUNTIME_DIR", "XDG_RUNTIME_DIR", "USERPROFILE"};
  const size_t capacity = sizeof((struct sockaddr_un *)0)->sun_path;
  char name[sizeof((struct sockaddr_un *)0)->sun_path] = "";
  char folder[sizeof name] = "";
  if (!platform_environment("PIPEWIRE_REMOTE", name, sizeof name) || name[0] == 0) {
    snprintf(name, sizeof name, "pipewire-0");
  }
  if (name[0] == '/') {
    memcpy(path, name, sizeof name);
    return true;
  }
  for (size_t i = 0; i < sizeof folders / sizeof *folders && folder[0] == 0; i++) {
    if (!platform_environment(folders[i], folder, sizeof folder)) {
      folder[0] = 0;
    }
  }
  int length = snprintf(path, capacity, "%s/%s", folder, name);
  return folder[0] != 0 && length > 0 && (size_t)length < capacity;
}

/* 0, or errno. */
static int try_connect(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, path, strlen(path));
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return errno;
  }
  int error = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
  close(fd);
  return error == EAGAIN ? 0 : error; /* busy, but there */
}

MiniAVResultCode pipewire_socket_look(char *text, size_t capacity) {
  char path[sizeof((struct sockaddr_un *)0)->sun_path] = "";
  text[0] = 0;
  if (!find_path(path)) {
    snprintf(text, capacity, "PipeWire cannot be asked: XDG_RUNTIME_DIR does not say where it is");
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  int error = try_connect(path);
  if (error == EACCES || error == EPERM) {
    snprintf(text, capacity,
             "PipeWire does not let this user in: %s belongs to another one, who is logged in",
             path);
    return MINIAV_ERROR_PERMISSION_DENIED;
  }
  if (error != 0) {
    snprintf(text, capacity, "PipeWire is not running: nobody listens at %s", path);
    return MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  return MINIAV_SUCCESS;
}
