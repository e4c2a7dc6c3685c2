# miniaudio.h, and the headers of libraries that are opened at run time. The folders are those that
# scripts/toolchain.ts fills; each can be set from outside.
set(MINIAV_CACHE "${CMAKE_CURRENT_SOURCE_DIR}/../../.cache")
find_path(MINIAV_MINIAUDIO_DIR miniaudio.h
  HINTS ENV MINIAV_MINIAUDIO_DIR
  PATHS "${MINIAV_CACHE}/miniaudio-0.11.25"
  DOC "Folder of miniaudio.h 0.11.25")
set(MINIAV_HEADERS_DIR "${MINIAV_CACHE}/headers" CACHE PATH
  "Folder of the headers of PipeWire, PulseAudio, D-Bus and XCB")

# The implementation is one file of ours that includes the header; its warnings are not ours.
function(miniav_use_miniaudio target)
  if(APPLE)
    return()
  endif()
  if(NOT MINIAV_MINIAUDIO_DIR)
    message(FATAL_ERROR "miniaudio.h 0.11.25 not found: set MINIAV_MINIAUDIO_DIR to its folder")
  endif()
  target_include_directories(${target} SYSTEM PUBLIC "${MINIAV_MINIAUDIO_DIR}")
  if(NOT MSVC)
    set_source_files_properties(src/audio/miniaudio_impl.c PROPERTIES
      COMPILE_OPTIONS "-w;-fno-sanitize=undefined")
  endif()
endfunction()

# miniav_optional(<target> <option> <macro> <probe> <folder>...): on where the headers are there.
function(miniav_optional target option macro probe)
  set(available OFF)
  if(EXISTS "${MINIAV_HEADERS_DIR}/${probe}")
    set(available ON)
  endif()
  option(${option} "Build the backends that need ${option}" ${available})
  if(NOT ${option})
    message(STATUS "${option} is off: no headers, no backend")
    return()
  endif()
  target_compile_definitions(${target} INTERFACE ${macro}=1)
  foreach(folder IN LISTS ARGN)
    target_include_directories(${target} SYSTEM INTERFACE "${MINIAV_HEADERS_DIR}/${folder}")
  endforeach()
endfunction()

function(miniav_optional_libraries target)
  if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    return()
  endif()
  miniav_optional(${target} MINIAV_PIPEWIRE MINIAV_HAVE_PIPEWIRE
    pipewire-0.3/pipewire/pipewire.h pipewire-0.3 spa-0.2)
  miniav_optional(${target} MINIAV_PULSE MINIAV_HAVE_PULSE pulse/pulseaudio.h .)
  miniav_optional(${target} MINIAV_DBUS MINIAV_HAVE_DBUS
    dbus-1.0-arch/dbus/dbus-arch-deps.h dbus-1.0 dbus-1.0-arch)
  miniav_optional(${target} MINIAV_XCB MINIAV_HAVE_XCB xcb/xcb.h .)
endfunction()
