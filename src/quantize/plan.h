// What will be written: every tensor of the new file with its type, and the file's head.
#pragma once

#include <string>
#include <vector>

#include "formats/data_type.h"
#include "formats/gguf_writer.h"
#include "gemma4/config.h"
#include "gemma4/options.h"
#include "gemma4/quantize.h"
#include "quantize/importance.h"
#include "quantize/recipe.h"
#include "weights/checkpoint.h"

namespace gemma4::quantization {

struct PlannedTensor {
  const weights::Checkpoint::Tensor* source = nullptr;  ///< null: `values` are what it holds.
  std::vector<float> values;
  formats::DataType from = formats::DataType::f32;
  formats::DataType to = formats::DataType::f32;
  std::size_t row = 0;                ///< Elements of a row.
  std::size_t rows = 0;               ///< In all.
  std::size_t rows_per_matrix = 0;    ///< Less than rows where the tensor holds one matrix per expert.
  const float* importance = nullptr;  ///< [rows / rows_per_matrix, row], or null.
  QuantizedTensor info;
};

/// Points into the checkpoint and the importance matrix it was made from.
struct Plan {
  formats::GgufHead head;
  std::vector<PlannedTensor> tensors;
  std::vector<std::string> dropped;
  std::uint64_t weights = 0;  ///< Elements of all tensors.
};

/// @param importance  may be null.
/// Throws Error: invalid_argument (a tensor type that is unknown, a pattern that matches nothing), bad_checkpoint,
/// unsupported, bad_format.
Plan make_plan(const weights::Checkpoint& checkpoint, const ModelConfig& config, const SamplerOptions& sampling,
               const Recipe& recipe, const QuantizeOptions& options, const ImportanceMatrix* importance);

}  // namespace gemma4::quantization
