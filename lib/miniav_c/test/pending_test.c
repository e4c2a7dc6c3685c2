/* What is pending for a context when it is stopped or destroyed, in both forms of either, and
 * settings that a device refuses. */
#include <stdatomic.h>
#include <string.h>

#include "common/clock.h"
#include "common/lists.h"
#include "support/fake_source.h"
#include "support/test_backends.h"
#include "support/threads.h"

static MiniAVWaiterHandle waiter;

static bool next_operation(MiniAVEvent *event, uint32_t timeout_ms) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  do {
    while (MiniAV_NextEvent(waiter, event) == MINIAV_SUCCESS) {
      if (event->type == MINIAV_EVENT_OPERATION) {
        return true;
      }
    }
    MiniAV_WaitAny(waiter, 20);
  } while (clock_now_us() < deadline_us);
  return false;
}

static void hang(int64_t what) {
  CHECK_EQ(MiniAV_TestSetFault("test:bars", MINIAV_TEST_FAULT_HANG, what), MINIAV_SUCCESS);
}

/* A configure that hangs and a start behind it: both end, cancelled, each once. */
static void test_pending(bool destroy, bool async) {
  MiniAVCameraContextHandle context = NULL;
  MiniAVEvent event;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  hang(MINIAV_TEST_HANG_CONFIGURE);
  CHECK_EQ(MiniAV_Camera_ConfigureAsync(waiter, 1, context, "test:bars", NULL), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_StartCaptureAsync(waiter, 2, context, NULL, NULL), MINIAV_SUCCESS);
  CHECK(!next_operation(&event, 50));
  /* Another kind's function has no business with it. */
  CHECK_EQ(MiniAV_Screen_StopCapture((MiniAVScreenContextHandle)(void *)context),
           MINIAV_ERROR_INVALID_HANDLE);
  CHECK(!next_operation(&event, 20));
  MiniAVResultCode expected = destroy ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_RUNNING;
  if (async) {
    MiniAVResultCode taken = destroy ? MiniAV_Camera_DestroyContextAsync(waiter, 3, context)
                                     : MiniAV_Camera_StopCaptureAsync(waiter, 3, context);
    CHECK_EQ(taken, MINIAV_SUCCESS);
  } else {
    MiniAVResultCode result =
        destroy ? MiniAV_Camera_DestroyContext(context) : MiniAV_Camera_StopCapture(context);
    CHECK_EQ(result, expected);
  }
  uint32_t seen = 0;
  for (uint32_t i = 0; i < (async ? 3u : 2u); i++) {
    if (CHECK(next_operation(&event, 3000))) {
      seen |= 1u << event.token;
      CHECK_EQ(event.result, event.token == 3 ? expected : MINIAV_ERROR_USER_CANCELLED);
    }
  }
  CHECK_EQ(seen, async ? 14 : 6);
  CHECK(!next_operation(&event, 20));
  hang(0);
  if (!destroy) {
    CHECK_EQ(MiniAV_Camera_Configure(context, "test:bars", NULL), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
  }
}

/* A configure of another thread is ended by a stop too. */
static atomic_int configured;

static void configure_main(void *argument) {
  atomic_store(&configured, MiniAV_Camera_Configure(argument, "test:bars", NULL));
}

static bool is_configured(void *user) {
  (void)user;
  return atomic_load(&configured) != 1;
}

/* On a busy machine a stop may come before the configure has begun. */
static bool ends_by_stop(void *context) {
  CHECK_EQ(MiniAV_Camera_StopCapture(context), MINIAV_ERROR_NOT_RUNNING);
  return is_configured(NULL);
}

static void test_stop_ends_configure(void) {
  MiniAVCameraContextHandle context = NULL;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  hang(MINIAV_TEST_HANG_CONFIGURE);
  atomic_store(&configured, 1);
  CHECK(thread_start("configure", configure_main, context));
  clock_sleep_until_us(clock_now_us() + 30000);
  CHECK_EQ(atomic_load(&configured), 1);
  CHECK(wait_until(ends_by_stop, context, 10000));
  CHECK_EQ(atomic_load(&configured), MINIAV_ERROR_USER_CANCELLED);
  hang(0);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

/* A start that waits for its turn is cancelled without getting it. */
static void test_cancelled_while_waiting(void) {
  MiniAVCameraContextHandle context = NULL;
  MiniAVEvent event;
  CHECK_EQ(MiniAV_Camera_CreateContext(&context), MINIAV_SUCCESS);
  hang(MINIAV_TEST_HANG_CONFIGURE);
  atomic_store(&configured, 1);
  CHECK(thread_start("configure", configure_main, context));
  clock_sleep_until_us(clock_now_us() + 30000);
  CHECK_EQ(MiniAV_Camera_StartCaptureAsync(waiter, 9, context, NULL, NULL), MINIAV_SUCCESS);
  CHECK(!next_operation(&event, 30));
  CHECK_EQ(MiniAV_WaiterCancel(waiter, 9), MINIAV_SUCCESS);
  CHECK(next_operation(&event, 10000));
  CHECK_EQ(event.result, MINIAV_ERROR_USER_CANCELLED);
  CHECK_EQ(atomic_load(&configured), 1); /* which is none of its business */
  hang(0);
  CHECK(wait_until(is_configured, NULL, 10000));
  CHECK_EQ(atomic_load(&configured), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Camera_DestroyContext(context), MINIAV_SUCCESS);
}

/* -- a stop from inside the callback, done by somebody else before its thread gets there
 * ----------- */

static struct fake_source source;
static atomic_bool asked_to_stop;

static void on_frame(const MiniAVBuffer *buffer, void *user_data) {
  (void)user_data;
  MiniAV_ReleaseBuffer(buffer->internal_handle);
  fake_source_stop(&source);
  atomic_store(&asked_to_stop, true);
  clock_sleep_until_us(clock_now_us() + 10000); /* the other stop comes while this is inside */
}

static MiniAVResultCode slow_start(void *state, struct cancel *cancel) {
  (void)state;
  return cancel_wait(cancel, 20) ? MINIAV_ERROR_USER_CANCELLED : MINIAV_SUCCESS;
}

static bool has_asked(void *user) {
  (void)user;
  return atomic_load(&asked_to_stop);
}

static void test_late_deferred_stop(void) {
  struct backend slow = fake_backend;
  slow.start = slow_start;
  source = fake_source_create(MINIAV_KIND_CAMERA, &slow, NULL);
  for (uint32_t i = 0; i < 20; i++) {
    atomic_store(&asked_to_stop, false);
    CHECK_EQ(fake_source_start(&source, on_frame, NULL), MINIAV_SUCCESS);
    fake_deliver(&source);
    CHECK(wait_until(has_asked, NULL, 10000));
    MiniAVResultCode result = fake_source_stop(&source);
    CHECK(result == MINIAV_SUCCESS || result == MINIAV_ERROR_NOT_RUNNING);
    CHECK_EQ(fake_source_start(&source, NULL, NULL), MINIAV_SUCCESS); /* nobody cancels this one */
    clock_sleep_until_us(clock_now_us() + 500);
    CHECK_EQ(fake_source_stop(&source), MINIAV_SUCCESS);
  }
  fake_source_destroy(&source);
}

/* -- refused settings
 * ------------------------------------------------------------------------------ */

static MiniAVResultCode refuse(void *state, MiniAVPropertyKey key,
                               const MiniAVPropertyValue *value) {
  (void)state;
  (void)value;
  return key == MINIAV_PROPERTY_REPEAT_LAST_FRAME ? MINIAV_SUCCESS : MINIAV_ERROR_NOT_SUPPORTED;
}

static void test_refused(void) {
  struct backend refusing = fake_backend;
  refusing.set_property = refuse;
  struct fake_source screen = fake_source_create(MINIAV_KIND_SCREEN, &refusing, NULL);
  uint64_t handle = screen.capture->handle;
  MiniAVPropertyKey limit = MINIAV_PROPERTY_FRAME_RATE_LIMIT;
  MiniAVPropertyKey repeat = MINIAV_PROPERTY_REPEAT_LAST_FRAME;
  MiniAVPropertyValue value = {.type = MINIAV_PROPERTY_TYPE_NUMBER, .value = {.number = 30}};
  CHECK_EQ(capture_set_property(handle, screen.kind, limit, &value), MINIAV_ERROR_NOT_SUPPORTED);
  CHECK_EQ(capture_get_property(handle, screen.kind, limit, &value), MINIAV_SUCCESS);
  CHECK_NEAR(value.value.number, 0, 0);
  value = (MiniAVPropertyValue){.type = MINIAV_PROPERTY_TYPE_BOOLEAN, .value = {.integer = 1}};
  CHECK_EQ(capture_set_property(handle, screen.kind, repeat, &value), MINIAV_SUCCESS);
  value.value.integer = 0;
  CHECK_EQ(capture_get_property(handle, screen.kind, repeat, &value), MINIAV_SUCCESS);
  CHECK_EQ(value.value.integer, 1);
  fake_source_destroy(&screen);
}

/* -- settings between configure and start
 * ---------------------------------------------------------- */

static void test_capacity_before_start(void) {
  struct fake_source camera = fake_source_create(MINIAV_KIND_CAMERA, NULL, NULL);
  MiniAVPropertyValue two = {.type = MINIAV_PROPERTY_TYPE_INTEGER, .value = {.integer = 2}};
  MiniAVBuffer buffers[3];
  CHECK_EQ(capture_set_property(camera.capture->handle, camera.kind, MINIAV_PROPERTY_QUEUE_CAPACITY,
                                &two),
           MINIAV_SUCCESS);
  CHECK_EQ(fake_source_start(&camera, NULL, NULL), MINIAV_SUCCESS);
  CHECK_EQ(capture_slot_count(camera.capture), 2);
  for (uint32_t i = 0; i < 3; i++) {
    fake_deliver(&camera);
    CHECK_EQ(MiniAV_TakeBuffer(camera.handle, &buffers[i]),
             i < 2 ? MINIAV_SUCCESS : MINIAV_ERROR_NO_BUFFER);
  }
  CHECK_EQ(MiniAV_ReleaseBuffer(buffers[0].internal_handle), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_ReleaseBuffer(buffers[1].internal_handle), MINIAV_SUCCESS);
  fake_source_destroy(&camera);
}

/* -- text that is cut
 * ------------------------------------------------------------------------------ */

static void check_whole(const char *text) {
  CHECK_EQ(text_whole(text, strlen(text)), strlen(text));
}

static void test_text(void) {
  CHECK_EQ(text_whole("a\xc3", 2), 1);
  CHECK_EQ(text_whole("a\xc3\xa9", 3), 3);
  CHECK_EQ(text_whole("a\xe2\x82", 3), 1);
  CHECK_EQ(text_whole("a\xf0\x9f\x98", 4), 1);
  CHECK_EQ(text_whole("a\xf0\x9f\x98\x80", 5), 5);
  CHECK_EQ(text_whole("", 0), 0);
  CHECK_EQ(text_whole("\x80\x80\x80\x80\x80", 5), 5); /* nothing to be saved */
  char name[MINIAV_TEXT_BYTES];
  char joined[MINIAV_TEXT_BYTES];
  MiniAVEvent event;
  CHECK_EQ(MiniAV_WaiterWatchLog(waiter, MINIAV_LOG_LEVEL_DEBUG), MINIAV_SUCCESS);
  for (uint32_t shift = 0; shift < 4; shift++) { /* every way to cut a sequence of four */
    memset(name, 'a', shift);
    for (uint32_t at = shift; at < MINIAV_TEXT_BYTES - 4; at += 4) {
      memcpy(name + at, "\xf0\x9f\x98\x80", 5);
    }
    device_id_join(joined, "camera", name);
    CHECK(strlen(joined) > 200 && strlen(joined) < MINIAV_TEXT_BYTES);
    const char *hash = strrchr(joined, '#');
    if (CHECK(hash != NULL)) {
      size_t kept = (size_t)(hash - joined);
      CHECK_EQ(text_whole(joined, kept), kept);
    }
    text_copy(joined, 100, name);
    check_whole(joined);
    char line[2 * MINIAV_TEXT_BYTES];
    snprintf(line, sizeof line, "%s%s", name, name);
    CHECK_EQ(MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, line), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_SUCCESS);
    check_whole(event.text);
  }
  CHECK_EQ(MiniAV_WaiterWatchLog(waiter, (MiniAVLogLevel)-1), MINIAV_SUCCESS); /* above ERROR */
  CHECK_EQ(MiniAV_TestLog(MINIAV_LOG_LEVEL_ERROR, "unheard"), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_NextEvent(waiter, &event), MINIAV_ERROR_NO_BUFFER);
}

int main(void) {
  use_test_backends();
  CHECK_EQ(MiniAV_CreateWaiter(&waiter), MINIAV_SUCCESS);
  for (int form = 0; form < 4; form++) {
    test_pending((form & 1) != 0, (form & 2) != 0);
  }
  test_stop_ends_configure();
  test_cancelled_while_waiting();
  test_late_deferred_stop();
  test_refused();
  test_capacity_before_start();
  test_text();
  CHECK_EQ(MiniAV_DestroyWaiter(waiter), MINIAV_SUCCESS);
  CHECK_EQ(MiniAV_Dispose(), MINIAV_SUCCESS);
  return check_report("pending");
}
