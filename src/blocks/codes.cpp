#include "blocks/codes.h"

#include "blocks/unpack.h"

namespace gemma4::blocks {
namespace {

using formats::DataType;

struct Type {
  CodeFormat format;
  UnpackFunction* unpack;
};

/// null for types without codes.
const Type* find(DataType type) noexcept {
  // group, has_min, zero, max_code. IQ1 has its eighths in the codes: 8 * (-1, 0 or 1) +- 1.
  // clang-format off
  switch (type) {
    case DataType::q4_0:    { static constexpr Type t = {{32, false, 8, 15}, unpack_q4_0};      return &t; }
    case DataType::q4_1:    { static constexpr Type t = {{32, true, 0, 15}, unpack_q4_1};       return &t; }
    case DataType::q5_0:    { static constexpr Type t = {{32, false, 16, 31}, unpack_q5_0};     return &t; }
    case DataType::q5_1:    { static constexpr Type t = {{32, true, 0, 31}, unpack_q5_1};       return &t; }
    case DataType::q8_0:    { static constexpr Type t = {{32, false, 128, 255}, unpack_q8_0};   return &t; }
    case DataType::q2_k:    { static constexpr Type t = {{16, true, 0, 3}, unpack_q2_k};        return &t; }
    case DataType::q3_k:    { static constexpr Type t = {{16, false, 4, 7}, unpack_q3_k};       return &t; }
    case DataType::q4_k:    { static constexpr Type t = {{32, true, 0, 15}, unpack_q4_k};       return &t; }
    case DataType::q5_k:    { static constexpr Type t = {{32, true, 0, 31}, unpack_q5_k};       return &t; }
    case DataType::q6_k:    { static constexpr Type t = {{16, false, 32, 63}, unpack_q6_k};     return &t; }
    case DataType::iq2_xxs: { static constexpr Type t = {{32, false, 43, 86}, unpack_iq2_xxs};  return &t; }
    case DataType::iq2_xs:  { static constexpr Type t = {{16, false, 43, 86}, unpack_iq2_xs};   return &t; }
    case DataType::iq2_s:   { static constexpr Type t = {{16, false, 43, 86}, unpack_iq2_s};    return &t; }
    case DataType::iq3_xxs: { static constexpr Type t = {{32, false, 62, 124}, unpack_iq3_xxs}; return &t; }
    case DataType::iq3_s:   { static constexpr Type t = {{32, false, 15, 30}, unpack_iq3_s};    return &t; }
    case DataType::iq1_s:   { static constexpr Type t = {{32, false, 9, 18}, unpack_iq1_s};     return &t; }
    case DataType::iq1_m:   { static constexpr Type t = {{16, false, 9, 18}, unpack_iq1_m};     return &t; }
    case DataType::iq4_nl:  { static constexpr Type t = {{32, false, 127, 240}, unpack_iq4_nl}; return &t; }
    case DataType::iq4_xs:  { static constexpr Type t = {{32, false, 127, 240}, unpack_iq4_xs}; return &t; }
    case DataType::tq1_0:   { static constexpr Type t = {{32, false, 1, 2}, unpack_tq1_0};      return &t; }
    case DataType::tq2_0:   { static constexpr Type t = {{32, false, 1, 3}, unpack_tq2_0};      return &t; }
    case DataType::mxfp4:   { static constexpr Type t = {{32, false, 12, 24}, unpack_mxfp4};    return &t; }
    case DataType::nvfp4:   { static constexpr Type t = {{16, false, 12, 24}, unpack_nvfp4};    return &t; }
    case DataType::q1_0:    { static constexpr Type t = {{32, false, 1, 2}, unpack_q1_0};       return &t; }
    case DataType::q2_0:    { static constexpr Type t = {{32, false, 1, 3}, unpack_q2_0};       return &t; }
    default: return nullptr;
  }
  // clang-format on
}

}  // namespace

const CodeFormat* code_format(DataType type) noexcept {
  const Type* const t = find(type);
  return t == nullptr ? nullptr : &t->format;
}

void unpack_codes(DataType type, const void* row, std::size_t first, std::size_t count, Codes32* dst) noexcept {
  if (const Type* const t = find(type)) t->unpack(row, first, count, dst);
}

}  // namespace gemma4::blocks
