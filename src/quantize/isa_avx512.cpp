// Row quantisers for AVX-512. Flags: cmake/IsaSources.cmake.
#define GEMMA4_ISA quantize_avx512
#include "quantize/impl/rows.hpp"

namespace gemma4::quantization {
extern const RowQuantizers kRows_avx512;
const RowQuantizers kRows_avx512 = quantize_avx512::make_table("avx512");
}  // namespace gemma4::quantization
