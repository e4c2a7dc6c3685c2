/* MiniAV: camera, screen, microphone and loopback capture behind one C API. */
#ifndef MINIAV_H
#define MINIAV_H

#include "miniav_types.h"
#include "miniav_buffer.h"
#include "miniav_waiter.h"
#include "miniav_capture.h"
#include "miniav_test.h"

#endif
