// gemma4_c/generate.h.
#include "objects.h"
#include "samples.h"

namespace gemma4::capi {
namespace {

struct GenerateOptionsObject : Object {
  using Handle = gemma4_generate_options;
  static constexpr char kName[] = "gemma4_generate_options";
  struct Values {
    GenerateOptions generate;
    std::optional<GrammarMatcher> matcher;  // where a generation's constraint begins
    std::optional<Grammar> grammar;         // or of what
  };
  Values options;
};

using Options = Claim<GenerateOptionsObject>;

/// A running generation holds its session and its sampler; one that has ended keeps its result only.
struct GenerationObject : Object {
  using Handle = gemma4_generation;
  static constexpr char kName[] = "gemma4_generation";

  GenerationObject(gemma4_session* session_handle, Span<const TokenId> prompt, gemma4_sampler* sampler_handle,
                   const gemma4_generate_options* handle)
      : session(session_handle), sampler(sampler_handle) {
    const auto values = options_of<GenerateOptionsObject>(handle);
    GenerateOptions options = values.generate;
    if (values.matcher) {
      options.constraint = std::make_shared<GrammarMatcher>(*values.matcher);
    } else if (values.grammar) {
      options.constraint = std::make_shared<GrammarMatcher>(*values.grammar, session->session.model().tokenizer());
    }
    check_room(session->session, prompt.size());
    running.emplace(session->session, prompt, sampler->sampler, options);
    session->logits = {};
  }

  bool next() {
    piece = {};
    if (!running) return false;
    try {
      std::optional<Piece> found = running->next();
      if (found) piece = std::move(*found);
      if (found) return true;
    } catch (...) {
      end();
      throw;
    }
    end();
    return false;
  }

  /// What there is of it when the callback wants no more.
  void cancel() {
    end();
    result.reason = StopReason::cancelled;
  }

  const GenerateResult& so_far() const noexcept { return running ? running->result() : result; }

  Claim<SessionObject> session;
  Claim<SamplerObject> sampler;
  std::optional<Generation> running;
  Piece piece;
  GenerateResult result;
  bool ended = false;

