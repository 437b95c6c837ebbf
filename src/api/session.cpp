// Bodies of the public Session.
#include "gemma4/session.h"

#include <utility>

#include "session/score.h"
#include "session/session.h"

namespace gemma4 {

Session::Session(const Model& model, const SessionOptions& options)
    : model_(model), impl_(std::make_shared<session::SessionState>(model.impl(), options)) {}
Session::Session(Model model, std::shared_ptr<session::SessionState> impl)
    : model_(std::move(model)), impl_(std::move(impl)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Span<const float> Session::prefill(Span<const TokenId> tokens, const PrefillOptions& options) {
  return impl_->prefill(tokens, options);
}
Span<const float> Session::decode(TokenId token) { return impl_->decode(token, nullptr); }
Span<const float> Session::decode(TokenId token, const CancelToken& cancel) { return impl_->decode(token, &cancel); }

std::shared_ptr<float> Session::take_rows() { return impl_->take_rows(); }

std::size_t Session::position() const noexcept { return impl_->position(); }
std::size_t Session::context_length() const noexcept { return impl_->context_length(); }
Span<const TokenId> Session::tokens() const noexcept { return impl_->tokens(); }
void Session::truncate(std::size_t n) { impl_->truncate(n); }
bool Session::checkpoint() { return impl_->checkpoint(); }
Session Session::fork() const { return Session(model_, impl_->fork()); }
void Session::set_profile(Profile* profile) noexcept { impl_->set_profile(profile); }
const Model& Session::model() const noexcept { return model_; }
std::uint64_t Session::memory_bytes() const noexcept { return impl_->memory_bytes(); }

std::vector<float> score(const Session& session, Span<const TokenId> continuation, const std::optional<CancelToken>& cancel) {
  return session::score(*session.impl(), continuation, cancel);
}

MemoryPlan memory_plan(const Model& model, const SessionOptions& options) {
  MemoryPlan plan;
  plan.weights = model.parts();
  for (const ModelPart& part : plan.weights) plan.weight_bytes += part.bytes;
  const session::SessionState::Bytes bytes = session::SessionState::bytes_for(*model.impl(), options);
  plan.kv_cache_bytes = bytes.cache;
  plan.state_bytes = bytes.rest;
  plan.workspace_bytes = bytes.workspace;
  plan.checkpoint_bytes = options.checkpoint_bytes;
  return plan;
}

}  // namespace gemma4
