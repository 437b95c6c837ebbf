// Kernels for AVX2, FMA and F16C. Flags: cmake/IsaSources.cmake.
#define GEMMA4_ISA isa_avx2
#include "kernels/impl/table.hpp"

namespace gemma4::kernels {
extern const KernelTable kTable_avx2;
const KernelTable kTable_avx2 = isa_avx2::make_table("avx2");
}  // namespace gemma4::kernels
