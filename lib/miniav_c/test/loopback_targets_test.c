/* What a request means, and which streams of a graph are heard for it: the graph is made up, the
 * processes are real. Linux with PipeWire's headers only. */
#include "support/check.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loopback/linux/loopback_targets.h"
#include "support/processes.h"

#define NOBODY 4194304u /* above every PID that Linux gives */

/* A sink, and three programs that play into it. */
struct scene {
  struct pipewire_graph graph;
  struct pipewire_object objects[16];
  uint32_t count;
};

static struct pipewire_object *add(struct scene *scene, enum pipewire_kind kind) {
  struct pipewire_object *object = &scene->objects[scene->count];
  object->kind = kind;
  object->id = ++scene->count;
  object->serial = object->id;
  object->complete = true;
  if (scene->count > 1) {
    scene->objects[scene->count - 2].next = object;
  }
  scene->graph.objects = scene->objects;
  return object;
}

static uint32_t add_sink(struct scene *scene, const char *name) {
  struct pipewire_object *sink = add(scene, PIPEWIRE_NODE);
  sink->node_class = PIPEWIRE_CLASS_SINK;
  snprintf(sink->name, sizeof sink->name, "%s", name);
  return sink->id;
}

/* A native client that plays into the sink; pid is what the daemon says. */
static struct pipewire_object *add_program(struct scene *scene, uint32_t sink, uint32_t pid) {
  struct pipewire_object *client = add(scene, PIPEWIRE_CLIENT);
  client->secure_pid = pid;
  struct pipewire_object *stream = add(scene, PIPEWIRE_NODE);
  stream->node_class = PIPEWIRE_CLASS_STREAM;
  stream->client_id = client->id;
  struct pipewire_object *link = add(scene, PIPEWIRE_LINK);
  link->output_node = stream->id;
  link->input_node = sink;
  return stream;
}

static struct cancel cancel;

static MiniAVResultCode request(struct loopback_targets *targets, MiniAVLoopbackMode mode,
                                uint32_t count, const MiniAVLoopbackTarget *asked) {
  static struct capture_request made;
  made = (struct capture_request){
      .kind = MINIAV_KIND_LOOPBACK, .target = REQUEST_TARGETS, .mode = mode, .target_count = count};
  memcpy(made.targets, asked, count * sizeof *asked);
  return loopback_targets_from(&made, "pipewire", targets, &cancel);
}

static MiniAVLoopbackTarget process(uint32_t pid, uint32_t flags) {
  return (MiniAVLoopbackTarget){
      .type = MINIAV_LOOPBACK_TARGET_PROCESS, .process_id = pid, .flags = flags};
}

static bool hears(const struct pipewire_selection *selection,
                  const struct pipewire_object *stream) {
  for (uint32_t i = 0; i < selection->count; i++) {
    if (selection->nodes[i] == stream) {
      return true;
    }
  }
  return false;
}

static struct pipewire_selection selected(struct loopback_targets *targets,
                                          const struct scene *scene, bool opening) {
  struct pipewire_selection selection = {0};
  loopback_targets_select(targets, &scene->graph, opening, &selection);
  return selection;
}

