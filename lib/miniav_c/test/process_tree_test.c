/* Processes as /proc tells of them; Linux only. */
#include "support/check.h"

#if defined(__linux__)

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback/linux/process_tree.h"

static void test_self(void) {
  uint32_t self = (uint32_t)getpid();
  char name[64];
  CHECK(process_start_time(self) > 0);
  CHECK(process_is_in_tree(self, self));
  CHECK(process_is_in_tree(self, (uint32_t)getppid()));
  CHECK(!process_is_in_tree((uint32_t)getppid(), self));
  CHECK(process_binary(self, name, sizeof name));
  CHECK(strcmp(name, "process_tree_test") == 0);
  CHECK(process_is_binary(self, "process_tree_test"));
  CHECK(!process_is_binary(self, "process_tree"));
  CHECK(!process_is_binary(self, ""));
}

static void test_nobody(void) {
  char name[64];
  CHECK(process_start_time(0) == 0);
  CHECK(process_start_time(UINT32_MAX) == 0);
  CHECK(!process_is_in_tree(0, 1));
  CHECK(!process_is_in_tree(UINT32_MAX, 1));
  CHECK(!process_binary(UINT32_MAX, name, sizeof name));
}

/* A child is of the tree; once it has ended it is none, also before anybody has waited for it. */
static void test_child(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
  }
  CHECK(child > 0);
  close(ends[0]);
  CHECK(process_start_time((uint32_t)child) >= process_start_time((uint32_t)getpid()));
  CHECK(process_is_in_tree((uint32_t)child, (uint32_t)getpid()));
  CHECK(!process_is_in_tree((uint32_t)getpid(), (uint32_t)child));
  close(ends[1]);
  siginfo_t info;
  CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
  CHECK(process_start_time((uint32_t)child) == 0);
  CHECK(waitpid(child, NULL, 0) == child);
  CHECK(process_start_time((uint32_t)child) == 0);
}

int main(void) {
  test_self();
  test_nobody();
  test_child();
  return check_report("process_tree");
}

#else

int main(void) {
  return 0; /* there is no such module elsewhere */
}

#endif
