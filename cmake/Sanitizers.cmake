# GEMMA4_SANITIZE is applied by gemma4_target_defaults (Warnings.cmake); here it is only checked.
if(GEMMA4_SANITIZE AND NOT CMAKE_BUILD_TYPE MATCHES "Debug|RelWithDebInfo")
  message(STATUS "GEMMA4_SANITIZE=${GEMMA4_SANITIZE}: RelWithDebInfo gives readable reports")
endif()
