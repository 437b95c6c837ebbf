# The installed tree: library, headers, the CMake package and the .pc file, none of which knows where it was built or where
# it stands. A shared library exports the public headers' names only (cmake/gemma4.map).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# While the version is 0.x every minor version may change the C++ interface (README.md, "What is stable").
if(PROJECT_VERSION_MAJOR EQUAL 0)
  set(compatibility SameMinorVersion)
  set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
else()
  set(compatibility SameMajorVersion)
  set(soversion ${PROJECT_VERSION_MAJOR})
endif()
set_target_properties(gemma4 PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${soversion})

install(TARGETS gemma4 EXPORT gemma4Targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
        INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY include/gemma4 "${CMAKE_CURRENT_BINARY_DIR}/include/gemma4" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT development FILES_MATCHING PATTERN "*.h")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT runtime)
if(TARGET gemma4_cli)
  if(BUILD_SHARED_LIBS)
    file(RELATIVE_PATH to_libraries "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
    set_target_properties(gemma4_cli PROPERTIES INSTALL_RPATH "$ORIGIN/${to_libraries}")
  endif()
  install(TARGETS gemma4_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
endif()

# find_package(gemma4). What a static library leaves to be linked is found again on the consumer's machine.
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gemma4)
get_target_property(library_type gemma4 TYPE)
if(library_type STREQUAL "STATIC_LIBRARY")
  set(GEMMA4_IS_STATIC ON)
else()
  set(GEMMA4_IS_STATIC OFF)
endif()
configure_package_config_file(cmake/gemma4Config.cmake.in gemma4Config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(gemma4ConfigVersion.cmake COMPATIBILITY ${compatibility})
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/gemma4Config.cmake" "${CMAKE_CURRENT_BINARY_DIR}/gemma4ConfigVersion.cmake"
        DESTINATION ${package_dir} COMPONENT development)
install(EXPORT gemma4Targets NAMESPACE gemma4:: DESTINATION ${package_dir} COMPONENT development)

# pkg-config. Where the library is static its own dependencies stand in Libs: there is no other way to use it.
file(RELATIVE_PATH pc_libdir "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_LIBDIR}")
file(RELATIVE_PATH pc_includedir "${CMAKE_INSTALL_PREFIX}" "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
file(RELATIVE_PATH pc_to_prefix "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
string(REGEX REPLACE "/$" "" pc_to_prefix "${pc_to_prefix}")
set(pc_private "-lsimdjson -pthread ${CMAKE_DL_LIBS} -lstdc++ -lm")
string(REPLACE " dl " " -ldl " pc_private "${pc_private}")
if(GEMMA4_IS_STATIC)
  set(pc_libs "-lgemma4 ${pc_private}")
  set(pc_private "")
else()
  set(pc_libs "-lgemma4")
endif()
configure_file(cmake/gemma4.pc.in gemma4.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/gemma4.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT development)
