# The Debian package: `cpack` in a build of the release preset (scripts/package does both). What is in it beside what `install` has
# anyway: the configuration, the man page, completions printed by the program itself, changelog and copyright.
if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  return()
endif()
get_filename_component(root "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
set(packaging "${root}/packaging")
if(NOT DEFINED SURVEYSYNC_PROGRAM)  # packaging/prebuilt has it
  set(SURVEYSYNC_PROGRAM $<TARGET_FILE:surveysync>)
endif()
install(FILES "${packaging}/surveysync.toml" DESTINATION /etc/surveysync PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ)
install(FILES "${packaging}/copyright" DESTINATION share/doc/surveysync)
install(FILES "${packaging}/lintian-overrides" DESTINATION share/lintian/overrides RENAME surveysync)
install(FILES "${root}/CHANGELOG.md" DESTINATION share/doc/surveysync RENAME NEWS.md)
# A version of its own for packages between releases: -DSURVEYSYNC_PACKAGE_VERSION=0.1.0+git20260102.
set(SURVEYSYNC_PACKAGE_VERSION "${PROJECT_VERSION}" CACHE STRING "version of the Debian package")
set(CPACK_PACKAGE_CONTACT "surveysync maintainers <maintainers@surveysync.example>")
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, where it is set
file(WRITE "${CMAKE_BINARY_DIR}/changelog" "surveysync (${SURVEYSYNC_PACKAGE_VERSION}) bookworm; urgency=medium

  * What is new: /usr/share/doc/surveysync/NEWS.md.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
# Debian wants them compressed, without the time of the build.
foreach(pair "surveysync.8=${packaging}/surveysync.8=share/man/man8" "changelog=${CMAKE_BINARY_DIR}/changelog=share/doc/surveysync")
  string(REPLACE "=" ";" pair "${pair}")
  list(GET pair 0 name)
  list(GET pair 1 source)
  list(GET pair 2 folder)
  install(CODE "execute_process(COMMAND gzip -9nc \"${source}\" OUTPUT_FILE \"${CMAKE_BINARY_DIR}/${name}.gz\" COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES "${CMAKE_BINARY_DIR}/${name}.gz" DESTINATION ${folder})
endforeach()
foreach(pair "bash=share/bash-completion/completions=surveysync" "zsh=share/zsh/vendor-completions=_surveysync"
        "fish=share/fish/vendor_completions.d=surveysync.fish")
  string(REPLACE "=" ";" pair "${pair}")
  list(GET pair 0 shell)
  list(GET pair 1 folder)
  list(GET pair 2 name)
  install(CODE "execute_process(COMMAND \"${SURVEYSYNC_PROGRAM}\" completions ${shell} OUTPUT_FILE \"${CMAKE_BINARY_DIR}/completion.${shell}\" COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES "${CMAKE_BINARY_DIR}/completion.${shell}" DESTINATION ${folder} RENAME ${name})
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)  # /etc is outside of the prefix
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_NAME surveysync)
set(CPACK_PACKAGE_VERSION "${SURVEYSYNC_PACKAGE_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "keeps PostgreSQL equal to survey vendors, provably")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION "Pages through survey vendors' REST APIs on a schedule and keeps the tables of
a PostgreSQL database equal to what the vendor has; every run ends with a
certificate of both sides' counts. Stays below the account's request limit and
goes on by itself after outages and rotated keys.
.
Contains the daemon, its systemd units, and the commands to look after it.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The system user and the directories are made by systemd's tools, also where systemd does not run.
# procps: /bin/kill, by which the unit reloads.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, procps, tzdata, systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "postgresql-client")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "postgresql")
file(WRITE "${CMAKE_BINARY_DIR}/conffiles" "/etc/surveysync/surveysync.toml\n")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${packaging}/postinst;${packaging}/prerm;${packaging}/postrm;${CMAKE_BINARY_DIR}/conffiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_OUTPUT_FILE_PREFIX "${CMAKE_BINARY_DIR}")
include(CPack)
