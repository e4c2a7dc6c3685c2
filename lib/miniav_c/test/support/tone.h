/* Test signals: a sine, and what of it arrived. */
#ifndef MINIAV_TEST_SUPPORT_TONE_H
#define MINIAV_TEST_SUPPORT_TONE_H

#include <math.h>
#include <stddef.h>

#define TONE_PI 3.14159265358979323846

/* Ratios below 1e-15, silence too, are -300 dB. */
static inline double tone_decibel(double amplitude_ratio) {
  return amplitude_ratio < 1e-15 ? -300.0 : 20.0 * log10(amplitude_ratio);
}

/* Writes every stride-th sample: amplitude × sin(2π × frequency × frame / rate). */
static inline void tone_write(float *out, size_t stride, size_t frames, double frequency_hz,
                              double rate_hz, double amplitude) {
  for (size_t i = 0; i < frames; i++) {
    double turns = frequency_hz * (double)i / rate_hz;
    out[i * stride] = (float)(amplitude * sin(2.0 * TONE_PI * (turns - floor(turns))));
  }
}

struct tone_fit {
  double amplitude; /* of the sine of that frequency which fits best */
  double phase;     /* of it at frame 0, in radians from a sine that starts at 0 */
  double residual;  /* √2 × root mean square of everything else: as the amplitude of a sine */
};

/* Least squares over frames first … first + count - 1 of every stride-th sample. A frequency of 0
 * or at least half the rate fits nothing: all is residual. */
static inline struct tone_fit tone_measure(const float *in, size_t stride, size_t first,
                                           size_t count, double frequency_hz, double rate_hz) {
  struct tone_fit fit = {0.0, 0.0, 0.0};
  double ss = 0.0, cc = 0.0, sc = 0.0, ys = 0.0, yc = 0.0, a = 0.0, b = 0.0, power = 0.0;
  double step = 2.0 * TONE_PI * frequency_hz / rate_hz;
  if (frequency_hz > 0.0 && frequency_hz < rate_hz / 2.0) {
    for (size_t i = first; i < first + count; i++) {
      double s = sin(step * (double)i);
      double c = cos(step * (double)i);
      double y = in[i * stride];
      ss += s * s;
      cc += c * c;
      sc += s * c;
      ys += y * s;
      yc += y * c;
    }
    double determinant = ss * cc - sc * sc;
    a = (ys * cc - yc * sc) / determinant;
    b = (yc * ss - ys * sc) / determinant;
  }
  for (size_t i = first; i < first + count; i++) {
    double rest = in[i * stride] - a * sin(step * (double)i) - b * cos(step * (double)i);
    power += rest * rest;
  }
  fit.amplitude = sqrt(a * a + b * b);
  fit.phase = atan2(b, a);
  fit.residual = sqrt(2.0 * power / (double)count);
  return fit;
}

#endif
