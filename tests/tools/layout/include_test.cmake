# Compiles one line, #include "HEADER", with the include folders of one room, and expects that it
# does (EXPECT=compiles) or that the header is not found (EXPECT=refused).
#
#   cmake -DCOMPILER=g++ -DFLAGS=room.flags -DHEADER=subjects/bus/bus.hpp -DEXPECT=refused
#         -DWORK=folder -P include_test.cmake

string(MAKE_C_IDENTIFIER "${HEADER}" name)
get_filename_component(room "${FLAGS}" NAME_WE)
set(source "${WORK}/${room}_${name}.cpp")
file(WRITE "${source}" "#include \"${HEADER}\"\n")
execute_process(COMMAND "${COMPILER}" -std=c++20 -fsyntax-only "@${FLAGS}" "${source}"
                RESULT_VARIABLE status ERROR_VARIABLE said)
if(EXPECT STREQUAL "compiles" AND NOT status EQUAL 0)
  message(FATAL_ERROR "${HEADER} does not compile in ${room}:\n${said}")
endif()
if(EXPECT STREQUAL "refused" AND NOT said MATCHES "${HEADER}[^\n]*(No such file|file not found)")
  message(FATAL_ERROR "${HEADER} is not refused in ${room} (status ${status}):\n${said}")
endif()
