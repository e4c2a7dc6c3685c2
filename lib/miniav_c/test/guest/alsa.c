/* A microphone on a real ALSA card: snd-aloop, whose other end plays a tone. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "v4l2_guest.h"

#define RATE      48000u
#define TONE_HZ   1000.0
#define AMPLITUDE 0.5
#define WINDOW    (RATE / 4)
#define TRIES     20

static const double pi = 3.14159265358979323846;
static atomic_bool silent;

/* aplay takes what the card takes, so the pipe sets the pace. */
static void *play(void *argument) {
  FILE *pipe_ = argument;
  int16_t block[480 * 2];
  for (uint64_t frame = 0; !atomic_load(&silent); frame += 480) {
    for (uint32_t i = 0; i < 480; i++) {
      double phase = 2 * pi * TONE_HZ * (double)(frame + i) / RATE;
      int16_t sample = (int16_t)lrint(32767 * AMPLITUDE * sin(phase));
      block[2 * i] = sample;
      block[2 * i + 1] = sample;
    }
    if (fwrite(block, sizeof block, 1, pipe_) != 1) {
      break;
    }
  }
  return NULL;
}

/* The amplitude at one frequency, and of everything. */
static void measure(const float *samples, double frequency, double *tone, double *all) {
  double sine = 0;
  double cosine = 0;
  double power = 0;
  for (uint32_t i = 0; i < WINDOW; i++) {
    double phase = 2 * pi * frequency * i / RATE;
    sine += (double)samples[i] * sin(phase);
    cosine += (double)samples[i] * cos(phase);
    power += (double)samples[i] * (double)samples[i];
  }
  *tone = 2 * sqrt(sine * sine + cosine * cosine) / WINDOW;
  *all = sqrt(2 * power / WINDOW);
}

/* A stretch without a gap; an emulated machine may lose some. */
static bool collect(MiniAVAudioContextHandle context, float *samples) {
  uint32_t count = 0;
  while (count < WINDOW) {
    MiniAVBuffer buffer;
    if (!CHECK_EQ(MiniAV_WaitBuffer((MiniAVHandle)context, PATIENCE_MS, &buffer), MINIAV_SUCCESS)) {
      return false;
    }
    count = (buffer.flags & MINIAV_BUFFER_FLAG_DISCONTINUITY) != 0 ? 0 : count;
    const float *from = buffer.data.audio.data;
    for (uint32_t i = 0; i < buffer.data.audio.frame_count && count < WINDOW; i++) {
      samples[count++] = from[i * buffer.data.audio.channel_count];
    }
    release(&buffer);
  }
  return true;
}

static void check_tone(MiniAVAudioContextHandle context) {
  float *samples = calloc(WINDOW, sizeof *samples);
  double tone = 0;
  double all = 0;
  bool good = samples != NULL;
  bool heard = false;
  for (int i = 0; i < TRIES && good && !heard; i++) {
    good = collect(context, samples);
    measure(samples, TONE_HZ, &tone, &all);
    heard = fabs(tone - AMPLITUDE) < 0.005 && fabs(all - AMPLITUDE) < 0.005;
  }
  CHECK_NEAR(tone, AMPLITUDE, 0.005);
  CHECK_NEAR(all, AMPLITUDE, 0.005); /* nothing else is heard */
  free(samples);
}

static bool find_card(char id[MINIAV_TEXT_BYTES]) {
  MiniAVDeviceInfo *devices = NULL;
  uint32_t count = 0;
  bool found = false;
  /* Whoever emulates this machine may have no time for three seconds. */
  MiniAVResultCode listed = MINIAV_ERROR_TIMEOUT;
  for (int i = 0; i < 5 && listed == MINIAV_ERROR_TIMEOUT; i++) {
    listed = MiniAV_Audio_EnumerateDevices(&devices, &count);
  }
  CHECK_EQ(listed, MINIAV_SUCCESS);
  for (uint32_t i = 0; i < count && !found; i++) {
    found = strcmp(devices[i].device_id, "alsa:hw:CARD=Loopback,DEV=1") == 0 ||
            strcmp(devices[i].device_id, "alsa:hw:Loopback,1") == 0;
    memcpy(id, devices[i].device_id, MINIAV_TEXT_BYTES);
    fprintf(stderr, "  %s\n", devices[i].device_id);
  }
  MiniAV_FreeDeviceList(devices, count);
  return CHECK(found);
}

void test_alsa(void) {
  char id[MINIAV_TEXT_BYTES];
  FILE *player = popen("aplay -q -t raw -f S16_LE -r 48000 -c 2 -D hw:Loopback,0", "w");
  pthread_t thread;
  if (!CHECK(player != NULL) || !CHECK_EQ(pthread_create(&thread, NULL, play, player), 0)) {
    return;
  }
  MiniAVAudioContextHandle context = NULL;
  MiniAVAudioInfo format = {RATE, 2, MINIAV_AUDIO_FORMAT_F32};
  if (find_card(id)) {
    CHECK_EQ(MiniAV_Audio_CreateContext(&context), MINIAV_SUCCESS);
    CHECK_EQ(MiniAV_Audio_Configure(context, id, &format), MINIAV_SUCCESS);
    if (CHECK_EQ(MiniAV_Audio_StartCapture(context, NULL, NULL), MINIAV_SUCCESS)) {
      check_tone(context);
      CHECK_EQ(MiniAV_Audio_StopCapture(context), MINIAV_SUCCESS);
    }
    CHECK_EQ(MiniAV_Audio_DestroyContext(context), MINIAV_SUCCESS);
  }
  atomic_store(&silent, true);
  pthread_join(thread, NULL);
  CHECK_EQ(pclose(player), 0);
}
