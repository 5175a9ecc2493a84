# ss_room(FOLDER LINK ...): the static library ss_<folder> of src/<folder>/*.cpp, with what it may use declared.
# Sources are globbed (configure-time dependencies), so a new file in a room needs no edit here.
function(ss_room folder)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  string(REPLACE "/" "_" name "ss_${folder}")
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${folder}/*.cpp")
  if(NOT sources)
    set(sources "${CMAKE_BINARY_DIR}/pch.cpp")
  endif()
  add_library(${name} STATIC ${sources})
  target_precompile_headers(${name} REUSE_FROM ss_pch)
  target_link_libraries(${name} PUBLIC ss_settings PRIVATE ss_warnings)
  target_link_libraries(${name} ${ARG_LINK})
  ss_batches(${name})
endfunction()

# ss_providers(LINK ...): every folder of src/sources is a provider and a room of its own; `ss_providers` stands for all of them.
function(ss_providers)
  file(GLOB entries CONFIGURE_DEPENDS RELATIVE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/src/sources/*")
  add_library(ss_providers INTERFACE)
  foreach(entry ${entries})
    if(IS_DIRECTORY "${CMAKE_SOURCE_DIR}/src/${entry}")
      ss_room(${entry} ${ARGN})
      string(REPLACE "/" "_" name "ss_${entry}")
      target_link_libraries(ss_providers INTERFACE ${name})
    endif()
  endforeach()
endfunction()

# ss_embed_migrations(TARGET DIR): compiles the numbered SQL files of DIR into TARGET as a table of (name, text).
function(ss_embed_migrations target dir)
  file(GLOB files CONFIGURE_DEPENDS "${dir}/*.sql")
  set(out "${CMAKE_BINARY_DIR}/embedded_migrations.cpp")
  add_custom_command(OUTPUT "${out}"
    COMMAND ${CMAKE_COMMAND} -DDIR=${dir} -DOUT=${out} -P "${CMAKE_SOURCE_DIR}/cmake/EmbedMigrations.cmake"
    DEPENDS ${files} "${CMAKE_SOURCE_DIR}/cmake/EmbedMigrations.cmake" VERBATIM)
  target_sources(${target} PRIVATE "${out}")
endfunction()
