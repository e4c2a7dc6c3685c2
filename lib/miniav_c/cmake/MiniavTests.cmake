# One program a test file, linked with the library's objects, so that tests reach internals.
# test/support/*.c is shared by all of them.
file(GLOB support CONFIGURE_DEPENDS "test/support/*.c")
file(GLOB tests CONFIGURE_DEPENDS "test/*_test.c")

if(support)
  add_library(miniav_test_support OBJECT ${support})
  target_include_directories(miniav_test_support PUBLIC test)
  target_link_libraries(miniav_test_support PUBLIC miniav_options)
endif()

# Read by the sanitizers' runtimes; harmless without them. clang's names functions in a report by a
# program that Debian only has under a name with its version.
find_program(MINIAV_SYMBOLIZER NAMES llvm-symbolizer llvm-symbolizer-14)
set(tsan "halt_on_error=1:second_deadlock_stack=1")
if(MINIAV_SYMBOLIZER)
  string(APPEND tsan ":external_symbolizer_path=${MINIAV_SYMBOLIZER}")
endif()
set(environment
  "ASAN_OPTIONS=detect_leaks=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=${tsan}")

# The machine's own devices and daemons are none of these tests' business.
foreach(kind IN ITEMS CAMERA SCREEN AUDIO LOOPBACK)
  list(APPEND environment "MINIAV_${kind}_BACKEND=test")
endforeach()

foreach(file IN LISTS tests)
  get_filename_component(name "${file}" NAME_WE)
  add_executable(${name} "${file}")
  target_include_directories(${name} PRIVATE test)
  target_link_libraries(${name} PRIVATE miniav_objects)
  if(support)
    target_link_libraries(${name} PRIVATE miniav_test_support)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 180 ENVIRONMENT "${environment}")
endforeach()

# Programs that tests of the operating system's own devices start; none is a test by itself. Parts of
# a large one are in a folder of its name.
file(GLOB programs CONFIGURE_DEPENDS "test/os/*.c")
foreach(file IN LISTS programs)
  get_filename_component(name "${file}" NAME_WE)
  file(GLOB parts CONFIGURE_DEPENDS "test/os/${name}/*.c")
  add_executable(${name} "${file}" ${parts})
  target_include_directories(${name} PRIVATE test)
  target_link_libraries(${name} PRIVATE miniav_objects)
  if(support)
    target_link_libraries(${name} PRIVATE miniav_test_support)
  endif()
endforeach()

# One program, for the guest kernel of scripts/guest.
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
  file(GLOB guest CONFIGURE_DEPENDS "test/guest/*.c")
  add_executable(v4l2_guest ${guest})
  target_include_directories(v4l2_guest PRIVATE test)
  target_link_libraries(v4l2_guest PRIVATE miniav_objects)
endif()
