#include "weights/tensor_ledger.h"

#include "base/check.h"
#include "blocks/dequantize.h"
#include "weights/name_map.h"

namespace gemma4::weights {

TensorView TensorLedger::take(std::string_view name, const std::vector<std::int64_t>& shape) {
  auto view = take_if_present(name, shape);
  GEMMA4_CHECK(view, ErrorCode::bad_checkpoint, checkpoint_.path(), ": tensor \"", name,
               "\" is missing; expected shape ", formats::shape_string(shape));
  return std::move(*view);
}

std::optional<TensorView> TensorLedger::take_if_present(std::string_view name, const std::vector<std::int64_t>& shape) {
  const Checkpoint::Tensor* tensor = checkpoint_.find(name);
  if (tensor == nullptr) return std::nullopt;
  const formats::TensorEntry& entry = tensor->entry;
  const bool both_single = formats::element_count(shape) == 1U && formats::element_count(entry.shape) == 1U;
  GEMMA4_CHECK(entry.shape == shape || both_single, ErrorCode::bad_checkpoint, checkpoint_.path(), ": tensor \"",
               entry.name, "\": expected shape ", formats::shape_string(shape), " by the config, got ",
               formats::shape_string(entry.shape));
  GEMMA4_CHECK(blocks::can_dequantize(entry.type), ErrorCode::unsupported, checkpoint_.path(), ": tensor \"", entry.name,
               "\": element type ", formats::to_string(entry.type),
               " is not supported; expected F32, F16, BF16 or a block type of GGUF");
  used_[static_cast<std::size_t>(tensor - checkpoint_.tensors().data())] = true;
  return TensorView{entry.type, shape, entry.data};
}

std::vector<std::string> TensorLedger::finish(const ModelConfig& config) const {
  std::vector<std::string> ignored;
  for (std::size_t i = 0; i < used_.size(); ++i) {
    if (used_[i]) continue;
    const Checkpoint::Tensor& tensor = checkpoint_.tensors()[i];
    GEMMA4_CHECK(ignore_reason(tensor.name, config), ErrorCode::bad_checkpoint, checkpoint_.path(), ": tensor \"",
                 tensor.entry.name, "\" ", formats::shape_string(tensor.entry.shape),
                 " has no place in the decoder the config describes and is not known to be unused");
    ignored.push_back(tensor.name);
  }
  return ignored;
}

}  // namespace gemma4::weights
