# One room of the house = one static library. A file in it may include its own room and the rooms
# that it links, nothing else: each target's include root holds a link to its own folder only, so a
# wrong-direction include does not compile.
#
#   steward_module(subjects/bus SOURCES a.cpp b.cpp PUBLIC subjects/wire PRIVATE PkgConfig::NATS)
#
# PUBLIC: rooms (by path) and libraries that its headers need; PRIVATE: those that only its .cpp need.

function(steward_room_target out path)
  string(REPLACE "/" "_" name "${path}")
  set(${out} "room_${name}" PARENT_SCOPE)
endfunction()

# A room's include root: a folder with one link in it, to the room.
function(steward_include_root out path)
  steward_room_target(target "${path}")
  set(root "${CMAKE_BINARY_DIR}/rooms/${target}")
  get_filename_component(parent "${root}/${path}" DIRECTORY)
  file(MAKE_DIRECTORY "${parent}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${path}" "${root}/${path}" SYMBOLIC)
  set(${out} "${root}" PARENT_SCOPE)
endfunction()

# Links rooms given by path (they contain a '/' or are a top-level folder) and libraries given by name.
function(steward_link target scope)
  foreach(item IN LISTS ARGN)
    if(IS_DIRECTORY "${CMAKE_SOURCE_DIR}/${item}")
      steward_room_target(item "${item}")
    endif()
    target_link_libraries(${target} ${scope} ${item})
  endforeach()
endfunction()

function(steward_module path)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  steward_room_target(target "${path}")
  list(TRANSFORM arg_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/${path}/")
  add_library(${target} STATIC ${arg_SOURCES})
  steward_include_root(root "${path}")
  target_include_directories(${target} PUBLIC "${root}")
  steward_link(${target} PRIVATE steward_warnings ${arg_PRIVATE})
  steward_link(${target} PUBLIC ${arg_PUBLIC})
endfunction()

# A program made of one room's main.cpp: steward_program(steward-edge edge main.cpp LINKS ...)
function(steward_program name path)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  list(TRANSFORM arg_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/${path}/")
  add_executable(${name} ${arg_SOURCES})
  steward_include_root(root "${path}")
  target_include_directories(${name} PRIVATE "${root}")
  steward_link(${name} PRIVATE steward_warnings ${arg_LINKS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()

# One test program per module, its cases found by doctest: steward_test(subjects/wire SOURCES ... LINKS ...)
# Sources are named below tests/<path>. LABEL is unit unless given. A case may take TIMEOUT seconds, or
# STEWARD_TEST_TIMEOUT where that is more. Those of a higher COST (0) begin first. Where
# STEWARD_TEST_ROOMS leaves the path out, the program is built only when it is asked for by name.
function(steward_test path)
  cmake_parse_arguments(arg "" "COST;LABEL;TIMEOUT" "SOURCES;LINKS" ${ARGN})
  if(NOT arg_LABEL)
    set(arg_LABEL unit)
  endif()
  if(NOT arg_COST)
    set(arg_COST 0)
  endif()
  if(NOT arg_TIMEOUT OR arg_TIMEOUT LESS STEWARD_TEST_TIMEOUT)
    set(arg_TIMEOUT ${STEWARD_TEST_TIMEOUT})
  endif()
  string(REPLACE "/" "_" name "test_${path}")
  list(TRANSFORM arg_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/tests/${path}/")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE test_main)
  if(STEWARD_SANITIZE MATCHES "undefined")
    # A third of the time of compiling the tests, spent on their own code; the rooms keep it.
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined)
  endif()
  target_compile_definitions(${name} PRIVATE "STEWARD_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\""
                                             "STEWARD_BIN_DIR=\"${CMAKE_BINARY_DIR}/bin\"")
  steward_include_root(root tests)
  target_include_directories(${name} PRIVATE "${root}")
  steward_link(${name} PRIVATE steward_warnings doctest::doctest ${arg_LINKS})
  if(path MATCHES "${STEWARD_TEST_ROOMS}")
    doctest_discover_tests(${name} TEST_PREFIX "${path}: "
                           PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} COST ${arg_COST})
  else()
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL ON)
  endif()
endfunction()
