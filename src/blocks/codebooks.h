// The code books of the IQ and FP4 types: arbitrary tables, which no formula gives.
//
// A grid entry holds eight numbers of 2 bits or four of 3 bits, the first element lowest; a number picks from the
// grid's few values: 9 KiB instead of 32.
#pragma once

#include <cstdint>

namespace gemma4::blocks {

extern const std::uint16_t kIq2XxsGrid[256], kIq2XsGrid[512], kIq2SGrid[1024];  ///< 8 x 2 bits into kIq2Values
extern const std::uint16_t kIq3XxsGrid[256];                                    ///< 4 x 3 bits into kIq3XxsValues
extern const std::uint16_t kIq3SGrid[512];                                      ///< 4 x 3 bits, c: 2 * c + 1
extern const std::uint16_t kIq1SGrid[2048];                                     ///< 8 x 2 bits, c: c - 1

inline constexpr std::uint8_t kIq2Values[3] = {8, 25, 43};
inline constexpr std::uint8_t kIq3XxsValues[8] = {4, 12, 20, 28, 36, 44, 52, 62};

/// IQ4_NL and IQ4_XS: kvalues_iq4nl.
inline constexpr std::int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};
/// MXFP4 and NVFP4, twice the value of E2M1: kvalues_fp4.
inline constexpr std::int8_t kFp4Values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

}  // namespace gemma4::blocks