static void test_ids(void) {
  static struct loopback_targets targets;
  static const char *const wrong[] = {"process/",
                                      "process/0",
                                      "process/-1",
                                      "process/12ab",
                                      "system/",
                                      "process/99999999999",
                                      "application/",
                                      "window/",
                                      "window/0",
                                      "window/x",
                                      "window/99999999999999999999",
                                      "speaker",
                                      "process/ 12"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    CHECK_EQ(loopback_targets_from_id(wrong[i], &targets, &cancel), MINIAV_ERROR_DEVICE_NOT_FOUND);
    loopback_targets_free(&targets);
  }
  CHECK_EQ(loopback_targets_from_id("", &targets, &cancel), MINIAV_SUCCESS);
  CHECK(targets.by_sink && targets.sink[0] == 0);
  CHECK_EQ(loopback_targets_from_id("system/a/b", &targets, &cancel), MINIAV_SUCCESS);
  CHECK(targets.by_sink);
  CHECK_STR(targets.sink, "a/b");
  CHECK_EQ(loopback_targets_from_id("process/4000000000", &targets, &cancel), MINIAV_SUCCESS);
  CHECK(!targets.by_sink && targets.targets[0].asked.process_id == 4000000000u);
  CHECK_EQ(loopback_targets_from_id("application/x y", &targets, &cancel), MINIAV_SUCCESS);
  CHECK_STR(targets.targets[0].asked.name, "x y");
  CHECK(loopback_targets_from_id("window/7", &targets, &cancel) != MINIAV_SUCCESS);
  loopback_targets_free(&targets);
}

static void test_the_system_beside_others(void) {
  static struct loopback_targets targets;
  const MiniAVLoopbackTarget both[] = {{.type = MINIAV_LOOPBACK_TARGET_SYSTEM_AUDIO},
                                       process((uint32_t)getpid(), 0)};
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_INCLUDE, 2, both), MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_EXCLUDE, 1, both), MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_INCLUDE, 1, both), MINIAV_SUCCESS);
  CHECK(targets.by_sink);
  loopback_targets_free(&targets);
}

static void test_sinks(void) {
  static struct scene scene;
  static struct loopback_targets targets;
  add_sink(&scene, "one");
  add_sink(&scene, "two");
  snprintf(scene.graph.default_sink, sizeof scene.graph.default_sink, "two");
  loopback_targets_from_id("", &targets, &cancel);
  struct pipewire_selection selection = selected(&targets, &scene, true);
  CHECK(selection.count == 1 && selection.nodes[0] == &scene.objects[1]);
  CHECK_STR(selection.default_id, "system/two");
  loopback_targets_from_id("system/one", &targets, &cancel);
  selection = selected(&targets, &scene, true);
  CHECK(selection.count == 1 && selection.nodes[0] == &scene.objects[0]);
  CHECK_STR(selection.default_id, "");
  loopback_targets_from_id("system/three", &targets, &cancel);
  CHECK_EQ(selected(&targets, &scene, true).failure, MINIAV_ERROR_DEVICE_NOT_FOUND);
  CHECK_EQ(selected(&targets, &scene, true).count, 0);
}

/* Nothing wider than what was asked: no stream whose owner is not known, no other's, no filter. */
static void test_programs(void) {
  static struct scene scene;
  static struct loopback_targets targets;
  uint32_t sink = add_sink(&scene, "speaker");
  uint32_t self = (uint32_t)getpid();
  struct pipewire_object *own = add_program(&scene, sink, self);
  struct pipewire_object *parents = add_program(&scene, sink, (uint32_t)getppid());
  struct pipewire_object *unknown = add_program(&scene, sink, 0);
  struct pipewire_object *filter = add_program(&scene, sink, self);
  struct pipewire_object *unheard = add_program(&scene, 999, (uint32_t)getppid());
  filter->has_link_group = true;
  MiniAVLoopbackTarget asked = process(self, 0);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_INCLUDE, 1, &asked), MINIAV_SUCCESS);
  struct pipewire_selection selection = selected(&targets, &scene, true);
  CHECK(selection.count == 1 && hears(&selection, own));
  loopback_targets_free(&targets);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_EXCLUDE, 1, &asked), MINIAV_SUCCESS);
  selection = selected(&targets, &scene, true);
  CHECK(selection.count == 1 && hears(&selection, parents));
  CHECK(!hears(&selection, unknown) && !hears(&selection, unheard));
  loopback_targets_free(&targets);
  asked = (MiniAVLoopbackTarget){.type = MINIAV_LOOPBACK_TARGET_NAME};
  snprintf(asked.name, sizeof asked.name, "Loopback_Targets_TEST");
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_INCLUDE, 1, &asked), MINIAV_SUCCESS);
  selection = selected(&targets, &scene, true);
  CHECK(selection.count == 1 && hears(&selection, own));
  loopback_targets_free(&targets);
  own->complete = false; /* the daemon has not told all of it yet */
  asked = process(self, MINIAV_LOOPBACK_FLAG_WAIT);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_INCLUDE, 1, &asked), MINIAV_SUCCESS);
  CHECK_EQ(selected(&targets, &scene, true).count, 0);
  loopback_targets_free(&targets);
}

