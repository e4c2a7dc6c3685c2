#include "common/linux/pipewire_library.h"

#include "common/dynlib.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/log.h"

struct pipewire_functions pipewire;

/* The one place that needs a name twice, so that none can be mistyped. */
#define SYMBOL(name)                                                                               \
  { "pw_" #name, offsetof(struct pipewire_functions, name), DYNLIB_REQUIRED }

static const struct dynlib_symbol pipewire_symbols[] = {
    SYMBOL(init),
    SYMBOL(get_library_version),
    SYMBOL(thread_loop_new),
    SYMBOL(thread_loop_destroy),
    SYMBOL(thread_loop_get_loop),
    SYMBOL(thread_loop_start),
    SYMBOL(thread_loop_stop),
    SYMBOL(thread_loop_lock),
    SYMBOL(thread_loop_unlock),
    SYMBOL(context_new),
    SYMBOL(context_destroy),
    SYMBOL(context_connect),
    SYMBOL(context_connect_fd),
    {"pw_context_get_data_loop", offsetof(struct pipewire_functions, context_get_data_loop),
     DYNLIB_OPTIONAL}, /* since 0.3.56 */
    SYMBOL(data_loop_invoke),
    SYMBOL(core_disconnect),
    SYMBOL(proxy_destroy),
    SYMBOL(proxy_add_listener),
    SYMBOL(properties_new),
    SYMBOL(properties_free),
    SYMBOL(filter_new),
    SYMBOL(filter_destroy),
    SYMBOL(filter_add_listener),
    SYMBOL(filter_connect),
    SYMBOL(filter_add_port),
    SYMBOL(filter_get_node_id),
    SYMBOL(filter_dequeue_buffer),
    SYMBOL(filter_queue_buffer),
    SYMBOL(stream_new),
    SYMBOL(stream_destroy),
    SYMBOL(stream_add_listener),
    SYMBOL(stream_connect),
    SYMBOL(stream_get_node_id),
    SYMBOL(stream_update_params),
    SYMBOL(stream_set_active),
    SYMBOL(stream_dequeue_buffer),
    SYMBOL(stream_queue_buffer),
    SYMBOL(stream_get_time),
    SYMBOL(core_get_mempool),
    SYMBOL(mempool_find_ptr),
};

static const char *const pipewire_files[] = {"libpipewire-0.3.so.0", NULL};
static struct dynlib pipewire_dynlib =
    DYNLIB_INITIALIZER(pipewire_files, pipewire_symbols, &pipewire);
static struct mutex init_mutex = MUTEX_INITIALIZER; /* of libpipewire's process-wide state */
static bool initialised;

MiniAVResultCode pipewire_load(void) {
  char why[128];
  if (!dynlib_load(&pipewire_dynlib, why, sizeof why)) {
    log_write(MINIAV_LOG_LEVEL_DEBUG, "pipewire", "%s", why);
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  mutex_lock(&init_mutex);
  if (!initialised) {
    pipewire.init(NULL, NULL); /* counts its calls from 0.3.49 on; never undone */
    initialised = true;
    log_write(MINIAV_LOG_LEVEL_DEBUG, "pipewire", "libpipewire %s", pipewire.get_library_version());
  }
  mutex_unlock(&init_mutex);
  return MINIAV_SUCCESS;
}

struct pw_context *pipewire_context_new(struct pw_loop *loop) {
  mutex_lock(&init_mutex);
  struct pw_context *context = pipewire.context_new(loop, NULL, 0);
  mutex_unlock(&init_mutex);
  return context;
}

#endif
