#include "model/load/loaded_model.h"

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "kernels/dispatch.h"
#include "model/config/config.h"
#include "model/load/load_weights.h"

namespace gemma4::model {
namespace {

/// Where every matrix of the layers is F32 there is nothing to gain from less.
bool all_f32(const DecoderWeights& weights) {
  return std::all_of(weights.layers.begin(), weights.layers.end(), [](const LayerWeights& layer) {
    const Matrix* matrices[] = {&layer.attention.q_proj.matrix, &layer.attention.o_proj.matrix,
                                &layer.mlp.gate_proj.matrix, &layer.mlp.up_proj.matrix, &layer.mlp.down_proj.matrix};
    return std::all_of(std::begin(matrices), std::end(matrices),
                       [](const Matrix* matrix) { return matrix->dtype == formats::DataType::f32; });
  });
}

/// The tokens that end a Gemma 4 answer, by their text: end of text, end of turn, and the place where the host answers
/// a tool call. A generation_config.json that lists its own is believed; GGUF files name at most one of them.
void add_end_tokens(ModelConfig& config, const tokenizer::BpeTokenizer& tokenizer) {
  for (std::string_view text : {"<eos>", "<turn|>", "<|tool_response>"}) {
    const TokenId id = tokenizer.token_to_id(text);
    std::vector<TokenId>& ids = config.eos_token_ids;
    if (id >= 0 && id < config.vocab_size && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
}

bool lists_its_end_tokens(const weights::Checkpoint& checkpoint) {
  const formats::JsonDocument* file = checkpoint.generation_config_json();
  if (file == nullptr || !file->root().is_object()) return false;
  const auto ids = file->root().find("eos_token_id");
  return ids && !ids->is_null();
}

std::shared_ptr<const tokenizer::BpeTokenizer> load_tokenizer(const weights::Checkpoint& checkpoint,
                                                              const ModelConfig& config) {
  if (checkpoint.gguf() != nullptr) return tokenizer::BpeTokenizer::from_gguf(*checkpoint.gguf(), config.vocab_size);
  return tokenizer::BpeTokenizer::load(checkpoint.path(), config.vocab_size);
}

}  // namespace

/// @param open  gives the checkpoint; `path` is what messages call it.
template <class Open>
std::shared_ptr<const LoadedModel> LoadedModel::load(const std::string& path, const ModelOptions& options,
                                                     Open&& open) try {
  GEMMA4_CHECK(options.threads >= 1 || options.threads == -1, ErrorCode::invalid_argument,
               "threads: expected at least 1, or -1 for one per physical core, got ", options.threads);
  const kernels::KernelTable& kernels = kernels::select_table();
  std::shared_ptr<LoadedModel> model(new LoadedModel);
  model->checkpoint_ = open();
  model->config_ = parse_config(*model->checkpoint_);
  model->sampler_defaults_ = parse_sampler_defaults(*model->checkpoint_, model->config_);
  model->tokenizer_ = load_tokenizer(*model->checkpoint_, model->config_);
  if (!lists_its_end_tokens(*model->checkpoint_)) add_end_tokens(model->config_, *model->tokenizer_);

  LoadedWeights loaded = load_weights(model->checkpoint_, model->config_, kernels, options);
  model->ignored_ = std::move(loaded.ignored);
  model->compute_ = all_f32(loaded.weights) ? Compute::f32 : options.compute;
  model->pool_ = std::make_unique<base::ThreadPool>(options.threads != -1 ? options.threads : base::physical_cores(),
                                                    options.runner);
  model->decoder_ = std::make_unique<Decoder>(model->config_, std::move(loaded.weights), kernels, *model->pool_);
  model->turns_ = std::make_unique<Turns>(model->config_, *model->pool_, model->decoder_->make_products(model->compute_));
  base::log(LogLevel::info, path, ": ", model->config_.model_type, ", ", model->config_.num_hidden_layers, " layers, ",
            kernels.name, " kernels, ", model->pool_->size(), " threads");
  if (!model->ignored_.empty()) base::log(LogLevel::debug, path, ": ", model->ignored_.size(), " tensors are not used");
  return model;
} catch (const std::bad_alloc&) {
  base::fail(ErrorCode::out_of_memory, path, ": no memory to load it");
}

std::shared_ptr<const LoadedModel> LoadedModel::load(const std::string& path, const ModelOptions& options) {
  return load(path, options, [&] { return weights::Checkpoint::open(path, options.use_mmap); });
}

std::shared_ptr<const LoadedModel> LoadedModel::load(const std::shared_ptr<const base::MappedFile>& file,
                                                     const ModelOptions& options) {
  return load(file->path(), options, [&] { return weights::Checkpoint::open(file); });
}

}  // namespace gemma4::model
