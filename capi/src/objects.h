// The objects behind handles that more than one file works with.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gemma4/gemma4.h"
#include "gemma4_c.h"
#include "handles.h"

namespace gemma4::capi {

struct CancelTokenObject : Object {
  using Handle = gemma4_cancel_token;
  static constexpr char kName[] = "gemma4_cancel_token";
  const CancelToken token;
};

struct ModelObject : Object {
  using Handle = gemma4_model;
  static constexpr char kName[] = "gemma4_model";
  explicit ModelObject(Model loaded) : model(std::move(loaded)) {}
  const Model model;
};

struct TokenizerObject : Object {
  using Handle = gemma4_tokenizer;
  static constexpr char kName[] = "gemma4_tokenizer";
  explicit TokenizerObject(Tokenizer loaded) : tokenizer(std::move(loaded)) {}
  const Tokenizer tokenizer;
};

struct SessionOptionsObject : Object {
  using Handle = gemma4_session_options;
  static constexpr char kName[] = "gemma4_session_options";
  SessionOptions options;
};

struct SessionObject : Object {
  using Handle = gemma4_session;
  static constexpr char kName[] = "gemma4_session";
  explicit SessionObject(Session made) : session(std::move(made)) {}
  Session session;
  Span<const float> logits;  // what the last prefill or decode left
};

struct SamplerOptionsObject : Object {
  using Handle = gemma4_sampler_options;
  static constexpr char kName[] = "gemma4_sampler_options";
  SamplerOptions options;
};

struct SamplerObject : Object {
  using Handle = gemma4_sampler;
  static constexpr char kName[] = "gemma4_sampler";
  explicit SamplerObject(Sampler made) : sampler(std::move(made)) {}
  Sampler sampler;
  SampledToken last;
};

struct GrammarObject : Object {
  using Handle = gemma4_grammar;
  static constexpr char kName[] = "gemma4_grammar";
  explicit GrammarObject(Grammar compiled) : grammar(std::move(compiled)) {}
  const Grammar grammar;
};

struct MatcherObject : Object {
  using Handle = gemma4_matcher;
  static constexpr char kName[] = "gemma4_matcher";
  explicit MatcherObject(GrammarMatcher made) : matcher(std::move(made)) {}
  GrammarMatcher matcher;
};

struct ReplyObject : Object {
  using Handle = gemma4_reply;
  static constexpr char kName[] = "gemma4_reply";
  explicit ReplyObject(Reply written) : reply(std::move(written)) {}
  const Reply reply;
};

/// A copy of the options behind a handle; of NULL, the defaults.
template <class T>
auto options_of(const typename T::Handle* handle) {
  return handle == nullptr ? decltype(T::options)() : Claim<T>(handle)->options;
}

/// NULL: none.
inline std::optional<CancelToken> cancel_of(const gemma4_cancel_token* handle) {
  if (handle == nullptr) return std::nullopt;
  return shared<CancelTokenObject>(handle)->token;
}

/// A host's callback as the C++ interface wants it: GEMMA4_CANCEL ends the work as Error cancelled. NULL: empty.
template <class Number>
std::function<void(Number, Number)> progress_of(int32_t (*progress)(void*, Number, Number), void* user_data) {
  if (progress == nullptr) return {};
  return [progress, user_data](Number done, Number total) {
    if (progress(user_data, done, total) != GEMMA4_PROCEED)
      throw Error(ErrorCode::cancelled, "cancelled by the progress callback");
  };
}

/// Throws Error context_full for more tokens than the session has room for, before any of them is read.
inline void check_room(const Session& session, std::size_t n_tokens) {
  const std::size_t room = session.context_length() - session.position();
  if (n_tokens <= room) return;
  throw Error(ErrorCode::context_full, "expected at most " + std::to_string(room) + " tokens (context_length " +
                                           std::to_string(session.context_length()) + ", of which " +
                                           std::to_string(session.position()) + " are taken), got " +
                                           std::to_string(n_tokens));
}

/// Values from 1 to 1024, or -1.
inline int threads_of(std::int32_t threads, bool or_default) {
  if ((threads < 1 || threads > 1024) && !(or_default && threads == -1)) {
    refuse(std::string("threads: expected 1 to 1024") + (or_default ? ", or -1" : "") + ", got " +
           std::to_string(threads));
  }
  return threads;
}

}  // namespace gemma4::capi
