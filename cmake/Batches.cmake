# Compiles many files as one (CMake's unity builds): a third of the processor time from an empty cache, hence for scripts/test and
# packages. Off for developers, who want the file that they changed compiled and no other.
set(SURVEYSYNC_BATCH "0" CACHE STRING "compile files together, at most so many lines at once; 0: each alone")
if(SURVEYSYNC_BATCH)
  find_program(BATCH_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
  list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_CURRENT_LIST_DIR}/batch_compiler")
endif()
set(ss_batches_script "${CMAKE_CURRENT_LIST_DIR}/batches.py")

# ss_batches(TARGET): the sources it has so far, in groups that do not declare a name twice.
function(ss_batches target)
  get_target_property(sources ${target} SOURCES)
  list(FILTER sources INCLUDE REGEX "\\.cpp$")
  list(LENGTH sources count)
  if(NOT SURVEYSYNC_BATCH OR count LESS 2)
    return()
  endif()
  execute_process(COMMAND ${BATCH_PYTHON} -B ${ss_batches_script} ${SURVEYSYNC_BATCH} ${sources}
                  OUTPUT_VARIABLE groups OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  string(REPLACE "\n" ";" groups "${groups}")
  foreach(line IN LISTS groups)
    if(line MATCHES "^([0-9]+)\t(.*)$")
      set_source_files_properties("${CMAKE_MATCH_2}" PROPERTIES UNITY_GROUP "${target}_${CMAKE_MATCH_1}")
    endif()
  endforeach()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
endfunction()
