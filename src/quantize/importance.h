// Importance matrices: for every column of a matrix, how large its inputs are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gemma4::quantization {

/// What llama.cpp's imatrix tool gathered: the mean square of each input of each matrix. Immutable.
class ImportanceMatrix {
 public:
  /// The GGUF form (general.type "imatrix") or the older binary one. Throws Error: not_found, io, bad_format.
  static ImportanceMatrix load(const std::string& path);

  /// Weights of the columns of a tensor of `matrices` matrices with rows of `row` elements, [matrices, row]; all above
  /// 0. nullptr when the file has nothing about it. Throws Error bad_format when it is about another shape.
  const float* find(std::string_view tensor, std::size_t matrices, std::size_t row) const;

  std::size_t size() const noexcept { return entries_.size(); }
  std::int64_t chunks() const noexcept { return chunks_; }  ///< Of text it was made from; 0: unknown.
  const std::string& dataset() const noexcept { return dataset_; }

 private:
  void read_gguf(const std::string& path);
  void read_binary(const std::string& path);
  void add(const std::string& tensor, std::vector<float> values, std::size_t matrices);

  std::string path_;
  std::unordered_map<std::string, std::vector<float>> entries_;
  std::int64_t chunks_ = 0;
  std::string dataset_;
};

}  // namespace gemma4::quantization
