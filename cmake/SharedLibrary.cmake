# BUILD_SHARED_LIBS: libgemma4.so exports what the public headers declare, by a version script, so that no header needs a
# macro before every class. Our own tests and bindings, which know more, link to the same objects as gemma4_internal.
set_target_properties(gemma4 PROPERTIES DEFINE_SYMBOL "")  # the same objects, whatever the library
if(BUILD_SHARED_LIBS)
  set(map ${PROJECT_SOURCE_DIR}/cmake/gemma4.map)
  target_link_options(gemma4 PRIVATE LINKER:--version-script,${map} LINKER:--exclude-libs,ALL LINKER:--no-undefined)
  set_target_properties(gemma4 PROPERTIES LINK_DEPENDS ${map})

  get_property(isa_targets GLOBAL PROPERTY GEMMA4_ISA_TARGETS)
  list(TRANSFORM isa_targets REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE isa_objects)
  add_library(gemma4_internal STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:gemma4> ${isa_objects})
  set_target_properties(gemma4_internal PROPERTIES LINKER_LANGUAGE CXX)
  target_include_directories(gemma4_internal INTERFACE $<TARGET_PROPERTY:gemma4,INTERFACE_INCLUDE_DIRECTORIES>)
  target_link_libraries(gemma4_internal PRIVATE gemma4_onednn gemma4_json Threads::Threads)
  if(GEMMA4_SANITIZE)
    target_link_options(gemma4_internal INTERFACE -fsanitize=${GEMMA4_SANITIZE})
  endif()
else()
  add_library(gemma4_internal ALIAS gemma4)
endif()
