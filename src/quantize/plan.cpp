#include "quantize/plan.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "quantize/metadata.h"
#include "blocks/dequantize.h"
#include "weights/name_map.h"

namespace gemma4::quantization {
namespace {

using formats::DataType;
using weights::Checkpoint;

constexpr std::uint32_t kQuantizationVersion = 2;  // of the block layouts; the only one that files have today

/// A pattern of the options, its type, and whether any tensor has matched.
struct Override {
  std::string pattern;
  DataType type;
  bool used = false;
};

std::vector<Override> read_overrides(const QuantizeOptions& options) {
  std::vector<Override> result;
  for (const auto& [pattern, type] : options.tensor_types) {
    const auto known = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
             c == '-' || c == '*' || c == '?';
    };
    GEMMA4_CHECK(!pattern.empty() && std::all_of(pattern.begin(), pattern.end(), known), ErrorCode::invalid_argument,
                 "tensor type for \"", pattern, "\": expected a part of a tensor's name, with * and ? at most");
    result.push_back({pattern, find_tensor_type(type)});
  }
  return result;
}

class Planner {
 public:
  Planner(const Checkpoint& checkpoint, const ModelConfig& config, const Recipe& recipe, const QuantizeOptions& options,
          const ImportanceMatrix* importance)
      : checkpoint_(checkpoint),
        config_(config),
        recipe_(recipe),
        importance_(importance),
        overrides_(read_overrides(options)),
        has_head_(checkpoint.find("lm_head.weight") != nullptr) {}

  Plan make(const SamplerOptions& sampling) {
    write_metadata(sampling);
    for (const Checkpoint::Tensor* tensor : ordered()) add(*tensor);
    if (checkpoint_.gguf() == nullptr) add_rope_divisors();
    for (const Override& override : overrides_) {
      GEMMA4_CHECK(override.used, ErrorCode::invalid_argument, "tensor type for \"", override.pattern,
                   "\": no tensor that may be quantised has such a name");
    }
    for (const PlannedTensor& tensor : plan_.tensors) {
      plan_.head.add_tensor(tensor.info.name, tensor.to, tensor.info.shape);
      plan_.weights += tensor.rows * tensor.row;
    }
    return std::move(plan_);
  }

 private:
  void write_metadata(const SamplerOptions& sampling) {
    if (checkpoint_.gguf() != nullptr) {
      copy_metadata(plan_.head, *checkpoint_.gguf());
    } else {
      add_folder_metadata(plan_.head, checkpoint_, config_, sampling);
    }
    plan_.head.add_u32("general.alignment", static_cast<std::uint32_t>(formats::GgufHead::kAlignment));
    plan_.head.add_u32("general.file_type", recipe_.file_type);
    plan_.head.add_u32("general.quantization_version", kQuantizationVersion);
    if (importance_ != nullptr) {
      plan_.head.add_u32("quantize.imatrix.entries_count", static_cast<std::uint32_t>(importance_->size()));
      if (!importance_->dataset().empty()) plan_.head.add_string("quantize.imatrix.dataset", importance_->dataset());
      if (importance_->chunks() > 0) {
        plan_.head.add_u32("quantize.imatrix.chunks_count", static_cast<std::uint32_t>(importance_->chunks()));
      }
    }
  }

  /// A GGUF's own order; of a folder, what belongs to no layer and then layer by layer, as they are read.
  std::vector<const Checkpoint::Tensor*> ordered() const {
    std::vector<const Checkpoint::Tensor*> list;
    for (const Checkpoint::Tensor& tensor : checkpoint_.tensors()) list.push_back(&tensor);
    if (checkpoint_.gguf() == nullptr) {
      std::stable_sort(list.begin(), list.end(), [](const Checkpoint::Tensor* a, const Checkpoint::Tensor* b) {
        return layer_of(a->name) < layer_of(b->name);
      });
    }
    return list;
  }

  static int layer_of(std::string_view canonical_name) {
    const auto layer = weights::split_layer_name(canonical_name);
    return layer ? layer->layer : -1;
  }

