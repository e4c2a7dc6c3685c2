#include "miniav_capture.h"

const char *MiniAV_GetErrorString(MiniAVResultCode code) {
  switch (code) {
  case MINIAV_SUCCESS:
    return "success";
  case MINIAV_ERROR_UNKNOWN:
    return "unknown error";
  case MINIAV_ERROR_INVALID_ARG:
    return "an argument is NULL, out of range or contradicts another";
  case MINIAV_ERROR_NOT_INITIALIZED:
    return "the library has been disposed of";
  case MINIAV_ERROR_SYSTEM_CALL_FAILED:
    return "the operating system or a daemon refused";
  case MINIAV_ERROR_NOT_SUPPORTED:
    return "no backend here can do it";
  case MINIAV_ERROR_BUFFER_TOO_SMALL:
    return "the memory given is too small";
  case MINIAV_ERROR_INVALID_HANDLE:
    return "the handle is stale, released or was never valid";
  case MINIAV_ERROR_DEVICE_NOT_FOUND:
    return "no device has this id";
  case MINIAV_ERROR_DEVICE_BUSY:
    return "the device is in use, or a table is full";
  case MINIAV_ERROR_DEVICE_LOST:
    return "the device went away";
  case MINIAV_ERROR_ALREADY_RUNNING:
    return "the capture is running";
  case MINIAV_ERROR_NOT_RUNNING:
    return "the capture is not running";
  case MINIAV_ERROR_NOT_CONFIGURED:
    return "the capture is not configured";
  case MINIAV_ERROR_PERMISSION_DENIED:
    return "permission denied";
  case MINIAV_ERROR_USER_CANCELLED:
    return "cancelled";
  case MINIAV_ERROR_TIMEOUT:
    return "no answer in time";
  case MINIAV_ERROR_OUT_OF_MEMORY:
    return "memory, threads or descriptors are exhausted";
  case MINIAV_ERROR_FORMAT_NOT_SUPPORTED:
    return "the device does not offer this format";
  case MINIAV_ERROR_PORTAL_FAILED:
    return "the desktop portal answered with an error";
  case MINIAV_ERROR_NO_BUFFER:
    return "nothing is queued now";
  }
  return "unknown error";
}
