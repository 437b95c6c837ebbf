# One translation unit per instruction set, each with its own flags (src/kernels/isa_*.cpp).
#
# The same inline function compiled with different flags breaks the One Definition Rule: the linker may keep the copy
# that needs the newest CPU for everyone. So these units are always optimised (also in Debug), throw nothing, use no
# std containers, are never instrumented, and a test expects zero weak symbols in their objects. Functions begin at a line of
# the cache: where hot loops lie in one must not depend on what else is linked (a prefill differed by 1 to 4 %).
set(GEMMA4_ISA_FLAGS -O3 -fno-exceptions -fno-rtti -ffp-contract=fast -fno-math-errno -fno-trapping-math -fno-sanitize=all -falign-functions=64)

function(gemma4_add_isa_sources target)
  set(names baseline)
  set(flags_baseline "")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
    list(APPEND names avx2 avx2_vnni avx512 avx512_vnni_bf16)
    set(flags_avx2 -mavx2 -mfma -mf16c)
    set(flags_avx2_vnni ${flags_avx2} -mavxvnni)
    set(flags_avx512 -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx2 -mfma -mf16c -mprefer-vector-width=512)
    set(flags_avx512_vnni_bf16 ${flags_avx512} -mavx512vnni -mavx512bf16 -mavx512vbmi)
  endif()
  foreach(name IN LISTS names)
    set(object gemma4_isa_${name})
    add_library(${object} OBJECT src/kernels/isa_${name}.cpp)
    target_include_directories(${object} PRIVATE src include ${xsimd_INCLUDE_DIRS})
    set_target_properties(${object} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_STANDARD 20 CXX_EXTENSIONS OFF)
    target_compile_options(${object} PRIVATE -Wall -Wextra -Wshadow -Wno-maybe-uninitialized -Wno-uninitialized ${flags_${name}} ${GEMMA4_ISA_FLAGS})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${object}>)
    set_property(GLOBAL APPEND PROPERTY GEMMA4_ISA_TARGETS ${object})
    # Quantised files are the same bytes on every CPU: no product is fused into a sum. (g++ 12 warns of its own intrinsics.)
    if(EXISTS ${PROJECT_SOURCE_DIR}/src/quantize/isa_${name}.cpp)
      target_sources(${object} PRIVATE src/quantize/isa_${name}.cpp)
      set_source_files_properties(src/quantize/isa_${name}.cpp PROPERTIES COMPILE_OPTIONS "-ffp-contract=off;-Wno-uninitialized")
    endif()
    target_compile_definitions(${target} PRIVATE GEMMA4_HAVE_ISA_$<UPPER_CASE:${name}>)
  endforeach()
endfunction()
