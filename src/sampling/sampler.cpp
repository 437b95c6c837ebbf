#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/entropy.h"
#include "base/sampler_ranges.h"

namespace gemma4::sampling {
namespace {

using base::fail;

template <class T>
void check_range(const char* field, T value, const base::Range& range) {
  GEMMA4_CHECK(range.contains(static_cast<double>(value)), ErrorCode::invalid_argument, "SamplerOptions::", field,
               ": expected ", range.text, ", got ", value);
}

void check_token(const char* field, TokenId token) {
  GEMMA4_CHECK(token >= 0, ErrorCode::invalid_argument, "SamplerOptions::", field, ": expected token ids >= 0, got ",
               token);
}

void check_in_vocabulary(const char* where, TokenId token, std::size_t vocab_size) {
  GEMMA4_CHECK(static_cast<std::size_t>(token) < vocab_size, ErrorCode::token_out_of_range, "Sampler: ", where,
               ": expected token ids below the number of logits, ", vocab_size, ", got ", token);
}

[[noreturn]] void fail_not_valid(Span<const float> logits) {
  const auto* bad =
      std::find_if(logits.begin(), logits.end(), [](float x) { return !(x <= std::numeric_limits<float>::max()); });
  fail(ErrorCode::non_finite, "Sampler: expected finite logits (or -inf for a masked token), got ",
       std::isnan(*bad) ? "NaN" : "+inf", " for token ", bad - logits.begin());
}

}  // namespace

void validate(const SamplerOptions& o) {
  namespace ranges = base::sampler_ranges;
  constexpr base::Range kBias = {-std::numeric_limits<double>::infinity(), ranges::kMost, "finite values or -inf"};
  for (const TokenId token : o.suppress) check_token("suppress", token);
  for (const auto& [token, bias] : o.logit_bias) {
    check_token("logit_bias", token);
    check_range("logit_bias", bias, kBias);
  }
  check_range("repetition_penalty", o.repetition_penalty, ranges::repetition_penalty);
  check_range("presence_penalty", o.presence_penalty, ranges::presence_penalty);
  check_range("frequency_penalty", o.frequency_penalty, ranges::frequency_penalty);
  check_range("penalty_last_n", o.penalty_last_n, ranges::penalty_last_n);
  check_range("dry_multiplier", o.dry_multiplier, ranges::dry_multiplier);
  check_range("dry_base", o.dry_base, ranges::dry_base);
  check_range("dry_allowed_length", o.dry_allowed_length, ranges::dry_allowed_length);
  check_range("dry_penalty_last_n", o.dry_penalty_last_n, ranges::penalty_last_n);
  for (const TokenId token : o.dry_sequence_breakers) check_token("dry_sequence_breakers", token);
  check_range("no_repeat_ngram_size", o.no_repeat_ngram_size, ranges::no_repeat_ngram_size);
  check_range("temperature", o.temperature, ranges::temperature);
  check_range("top_k", o.top_k, ranges::top_k);
  check_range("typical_p", o.typical_p, ranges::typical_p);
  check_range("top_p", o.top_p, ranges::top_p);
  check_range("min_p", o.min_p, ranges::min_p);
  check_range("xtc_probability", o.xtc_probability, ranges::xtc_probability);
  check_range("xtc_threshold", o.xtc_threshold, ranges::xtc_threshold);
  GEMMA4_CHECK(o.top_logprobs >= 0, ErrorCode::invalid_argument,
               "SamplerOptions::top_logprobs: expected 0 or more, got ", o.top_logprobs);
}

SamplerState::SamplerState(const SamplerOptions& options)
    : options_((validate(options), options)),
      penalizes_((options.repetition_penalty != 1.0F || options.presence_penalty != 0.0F ||
                  options.frequency_penalty != 0.0F) &&
                 options.penalty_last_n != 0),
      seed_(options.seed ? *options.seed : base::random_bits()),
      random_(seed_),
      seen_(options.penalty_last_n),
      looks_back_((options.dry_multiplier > 0.0F && options.dry_penalty_last_n != 0) || options.no_repeat_ngram_size > 0) {}

SamplerState::SamplerState(const SamplerState& other)
    : options_(other.options_),
      penalizes_(other.penalizes_),
      seed_(other.seed_),
      random_(other.random_),
      seen_(other.seen_),
      looks_back_(other.looks_back_),
      text_(other.text_) {}

SampledToken SamplerState::sample(Span<const float> logits, Span<const std::uint32_t> allowed) {
  GEMMA4_CHECK(!logits.empty(), ErrorCode::invalid_argument, "Sampler: expected [vocab_size] logits, got none");
  ++uses_;
  SampledToken sampled;
  sampled.token = choose(adjust(logits, allowed));
  if (reports()) report(logits, sampled);
  see(sampled.token);
  return sampled;
}

void SamplerState::see(TokenId token) {
  if (penalizes_) seen_.add(token);
  if (looks_back_) text_.add(token);
}

void SamplerState::forget_text() noexcept {
  seen_.clear();
  text_.clear();
}

void SamplerState::observe(Span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    GEMMA4_CHECK(token >= 0, ErrorCode::token_out_of_range, "Sampler::observe: expected token ids >= 0, got ", token);
  }
  ++uses_;
  if (!penalizes_ && !looks_back_) return;
  for (const TokenId token : tokens) see(token);
}

void SamplerState::observe_anew(Span<const TokenId> tokens) {
  forget_text();
  observe(tokens);
}

