// Row quantisers for AVX2. Flags: cmake/IsaSources.cmake.
#define GEMMA4_ISA quantize_avx2
#include "quantize/impl/rows.hpp"

namespace gemma4::quantization {
extern const RowQuantizers kRows_avx2;
const RowQuantizers kRows_avx2 = quantize_avx2::make_table("avx2");
}  // namespace gemma4::quantization
