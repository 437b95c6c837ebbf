// quantize(): a checkpoint to a GGUF file of smaller element types.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gemma4/types.h"

namespace gemma4 {

/// One tensor of a conversion.
struct QuantizedTensor {
  std::string name;                 ///< In the new file: "blk.3.attn_q.weight".
  std::string from;                 ///< Element type in the source: "BF16".
  std::string to;                   ///< And in the new file: "Q4_K".
  std::vector<std::int64_t> shape;  ///< Slowest dimension first: [out_features, in_features].
  std::uint64_t bytes = 0;          ///< In the new file.
};

/// What quantize() is doing.
struct QuantizeProgress {
  const QuantizedTensor& tensor;  ///< Being converted; valid during the call.
  std::uint64_t done = 0;         ///< Weights converted, of all tensors.
  std::uint64_t total = 0;        ///< Weights in all.
};

/// Options of quantize().
struct QuantizeOptions {
  // Affects results
  /// Element types for tensors by name, e.g. {"attn_v", "Q6_K"} or {"blk.0.ffn_*", "F16"}: the pattern is looked for
  /// anywhere in the new file's name, * stands for any text and ? for one character. The first that matches counts,
  /// also against what the recipe would do; tensors that are never quantised stay as they are.
  std::vector<std::pair<std::string, std::string>> tensor_types;
  /// An importance matrix as llama.cpp writes it (GGUF or .dat): errors count by the mean square of the input they
  /// meet. Empty: all inputs count alike.
  std::string imatrix;

  // Affects performance
  int threads = -1;  ///< The calling thread included; -1: one per physical core. The file does not depend on it.

  /// Called before and during every tensor, from the calling thread. May be empty.
  std::function<void(const QuantizeProgress&)> progress;
  std::optional<CancelToken> cancel;  ///< Looked at between pieces of a few million weights; nothing is left behind.
};

/// What quantize() wrote.
struct QuantizeResult {
  std::vector<QuantizedTensor> tensors;  ///< In the order of the file.
  std::vector<std::string> dropped;      ///< Tensors of the source that a text decoder does not use, not in the file.
  std::uint64_t source_bytes = 0;        ///< Of the tensors that were converted.
  std::uint64_t file_bytes = 0;
};

/// Names that quantize() takes as its type, each a recipe: the type most matrices get, and which others get better
/// ones.
std::vector<std::string> quantize_recipes();
/// Names that QuantizeOptions::tensor_types takes.
std::vector<std::string> quantize_tensor_types();

/// Writes the text decoder of `in`, a Hugging Face folder or a GGUF file of any type, as the GGUF file `out`. `type` is
/// one of quantize_recipes(), in upper or lower case. Works tensor by tensor and, within one, by rows: memory stays
/// within some hundred megabytes whatever the model's size. `out` appears (or is replaced) only when it is complete; a link
/// is followed and stays.
/// Throws Error: invalid_argument (an unknown type, a pattern that matches no tensor, `out` is a file of `in`), io (no
/// room on the disk, `out` is a pipe or a device), bad_checkpoint (a weight that is not finite, naming its tensor), cancelled, and what Model::load
/// throws for `in`.
QuantizeResult quantize(const std::string& in, const std::string& out, const std::string& type,
                        const QuantizeOptions& options = {});

}  // namespace gemma4
