// Kernels for any CPU of the architecture (SSE2 on x86-64, NEON on aarch64). Flags: cmake/IsaSources.cmake.
#define GEMMA4_ISA isa_baseline
#include "kernels/impl/table.hpp"

namespace gemma4::kernels {
extern const KernelTable kTable_baseline;
const KernelTable kTable_baseline = isa_baseline::make_table("baseline");
}  // namespace gemma4::kernels
