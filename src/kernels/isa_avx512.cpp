// Kernels for AVX-512 F, BW, DQ, VL, CD. Flags: cmake/IsaSources.cmake.
#define GEMMA4_ISA isa_avx512
#include "kernels/impl/table.hpp"

namespace gemma4::kernels {
extern const KernelTable kTable_avx512;
const KernelTable kTable_avx512 = isa_avx512::make_table("avx512");
}  // namespace gemma4::kernels
