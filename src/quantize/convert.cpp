#include "quantize/convert.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/bf16.h"
#include "base/check.h"
#include "blocks/dequantize.h"

namespace gemma4::quantization {
namespace {

using formats::DataType;

/// Weights converted together: few enough to stay small, many enough to keep every thread busy.
constexpr std::size_t kPiece = std::size_t{4} << 20;

std::size_t bytes_of(DataType type, std::size_t elements) {
  return static_cast<std::size_t>(formats::byte_size(type, elements).value_or(0));
}

/// The first element that is not finite, or n.
std::size_t find_non_finite(const float* x, std::size_t n) noexcept {
  constexpr std::uint32_t kExponent = 0x7F800000U;
  std::uint32_t any = 0;
  for (std::size_t i = 0; i < n; ++i) any |= (std::bit_cast<std::uint32_t>(x[i]) & kExponent) == kExponent ? 1U : 0U;
  if (any == 0) return n;
  return static_cast<std::size_t>(std::find_if(x, x + n, [](float v) { return !std::isfinite(v); }) - x);
}

class Converter {
 public:
  Converter(const Plan& plan, const weights::Checkpoint& checkpoint, const QuantizeOptions& options,
            const RowQuantizers& rows, const base::ThreadPool& pool, base::OutputFile& out)
      : plan_(plan), checkpoint_(checkpoint), options_(options), rows_(rows), pool_(pool), out_(out) {}

  void run() {
    const auto turn = pool_.acquire();
    const std::vector<std::uint8_t> head = plan_.head.head();
    out_.reserve(head.size() + plan_.head.data_bytes());
    out_.write(head);
    for (const PlannedTensor& tensor : plan_.tensors) {
      report(tensor);
      if (tensor.source == nullptr) {
        out_.write({reinterpret_cast<const std::uint8_t*>(tensor.values.data()), tensor.values.size() * sizeof(float)});
        done_ += tensor.values.size();
      } else {
        convert(tensor);
      }
      static constexpr std::uint8_t kZeros[formats::GgufHead::kAlignment] = {};
      out_.write({kZeros, static_cast<std::size_t>(formats::GgufHead::padding(tensor.info.bytes))});
    }
  }

 private:
  void convert(const PlannedTensor& tensor) {
    const std::size_t source_row = bytes_of(tensor.from, tensor.row), row = bytes_of(tensor.to, tensor.row);
    const std::size_t step = std::max<std::size_t>(1, kPiece / tensor.row);
    for (std::size_t first = 0; first < tensor.rows; first += step) {
      const std::size_t count = std::min(step, tensor.rows - first);
      const std::uint8_t* const source = tensor.source->entry.data + first * source_row;
      for (const auto& file : checkpoint_.files()) file->will_need(source, count * source_row);
      if (first != 0) report(tensor);
      if (tensor.from == tensor.to) {
        out_.write({source, count * row});
      } else {
        piece_.resize(count * row);
        pool_.parallel_for(count, 1, [&](std::size_t begin, std::size_t end, int) {
          std::vector<float> values(tensor.row);
          for (std::size_t i = begin; i < end; ++i) {
            convert_row(tensor, first + i, source + i * source_row, values.data(), piece_.data() + i * row);
          }
        });
        out_.write({piece_.data(), count * row});
      }
      done_ += count * tensor.row;
      for (const auto& file : checkpoint_.files()) file->release(source, count * source_row);
    }
  }

  void convert_row(const PlannedTensor& tensor, std::size_t row, const std::uint8_t* src, float* values,
                   std::uint8_t* dst) const {
    const std::size_t n = tensor.row;
    blocks::dequantize(tensor.from, src, values, n);
    const std::size_t bad = find_non_finite(values, n);
    if (bad < n) refuse(tensor, row, bad, values[bad], "expected finite weights");
    switch (tensor.to) {
      case DataType::f32:
        std::memcpy(dst, values, n * sizeof(float));
        return;
      case DataType::bf16:
        return store(values, n, dst, base::float_to_bf16);
      case DataType::f16: {
        constexpr float kTooLarge = 65520.0F;  // rounds to infinity
        const float* const large = std::find_if(values, values + n, [](float v) { return std::abs(v) >= kTooLarge; });
        if (large != values + n) {
          refuse(tensor, row, static_cast<std::size_t>(large - values), *large, "expected weights that fit F16");
        }
        return store(values, n, dst, base::float_to_f16);
      }
      default: {
        const float* importance = tensor.importance;
        if (importance != nullptr) importance += row / tensor.rows_per_matrix * n;
        row_quantizer(rows_, tensor.to)(values, importance, n, dst);
      }
    }
  }

  template <class Fn>
  static void store(const float* values, std::size_t n, std::uint8_t* dst, Fn round) noexcept {
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint16_t half = round(values[i]);
      std::memcpy(dst + 2 * i, &half, sizeof half);
    }
  }

  [[noreturn]] void refuse(const PlannedTensor& tensor, std::size_t row, std::size_t column, float value,
                           const char* what) const {
    base::fail(ErrorCode::bad_checkpoint, checkpoint_.path(), ": tensor \"", tensor.source->entry.name, "\": ", what,
               ", got ", value, " in row ", row, ", column ", column);
  }

  void report(const PlannedTensor& tensor) const {
    if (options_.cancel && options_.cancel->cancelled()) base::fail(ErrorCode::cancelled, "quantize: cancelled");
    if (options_.progress) options_.progress({tensor.info, done_, plan_.weights});
  }

  const Plan& plan_;
  const weights::Checkpoint& checkpoint_;
  const QuantizeOptions& options_;
  const RowQuantizers& rows_;
  const base::ThreadPool& pool_;
  base::OutputFile& out_;
  std::vector<std::uint8_t> piece_;
  std::uint64_t done_ = 0;
};

}  // namespace

void convert(const Plan& plan, const weights::Checkpoint& checkpoint, const QuantizeOptions& options,
             const RowQuantizers& rows, const base::ThreadPool& pool, base::OutputFile& out) {
  Converter(plan, checkpoint, options, rows, pool, out).run();
}

}  // namespace gemma4::quantization
