// Every element type of safetensors and GGUF files: enough to name a tensor and to check its bounds, computable or not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gemma4/types.h"

namespace gemma4::formats {

// clang-format off
enum class DataType : std::uint8_t {
  f32, f16, bf16, f64, c64, i8, i16, i32, i64, u8, u16, u32, u64, boolean,
  // safetensors only
  f4, f6_e2m3, f6_e3m2, f8_e4m3, f8_e5m2, f8_e8m0, f8_e4m3fnuz, f8_e5m2fnuz,
  // GGUF only: blocks
  q4_0, q4_1, q5_0, q5_1, q8_0, q8_1, q2_k, q3_k, q4_k, q5_k, q6_k, q8_k,
  iq2_xxs, iq2_xs, iq3_xxs, iq1_s, iq4_nl, iq3_s, iq2_s, iq4_xs, iq1_m, tq1_0, tq2_0, mxfp4, nvfp4, q1_0, q2_0,
};
// clang-format on

/// How a type lies in a file: `block_elements` consecutive elements take `block_bytes` bytes.
struct DataTypeInfo {
  const char* name;              ///< As files spell it: "BF16", "Q4_K".
  std::uint16_t block_elements;  ///< 1 for plain types.
  std::uint16_t block_bytes;
  std::uint8_t alignment;  ///< That a pointer to it must have before it may be read in place.
};

const DataTypeInfo& info(DataType type) noexcept;
inline const char* to_string(DataType type) noexcept { return info(type).name; }

/// By the dtype string of a safetensors header ("BF16"); nullopt when unknown.
std::optional<DataType> data_type_from_safetensors(std::string_view dtype) noexcept;
/// By the type number of a GGUF tensor; nullopt for removed, private and unknown numbers.
std::optional<DataType> data_type_from_ggml(std::uint32_t id) noexcept;
/// The same, the other way round; nullopt for types that GGUF does not have.
std::optional<std::uint32_t> ggml_type_id(DataType type) noexcept;

/// The public name of F32, F16 and BF16; nullopt for every other type.
std::optional<DType> float_type(DataType type) noexcept;
/// The same, the other way round.
DataType data_type(DType type) noexcept;

/// Bytes of `elements` elements; nullopt when they fill no whole number of blocks or the size does not fit 64 bits.
std::optional<std::uint64_t> byte_size(DataType type, std::uint64_t elements) noexcept;

}  // namespace gemma4::formats