 private:
  void end() {
    result = running->result();
    running.reset();
    session.release();
    sampler.release();
    ended = true;
  }
};

using Running = Claim<GenerationObject>;

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;

gemma4_status gemma4_generate_options_create(gemma4_generate_options** out_options) {
  return guard([&] { capi::create<capi::GenerateOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_generate_options_destroy(gemma4_generate_options* options) {
  return capi::destroy<capi::GenerateOptionsObject>(options);
}

gemma4_status gemma4_generate_options_set_max_tokens(gemma4_generate_options* options, int32_t max_tokens) {
  return guard([&] { capi::Options(options)->options.generate.max_tokens = max_tokens; });
}

gemma4_status gemma4_generate_options_add_stop(gemma4_generate_options* options, const char* text, size_t text_length) {
  return guard([&] { capi::Options(options)->options.generate.stop.push_back(capi::stop_text(text, text_length)); });
}

gemma4_status gemma4_generate_options_set_stop_at_end(gemma4_generate_options* options, int32_t stop_at_end) {
  return guard([&] { capi::Options(options)->options.generate.stop_at_eos = stop_at_end != 0; });
}

gemma4_status gemma4_generate_options_set_show_special(gemma4_generate_options* options, int32_t show) {
  return guard([&] { capi::Options(options)->options.generate.show_special = show != 0; });
}

gemma4_status gemma4_generate_options_set_cancel(gemma4_generate_options* options, const gemma4_cancel_token* token) {
  return guard([&] { capi::Options(options)->options.generate.cancel = capi::cancel_of(token); });
}

gemma4_status gemma4_generate_options_set_grammar(gemma4_generate_options* options, const gemma4_grammar* grammar) {
  return guard([&] {
    const capi::Options to(options);
    std::optional<gemma4::Grammar> given;
    if (grammar != nullptr) given = capi::shared<capi::GrammarObject>(grammar)->grammar;
    to->options.grammar = std::move(given);
    to->options.matcher.reset();
  });
}

gemma4_status gemma4_generate_options_set_matcher(gemma4_generate_options* options, const gemma4_matcher* matcher) {
  return guard([&] {
    const capi::Options to(options);
    std::optional<gemma4::GrammarMatcher> given;
    if (matcher != nullptr) given = capi::Claim<capi::MatcherObject>(matcher)->matcher;
    to->options.matcher = std::move(given);
    to->options.grammar.reset();
  });
}

gemma4_status gemma4_generate_options_set_progress(gemma4_generate_options* options, gemma4_token_progress progress,
                                                   void* user_data) {
  return guard(
      [&] { capi::Options(options)->options.generate.prefill_progress = capi::progress_of(progress, user_data); });
}

gemma4_status gemma4_generate(gemma4_session* session, const int32_t* prompt, size_t n_prompt, gemma4_sampler* sampler,
                              const gemma4_generate_options* options, gemma4_piece_callback callback, void* user_data,
                              gemma4_generation** out_generation) {
  return guard([&] {
    if (out_generation != nullptr) *out_generation = nullptr;
    const auto run =
        std::make_shared<capi::GenerationObject>(session, capi::array(prompt, n_prompt, "prompt"), sampler, options);
    while (run->next()) {
      if (callback == nullptr) continue;
      const gemma4::Piece& piece = run->piece;
      const int32_t action =
          callback(user_data, piece.text.data(), piece.text.size(), piece.token_ids.data(), piece.token_ids.size());
      if (action != GEMMA4_PROCEED) {
        run->cancel();
        break;
      }
    }
    if (out_generation == nullptr) return;
    *out_generation = reinterpret_cast<gemma4_generation*>(capi::insert(run, capi::kind_of<capi::GenerationObject>()));
  });
}

gemma4_status gemma4_generation_create(gemma4_session* session, const int32_t* prompt, size_t n_prompt,
                                       gemma4_sampler* sampler, const gemma4_generate_options* options,
                                       gemma4_generation** out_generation) {
  return guard([&] {
    capi::required(out_generation, "out_generation") = nullptr;
    const gemma4::Span<const int32_t> tokens = capi::array(prompt, n_prompt, "prompt");
    capi::create<capi::GenerationObject>(out_generation, "out_generation", session, tokens, sampler, options);
  });
}

gemma4_status gemma4_generation_destroy(gemma4_generation* generation) {
  return capi::destroy<capi::GenerationObject>(generation);
}

gemma4_status gemma4_generation_next(gemma4_generation* generation, int32_t* out_more) {
  return guard([&] {
    int32_t& more = capi::required(out_more, "out_more");
    more = 0;
    more = capi::Running(generation)->next();
  });
}

gemma4_status gemma4_generation_piece_text(const gemma4_generation* generation, char* buffer, size_t capacity,
                                           size_t* out_length) {
  return guard([&] { capi::write_text(capi::Running(generation)->piece.text, buffer, capacity, out_length); });
}

gemma4_status gemma4_generation_piece_tokens(const gemma4_generation* generation, int32_t* tokens, size_t capacity,
                                             size_t* out_count) {
  return guard([&] {
    capi::write_array<int32_t>(capi::Running(generation)->piece.token_ids, tokens, capacity, out_count, "tokens");
  });
}

gemma4_status gemma4_generation_piece_logprobs(const gemma4_generation* generation, float* logprobs, size_t capacity,
                                               size_t* out_count) {
  return guard([&] {
    capi::write_logprobs(capi::Running(generation)->piece.samples, logprobs, capacity, out_count);
  });
}

gemma4_status gemma4_generation_stop_reason(const gemma4_generation* generation, int32_t* out_reason) {
  return guard([&] {
    const capi::Running of(generation);
    capi::required(out_reason, "out_reason") =
        of->ended ? static_cast<int32_t>(of->result.reason) : GEMMA4_STOP_NOT_ENDED;
  });
}

gemma4_status gemma4_generation_text(const gemma4_generation* generation, char* buffer, size_t capacity,
                                     size_t* out_length) {
  return guard([&] { capi::write_text(capi::Running(generation)->so_far().text, buffer, capacity, out_length); });
}

gemma4_status gemma4_generation_tokens(const gemma4_generation* generation, int32_t* tokens, size_t capacity,
                                       size_t* out_count) {
  return guard([&] {
    capi::write_array<int32_t>(capi::Running(generation)->so_far().token_ids, tokens, capacity, out_count, "tokens");
  });
}

gemma4_status gemma4_generation_stop_text(const gemma4_generation* generation, char* buffer, size_t capacity,
                                          size_t* out_length) {
  return guard([&] { capi::write_text(capi::Running(generation)->so_far().stop, buffer, capacity, out_length); });
}

gemma4_status gemma4_generation_seconds(const gemma4_generation* generation, double* out_prefill_seconds,
                                        double* out_decode_seconds) {
  return guard([&] {
    const capi::Running of(generation);
    if (out_prefill_seconds != nullptr) *out_prefill_seconds = of->so_far().prefill_seconds;
    if (out_decode_seconds != nullptr) *out_decode_seconds = of->so_far().decode_seconds;
  });
}

gemma4_status gemma4_generation_speed(const gemma4_generation* generation, double* out_time_to_first_token,
                                      double* out_tokens_per_second) {
  return guard([&] {
    const capi::Running of(generation);
    if (out_time_to_first_token != nullptr) *out_time_to_first_token = of->so_far().time_to_first_token;
    if (out_tokens_per_second != nullptr) *out_tokens_per_second = of->so_far().tokens_per_second;
  });
}