void SamplerState::reset() {
  ++uses_;
  random_ = Random(seed_);
  forget_text();
}

// The logits after the mask, suppress, logit_bias and the penalties: a copy, unless there is nothing to change.
Span<const float> SamplerState::adjust(Span<const float> logits, Span<const std::uint32_t> allowed) {
  const Span<const TokenCount> seen = seen_.counts();
  if (allowed.empty() && options_.suppress.empty() && options_.logit_bias.empty() && seen.empty() && !looks_back_) return logits;

  for (const TokenId token : options_.suppress) check_in_vocabulary("suppress", token, logits.size());
  for (const auto& entry : options_.logit_bias) check_in_vocabulary("logit_bias", entry.first, logits.size());
  if (!seen.empty()) check_in_vocabulary("tokens seen", seen[seen.size() - 1].token, logits.size());

  if (allowed.empty()) {
    adjusted_.assign(logits.begin(), logits.end());
  } else {
    adjusted_.resize(logits.size());
    copy_allowed(logits, allowed, adjusted_.data());
  }
  suppress(adjusted_, options_.suppress);
  add_bias(adjusted_, options_.logit_bias);
  penalize(adjusted_, seen, options_.repetition_penalty, options_.presence_penalty, options_.frequency_penalty);
  if (looks_back_) avoid_repetition(adjusted_);
  return adjusted_;
}

// Tokens seen that are beyond these logits have none to lose.
void SamplerState::avoid_repetition(Span<float> logits) {
  const auto beyond = [&](TokenId token) { return static_cast<std::size_t>(token) >= logits.size(); };
  if (options_.dry_multiplier > 0.0F && options_.dry_penalty_last_n != 0) {
    const auto allowed = static_cast<std::size_t>(options_.dry_allowed_length);
    for (const Continuation& c : text_.continuations(allowed, options_.dry_penalty_last_n, options_.dry_sequence_breakers)) {
      if (beyond(c.token)) continue;
      const double penalty = options_.dry_multiplier * std::pow(static_cast<double>(options_.dry_base), static_cast<double>(c.length - allowed));
      float& logit = logits[static_cast<std::size_t>(c.token)];
      if (std::isfinite(logit)) {
        logit = static_cast<float>(std::max(logit - penalty, -static_cast<double>(std::numeric_limits<float>::max())));
      }
    }
  }
  if (options_.no_repeat_ngram_size == 0) return;
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const std::vector<TokenId>& closing = text_.closing(static_cast<std::size_t>(options_.no_repeat_ngram_size));
  std::vector<std::pair<TokenId, float>> taken;
  for (const TokenId token : closing) {
    if (beyond(token)) continue;
    float& logit = logits[static_cast<std::size_t>(token)];
    taken.emplace_back(token, logit);
    logit = kNever;
  }
  if (taken.empty() || std::any_of(logits.begin(), logits.end(), [&](float logit) { return logit != kNever; })) return;
  for (const auto& [token, logit] : taken) logits[static_cast<std::size_t>(token)] = logit;  // a mask allows these alone
}

TokenId SamplerState::choose(Span<const float> logits) {
  scan_blocks(logits, maxima_);
  if (!maxima_.valid) fail_not_valid(logits);
  GEMMA4_CHECK(std::isfinite(maxima_.max), ErrorCode::non_finite,
               "Sampler: expected a token to choose from, got -inf for all ", logits.size(), " of them");
  if (options_.temperature == 0.0F) return static_cast<TokenId>(first_maximum(logits, maxima_));

  const double u = random_.uniform();
  choose_top_k(logits, maxima_, static_cast<std::size_t>(options_.top_k), options_.temperature, candidates_);
  if (options_.typical_p < 1.0F) keep_typical(candidates_, options_.typical_p);
  if (options_.top_p < 1.0F) keep_top_p(candidates_, options_.top_p);
  if (options_.min_p > 0.0F) keep_min_p(candidates_, options_.min_p);
  if (options_.xtc_probability > 0.0F && random_.uniform() < options_.xtc_probability) drop_top(candidates_, options_.xtc_threshold);
  return draw(candidates_, u);
}

// Fills logprob and top from the raw logits.
void SamplerState::report(Span<const float> logits, SampledToken& sampled) {
  scan_blocks(logits, maxima_);
  if (!maxima_.valid) fail_not_valid(logits);
  const double normalizer = log_sum_exp(logits, maxima_);
  const auto logprob = [&](TokenId token) {
    return static_cast<float>(static_cast<double>(logits[static_cast<std::size_t>(token)]) - normalizer);
  };
  sampled.logprob = logprob(sampled.token);

  candidates_.reserve(logits.size());
  TokenId* ids = candidates_.ids();
  const std::size_t wanted = std::min(static_cast<std::size_t>(options_.top_logprobs), logits.size());
  if (wanted == 0) return;
  const std::size_t found = top_k_indices(logits, maxima_, wanted, ids, candidates_.scratch());
  sampled.top.reserve(found);
  for (std::size_t i = 0; i < found; ++i) sampled.top.push_back({ids[i], logprob(ids[i])});
  std::stable_sort(sampled.top.begin(), sampled.top.end(), [&](const auto& a, const auto& b) {
    return logits[static_cast<std::size_t>(a.token)] > logits[static_cast<std::size_t>(b.token)];
  });
}

}  // namespace gemma4::sampling
