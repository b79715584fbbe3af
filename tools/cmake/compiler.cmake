# Warnings, sanitizers, hardening and the linker: everything that each target of ours gets.

add_library(steward_warnings INTERFACE)
target_compile_options(steward_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Werror
  -Wshadow -Wconversion -Wold-style-cast -Woverloaded-virtual -Wnon-virtual-dtor
  -Wimplicit-fallthrough -Wformat=2 -Wundef -Wextra-semi
  -Wno-sign-conversion)  # sizes of the C libraries are ints and size_t by turns: the casts would hide more than they show
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(steward_warnings INTERFACE
    -Wthread-safety
    -Wno-missing-field-initializers)  # designated initialisers leave members at their defaults on purpose
else()
  target_compile_options(steward_warnings INTERFACE
    -Wduplicated-cond -Wlogical-op
    -Wno-missing-field-initializers  # the same
    -Wno-maybe-uninitialized)  # g++ 12 takes members of std::variant and std::regex for it once they are inlined
endif()

if(CMAKE_UNITY_BUILD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-subobject-linkage>)  # sources that others include are no headers
endif()
if(STEWARD_SANITIZE)
  add_compile_options(-fsanitize=${STEWARD_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${STEWARD_SANITIZE})
  if(STEWARD_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
    if(STEWARD_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # A check at each use of a reference or pointer: a third of the time of compiling, half of the
      # code. The address sanitizer sees what follows from most of it, but no misaligned access; the
      # fuzz targets keep them all for what they are built of, the parsers of the world's bytes.
      add_compile_options(-fno-sanitize=null,alignment,object-size,vptr)
    endif()
  endif()
  if(STEWARD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # atomic_thread_fence inside library headers
  endif()
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_BUILD_TYPE MATCHES "Rel")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  endif()
  add_link_options(-Wl,-z,relro,-z,now -Wl,--as-needed)
endif()
include(CheckPIESupported)
check_pie_supported()
if(STEWARD_SANITIZE MATCHES "address" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set(CMAKE_POSITION_INDEPENDENT_CODE OFF)  # a program of a test starts in half the time
else()
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
endif()

find_program(MOLD mold)
if(MOLD AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_link_options(-fuse-ld=mold)
endif()
