/*
 * Cameras that are nodes of PipeWire's graph (class Video/Source, role Camera), however that graph
 * was reached: what the backends "pipewire" and "portal" share.
 *
 * Threads: the loop thread of the capture's own connection delivers, and tells what becomes of the
 * camera; start, stop and close hold its lock where they touch the stream.
 *
 * Invariants
 * - `lock` guards what start waits for; order: loop lock → lock.
 * - A capture of an id ends with its node: a camera of the same name that comes later is another
 *   one until it is opened again. Only a capture of the default camera moves: when its stream ends
 *   it is an orphan until the graph tells of another default, at most for ORPHAN_MS.
 */
#ifndef MINIAV_CAMERA_LINUX_PIPEWIRE_CAMERA_H
#define MINIAV_CAMERA_LINUX_PIPEWIRE_CAMERA_H

#include "camera/camera_backend.h"

#if defined(MINIAV_HAVE_PIPEWIRE)

#include "common/linux/pipewire_connection.h"

#define PIPEWIRE_CAMERA_ANSWER_MS 3000u

/* How a backend comes to cameras. */
struct pipewire_camera_way {
  /* As pipewire_connect; may ask the person. listener may be NULL. */
  MiniAVResultCode (*connect)(const struct pipewire_listener *listener, struct cancel *cancel,
                              struct pipewire_connection **connection);
  /* False where links can neither be made nor seen: then the session manager links. */
  bool links_itself;
  const char *gone; /* why a node that is no more there has gone */
};

/* The default first; of nodes with one name the oldest, which is the one that the id means. */
void pipewire_cameras_list(const struct pipewire_graph *graph, struct device_list *devices);
/* The cameras of a connection, which then ends. */
void pipewire_cameras_list_once(struct pipewire_connection *connection,
                                struct device_list *devices);

/* As the members of struct backend; an id is a node's name, "" the default camera. */
MiniAVResultCode pipewire_camera_formats(const struct pipewire_camera_way *way, const char *id,
                                         struct format_list *list, struct cancel *cancel);
MiniAVResultCode pipewire_camera_default_format(const struct pipewire_camera_way *way,
                                                const char *id, struct capture_format *format,
                                                struct cancel *cancel);
MiniAVResultCode pipewire_camera_open(const struct pipewire_camera_way *way,
                                      struct capture *capture, const char *id,
                                      const MiniAVVideoInfo *wanted, struct capture_format *format,
                                      void **state, struct cancel *cancel);
MiniAVResultCode pipewire_camera_start(void *state, struct cancel *cancel);
void pipewire_camera_stop(void *state);
void pipewire_camera_close(void *state);
/* Of a node that stands for a V4L2 device (pipewire_controls.h), else NOT_SUPPORTED. */
MiniAVResultCode pipewire_camera_property_info(void *state, MiniAVPropertyKey key,
                                               MiniAVPropertyInfo *info);
MiniAVResultCode pipewire_camera_get_property(void *state, MiniAVPropertyKey key,
                                              MiniAVPropertyValue *value);
MiniAVResultCode pipewire_camera_set_property(void *state, MiniAVPropertyKey key,
                                              const MiniAVPropertyValue *value);
MiniAVResultCode pipewire_camera_set_auto_property(void *state, MiniAVPropertyKey key,
                                                   bool automatic);

#endif
#endif
