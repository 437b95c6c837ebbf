// Bodies of the public Model.
#include "gemma4/model.h"

#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/mapped_file.h"
#include "model/load/loaded_model.h"
#include "weights/name_map.h"
#include "weights/verify.h"

namespace gemma4 {
namespace {

/// The part of the model a tensor belongs to, as `gemma4 info` lists them.
const char* part_of(std::string_view name) {
  const auto has = [&](std::string_view text) { return name.find(text) != std::string_view::npos; };
  if (name == "embed_tokens.weight") return "token embedding";
  if (name == "lm_head.weight") return "output head";
  if (has("embed_tokens_per_layer")) return "per-layer embedding table";
  if (has("per_layer_")) return "per-layer projections";
  if (has("norm") || has("layer_scalar")) return "norms and scalars";
  if (has(".self_attn.")) return "attention";
  if (has(".experts.") || has(".router.")) return "experts and router";
  if (has(".mlp.")) return "mlp";
  return "other";
}

}  // namespace

Model::Model(std::shared_ptr<const model::LoadedModel> impl) : impl_(std::move(impl)), tokenizer_(impl_->tokenizer()) {}

Model Model::load(const std::string& path, const ModelOptions& options) {
  return Model(model::LoadedModel::load(path, options));
}

Model Model::load(Span<const std::uint8_t> gguf, const ModelOptions& options, std::shared_ptr<const void> owner) {
  GEMMA4_CHECK(gguf.data() != nullptr || gguf.empty(), ErrorCode::invalid_argument, "Model::load: expected ", gguf.size(),
               " bytes, got a null pointer");
  return Model(model::LoadedModel::load(
      base::MappedFile::of_memory(gguf.data(), gguf.size(), "GGUF in memory", std::move(owner), options.use_mmap), options));
}

Model Model::load_fd(int fd, const ModelOptions& options) {
  return Model(model::LoadedModel::load(
      base::MappedFile::of_descriptor(fd, base::concat("file descriptor ", fd), options.use_mmap), options));
}

const ModelConfig& Model::config() const noexcept { return impl_->config(); }
const Tokenizer& Model::tokenizer() const noexcept { return tokenizer_; }
const SamplerOptions& Model::sampler_defaults() const noexcept { return impl_->sampler_defaults(); }
int Model::threads() const noexcept { return impl_->pool().size(); }
Compute Model::compute() const noexcept { return impl_->compute(); }
const char* Model::isa() const noexcept { return impl_->decoder().kernels().name; }

std::vector<TensorInfo> Model::tensors() const {
  std::vector<TensorInfo> list;
  for (const weights::Checkpoint::Tensor& tensor : impl_->checkpoint().tensors()) {
    list.push_back({tensor.name, formats::info(tensor.entry.type).name, tensor.entry.shape});
  }
  return list;
}

std::vector<ModelPart> Model::parts() const {
  std::vector<ModelPart> parts;
  for (const weights::Checkpoint::Tensor& tensor : impl_->checkpoint().tensors()) {
    const bool ignored = weights::ignore_reason(tensor.name, impl_->config()).has_value();
    const std::string name = ignored ? "not used by the text decoder" : part_of(tensor.name);
    auto part = parts.begin();
    while (part != parts.end() && part->name != name) ++part;
    if (part == parts.end()) part = parts.insert(part, {name, 0, 0});
    part->bytes += tensor.entry.bytes;
    part->parameters += formats::element_count(tensor.entry.shape).value_or(0);
  }
  return parts;
}

std::vector<TensorProblem> Model::verify(const std::function<void(std::uint64_t, std::uint64_t)>& progress) const {
  std::vector<TensorProblem> problems;
  for (const weights::NonFinite& found : weights::find_non_finite(impl_->checkpoint(), impl_->pool(), progress)) {
    const formats::TensorEntry& entry = found.tensor->entry;
    problems.push_back({found.tensor->name, formats::to_string(entry.type),
                        formats::element_count(entry.shape).value_or(0), found.count, found.first});
  }
  return problems;
}

std::vector<std::string> Model::ignored_tensors() const { return impl_->ignored_tensors(); }

}  // namespace gemma4