  void add(const Checkpoint::Tensor& tensor) {
    const formats::TensorEntry& entry = tensor.entry;
    auto name = weights::gguf_from_canonical(tensor.name);
    if (checkpoint_.gguf() != nullptr && (name || tensor.name != entry.name)) name = entry.name;  // factors, too
    if (!name) {
      const auto reason = weights::ignore_reason(tensor.name, config_);
      GEMMA4_CHECK(reason, ErrorCode::bad_checkpoint, checkpoint_.path(), ": tensor \"", entry.name,
                   "\" is none of Gemma 4's text decoder");
      plan_.dropped.push_back(entry.name);
      return;
    }
    GEMMA4_CHECK(blocks::can_dequantize(entry.type), ErrorCode::unsupported, checkpoint_.path(), ": tensor \"",
                 entry.name, "\": element type ", formats::to_string(entry.type), " is not supported");

    PlannedTensor planned;
    planned.source = &tensor;
    planned.from = entry.type;
    planned.info.name = *name;
    planned.info.shape = entry.shape.empty() ? std::vector<std::int64_t>{1} : entry.shape;
    set_shape(planned);
    TensorFacts facts;
    facts.name = planned.info.name;
    facts.type = entry.type;
    facts.dimensions = planned.info.shape.size();
    facts.row = static_cast<std::int64_t>(planned.row);
    facts.layer = layer_of(tensor.name);
    facts.layers = config_.num_hidden_layers;
    facts.is_head = *name == "output.weight" || (*name == "token_embd.weight" && !has_head_);
    planned.to = type_for(facts);
    if (importance_ != nullptr && formats::info(planned.to).block_elements > 1) {
      planned.importance = importance_->find(*name, planned.rows / planned.rows_per_matrix, planned.row);
    }
    finish(std::move(planned));
  }

  DataType type_for(const TensorFacts& facts) {
    if (is_quantizable(facts)) {
      for (Override& override : overrides_) {
        if (!matches(override.pattern, facts.name)) continue;
        override.used = true;
        return fitting_type(override.type, facts.row);
      }
    }
    return choose_type(recipe_, facts);
  }

  void add_rope_divisors() {
    PlannedTensor planned;
    planned.values = rope_divisors(config_);
    planned.info.name = "rope_freqs.weight";
    planned.info.shape = {static_cast<std::int64_t>(planned.values.size())};
    set_shape(planned);
    finish(std::move(planned));
  }

  void set_shape(PlannedTensor& planned) const {
    const std::vector<std::int64_t>& shape = planned.info.shape;
    const auto elements = formats::element_count(shape);
    GEMMA4_CHECK(elements && *elements > 0, ErrorCode::bad_checkpoint, checkpoint_.path(), ": tensor \"",
                 planned.info.name, "\": empty, or too large: ", formats::shape_string(shape));
    planned.row = static_cast<std::size_t>(shape.back());
    planned.rows = static_cast<std::size_t>(*elements) / planned.row;
    planned.rows_per_matrix = shape.size() < 2 ? 1 : static_cast<std::size_t>(shape[shape.size() - 2]);
  }

  void finish(PlannedTensor planned) {
    planned.info.from = formats::to_string(planned.from);
    planned.info.to = formats::to_string(planned.to);
    planned.info.bytes = formats::byte_size(planned.to, planned.rows * planned.row).value_or(0);
    plan_.tensors.push_back(std::move(planned));
  }

  const Checkpoint& checkpoint_;
  const ModelConfig& config_;
  const Recipe& recipe_;
  const ImportanceMatrix* importance_;
  std::vector<Override> overrides_;
  bool has_head_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Checkpoint& checkpoint, const ModelConfig& config, const SamplerOptions& sampling,
               const Recipe& recipe, const QuantizeOptions& options, const ImportanceMatrix* importance) {
  return Planner(checkpoint, config, recipe, options, importance).make(sampling);
}

}  // namespace gemma4::quantization
