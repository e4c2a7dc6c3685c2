/* Processes as /proc tells of them; Linux only. */
#include "support/check.h"

#if defined(__linux__)

#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/linux/process_tree.h"
#include "support/processes.h"

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

static void test_number(void) {
  CHECK(process_number("1") == 1);
  CHECK(process_number("4294967295") == UINT32_MAX);
  CHECK(process_number("4294967296") == 0);
  CHECK(process_number("99999999999999999999999") == 0);
  CHECK(process_number("-1") == 0 && process_number("12ab") == 0 && process_number(" 1") == 0);
  CHECK(process_number("") == 0 && process_number("0") == 0);
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
  pid_t child = fork_waiting(ends);
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

/* A process whose first thread has ended, and another has not, lives. */
static void test_first_thread_ends(void) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  pid_t child = fork_headless(ends);
  CHECK(process_start_time((uint32_t)child) > 0);
  close(ends[1]);
  CHECK(waitpid(child, NULL, 0) == child);
  CHECK(process_start_time((uint32_t)child) == 0);
  close(ends[0]);
}

/* A parent whose child outlives it: the child stays in the parent's tree, and in ours it is too. */
static void test_kept_tree(void) {
  int ends[2];
  int told[2];
  int go[2];
  uint32_t grandchild = 0;
  CHECK(pipe(ends) == 0 && pipe(told) == 0 && pipe(go) == 0);
  CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); /* so that the orphan is ours to wait for */
  pid_t parent = fork();
  if (parent == 0) {
    close(go[1]);
    uint32_t pid = (uint32_t)fork_waiting(ends);
    char byte;
    ssize_t done = write(told[1], &pid, sizeof pid);
    _exit(done == (ssize_t)sizeof pid && read(go[0], &byte, 1) == 0 ? 0 : 1);
  }
  struct process_tree tree;
  struct process_tree stranger;
  CHECK(read(told[0], &grandchild, sizeof grandchild) == (ssize_t)sizeof grandchild);
  process_tree_init(&tree, (uint32_t)parent);
  process_tree_init(&stranger, grandchild);
  CHECK(process_tree_has(&tree, (uint32_t)parent));
  CHECK(process_tree_has(&tree, grandchild));
  CHECK(!process_tree_has(&tree, (uint32_t)getpid()));
  CHECK(!process_tree_has(&stranger, (uint32_t)parent));
  close(go[1]);
  CHECK(waitpid(parent, NULL, 0) == parent);
  CHECK(!process_is_in_tree(grandchild, (uint32_t)parent)); /* its parent is another now */
  process_tree_update(&tree);
  CHECK(process_tree_is_alive(&tree));
  CHECK(!process_tree_has(&tree, (uint32_t)parent));
  CHECK(process_tree_has(&tree, grandchild));
  close(ends[1]);
  close(told[1]);
  CHECK(waitpid((pid_t)grandchild, NULL, 0) == (pid_t)grandchild);
  process_tree_update(&tree);
  CHECK(!process_tree_is_alive(&tree));
  CHECK(!process_tree_has(&tree, grandchild));
  process_tree_free(&tree);
  process_tree_free(&stranger);
  close(ends[0]);
  close(told[0]);
  close(go[0]);
}

/* Children that come after the first look, and a number that is another process's now. */
static void test_growing_tree(void) {
  int ends[2];
  struct process_tree tree;
  CHECK(pipe(ends) == 0);
  process_tree_init(&tree, (uint32_t)getpid());
  pid_t child = fork_waiting(ends);
  process_tree_update(&tree);
  CHECK(tree.count == 2 && process_tree_has(&tree, (uint32_t)child));
  tree.members[1].start_time--;
  CHECK(!process_tree_has(&tree, (uint32_t)child));
  process_tree_update(&tree); /* whoever had that number has ended; who has it now is a child too */
  CHECK(process_tree_has(&tree, (uint32_t)child));
  close(ends[1]);
  CHECK(waitpid(child, NULL, 0) == child);
  process_tree_update(&tree);
  CHECK(tree.count == 1 && process_tree_is_alive(&tree));
  process_tree_free(&tree);
  close(ends[0]);
}

static void test_tree_of_nobody(void) {
  struct process_tree tree;
  process_tree_init(&tree, UINT32_MAX);
  CHECK(!process_tree_is_alive(&tree));
  CHECK(!process_tree_has(&tree, (uint32_t)getpid()));
  CHECK(!process_tree_has(&tree, 0));
  process_tree_free(&tree);
}

int main(void) {
  test_kept_tree();
  test_growing_tree();
  test_tree_of_nobody();
  test_self();
  test_number();
  test_nobody();
  test_child();
  test_first_thread_ends();
  return check_report("process_tree");
}

#else

int main(void) {
  return 0; /* there is no such module elsewhere */
}

#endif
