# Everything the build takes from the system, in one place; nothing is downloaded. Debian names in the messages.
find_package(Threads REQUIRED)

# oneDNN 2.6 (Debian 12) or 3.x: its headers only. The library itself is opened when a model first needs it
# (src/matmul/onednn_api.h); where there is none our own kernels do the work, slower.
add_library(gemma4_onednn INTERFACE)
if(GEMMA4_ONEDNN)
  # Not through its own package file: Debian's insists on OpenCL headers, which nothing here needs.
  find_path(ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.h)
  if(NOT ONEDNN_INCLUDE_DIR)
    message(FATAL_ERROR "oneDNN 2.6 or newer is needed (Debian: libdnnl-dev); -DGEMMA4_ONEDNN=OFF builds without")
  endif()
  target_include_directories(gemma4_onednn SYSTEM INTERFACE ${ONEDNN_INCLUDE_DIR})
  target_link_libraries(gemma4_onednn INTERFACE ${CMAKE_DL_LIBS})
  target_compile_definitions(gemma4_onednn INTERFACE GEMMA4_WITH_ONEDNN)
endif()

# xsimd 8 or newer: headers only. Seen by src/kernels/impl and src/sampling/lanes.h.
find_package(xsimd QUIET CONFIG)
if(NOT xsimd_FOUND)
  message(FATAL_ERROR "xsimd 8 or newer is needed (Debian: libxsimd-dev)")
endif()

# simdjson 3: seen by src/formats/json.cpp alone.
find_package(simdjson QUIET CONFIG)
if(NOT simdjson_FOUND)
  message(FATAL_ERROR "simdjson 3 or newer is needed (Debian: libsimdjson-dev)")
endif()
add_library(gemma4_json INTERFACE)
target_link_libraries(gemma4_json INTERFACE simdjson::simdjson)

if(GEMMA4_BUILD_CLI)
  find_package(CLI11 QUIET CONFIG)
  if(NOT CLI11_FOUND)
    message(FATAL_ERROR "CLI11 is needed for the gemma4 program (Debian: libcli11-dev); -DGEMMA4_BUILD_CLI=OFF leaves it out")
  endif()
endif()

if(GEMMA4_BUILD_TESTS)
  find_package(doctest QUIET CONFIG)
  find_package(Eigen3 3.4 QUIET CONFIG)  # the tests' oracle for linear algebra
  if(NOT doctest_FOUND OR NOT Eigen3_FOUND)
    message(FATAL_ERROR "doctest and Eigen 3.4 are needed for the tests (Debian: doctest-dev libeigen3-dev)")
  endif()
endif()
