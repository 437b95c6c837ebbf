# Warnings and visibility for every target of ours; never for those who use us.
function(gemma4_target_defaults target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor)
  # g++ 12 sees overlaps inside std::string that are not there (GCC bug 105329).
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  if(GEMMA4_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(GEMMA4_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${GEMMA4_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
    target_link_options(${target} PUBLIC -fsanitize=${GEMMA4_SANITIZE})
  endif()
endfunction()
