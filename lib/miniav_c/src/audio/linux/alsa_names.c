#include "audio/linux/alsa_names.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "common/dynlib.h"

/* From alsa/pcm.h and alsa/error.h, whose ABI has been fixed since 1.0: their headers are not among
 * those that the build fetches, and this is all that is needed of them. */
enum { STREAM_CAPTURE = 1, OPEN_NONBLOCK = 1, TYPE_FILE = 3, TYPE_NULL = 4 };
typedef void (*error_handler)(const char *file, int line, const char *function, int error,
                              const char *format, va_list arguments);

static struct alsa_functions {
  int (*snd_pcm_open)(void **pcm, const char *name, int stream, int mode);
  int (*snd_pcm_close)(void *pcm);
  int (*snd_pcm_type)(void *pcm);
  error_handler (*snd_lib_error_set_local)(error_handler handler);
} alsa;

static const struct dynlib_symbol alsa_symbols[] = {
    {"snd_pcm_open", offsetof(struct alsa_functions, snd_pcm_open), DYNLIB_REQUIRED},
    {"snd_pcm_close", offsetof(struct alsa_functions, snd_pcm_close), DYNLIB_REQUIRED},
    {"snd_pcm_type", offsetof(struct alsa_functions, snd_pcm_type), DYNLIB_REQUIRED},
    {"snd_lib_error_set_local", offsetof(struct alsa_functions, snd_lib_error_set_local),
     DYNLIB_OPTIONAL},
};

static const char *const alsa_files[] = {"libasound.so.2", NULL};
static struct dynlib alsa_dynlib = DYNLIB_INITIALIZER(alsa_files, alsa_symbols, &alsa);

static void discard(const char *file, int line, const char *function, int error, const char *format,
                    va_list arguments) {
  (void)file;
  (void)line;
  (void)function;
  (void)error;
  (void)format;
  (void)arguments;
}

void alsa_quiet_thread(void) {
  if (dynlib_load(&alsa_dynlib, NULL, 0) && alsa.snd_lib_error_set_local != NULL) {
    alsa.snd_lib_error_set_local(discard);
  }
}

MiniAVResultCode alsa_check(const char *name) {
  if (!dynlib_load(&alsa_dynlib, NULL, 0)) {
    return MINIAV_ERROR_NOT_SUPPORTED;
  }
  alsa_quiet_thread();
  void *pcm = NULL;
  int result = alsa.snd_pcm_open(&pcm, name, STREAM_CAPTURE, OPEN_NONBLOCK);
  if (result < 0) {
    return result == -EBUSY ? MINIAV_ERROR_DEVICE_BUSY : MINIAV_ERROR_DEVICE_NOT_FOUND;
  }
  int type = alsa.snd_pcm_type(pcm);
  alsa.snd_pcm_close(pcm);
  /* Nothing paces these two: they give 50 million frames a second. */
  return type == TYPE_NULL || type == TYPE_FILE ? MINIAV_ERROR_DEVICE_NOT_FOUND : MINIAV_SUCCESS;
}

/* The device files of cards lie in this folder; adding one changes its time. */
uint64_t alsa_cards_stamp(void) {
  struct stat folder;
  if (stat("/dev/snd", &folder) != 0) {
    return 0;
  }
  return (uint64_t)folder.st_mtim.tv_sec * 1000000000u + (uint64_t)folder.st_mtim.tv_nsec;
}

bool alsa_is_microphone(const char *name) {
  /* PCMs that alsa-lib and alsa-plugins define on top of the default device, to convert or to
   * filter (/usr/share/alsa/alsa.conf.d), or for sound systems that have a backend of their own. */
  static const char *const others[] = {"null",  "file",      "lavrate",   "samplerate",
                                       "speex", "speexrate", "upmix",     "vdownmix",
                                       "oss",   "jack",      "sysdefault"};
  for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
    if (strcmp(name, others[i]) == 0) {
      return false;
    }
  }
  if (strstr(name, ":CARD=") != NULL) {
    return strncmp(name, "hw:", 3) == 0; /* the rest are ways to the same device */
  }
  return alsa_check(name) != MINIAV_ERROR_DEVICE_NOT_FOUND;
}
