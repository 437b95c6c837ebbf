# `cmake --build BUILD --target gemma4_docs`: the reference, BUILD/docs/html/index.html. Any warning of Doxygen's is an error.
find_program(GEMMA4_DOXYGEN doxygen)
mark_as_advanced(GEMMA4_DOXYGEN)
if(GEMMA4_DOXYGEN)
  configure_file(cmake/Doxyfile.in Doxyfile @ONLY)
  add_custom_target(gemma4_docs COMMAND ${GEMMA4_DOXYGEN} "${CMAKE_CURRENT_BINARY_DIR}/Doxyfile" VERBATIM
                    COMMENT "Writing the reference to ${CMAKE_CURRENT_BINARY_DIR}/docs/html")
else()
  add_custom_target(gemma4_docs COMMAND ${CMAKE_COMMAND} -E echo "doxygen is needed for the reference (Debian: doxygen)"
                    COMMAND ${CMAKE_COMMAND} -E false)
endif()
