// Kernels for AVX2, FMA, F16C and AVX-VNNI. Flags: cmake/IsaSources.cmake.
#define GEMMA4_ISA isa_avx2_vnni
#include "kernels/impl/table.hpp"

namespace gemma4::kernels {
extern const KernelTable kTable_avx2_vnni;
const KernelTable kTable_avx2_vnni = isa_avx2_vnni::make_table("avx2_vnni");
}  // namespace gemma4::kernels
