// Peak: loops that do nothing but one arithmetic instruction, as fast as the CPU can. One table per instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace limits {

/// What kind of product a loop stands for.
enum class Kind : std::uint8_t { f32, bf16, int8, int4 };

struct Peak {
  const char* name;   ///< "int8 avx512 vnni"
  Kind kind;
  double operations;  ///< per step; a multiplication and an addition are two
  void (*run)(long steps) noexcept;
};

struct PeakTable {
  const Peak* peaks;
  std::size_t n;
  /// The sum of n numbers, n a multiple of 32: reads memory as fast as this instruction set can.
  std::uint64_t (*sum)(const std::uint64_t* data, std::size_t n) noexcept;
};

}  // namespace limits
