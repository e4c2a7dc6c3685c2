# MINIAV_SANITIZE=address adds AddressSanitizer and UndefinedBehaviorSanitizer, =thread
# ThreadSanitizer, for the library and its tests. The first finding ends a test.
set(MINIAV_SANITIZE "" CACHE STRING "address (with undefined), thread, or empty")

function(miniav_sanitize target)
  if(MINIAV_SANITIZE STREQUAL "")
    return()
  elseif(MINIAV_SANITIZE STREQUAL "address")
    set(flags -fsanitize=address,undefined -fno-sanitize-recover=all)
  elseif(MINIAV_SANITIZE STREQUAL "thread")
    set(flags -fsanitize=thread)
  else()
    message(FATAL_ERROR "MINIAV_SANITIZE=${MINIAV_SANITIZE}: address or thread")
  endif()
  target_compile_options(${target} INTERFACE ${flags} -fno-omit-frame-pointer)
  target_link_options(${target} INTERFACE ${flags})
endfunction()
