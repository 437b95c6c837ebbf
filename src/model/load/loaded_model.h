// LoadedModel: what Model points to. Immutable after load; shared by every session.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "gemma4/config.h"
#include "gemma4/options.h"
#include "model/load/turns.h"
#include "tokenizer/tokenizer.h"
#include "weights/checkpoint.h"

namespace gemma4::model {

class LoadedModel {
 public:
  /// As the public Model::load (include/gemma4/model.h).
  static std::shared_ptr<const LoadedModel> load(const std::string& path, const ModelOptions& options);
  /// A GGUF file that is open already, or lies in memory.
  static std::shared_ptr<const LoadedModel> load(const std::shared_ptr<const base::MappedFile>& file,
                                                 const ModelOptions& options);

  const ModelConfig& config() const noexcept { return config_; }
  const std::shared_ptr<const tokenizer::BpeTokenizer>& tokenizer() const noexcept { return tokenizer_; }
  const SamplerOptions& sampler_defaults() const noexcept { return sampler_defaults_; }
  const Decoder& decoder() const noexcept { return *decoder_; }
  const base::ThreadPool& pool() const noexcept { return *pool_; }
  /// The way to compute: the only part of a loaded model that changes.
  Turns& turns() const noexcept { return *turns_; }
  Compute compute() const noexcept { return compute_; }
  const weights::Checkpoint& checkpoint() const noexcept { return *checkpoint_; }
  const std::vector<std::string>& ignored_tensors() const noexcept { return ignored_; }

 private:
  LoadedModel() = default;
  template <class Open>
  static std::shared_ptr<const LoadedModel> load(const std::string& name, const ModelOptions& options, Open&& open);

  std::shared_ptr<const weights::Checkpoint> checkpoint_;
  ModelConfig config_;
  SamplerOptions sampler_defaults_;
  std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer_;
  std::unique_ptr<base::ThreadPool> pool_;
  std::unique_ptr<const Decoder> decoder_;
  std::unique_ptr<Turns> turns_;
  std::vector<std::string> ignored_;
  Compute compute_ = Compute::automatic;
};

}  // namespace gemma4::model
