// gemma4_c/session.h.
#include <algorithm>

#include "objects.h"

namespace gemma4::capi {
namespace {

struct PrefillOptionsObject : Object {
  using Handle = gemma4_prefill_options;
  static constexpr char kName[] = "gemma4_prefill_options";
  PrefillOptions options;
};

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;
using SessionOptions = capi::Claim<capi::SessionOptionsObject>;
using PrefillOptions = capi::Claim<capi::PrefillOptionsObject>;
using Session = capi::Claim<capi::SessionObject>;

gemma4_status gemma4_session_options_create(gemma4_session_options** out_options) {
  return guard([&] { capi::create<capi::SessionOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_session_options_destroy(gemma4_session_options* options) {
  return capi::destroy<capi::SessionOptionsObject>(options);
}

gemma4_status gemma4_session_options_set_context_length(gemma4_session_options* options, int32_t tokens) {
  return guard([&] { SessionOptions(options)->options.context_length = tokens; });
}

gemma4_status gemma4_session_options_set_prefill_chunk(gemma4_session_options* options, int32_t tokens) {
  return guard([&] { SessionOptions(options)->options.prefill_chunk = tokens; });
}

gemma4_status gemma4_session_options_set_kv_dtype(gemma4_session_options* options, int32_t dtype) {
  return guard([&] {
    SessionOptions(options)->options.kv_dtype = capi::one_of<gemma4::DType>(dtype, GEMMA4_DTYPE_BF16, "dtype");
  });
}

gemma4_status gemma4_session_options_set_checkpoint_bytes(gemma4_session_options* options, uint64_t bytes) {
  return guard([&] { SessionOptions(options)->options.checkpoint_bytes = bytes; });
}

gemma4_status gemma4_session_create(const gemma4_model* model, const gemma4_session_options* options,
                                    gemma4_session** out_session) {
  return guard([&] {
    capi::required(out_session, "out_session") = nullptr;
    const auto object = capi::shared<capi::ModelObject>(model);
    capi::create<capi::SessionObject>(
        out_session, "out_session",
        gemma4::Session(object->model, capi::options_of<capi::SessionOptionsObject>(options)));
  });
}

gemma4_status gemma4_session_destroy(gemma4_session* session) { return capi::destroy<capi::SessionObject>(session); }

gemma4_status gemma4_prefill_options_create(gemma4_prefill_options** out_options) {
  return guard([&] { capi::create<capi::PrefillOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_prefill_options_destroy(gemma4_prefill_options* options) {
  return capi::destroy<capi::PrefillOptionsObject>(options);
}

gemma4_status gemma4_prefill_options_set_want(gemma4_prefill_options* options, int32_t want) {
  return guard([&] {
    PrefillOptions(options)->options.want = capi::one_of<gemma4::Want>(want, GEMMA4_WANT_HIDDEN_STATES, "want");
  });
}

gemma4_status gemma4_prefill_options_set_rows(gemma4_prefill_options* options, const int32_t* rows, size_t n_rows) {
  return guard([&] {
    const PrefillOptions to(options);
    const auto given = capi::array(rows, n_rows, "rows");
    to->options.rows.assign(given.begin(), given.end());
    to->options.want = gemma4::Want::rows;
  });
}

gemma4_status gemma4_prefill_options_set_cancel(gemma4_prefill_options* options, const gemma4_cancel_token* token) {
  return guard([&] { PrefillOptions(options)->options.cancel = capi::cancel_of(token); });
}

gemma4_status gemma4_prefill_options_set_progress(gemma4_prefill_options* options, gemma4_token_progress progress,
                                                  void* user_data) {
  return guard([&] { PrefillOptions(options)->options.progress = capi::progress_of(progress, user_data); });
}

gemma4_status gemma4_session_prefill(gemma4_session* session, const int32_t* tokens, size_t n_tokens,
                                     const gemma4_prefill_options* options) {
  return guard([&] {
    const Session on(session);
    const auto prompt = capi::array(tokens, n_tokens, "tokens");
    const auto values = capi::options_of<capi::PrefillOptionsObject>(options);
    capi::check_room(on->session, prompt.size());
    on->logits = {};
    on->logits = on->session.prefill(prompt, values);
  });
}

gemma4_status gemma4_session_decode(gemma4_session* session, int32_t token, const gemma4_cancel_token* cancel) {
  return guard([&] {
    const Session on(session);
    const auto flag = capi::cancel_of(cancel);
    const auto logits = std::exchange(on->logits, {});
    try {
      on->logits = flag ? on->session.decode(token, *flag) : on->session.decode(token);
    } catch (const gemma4::Error& error) {  // refused before anything was computed: the logits are still there
      const bool refused =
          error.code() == gemma4::ErrorCode::token_out_of_range || error.code() == gemma4::ErrorCode::context_full;
      if (refused) on->logits = logits;
      throw;
    }
  });
}

gemma4_status gemma4_session_logits(const gemma4_session* session, float* logits, size_t capacity, size_t* out_count) {
  return guard([&] { capi::write_array(Session(session)->logits, logits, capacity, out_count, "logits"); });
}

gemma4_status gemma4_session_logits_view(const gemma4_session* session, const float** out_logits, size_t* out_count) {
  return guard([&] {
    const Session on(session);
    capi::required(out_logits, "out_logits") = nullptr;
    capi::required(out_count, "out_count") = on->logits.size();
    *out_logits = on->logits.data();
  });
}

gemma4_status gemma4_session_position(const gemma4_session* session, size_t* out_position) {
  return guard([&] { capi::required(out_position, "out_position") = Session(session)->session.position(); });
}

gemma4_status gemma4_session_context_length(const gemma4_session* session, size_t* out_tokens) {
  return guard([&] { capi::required(out_tokens, "out_tokens") = Session(session)->session.context_length(); });
}

gemma4_status gemma4_session_tokens(const gemma4_session* session, int32_t* tokens, size_t capacity,
                                    size_t* out_count) {
  return guard([&] {
    const Session on(session);
    capi::write_array(on->session.tokens(), tokens, capacity, out_count, "tokens");
  });
}

gemma4_status gemma4_session_truncate(gemma4_session* session, size_t n_tokens) {
  return guard([&] {
    const Session on(session);
    on->session.truncate(n_tokens);
    on->logits = {};
  });
}

gemma4_status gemma4_session_checkpoint(gemma4_session* session, int32_t* out_kept) {
  return guard([&] {
    const bool kept = Session(session)->session.checkpoint();
    if (out_kept != nullptr) *out_kept = kept;
  });
}

gemma4_status gemma4_session_fork(const gemma4_session* session, gemma4_session** out_session) {
  return guard([&] {
    capi::required(out_session, "out_session") = nullptr;
    capi::create<capi::SessionObject>(out_session, "out_session", Session(session)->session.fork());
  });
}

gemma4_status gemma4_session_score(const gemma4_session* session, const int32_t* tokens, size_t n_tokens,
                                   const gemma4_cancel_token* cancel, float* out_logprobs) {
  return guard([&] {
    const Session on(session);
    const auto continuation = capi::array(tokens, n_tokens, "tokens");
    if (!continuation.empty()) capi::required(out_logprobs, "out_logprobs");
    const std::vector<float> scores = gemma4::score(on->session, continuation, capi::cancel_of(cancel));
    std::copy(scores.begin(), scores.end(), out_logprobs);
  });
}

gemma4_status gemma4_session_memory_bytes(const gemma4_session* session, uint64_t* out_bytes) {
  return guard([&] { capi::required(out_bytes, "out_bytes") = Session(session)->session.memory_bytes(); });
}