static struct pipewire_object *add_port(struct scene *scene, uint32_t node, bool is_monitor) {
  struct pipewire_object *port = add(scene, PIPEWIRE_PORT);
  port->node_id = node;
  port->is_output = true;
  port->is_monitor = is_monitor;
  return port;
}

/* The other outputs of a device that plays and records are its microphone. */
static void test_monitors(void) {
  static struct scene scene;
  const struct pipewire_object *ports[4];
  uint32_t sink = add_sink(&scene, "duplex");
  const struct pipewire_object *stream = add_program(&scene, sink, (uint32_t)getpid());
  static struct loopback_targets targets;
  add_port(&scene, sink, false);
  loopback_targets_from_id("system/duplex", &targets, &cancel);
  CHECK_EQ(selected(&targets, &scene, true).failure, MINIAV_ERROR_NOT_SUPPORTED);
  const struct pipewire_object *monitor = add_port(&scene, sink, true);
  const struct pipewire_object *output = add_port(&scene, stream->id, false);
  CHECK_EQ(pipewire_graph_outputs(&scene.graph, sink, ports, 4), 1);
  CHECK(ports[0] == monitor);
  CHECK_EQ(selected(&targets, &scene, true).failure, MINIAV_SUCCESS);
  CHECK_EQ(pipewire_graph_outputs(&scene.graph, stream->id, ports, 4), 1);
  CHECK(ports[0] == output);
}

/* What is excluded stays so when it has ended and its stream has not, as one does that a child got
 * from it. */
static void test_excluded_until_the_end(void) {
  const uint32_t flags[] = {0, MINIAV_LOOPBACK_FLAG_TREE};
  for (size_t i = 0; i < 2; i++) {
    static struct scene scene;
    static struct loopback_targets targets;
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
      char byte;
      close(ends[1]);
      _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
    }
    scene = (struct scene){.count = 0};
    uint32_t sink = add_sink(&scene, "speaker");
    struct pipewire_object *excluded = add_program(&scene, sink, (uint32_t)child);
    struct pipewire_object *other = add_program(&scene, sink, (uint32_t)getppid());
    MiniAVLoopbackTarget asked = process((uint32_t)child, flags[i]);
    CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_EXCLUDE, 1, &asked), MINIAV_SUCCESS);
    struct pipewire_selection selection = selected(&targets, &scene, true);
    CHECK(!hears(&selection, excluded) && hears(&selection, other));
    close(ends[1]);
    CHECK(waitpid(child, NULL, 0) == child);
    selection = selected(&targets, &scene, false);
    CHECK(!hears(&selection, excluded) && hears(&selection, other));
    loopback_targets_free(&targets);
    close(ends[0]);
  }
}

