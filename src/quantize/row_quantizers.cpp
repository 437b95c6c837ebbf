#include "quantize/row_quantizers.h"

#include <string_view>

#include "kernels/dispatch.h"

namespace gemma4::quantization {

extern const RowQuantizers kRows_baseline;
#ifdef GEMMA4_HAVE_ISA_AVX2
extern const RowQuantizers kRows_avx2;
#endif
#ifdef GEMMA4_HAVE_ISA_AVX512
extern const RowQuantizers kRows_avx512;
#endif

namespace {

/// The table for kernels of this name; "avx512_vnni" and the like have the quantisers of "avx512".
const RowQuantizers& table_for(std::string_view kernels) noexcept {
#ifdef GEMMA4_HAVE_ISA_AVX512
  if (kernels.substr(0, 6) == "avx512") return kRows_avx512;
#endif
#ifdef GEMMA4_HAVE_ISA_AVX2
  if (kernels.substr(0, 4) == "avx2") return kRows_avx2;
#endif
  static_cast<void>(kernels);
  return kRows_baseline;
}

}  // namespace

std::vector<const RowQuantizers*> row_quantizers() {
  std::vector<const RowQuantizers*> tables;
  for (const kernels::TableEntry& entry : kernels::tables()) {
    const RowQuantizers* const table = &table_for(entry.name);
    if (entry.supported && (tables.empty() || tables.back() != table)) tables.push_back(table);
  }
  return tables;
}

const RowQuantizers& select_row_quantizers() { return table_for(kernels::select_table().name); }

RowQuantizer row_quantizer(const RowQuantizers& table, formats::DataType type) noexcept {
  using formats::DataType;
  switch (type) {
    case DataType::q8_0:
      return table.q8_0;
    case DataType::q4_0:
      return table.q4_0;
    case DataType::q4_1:
      return table.q4_1;
    case DataType::q5_0:
      return table.q5_0;
    case DataType::q5_1:
      return table.q5_1;
    case DataType::iq4_nl:
      return table.iq4_nl;
    case DataType::q2_k:
      return table.q2_k;
    case DataType::q3_k:
      return table.q3_k;
    case DataType::q4_k:
      return table.q4_k;
    case DataType::q5_k:
      return table.q5_k;
    case DataType::q6_k:
      return table.q6_k;
    case DataType::iq4_xs:
      return table.iq4_xs;
    default:
      return nullptr;
  }
}

}  // namespace gemma4::quantization
