// Source of both forms: ggml-org/llama.cpp tools/imatrix/imatrix.cpp, save_imatrix and save_imatrix_legacy.
#include "quantize/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/mapped_file.h"
#include "formats/gguf.h"

namespace gemma4::quantization {
namespace {

constexpr std::string_view kSums = ".in_sum2";
constexpr std::string_view kCounts = ".counts";
constexpr std::int64_t kMaxChunks = std::int64_t{1} << 40;

std::vector<float> floats(const std::string& path, const formats::TensorEntry& entry) {
  GEMMA4_CHECK(entry.type == formats::DataType::f32, ErrorCode::bad_format, path, ": tensor \"", entry.name,
               "\": expected F32, got ", formats::to_string(entry.type));
  std::vector<float> values(static_cast<std::size_t>(entry.bytes / sizeof(float)));
  if (!values.empty()) std::memcpy(values.data(), entry.data, values.size() * sizeof(float));
  return values;
}

/// Reads a file front to back and trusts no length in it.
class Reader {
 public:
  Reader(const std::string& path, const base::MappedFile& file) : path_(path), at_(file.data()), left_(file.size()) {}

  std::size_t left() const noexcept { return left_; }
  std::int32_t i32() {
    std::int32_t value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  std::size_t count() {
    const std::int32_t value = i32();
    GEMMA4_CHECK(value >= 0, ErrorCode::bad_format, path_, ": expected a count, got ", value);
    return static_cast<std::size_t>(value);
  }
  const std::uint8_t* take(std::size_t bytes) {
    GEMMA4_CHECK(bytes <= left_, ErrorCode::bad_format, path_, ": not an importance matrix, or cut short: expected ",
                 bytes, " more bytes, got ", left_);
    const std::uint8_t* const begin = at_;
    at_ += bytes;
    left_ -= bytes;
    return begin;
  }

 private:
  const std::string& path_;
  const std::uint8_t* at_;
  std::size_t left_;
};

}  // namespace

ImportanceMatrix ImportanceMatrix::load(const std::string& path) {
  ImportanceMatrix result;
  result.path_ = path;
  if (formats::GgufFile::is_gguf(path)) {
    result.read_gguf(path);
  } else {
    result.read_binary(path);
  }
  return result;
}

void ImportanceMatrix::read_gguf(const std::string& path) {
  const auto file = formats::GgufFile::open(path);
  const auto type = file->find_string("general.type");
  GEMMA4_CHECK(type && *type == "imatrix", ErrorCode::bad_format, path, ": general.type: expected \"imatrix\", got \"",
               type.value_or(""), "\"");
  chunks_ = file->find_int("imatrix.chunk_count", 0, kMaxChunks).value_or(0);
  if (const auto datasets = file->find_strings("imatrix.datasets"); datasets && datasets->size() > 0)
    dataset_ = std::string(*datasets->begin());
  std::unordered_map<std::string_view, const formats::TensorEntry*> by_name;
  for (const formats::TensorEntry& entry : file->tensors()) by_name.emplace(entry.name, &entry);
  for (const formats::TensorEntry& entry : file->tensors()) {
    if (!std::string_view(entry.name).ends_with(kSums)) continue;
    const std::string tensor = entry.name.substr(0, entry.name.size() - kSums.size());
    const std::string counts_name = tensor + std::string(kCounts);
    const auto found = by_name.find(counts_name);
    GEMMA4_CHECK(found != by_name.end(), ErrorCode::bad_format, path, ": tensor \"", counts_name, "\" is missing");
    std::vector<float> values = floats(path, entry);
    const std::vector<float> counts = floats(path, *found->second);
    GEMMA4_CHECK(!counts.empty() && values.size() % counts.size() == 0, ErrorCode::bad_format, path, ": tensor \"",
                 entry.name, "\": ", values.size(), " values for ", counts.size(), " counts");
    const std::size_t row = values.size() / counts.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float count = counts[i / row];
      values[i] = count > 0.0F ? values[i] / count : 0.0F;
    }
    add(tensor, std::move(values), counts.size());
  }
}

void ImportanceMatrix::read_binary(const std::string& path) {
  const auto file = base::MappedFile::open(path);
  Reader reader(path, *file);
  const std::size_t n = reader.count();
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t length = reader.count();
    const std::string tensor(reinterpret_cast<const char*>(reader.take(length)), length);
    reader.count();  // calls: a factor that all columns share
    const std::size_t count = reader.count();
    const std::uint8_t* const bytes = reader.take(count * sizeof(float));
    std::vector<float> values(count);
    if (count != 0) std::memcpy(values.data(), bytes, count * sizeof(float));
    add(tensor, std::move(values), 1);
  }
  if (reader.left() == 0) return;  // oldest files end here
  chunks_ = reader.i32();
  if (reader.left() == 0) return;
  const std::size_t length = reader.count();
  dataset_.assign(reinterpret_cast<const char*>(reader.take(length)), length);
}

/// Columns that were never used count a little, so that they do not become anything; a matrix that was never used
/// counts its columns alike.
void ImportanceMatrix::add(const std::string& tensor, std::vector<float> values, std::size_t matrices) {
  constexpr float kLeast = 1e-3F;  // of the mean
  const std::size_t row = matrices == 0 ? 0 : values.size() / matrices;
  for (std::size_t m = 0; m < matrices; ++m) {
    double sum = 0.0;
    for (std::size_t i = m * row; i < (m + 1) * row; ++i) {
      GEMMA4_CHECK(std::isfinite(values[i]) && values[i] >= 0.0F, ErrorCode::bad_format, path_, ": \"", tensor,
                   "\": expected finite numbers that are not negative, got ", values[i]);
      sum += static_cast<double>(values[i]);
    }
    const double mean = row == 0 ? 0.0 : sum / static_cast<double>(row);
    for (std::size_t i = m * row; i < (m + 1) * row; ++i) {
      values[i] = mean > 0.0 ? std::max(static_cast<float>(static_cast<double>(values[i]) / mean), kLeast) : 1.0F;
    }
  }
  entries_[tensor] = std::move(values);
}

const float* ImportanceMatrix::find(std::string_view tensor, std::size_t matrices, std::size_t row) const {
  const auto found = entries_.find(std::string(tensor));
  if (found == entries_.end()) return nullptr;
  GEMMA4_CHECK(found->second.size() == matrices * row, ErrorCode::bad_format, path_, ": \"", tensor, "\": expected ",
               matrices, " x ", row, " columns, as the model has, got ", found->second.size());
  return found->second.data();
}

}  // namespace gemma4::quantization
