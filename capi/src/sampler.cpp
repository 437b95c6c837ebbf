// gemma4_c/sampler.h.
#include "objects.h"
#include "samples.h"

namespace capi = gemma4::capi;
using capi::guard;
using Options = capi::Claim<capi::SamplerOptionsObject>;
using Sampler = capi::Claim<capi::SamplerObject>;

gemma4_status gemma4_sampler_options_create(gemma4_sampler_options** out_options) {
  return guard([&] { capi::create<capi::SamplerOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_sampler_options_of_model(const gemma4_model* model, gemma4_sampler_options** out_options) {
  return guard([&] {
    capi::required(out_options, "out_options") = nullptr;
    const auto object = capi::shared<capi::ModelObject>(model);
    gemma4_sampler_options* made = nullptr;
    capi::create<capi::SamplerOptionsObject>(&made, "out_options");
    try {
      Options(made)->options = object->model.sampler_defaults();
    } catch (...) {
      gemma4_sampler_options_destroy(made);
      throw;
    }
    *out_options = made;
  });
}

gemma4_status gemma4_sampler_options_destroy(gemma4_sampler_options* options) {
  return capi::destroy<capi::SamplerOptionsObject>(options);
}

gemma4_status gemma4_sampler_options_set_suppress(gemma4_sampler_options* options, const int32_t* tokens,
                                                  size_t n_tokens) {
  return guard([&] {
    const Options to(options);
    const auto given = capi::array(tokens, n_tokens, "tokens");
    to->options.suppress.assign(given.begin(), given.end());
  });
}

gemma4_status gemma4_sampler_options_add_logit_bias(gemma4_sampler_options* options, int32_t token, float bias) {
  return guard([&] { Options(options)->options.logit_bias.emplace_back(token, bias); });
}

gemma4_status gemma4_sampler_options_set_repetition_penalty(gemma4_sampler_options* options, float penalty) {
  return guard([&] { Options(options)->options.repetition_penalty = penalty; });
}

gemma4_status gemma4_sampler_options_set_presence_penalty(gemma4_sampler_options* options, float penalty) {
  return guard([&] { Options(options)->options.presence_penalty = penalty; });
}

gemma4_status gemma4_sampler_options_set_frequency_penalty(gemma4_sampler_options* options, float penalty) {
  return guard([&] { Options(options)->options.frequency_penalty = penalty; });
}

gemma4_status gemma4_sampler_options_set_penalty_last_n(gemma4_sampler_options* options, int32_t tokens) {
  return guard([&] { Options(options)->options.penalty_last_n = tokens; });
}

gemma4_status gemma4_sampler_options_set_dry_multiplier(gemma4_sampler_options* options, float multiplier) {
  return guard([&] { Options(options)->options.dry_multiplier = multiplier; });
}

gemma4_status gemma4_sampler_options_set_dry_base(gemma4_sampler_options* options, float base) {
  return guard([&] { Options(options)->options.dry_base = base; });
}

gemma4_status gemma4_sampler_options_set_dry_allowed_length(gemma4_sampler_options* options, int32_t tokens) {
  return guard([&] { Options(options)->options.dry_allowed_length = tokens; });
}

gemma4_status gemma4_sampler_options_set_dry_penalty_last_n(gemma4_sampler_options* options, int32_t tokens) {
  return guard([&] { Options(options)->options.dry_penalty_last_n = tokens; });
}

gemma4_status gemma4_sampler_options_add_dry_sequence_breaker(gemma4_sampler_options* options, const char* text,
                                                              size_t text_length) {
  return guard([&] {
    const Options to(options);
    to->options.dry_sequence_breakers.push_back(capi::stop_text(text, text_length));
  });
}

gemma4_status gemma4_sampler_options_clear_dry_sequence_breakers(gemma4_sampler_options* options) {
  return guard([&] { Options(options)->options.dry_sequence_breakers.clear(); });
}

gemma4_status gemma4_sampler_options_set_no_repeat_ngram_size(gemma4_sampler_options* options, int32_t tokens) {
  return guard([&] { Options(options)->options.no_repeat_ngram_size = tokens; });
}

gemma4_status gemma4_sampler_options_set_temperature(gemma4_sampler_options* options, float temperature) {
  return guard([&] { Options(options)->options.temperature = temperature; });
}

gemma4_status gemma4_sampler_options_set_top_k(gemma4_sampler_options* options, int32_t k) {
  return guard([&] { Options(options)->options.top_k = k; });
}

gemma4_status gemma4_sampler_options_set_typical_p(gemma4_sampler_options* options, float mass) {
  return guard([&] { Options(options)->options.typical_p = mass; });
}

gemma4_status gemma4_sampler_options_set_top_p(gemma4_sampler_options* options, float mass) {
  return guard([&] { Options(options)->options.top_p = mass; });
}

gemma4_status gemma4_sampler_options_set_min_p(gemma4_sampler_options* options, float min_p) {
  return guard([&] { Options(options)->options.min_p = min_p; });
}

gemma4_status gemma4_sampler_options_set_xtc_probability(gemma4_sampler_options* options, float probability) {
  return guard([&] { Options(options)->options.xtc_probability = probability; });
}

gemma4_status gemma4_sampler_options_set_xtc_threshold(gemma4_sampler_options* options, float threshold) {
  return guard([&] { Options(options)->options.xtc_threshold = threshold; });
}

gemma4_status gemma4_sampler_options_set_seed(gemma4_sampler_options* options, uint64_t seed) {
  return guard([&] { Options(options)->options.seed = seed; });
}

gemma4_status gemma4_sampler_options_set_logprobs(gemma4_sampler_options* options, int32_t top) {
  return guard([&] {
    if (top < -1) capi::refuse("top: expected -1 (none) or more, got " + std::to_string(top));
    const Options to(options);
    to->options.logprobs = top >= 0;
    to->options.top_logprobs = top < 0 ? 0 : top;
  });
}

gemma4_status gemma4_sampler_create(const gemma4_sampler_options* options, gemma4_sampler** out_sampler) {
  return guard([&] {
    capi::required(out_sampler, "out_sampler") = nullptr;
    capi::create<capi::SamplerObject>(out_sampler, "out_sampler",
                                      gemma4::Sampler(capi::options_of<capi::SamplerOptionsObject>(options)));
  });
}

gemma4_status gemma4_sampler_destroy(gemma4_sampler* sampler) { return capi::destroy<capi::SamplerObject>(sampler); }

gemma4_status gemma4_sampler_copy(const gemma4_sampler* sampler, gemma4_sampler** out_sampler) {
  return guard([&] {
    capi::required(out_sampler, "out_sampler") = nullptr;
    capi::create<capi::SamplerObject>(out_sampler, "out_sampler", gemma4::Sampler(Sampler(sampler)->sampler));
  });
}

gemma4_status gemma4_sampler_set_tokenizer(gemma4_sampler* sampler, const gemma4_tokenizer* tokenizer) {
  return guard([&] {
    const Sampler to(sampler);
    to->sampler.set_tokenizer(capi::shared<capi::TokenizerObject>(tokenizer)->tokenizer);
  });
}

gemma4_status gemma4_sampler_sample(gemma4_sampler* sampler, const float* logits, size_t n_logits, const uint32_t* mask,
                                    size_t n_words, int32_t* out_token) {
  return guard([&] {
    int32_t& token = capi::required(out_token, "out_token");
    const Sampler with(sampler);
    const auto values = capi::array(logits, n_logits, "logits");
    const auto allowed = capi::array(mask, n_words, "mask");
    if (values.empty() || values.size() > static_cast<std::size_t>(INT32_MAX)) {
      capi::refuse("logits: expected 1 to 2147483647, got " + std::to_string(values.size()));
    }
    with->last = mask == nullptr ? with->sampler.sample(values) : with->sampler.sample(values, allowed);
    token = with->last.token;
  });
}

gemma4_status gemma4_sampler_logprob(const gemma4_sampler* sampler, float* out_logprob) {
  return guard([&] { capi::required(out_logprob, "out_logprob") = Sampler(sampler)->last.logprob; });
}

gemma4_status gemma4_sampler_top_logprobs(const gemma4_sampler* sampler, int32_t* tokens, float* logprobs,
                                          size_t capacity, size_t* out_count) {
  return guard([&] {
    const Sampler with(sampler);
    capi::write_top(with->last, tokens, logprobs, capacity, out_count);
  });
}

gemma4_status gemma4_sampler_observe(gemma4_sampler* sampler, const int32_t* tokens, size_t n_tokens) {
  return guard([&] {
    const Sampler with(sampler);
    with->sampler.observe(capi::array(tokens, n_tokens, "tokens"));
  });
}

gemma4_status gemma4_sampler_reset(gemma4_sampler* sampler) {
  return guard([&] {
    const Sampler with(sampler);
    with->sampler.reset();
    with->last = {};
  });
}

gemma4_status gemma4_sampler_seed(const gemma4_sampler* sampler, uint64_t* out_seed) {
  return guard([&] { capi::required(out_seed, "out_seed") = Sampler(sampler)->sampler.seed(); });
}
