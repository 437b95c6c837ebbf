#include "sampling_arguments.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "common.h"

namespace cli {
namespace {

template <class T>
void set(T& field, const std::optional<T>& value) {
  if (value) field = *value;
}

std::pair<gemma4::TokenId, float> parse_bias(const std::string& text) {
  gemma4::TokenId token = 0;
  float value = 0.0F;
  const char* const end = text.data() + text.size();
  const auto [after_token, token_error] = std::from_chars(text.data(), end, token);
  if (token_error == std::errc() && after_token != end && *after_token == '=') {
    const auto [after_value, value_error] = std::from_chars(after_token + 1, end, value);
    if (value_error == std::errc() && after_value == end) return {token, value};
  }
  throw UsageError("--logit-bias: expected ID=VALUE, got \"" + text + "\"");
}

}  // namespace

void SamplingArguments::add_to(CLI::App& command) {
  const char* const group = "Sampling (defaults: the model's own)";
  command.add_option("--temperature", temperature, "0: greedy")->group(group);
  command.add_option("--top-k", top_k, "Keep the k most likely tokens; 0: all")->group(group);
  command.add_option("--top-p", top_p, "Keep the likeliest tokens up to this mass; 1: off; 0: the best one")->group(group);
  command.add_option("--min-p", min_p, "Drop tokens below this share of the best one's probability; 0: off")
      ->group(group);
  command.add_option("--typical-p", typical_p, "Keep the locally typical tokens up to this mass; 1: off")->group(group);
  command.add_option("--repetition-penalty", repetition_penalty, "Divides the logits of tokens seen; 1: off")
      ->group(group);
  command.add_option("--presence-penalty", presence_penalty, "Subtracted once from tokens seen; 0: off")->group(group);
  command.add_option("--frequency-penalty", frequency_penalty, "Subtracted per occurrence; 0: off")->group(group);
  command.add_option("--penalty-last-n", penalty_last_n, "Latest tokens that count as seen; -1: all; 0: none")
      ->group(group);
  command.add_option("--dry-multiplier", dry_multiplier, "Makes tokens that would go on with a repetition less likely; 0: off")
      ->group(group);
  command.add_option("--dry-base", dry_base, "How fast that grows with each token repeated; at least 1")->group(group);
  command.add_option("--dry-allowed-length", dry_allowed_length, "Shorter repetitions cost nothing")->group(group);
  command.add_option("--dry-penalty-last-n", dry_penalty_last_n, "Latest tokens where repetitions are looked for; -1: all")
      ->group(group);
  command.add_option("--dry-sequence-breaker", dry_sequence_breakers,
                     "Text beyond which no repetition reaches, instead of newline : \" and *; may be repeated")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--no-repeat-ngram-size", no_repeat_ngram_size, "No run of so many tokens comes twice; 0: off")
      ->group(group);
  command.add_option("--xtc-probability", xtc_probability, "How often the likeliest tokens are dropped; 0: never")
      ->group(group);
  command.add_option("--xtc-threshold", xtc_threshold, "Probability from which on a token is one of those")->group(group);
  command.add_option("--logit-bias", logit_bias, "ID=VALUE, added to that token's logit; may be repeated")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--suppress", suppress, "Id of a token never to choose; may be repeated")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--seed", seed, "Equal seeds give equal answers; default: random")->group(group);
}

gemma4::SamplerOptions SamplingArguments::options(const gemma4::Model& model) const {
  gemma4::SamplerOptions o = model.sampler_defaults();
  set(o.temperature, temperature);
  set(o.top_k, top_k);
  set(o.top_p, top_p);
  set(o.min_p, min_p);
  set(o.typical_p, typical_p);
  set(o.repetition_penalty, repetition_penalty);
  set(o.presence_penalty, presence_penalty);
  set(o.frequency_penalty, frequency_penalty);
  set(o.penalty_last_n, penalty_last_n);
  set(o.dry_multiplier, dry_multiplier);
  set(o.dry_base, dry_base);
  set(o.dry_allowed_length, dry_allowed_length);
  set(o.dry_penalty_last_n, dry_penalty_last_n);
  if (!dry_sequence_breakers.empty()) o.dry_sequence_breakers = dry_sequence_breakers;
  set(o.no_repeat_ngram_size, no_repeat_ngram_size);
  set(o.xtc_probability, xtc_probability);
  set(o.xtc_threshold, xtc_threshold);
  for (const std::string& bias : logit_bias) o.logit_bias.push_back(parse_bias(bias));
  o.suppress.insert(o.suppress.end(), suppress.begin(), suppress.end());
  o.seed = seed;
  return o;
}

}  // namespace cli
