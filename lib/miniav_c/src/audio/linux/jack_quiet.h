/* libjack writes its errors to stderr, also the one that no server runs. */
#ifndef MINIAV_AUDIO_JACK_QUIET_H
#define MINIAV_AUDIO_JACK_QUIET_H

/* Takes both message functions of that library, for the whole process. */
void jack_quiet(void);

#endif
