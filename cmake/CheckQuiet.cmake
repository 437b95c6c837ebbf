# cmake -DSOURCE_DIR=... -P CheckQuiet.cmake: fails where the library could end its host or write to its terminal.
cmake_minimum_required(VERSION 3.25)

# Calls and streams; snprintf and what only contains such a name are fine. POSIX words: (^|[^a-zA-Z0-9_]) is a boundary.
set(forbidden "(abort|exit|_exit|_Exit|quick_exit|terminate|assert|printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|perror)[ \t]*\\("
    "(cout|cerr|clog)([^a-zA-Z0-9_]|$)" "(stdout|stderr)([^a-zA-Z0-9_]|$)" "(setlocale|signal|sigaction|setenv|putenv)[ \t]*\\(")

set(found "")
file(GLOB_RECURSE files RELATIVE "${SOURCE_DIR}" "${SOURCE_DIR}/src/*.h" "${SOURCE_DIR}/src/*.hpp" "${SOURCE_DIR}/src/*.cpp"
     "${SOURCE_DIR}/capi/*.h" "${SOURCE_DIR}/capi/*.cpp" "${SOURCE_DIR}/include/*.h")
foreach(file IN LISTS files)
  foreach(pattern IN LISTS forbidden)
    file(STRINGS "${SOURCE_DIR}/${file}" lines REGEX "(^|[^a-zA-Z0-9_.])${pattern}")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "//.*$" "" code "${line}")
      if(code MATCHES "(^|[^a-zA-Z0-9_.])${pattern}")
        string(APPEND found "  ${file}: ${line}\n")
      endif()
    endforeach()
  endforeach()
endforeach()

list(LENGTH files n)
if(n LESS 20)
  message(FATAL_ERROR "found only ${n} files under SOURCE_DIR=${SOURCE_DIR}")
endif()
if(found)
  message(FATAL_ERROR "the library must not end its host, write to its terminal or change its process:\n${found}")
endif()
message(STATUS "${n} files, none prints, aborts or exits")
