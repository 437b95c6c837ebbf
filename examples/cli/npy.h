// Writes NumPy's .npy files.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "gemma4/types.h"

namespace cli {

/// A float32 array, written row by row; version 1.0 of the format, little-endian.
class NpyWriter {
 public:
  /// Throws Error io.
  NpyWriter(const std::string& path, const std::vector<std::int64_t>& shape);
  void write(gemma4::Span<const float> values);
  /// Throws Error io when anything could not be written.
  void close();

 private:
  std::string path_;
  std::ofstream out_;
};

}  // namespace cli
