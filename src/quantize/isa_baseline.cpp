// Row quantisers for any CPU of the platform. Flags: cmake/IsaSources.cmake.
#define GEMMA4_ISA quantize_baseline
#include "quantize/impl/rows.hpp"

namespace gemma4::quantization {
extern const RowQuantizers kRows_baseline;
const RowQuantizers kRows_baseline = quantize_baseline::make_table("baseline");
}  // namespace gemma4::quantization
