#include "formats/data_type.h"

#include <iterator>
#include <limits>

#include "base/check.h"
#include "formats/tensor_entry.h"

namespace gemma4::formats {
namespace {

constexpr DataTypeInfo kInfo[] = {
    // In the order of DataType. GGUF blocks hold f16 scales, so they want even addresses.
    {"F32", 1, 4, 4},         {"F16", 1, 2, 2},         {"BF16", 1, 2, 2},       {"F64", 1, 8, 8},
    {"C64", 1, 8, 4},         {"I8", 1, 1, 1},          {"I16", 1, 2, 2},        {"I32", 1, 4, 4},
    {"I64", 1, 8, 8},         {"U8", 1, 1, 1},          {"U16", 1, 2, 2},        {"U32", 1, 4, 4},
    {"U64", 1, 8, 8},         {"BOOL", 1, 1, 1},        {"F4", 2, 1, 1},         {"F6_E2M3", 4, 3, 1},
    {"F6_E3M2", 4, 3, 1},     {"F8_E4M3", 1, 1, 1},     {"F8_E5M2", 1, 1, 1},    {"F8_E8M0", 1, 1, 1},
    {"F8_E4M3FNUZ", 1, 1, 1}, {"F8_E5M2FNUZ", 1, 1, 1}, {"Q4_0", 32, 18, 2},     {"Q4_1", 32, 20, 2},
    {"Q5_0", 32, 22, 2},      {"Q5_1", 32, 24, 2},      {"Q8_0", 32, 34, 2},     {"Q8_1", 32, 36, 2},
    {"Q2_K", 256, 84, 2},     {"Q3_K", 256, 110, 2},    {"Q4_K", 256, 144, 2},   {"Q5_K", 256, 176, 2},
    {"Q6_K", 256, 210, 2},    {"Q8_K", 256, 292, 4},    {"IQ2_XXS", 256, 66, 2}, {"IQ2_XS", 256, 74, 2},
    {"IQ3_XXS", 256, 98, 2},  {"IQ1_S", 256, 50, 2},    {"IQ4_NL", 32, 18, 2},   {"IQ3_S", 256, 110, 2},
    {"IQ2_S", 256, 82, 2},    {"IQ4_XS", 256, 136, 2},  {"IQ1_M", 256, 56, 2},   {"TQ1_0", 256, 54, 2},
    {"TQ2_0", 256, 66, 2},    {"MXFP4", 32, 17, 1},     {"NVFP4", 64, 36, 1},    {"Q1_0", 128, 18, 2},
    {"Q2_0", 64, 18, 2},
};
static_assert(std::size(kInfo) == static_cast<std::size_t>(DataType::q2_0) + 1);

// Source: ggml-org/ggml include/ggml.h, enum ggml_type.
struct GgmlId {
  std::uint8_t id;
  DataType type;
};
constexpr GgmlId kGgmlIds[] = {
    {0, DataType::f32},      {1, DataType::f16},     {2, DataType::q4_0},     {3, DataType::q4_1},
    {6, DataType::q5_0},     {7, DataType::q5_1},    {8, DataType::q8_0},     {9, DataType::q8_1},
    {10, DataType::q2_k},    {11, DataType::q3_k},   {12, DataType::q4_k},    {13, DataType::q5_k},
    {14, DataType::q6_k},    {15, DataType::q8_k},   {16, DataType::iq2_xxs}, {17, DataType::iq2_xs},
    {18, DataType::iq3_xxs}, {19, DataType::iq1_s},  {20, DataType::iq4_nl},  {21, DataType::iq3_s},
    {22, DataType::iq2_s},   {23, DataType::iq4_xs}, {24, DataType::i8},      {25, DataType::i16},
    {26, DataType::i32},     {27, DataType::i64},    {28, DataType::f64},     {29, DataType::iq1_m},
    {30, DataType::bf16},    {34, DataType::tq1_0},  {35, DataType::tq2_0},   {39, DataType::mxfp4},
    {40, DataType::nvfp4},   {41, DataType::q1_0},   {42, DataType::q2_0},
};

}  // namespace

const DataTypeInfo& info(DataType type) noexcept { return kInfo[static_cast<std::size_t>(type)]; }

std::optional<DataType> data_type_from_safetensors(std::string_view dtype) noexcept {
  for (std::size_t i = 0; i < static_cast<std::size_t>(DataType::q4_0); ++i) {
    if (dtype == kInfo[i].name) return static_cast<DataType>(i);
  }
  return std::nullopt;
}

std::optional<DataType> data_type_from_ggml(std::uint32_t id) noexcept {
  for (const GgmlId& known : kGgmlIds) {
    if (known.id == id) return known.type;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ggml_type_id(DataType type) noexcept {
  for (const GgmlId& known : kGgmlIds) {
    if (known.type == type) return known.id;
  }
  return std::nullopt;
}

std::optional<DType> float_type(DataType type) noexcept {
  switch (type) {
    case DataType::f32:
      return DType::f32;
    case DataType::f16:
      return DType::f16;
    case DataType::bf16:
      return DType::bf16;
    default:
      return std::nullopt;
  }
}

DataType data_type(DType type) noexcept {
  switch (type) {
    case DType::f16:
      return DataType::f16;
    case DType::bf16:
      return DataType::bf16;
    default:
      return DataType::f32;
  }
}

std::optional<std::uint64_t> byte_size(DataType type, std::uint64_t elements) noexcept {
  const DataTypeInfo& layout = info(type);
  const std::uint64_t blocks = elements / layout.block_elements;
  if (elements % layout.block_elements != 0) return std::nullopt;
  if (blocks > std::numeric_limits<std::uint64_t>::max() / layout.block_bytes) return std::nullopt;
  return blocks * layout.block_bytes;
}

std::optional<std::uint64_t> element_count(const std::vector<std::int64_t>& shape) noexcept {
  std::uint64_t n = 1;
  bool zero = false;
  for (const std::int64_t dimension : shape) {
    if (dimension < 0) return std::nullopt;
    if (dimension == 0) {
      zero = true;
    } else if (n > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) /
                       static_cast<std::uint64_t>(dimension)) {
      return std::nullopt;
    } else {
      n *= static_cast<std::uint64_t>(dimension);
    }
  }
  return zero ? 0 : n;
}

std::string shape_string(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const std::int64_t dimension : shape) text += base::concat(text.size() > 1 ? ", " : "", dimension);
  return text + "]";
}

}  // namespace gemma4::formats