/* A process whose first thread has ended plays on; whose binary it runs is not to be known then. */
static void test_first_thread_ends(void) {
  static struct scene scene;
  static struct loopback_targets targets;
  int ends[2];
  char binary[64];
  CHECK(pipe(ends) == 0);
  pid_t child = fork_headless(ends);
  CHECK(!process_binary((uint32_t)child, binary, sizeof binary));
  uint32_t sink = add_sink(&scene, "speaker");
  struct pipewire_object *stream = add_program(&scene, sink, (uint32_t)child);
  struct pipewire_object *other = add_program(&scene, sink, (uint32_t)getpid());
  MiniAVLoopbackTarget asked = process((uint32_t)child, 0);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_INCLUDE, 1, &asked), MINIAV_SUCCESS);
  struct pipewire_selection selection = selected(&targets, &scene, true);
  CHECK(selection.count == 1 && hears(&selection, stream));
  loopback_targets_free(&targets);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_EXCLUDE, 1, &asked), MINIAV_SUCCESS);
  selection = selected(&targets, &scene, true);
  CHECK(selection.count == 1 && hears(&selection, other));
  loopback_targets_free(&targets);
  /* It may be PulseAudio's server, and play for whom is left out. */
  stream->from_pulse = true;
  asked = process((uint32_t)getppid(), 0);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_EXCLUDE, 1, &asked), MINIAV_SUCCESS);
  selection = selected(&targets, &scene, true);
  CHECK(selection.count == 1 && hears(&selection, other));
  loopback_targets_free(&targets);
  close(ends[1]);
  CHECK(waitpid(child, NULL, 0) == child);
  close(ends[0]);
}

static void test_nobody_plays(void) {
  static struct scene scene;
  static struct loopback_targets targets;
  add_sink(&scene, "speaker");
  const uint32_t waits[] = {0, MINIAV_LOOPBACK_FLAG_WAIT};
  for (size_t i = 0; i < 2; i++) {
    MiniAVLoopbackTarget asked = process((uint32_t)getpid(), waits[i]);
    CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_INCLUDE, 1, &asked), MINIAV_SUCCESS);
    struct pipewire_selection selection = selected(&targets, &scene, true);
    CHECK_EQ(selection.failure, i == 0 ? MINIAV_ERROR_DEVICE_NOT_FOUND : MINIAV_SUCCESS);
    CHECK_EQ(selection.count, 0);
    loopback_targets_free(&targets);
  }
  MiniAVLoopbackTarget asked = process(NOBODY, 0);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_EXCLUDE, 1, &asked), MINIAV_SUCCESS);
  CHECK_EQ(selected(&targets, &scene, true).failure, MINIAV_ERROR_DEVICE_NOT_FOUND);
  loopback_targets_free(&targets);
}

/* A process that ends is over, and its number's next owner is another one. */
static void test_over(void) {
  static struct scene scene;
  static struct loopback_targets targets;
  int ends[2];
  uint32_t sink = add_sink(&scene, "speaker");
  CHECK(pipe(ends) == 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(ends[1]);
    _exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
  }
  struct pipewire_object *stream = add_program(&scene, sink, (uint32_t)child);
  MiniAVLoopbackTarget asked = process((uint32_t)child, 0);
  CHECK_EQ(request(&targets, MINIAV_LOOPBACK_MODE_INCLUDE, 1, &asked), MINIAV_SUCCESS);
  struct pipewire_selection selection = selected(&targets, &scene, true);
  CHECK(hears(&selection, stream));
  targets.targets[0].start_time--; /* the number was another process's when it was asked for */
  CHECK_EQ(selected(&targets, &scene, false).count, 0);
  targets.targets[0].start_time++;
  close(ends[1]);
  CHECK(waitpid(child, NULL, 0) == child);
  selection = selected(&targets, &scene, false);
  CHECK_EQ(selection.count, 0);
  CHECK_EQ(selection.failure, MINIAV_ERROR_DEVICE_LOST);
  loopback_targets_free(&targets);
  close(ends[0]);
}

int main(void) {
  cancel_init(&cancel);
  test_first_thread_ends(); /* first: its child starts a thread, which must be the only one */
  test_ids();
  test_the_system_beside_others();
  test_sinks();
  test_programs();
  test_monitors();
  test_excluded_until_the_end();
  test_nobody_plays();
  test_over();
  cancel_destroy(&cancel);
  return check_report("loopback_targets");
}

#else

int main(void) {
  return 0; /* there is no such module elsewhere */
}

#endif
