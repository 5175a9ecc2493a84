# Language level, warnings, hardening and sanitizers for our own targets only.
# Two interface targets carry them: ss_settings (how we compile) and ss_warnings (what we accept).
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

option(SURVEYSYNC_TESTS "build the tests" ON)
option(SURVEYSYNC_DEV "warnings are errors, libstdc++ assertions" ON)
set(SURVEYSYNC_SANITIZE "" CACHE STRING "address,undefined | thread | empty")
option(SURVEYSYNC_COVERAGE "instrument for gcov" OFF)

find_program(CCACHE ccache)
if(CCACHE)
  # ccache understands precompiled headers only when told that their defines may be ignored.
  set(CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

include(Batches)  # ss_batches(): many files compiled as one, where that is asked for

add_library(ss_settings INTERFACE)
target_include_directories(ss_settings INTERFACE "${CMAKE_SOURCE_DIR}/src")
target_compile_definitions(ss_settings INTERFACE SURVEYSYNC_VERSION="${PROJECT_VERSION}")
# What Poco's packages define: the same everywhere, so that one precompiled header serves all rooms.
target_compile_definitions(ss_settings INTERFACE _FILE_OFFSET_BITS=64 _LARGEFILE64_SOURCE _REENTRANT _THREAD_SAFE _XOPEN_SOURCE=500)
target_compile_options(ss_settings INTERFACE -fno-omit-frame-pointer $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
if(SURVEYSYNC_SANITIZE)
  target_compile_options(ss_settings INTERFACE -fsanitize=${SURVEYSYNC_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(ss_settings INTERFACE -fsanitize=${SURVEYSYNC_SANITIZE})
endif()
if(SURVEYSYNC_COVERAGE)
  target_compile_options(ss_settings INTERFACE --coverage)
  target_link_options(ss_settings INTERFACE --coverage)
endif()
if(SURVEYSYNC_DEV)
  target_compile_definitions(ss_settings INTERFACE _GLIBCXX_ASSERTIONS)
elseif(NOT SURVEYSYNC_SANITIZE)
  target_compile_definitions(ss_settings INTERFACE _FORTIFY_SOURCE=2)
  target_compile_options(ss_settings INTERFACE -fstack-protector-strong -fPIE)
  target_link_options(ss_settings INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

# In a batch a local name is like another file's outermost one now and then, and a class has parts in an anonymous namespace: no mistakes
# of files that were never meant to be one. Where each is compiled alone, both are.
set(ss_shadow $<IF:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>,$<IF:$<CXX_COMPILER_ID:GNU>,-Wshadow=local,-Wno-shadow>,-Wshadow>
    $<$<AND:$<BOOL:$<TARGET_PROPERTY:UNITY_BUILD>>,$<CXX_COMPILER_ID:GNU>>:-Wno-subobject-linkage>)
add_library(ss_warnings INTERFACE)
target_compile_options(ss_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion ${ss_shadow} -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wcast-align $<$<CXX_COMPILER_ID:GNU>:-Wlogical-op>)
# g++ 12 sees null dereferences inside its own streambuf under sanitizers and at -O2, and bounds broken by moved strings at -O2
# (GCC bugs 105329, 105651): asked for only where they are sound.
if(SURVEYSYNC_DEV AND NOT SURVEYSYNC_SANITIZE)
  target_compile_options(ss_warnings INTERFACE -Wnull-dereference)
else()
  target_compile_options(ss_warnings INTERFACE -Wno-array-bounds -Wno-restrict
    -Wno-stringop-overread -Wno-stringop-overflow)
endif()
if(SURVEYSYNC_DEV)
  target_compile_options(ss_warnings INTERFACE -Werror)
endif()

# One precompiled header of the standard library, shared by all own targets (they have the same flags).
file(WRITE "${CMAKE_BINARY_DIR}/pch.cpp" "")
add_library(ss_pch OBJECT "${CMAKE_BINARY_DIR}/pch.cpp")
target_link_libraries(ss_pch PRIVATE ss_settings ss_warnings)
target_precompile_headers(ss_pch PRIVATE <algorithm> <array> <chrono> <cstdint> <functional> <map> <memory> <mutex>
  <optional> <span> <stop_token> <string> <string_view> <thread> <unordered_map> <utility> <variant> <vector>)
