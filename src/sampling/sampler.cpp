#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/entropy.h"
#include "base/sampler_ranges.h"
#include "base/utf8.h"

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

void check_breaker(const std::string& breaker) {
  GEMMA4_CHECK(!breaker.empty() && base::is_utf8(breaker), ErrorCode::invalid_argument,
               "SamplerOptions::dry_sequence_breakers: expected texts of valid UTF-8, got ",
               breaker.empty() ? "an empty one" : "other bytes");
}

bool wants_dry(const SamplerOptions& o) { return o.dry_multiplier > 0.0F && o.dry_penalty_last_n != 0; }

/// How much of the text is kept in its order.
int history_window(const SamplerOptions& o) {
  if (o.no_repeat_ngram_size > 0) return -1;
  return wants_dry(o) ? o.dry_penalty_last_n : 0;
}

/// The latest n tokens; -1: all.
Span<const TokenId> latest(Span<const TokenId> tokens, int n) {
  if (n < 0 || static_cast<std::size_t>(n) >= tokens.size()) return tokens;
  return tokens.subspan(tokens.size() - static_cast<std::size_t>(n));
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
  check_range("dry_penalty_last_n", o.dry_penalty_last_n, ranges::dry_penalty_last_n);
  for (const std::string& breaker : o.dry_sequence_breakers) check_breaker(breaker);
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
      dry_(wants_dry(options)),
      history_(history_window(options), dry_ ? options.dry_sequence_breakers : std::vector<std::string>()) {}

SamplerState::SamplerState(const SamplerState& other)
    : options_(other.options_),
      penalizes_(other.penalizes_),
      seed_(other.seed_),
      random_(other.random_),
      seen_(other.seen_),
      dry_(other.dry_),
      history_(other.history_) {}

SampledToken SamplerState::sample(Span<const float> logits, Span<const std::uint32_t> allowed) {
  GEMMA4_CHECK(!logits.empty(), ErrorCode::invalid_argument, "Sampler: expected [vocab_size] logits, got none");
  GEMMA4_CHECK(history_.can_find_breakers(), ErrorCode::invalid_argument,
               "Sampler: SamplerOptions::dry_sequence_breakers are texts, and this sampler does not know what tokens say: "
               "expected set_tokenizer() before, or no breakers");
  ++uses_;
  find_repeated();
  SampledToken sampled;
  sampled.token = choose(adjust(logits, allowed));
  if (options_.logprobs || options_.top_logprobs > 0) report(logits, sampled);
  if (penalizes_) seen_.add(sampled.token);
  history_.add(sampled.token);
  return sampled;
}

void SamplerState::observe(Span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    GEMMA4_CHECK(token >= 0, ErrorCode::token_out_of_range, "Sampler::observe: expected token ids >= 0, got ", token);
  }
  ++uses_;
  for (const TokenId token : tokens) {
    if (penalizes_) seen_.add(token);
    history_.add(token);
  }
}

void SamplerState::reset() {
  ++uses_;
  random_ = Random(seed_);
  seen_.clear();
  history_.clear();
}

void SamplerState::set_texts(const TokenTexts& texts) { history_.set_texts(texts); }

// What the text so far makes of the next token: what would go on with a repetition, what would complete an n-gram.
void SamplerState::find_repeated() {
  const Span<const TokenId> text = history_.tokens();
  if (dry_) {
    const Span<const TokenId> window = latest(text, options_.dry_penalty_last_n);
    find_repeats(window, std::min(history_.since_breaker(), window.size()),
                 static_cast<std::size_t>(options_.dry_allowed_length), lengths_, repeats_);
  }
  if (options_.no_repeat_ngram_size > 0) {
    find_repeated_ngrams(text, static_cast<std::size_t>(options_.no_repeat_ngram_size), banned_);
  }
}

// The logits after the mask, suppress, logit_bias, the penalties and the n-grams: a copy, unless there is nothing to
// change.
Span<const float> SamplerState::adjust(Span<const float> logits, Span<const std::uint32_t> allowed) {
  const Span<const TokenCount> seen = seen_.counts();
  if (allowed.empty() && options_.suppress.empty() && options_.logit_bias.empty() && seen.empty() && repeats_.empty() &&
      banned_.empty()) {
    return logits;
  }

  for (const TokenId token : options_.suppress) check_in_vocabulary("suppress", token, logits.size());
  for (const auto& entry : options_.logit_bias) check_in_vocabulary("logit_bias", entry.first, logits.size());
  if (!seen.empty()) check_in_vocabulary("tokens seen", seen[seen.size() - 1].token, logits.size());
  if (!repeats_.empty()) check_in_vocabulary("tokens seen", repeats_.back().token, logits.size());
  if (!banned_.empty()) check_in_vocabulary("tokens seen", banned_.back(), logits.size());

  if (allowed.empty()) {
    adjusted_.assign(logits.begin(), logits.end());
  } else {
    adjusted_.resize(logits.size());
    copy_allowed(logits, allowed, adjusted_.data());
  }
  suppress(adjusted_, options_.suppress);
  add_bias(adjusted_, options_.logit_bias);
  penalize(adjusted_, seen, options_.repetition_penalty, options_.presence_penalty, options_.frequency_penalty);
  discourage_repeats();
  ban_ngrams();
  return adjusted_;
}

void SamplerState::discourage_repeats() {
  constexpr float kLeast = std::numeric_limits<float>::lowest();
  for (const Repeat& repeat : repeats_) {
    float& logit = adjusted_[static_cast<std::size_t>(repeat.token)];
    if (!(logit > kLeast) || history_.is_breaker(repeat.token)) continue;  // masked ones stay so
    const std::size_t exponent = repeat.length - static_cast<std::size_t>(options_.dry_allowed_length);
    logit = std::max(logit - repeat_penalty(options_.dry_multiplier, options_.dry_base, exponent), kLeast);
  }
}

// Unless nothing would be left.
void SamplerState::ban_ngrams() {
  if (banned_.empty()) return;
  lifted_.clear();
  for (const TokenId token : banned_) {
    lifted_.push_back(std::exchange(adjusted_[static_cast<std::size_t>(token)], -std::numeric_limits<float>::infinity()));
  }
  const auto is_left = [](float logit) { return !(logit < std::numeric_limits<float>::lowest()); };  // NaN: told later
  if (std::any_of(adjusted_.begin(), adjusted_.end(), is_left)) return;
  for (std::size_t i = 0; i < banned_.size(); ++i) adjusted_[static_cast<std::size_t>(banned_[i])] = lifted_[i];
}

TokenId SamplerState::choose(Span<const float> logits) {
  scan_blocks(logits, maxima_);
  if (!maxima_.valid) fail_not_valid(logits);
  GEMMA4_CHECK(std::isfinite(maxima_.max), ErrorCode::non_finite,
               "Sampler: expected a token to choose from, got -inf for all ", logits.size(), " of them");
  if (options_.temperature == 0.0F) return static_cast<TokenId>(first_maximum(logits, maxima_));

  const double u = random_.uniform();
  const bool excludes = options_.xtc_probability > 0.0F && random_.uniform() < static_cast<double>(options_.xtc_probability);
  choose_top_k(logits, maxima_, static_cast<std::size_t>(options_.top_k), options_.temperature, candidates_);
  if (options_.typical_p < 1.0F) keep_typical(candidates_, options_.typical_p);
  if (options_.top_p < 1.0F) keep_top_p(candidates_, options_.top_p);
  if (options_.min_p > 0.0F) keep_min_p(candidates_, options_.min_p);
  if (excludes) exclude_top(candidates_, options_.xtc_threshold);
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
