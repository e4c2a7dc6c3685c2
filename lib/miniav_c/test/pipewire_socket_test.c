/* Why PipeWire does not serve, as its socket tells; Linux only. */
#include "support/check.h"

#if defined(__linux__)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/linux/pipewire_socket.h"

static char folder[64] = "/tmp/miniav-socket-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};

static void check_look(MiniAVResultCode expected, const char *part) {
  char text[256];
  CHECK_EQ(pipewire_socket_look(text, sizeof text), expected);
  if (!CHECK(strstr(text, part) != NULL)) {
    fprintf(stderr, "  \"%s\"\n", text);
  }
}

/* Root may everything; whoever is not root is kept out by the folder. */
static void test_denied(void) {
  CHECK_EQ(chmod(folder, getuid() == 0 ? 0700 : 0), 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    CHECK(getuid() != 0 || setuid(65534) == 0);
    check_look(MINIAV_ERROR_PERMISSION_DENIED, folder);
    check_look(MINIAV_ERROR_PERMISSION_DENIED, "does not let this user in");
    int failed = check_report("pipewire_socket, denied");
    fflush(NULL);
    _exit(failed); /* a sanitizer's own end needs rights that are gone */
  }
  int status = 1;
  CHECK_EQ(waitpid(child, &status, 0), child);
  CHECK_EQ(status, 0);
  CHECK_EQ(chmod(folder, 0700), 0);
}

static void test_socket(void) {
  unsetenv("PIPEWIRE_REMOTE");
  unsetenv("PIPEWIRE_RUNTIME_DIR");
  unsetenv("XDG_RUNTIME_DIR");
  unsetenv("USERPROFILE");
  check_look(MINIAV_ERROR_DEVICE_NOT_FOUND, "XDG_RUNTIME_DIR");
  setenv("XDG_RUNTIME_DIR", folder, 1);
  check_look(MINIAV_ERROR_DEVICE_NOT_FOUND, "not running");
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  snprintf(address.sun_path, sizeof address.sun_path, "%s/pipewire-0", folder);
  CHECK_EQ(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
  check_look(MINIAV_ERROR_DEVICE_NOT_FOUND, "not running"); /* it is there, and nobody listens */
  CHECK_EQ(listen(fd, 4), 0);
  check_look(MINIAV_SUCCESS, "");
  test_denied();
  setenv("PIPEWIRE_RUNTIME_DIR", "/nowhere", 1); /* goes before the other */
  check_look(MINIAV_ERROR_DEVICE_NOT_FOUND, "/nowhere/pipewire-0");
  setenv("PIPEWIRE_REMOTE", address.sun_path, 1);
  check_look(MINIAV_SUCCESS, "");
  close(fd);
}

int main(void) {
  if (CHECK(mkdtemp(folder) != NULL)) {
    test_socket();
    unlink(address.sun_path);
    rmdir(folder);
  }
  return check_report("pipewire_socket");
}

#else

int main(void) {
  return 0;
}

#endif
