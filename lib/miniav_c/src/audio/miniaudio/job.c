#include "audio/miniaudio/job.h"

#include <stdlib.h>

#include "common/clock.h"

struct job {
  MiniAVResultCode (*run)(void *argument);
  void (*drop)(void *argument);
  void *argument;
  struct mutex mutex;
  struct condition changed;
  bool done;
  bool abandoned;
  MiniAVResultCode result;
};

static void job_free(struct job *job) {
  condition_destroy(&job->changed);
  mutex_destroy(&job->mutex);
  free(job);
}

static void job_main(void *user) {
  struct job *job = user;
  MiniAVResultCode result = job->run(job->argument);
  mutex_lock(&job->mutex);
  job->result = result;
  job->done = true;
  bool abandoned = job->abandoned;
  condition_broadcast(&job->changed);
  mutex_unlock(&job->mutex);
  if (abandoned) {
    job->drop(job->argument);
    job_free(job);
  }
}

/* Under the mutex: whether it was done in time. */
static bool wait_done(struct job *job, uint32_t timeout_ms, struct cancel *cancel) {
  int64_t deadline_us = clock_deadline_us(timeout_ms);
  while (!job->done &&
         cancel_wait_step(cancel, &job->changed, &job->mutex, deadline_us) == MINIAV_SUCCESS) {
  }
  return job->done;
}

MiniAVResultCode job_run(MiniAVResultCode (*run)(void *argument), void (*drop)(void *argument),
                         void *argument, uint32_t timeout_ms, struct cancel *cancel) {
  struct job *job = calloc(1, sizeof(*job));
  if (job == NULL) {
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  job->run = run;
  job->drop = drop;
  job->argument = argument;
  mutex_init(&job->mutex);
  condition_init(&job->changed);
  if (!thread_start("miniav-mic-job", job_main, job)) {
    job_free(job);
    return MINIAV_ERROR_OUT_OF_MEMORY;
  }
  mutex_lock(&job->mutex);
  bool done = wait_done(job, timeout_ms, cancel);
  MiniAVResultCode result = job->result;
  job->abandoned = !done;
  mutex_unlock(&job->mutex);
  if (!done) {
    return cancel != NULL && cancel_requested(cancel) ? MINIAV_ERROR_USER_CANCELLED
                                                      : MINIAV_ERROR_TIMEOUT;
  }
  job_free(job);
  return result;
}
