// Writes and reads NumPy's .npy files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "base/output_file.h"
#include "gemma4/types.h"

namespace cli {

/// A float32 array, written row by row; version 1.0 of the format, little-endian. The file appears when it is complete.
class NpyWriter {
 public:
  /// Throws Error io.
  NpyWriter(const std::string& path, const std::vector<std::int64_t>& shape);
  /// Throws Error io.
  void write(gemma4::Span<const float> values);
  /// Throws Error io.
  void close();

 private:
  gemma4::base::OutputFile out_;
};

/// A two-dimensional float32 array as NpyWriter writes it, read row by row.
class NpyReader {
 public:
  static bool is_npy(const std::string& path);
  /// Throws Error: not_found, bad_format (another type, order or number of dimensions; a file of another length).
  explicit NpyReader(const std::string& path);

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  /// The next n rows, valid until the next call. Throws Error bad_format when there are fewer.
  gemma4::Span<const float> read(std::size_t n);

 private:
  std::string path_;
  std::ifstream in_;
  std::size_t rows_ = 0, columns_ = 0, next_ = 0;
  std::vector<float> values_;
};

}  // namespace cli
