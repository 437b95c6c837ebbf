// LoadedModel: what Model points to. Immutable after load; shared by every session.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "gemma4/config.h"
#include "gemma4/options.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::model {

class Decoder;

class LoadedModel {
 public:
  static std::shared_ptr<const LoadedModel> load(const std::string& path, const ModelOptions& options);
  ~LoadedModel();

  const ModelConfig& config() const noexcept { return config_; }
  const std::shared_ptr<const tokenizer::BpeTokenizer>& tokenizer() const noexcept { return tokenizer_; }
  const SamplerOptions& sampler_defaults() const noexcept { return sampler_defaults_; }
  const Decoder& decoder() const noexcept { return *decoder_; }
  const base::ThreadPool& pool() const noexcept { return *pool_; }
  Compute compute() const noexcept { return compute_; }

 private:
  LoadedModel();
  ModelConfig config_;
  SamplerOptions sampler_defaults_;
  std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer_;
  std::unique_ptr<base::ThreadPool> pool_;
  std::unique_ptr<Decoder> decoder_;
  Compute compute_ = Compute::automatic;
};

}  // namespace gemma4::model
