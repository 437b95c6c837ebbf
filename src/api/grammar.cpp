// Bodies of gemma4/grammar.h.
#include "gemma4/grammar.h"

#include "gemma4/json.h"
#include "gemma4/tokenizer.h"
#include "grammar/closed_objects.h"
#include "grammar/matcher.h"

namespace gemma4 {

bool Grammar::accepts(std::string_view text, const CancelToken* cancel) const {
  return impl_->accepts(text, false, cancel);
}
bool Grammar::accepts_prefix(std::string_view text, const CancelToken* cancel) const {
  return impl_->accepts(text, true, cancel);
}

Grammar json_schema(std::string_view schema, const JsonSchemaOptions& options) {
  const bool bounded_space = options.whitespace == JsonSchemaOptions::Whitespace::bounded;
  const CancelToken* const cancel = options.cancel ? &*options.cancel : nullptr;
  if (!options.closed_objects) return Grammar(grammar::compile_json_schema(schema, bounded_space, cancel));
  const Json closed = grammar::close_objects(Json::parse(schema, "json_schema"));
  return Grammar(grammar::compile_json_schema(closed.dump(), bounded_space, cancel));
}
Grammar regex(std::string_view pattern, const CancelToken* cancel) {
  return Grammar(grammar::compile_regex(pattern, cancel));
}
Grammar gbnf(std::string_view text, const CancelToken* cancel) { return Grammar(grammar::compile_gbnf(text, cancel)); }

GrammarMatcher::GrammarMatcher(const Grammar& grammar, const Tokenizer& tokenizer)
    : impl_(std::make_unique<grammar::Matcher>(grammar.impl(), tokenizer.impl())) {}
GrammarMatcher::GrammarMatcher(const GrammarMatcher& other)
    : TokenConstraint(other), impl_(std::make_unique<grammar::Matcher>(*other.impl_)) {}
GrammarMatcher& GrammarMatcher::operator=(const GrammarMatcher& other) {
  if (this != &other) impl_ = std::make_unique<grammar::Matcher>(*other.impl_);
  return *this;
}
GrammarMatcher::GrammarMatcher(GrammarMatcher&&) noexcept = default;
GrammarMatcher& GrammarMatcher::operator=(GrammarMatcher&&) noexcept = default;
GrammarMatcher::~GrammarMatcher() = default;

bool GrammarMatcher::mask(Span<std::uint32_t> allowed) {
  impl_->mask(allowed);
  return true;
}
bool GrammarMatcher::accept(TokenId token) { return impl_->accept(token); }
bool GrammarMatcher::may_stop() { return impl_->may_stop(); }
bool GrammarMatcher::finished() { return impl_->finished(); }
std::vector<TokenId> GrammarMatcher::forced() { return impl_->forced(); }
void GrammarMatcher::rollback(std::size_t n) { impl_->rollback(n); }
std::unique_ptr<TokenConstraint> GrammarMatcher::fork() const { return std::make_unique<GrammarMatcher>(*this); }
std::string GrammarMatcher::forced_text() { return impl_->forced_text(); }
bool GrammarMatcher::accept_text(std::string_view text) { return impl_->accept_text(text); }
std::size_t GrammarMatcher::length() const noexcept { return impl_->length(); }

}  // namespace gemma4
