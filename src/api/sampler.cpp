#include "gemma4/sampler.h"

#include "base/check.h"
#include "gemma4/tokenizer.h"
#include "generate/token_texts.h"
#include "sampling/sampler.h"

namespace gemma4 {

Sampler::Sampler(const SamplerOptions& options) : impl_(std::make_unique<sampling::SamplerState>(options)) {}
Sampler::Sampler(const Sampler& other) : impl_(std::make_unique<sampling::SamplerState>(*other.impl_)) {}
Sampler& Sampler::operator=(const Sampler& other) {
  if (this != &other) impl_ = std::make_unique<sampling::SamplerState>(*other.impl_);
  return *this;
}
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;
Sampler::~Sampler() = default;

SampledToken Sampler::sample(Span<const float> logits) { return impl_->sample(logits); }
SampledToken Sampler::sample(Span<const float> logits, Span<const std::uint32_t> allowed) {
  GEMMA4_CHECK(allowed.size() == mask_words(logits.size()), ErrorCode::invalid_argument,
               "Sampler: expected a mask of ", mask_words(logits.size()), " words for ", logits.size(),
               " logits, got ", allowed.size());
  return impl_->sample(logits, allowed);
}
void Sampler::set_tokenizer(const Tokenizer& tokenizer) { impl_->set_texts(generation::token_texts(tokenizer.impl())); }
void Sampler::observe(Span<const TokenId> tokens) { impl_->observe(tokens); }
void Sampler::reset() { impl_->reset(); }
const SamplerOptions& Sampler::options() const noexcept { return impl_->options(); }
std::uint64_t Sampler::seed() const noexcept { return impl_->seed(); }

}  // namespace gemma4
