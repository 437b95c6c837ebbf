// Kernels for AVX-512 F, BW, DQ, VL, CD, VNNI, BF16 and VBMI. Flags: cmake/IsaSources.cmake.
#define GEMMA4_ISA isa_avx512_vnni_bf16
#include "kernels/impl/table.hpp"

namespace gemma4::kernels {
extern const KernelTable kTable_avx512_vnni_bf16;
const KernelTable kTable_avx512_vnni_bf16 = isa_avx512_vnni_bf16::make_table("avx512_vnni_bf16");
}  // namespace gemma4::kernels
