// TensorLedger: hands out a checkpoint's tensors and sees to it that none is forgotten.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/config.h"
#include "weights/checkpoint.h"
#include "weights/tensor.h"

namespace gemma4::weights {

/// Used by one loader, on one thread, while the checkpoint lives.
class TensorLedger {
 public:
  explicit TensorLedger(const Checkpoint& checkpoint)
      : checkpoint_(checkpoint), used_(checkpoint.tensors().size(), false) {}

  bool has(std::string_view name) const noexcept { return checkpoint_.find(name) != nullptr; }

  /// The tensor of this canonical name, marked as used. A shape of one element matches any other of one element.
  /// Throws Error: bad_checkpoint (missing, other shape), unsupported (an element type the library does not compute
  /// with).
  TensorView take(std::string_view name, const std::vector<std::int64_t>& shape);
  /// The same, but nullopt when there is no such tensor.
  std::optional<TensorView> take_if_present(std::string_view name, const std::vector<std::int64_t>& shape);

  /// Canonical names of the tensors that were not taken. Throws Error bad_checkpoint when one of them is not on the
  /// list of known unused ones (ignore_reason in name_map.h).
  std::vector<std::string> finish(const ModelConfig& config) const;

 private:
  const Checkpoint& checkpoint_;
  std::vector<bool> used_;  // one per tensor of the checkpoint
};

}  // namespace gemma4::weights
