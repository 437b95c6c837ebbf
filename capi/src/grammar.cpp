// gemma4_c/grammar.h.
#include "objects.h"

namespace gemma4::capi {
namespace {

struct JsonSchemaOptionsObject : Object {
  using Handle = gemma4_json_schema_options;
  static constexpr char kName[] = "gemma4_json_schema_options";
  JsonSchemaOptions options;
};

constexpr std::size_t kMostMaskWords = mask_words(std::size_t{1} << 31);  // as many as there are ids

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;
using SchemaOptions = capi::Claim<capi::JsonSchemaOptionsObject>;
using Matcher = capi::Claim<capi::MatcherObject>;

gemma4_status gemma4_json_schema_options_create(gemma4_json_schema_options** out_options) {
  return guard([&] { capi::create<capi::JsonSchemaOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_json_schema_options_destroy(gemma4_json_schema_options* options) {
  return capi::destroy<capi::JsonSchemaOptionsObject>(options);
}

gemma4_status gemma4_json_schema_options_set_whitespace(gemma4_json_schema_options* options, int32_t whitespace) {
  return guard([&] {
    using Whitespace = gemma4::JsonSchemaOptions::Whitespace;
    SchemaOptions(options)->options.whitespace =
        capi::one_of<Whitespace>(whitespace, GEMMA4_WHITESPACE_BOUNDED, "whitespace");
  });
}

gemma4_status gemma4_json_schema_options_set_closed_objects(gemma4_json_schema_options* options, int32_t closed) {
  return guard([&] { SchemaOptions(options)->options.closed_objects = closed != 0; });
}

gemma4_status gemma4_grammar_json_schema(const char* schema, size_t schema_length,
                                         const gemma4_json_schema_options* options, gemma4_grammar** out_grammar) {
  return guard([&] {
    capi::required(out_grammar, "out_grammar") = nullptr;
    const auto values = capi::options_of<capi::JsonSchemaOptionsObject>(options);
    capi::create<capi::GrammarObject>(out_grammar, "out_grammar",
                                      gemma4::json_schema(capi::text(schema, schema_length, "schema"), values));
  });
}

gemma4_status gemma4_grammar_regex(const char* pattern, size_t pattern_length, gemma4_grammar** out_grammar) {
  return guard([&] {
    capi::required(out_grammar, "out_grammar") = nullptr;
    capi::create<capi::GrammarObject>(out_grammar, "out_grammar",
                                      gemma4::regex(capi::text(pattern, pattern_length, "pattern")));
  });
}

gemma4_status gemma4_grammar_gbnf(const char* text, size_t text_length, gemma4_grammar** out_grammar) {
  return guard([&] {
    capi::required(out_grammar, "out_grammar") = nullptr;
    capi::create<capi::GrammarObject>(out_grammar, "out_grammar", gemma4::gbnf(capi::text(text, text_length, "text")));
  });
}

gemma4_status gemma4_grammar_destroy(gemma4_grammar* grammar) { return capi::destroy<capi::GrammarObject>(grammar); }

gemma4_status gemma4_grammar_accepts(const gemma4_grammar* grammar, const char* text, size_t text_length,
                                     int32_t* out_accepts) {
  return guard([&] {
    int32_t& accepts = capi::required(out_accepts, "out_accepts");
    accepts = capi::shared<capi::GrammarObject>(grammar)->grammar.accepts(capi::text(text, text_length, "text"));
  });
}

gemma4_status gemma4_grammar_accepts_prefix(const gemma4_grammar* grammar, const char* text, size_t text_length,
                                            int32_t* out_accepts) {
  return guard([&] {
    int32_t& accepts = capi::required(out_accepts, "out_accepts");
    accepts = capi::shared<capi::GrammarObject>(grammar)->grammar.accepts_prefix(capi::text(text, text_length, "text"));
  });
}

gemma4_status gemma4_matcher_create(const gemma4_grammar* grammar, const gemma4_tokenizer* tokenizer,
                                    gemma4_matcher** out_matcher) {
  return guard([&] {
    capi::required(out_matcher, "out_matcher") = nullptr;
    capi::create<capi::MatcherObject>(
        out_matcher, "out_matcher",
        gemma4::GrammarMatcher(capi::shared<capi::GrammarObject>(grammar)->grammar,
                               capi::shared<capi::TokenizerObject>(tokenizer)->tokenizer));
  });
}

gemma4_status gemma4_matcher_destroy(gemma4_matcher* matcher) { return capi::destroy<capi::MatcherObject>(matcher); }

gemma4_status gemma4_matcher_copy(const gemma4_matcher* matcher, gemma4_matcher** out_matcher) {
  return guard([&] {
    capi::required(out_matcher, "out_matcher") = nullptr;
    capi::create<capi::MatcherObject>(out_matcher, "out_matcher", gemma4::GrammarMatcher(Matcher(matcher)->matcher));
  });
}

gemma4_status gemma4_matcher_mask(gemma4_matcher* matcher, uint32_t* mask, size_t n_words) {
  return guard([&] {
    const Matcher with(matcher);
    const auto words = capi::array(mask, n_words, "mask");
    if (words.size() > capi::kMostMaskWords) {
      capi::refuse("mask: expected at most " + std::to_string(capi::kMostMaskWords) + " words, got " +
                   std::to_string(words.size()));
    }
    with->matcher.mask({mask, n_words});
  });
}

gemma4_status gemma4_matcher_accept(gemma4_matcher* matcher, int32_t token, int32_t* out_accepted) {
  return guard([&] {
    int32_t& accepted = capi::required(out_accepted, "out_accepted");
    accepted = Matcher(matcher)->matcher.accept(token);
  });
}

gemma4_status gemma4_matcher_accept_text(gemma4_matcher* matcher, const char* text, size_t text_length,
                                         int32_t* out_accepted) {
  return guard([&] {
    int32_t& accepted = capi::required(out_accepted, "out_accepted");
    accepted = Matcher(matcher)->matcher.accept_text(capi::text(text, text_length, "text"));
  });
}

gemma4_status gemma4_matcher_may_stop(gemma4_matcher* matcher, int32_t* out_may_stop) {
  return guard([&] { capi::required(out_may_stop, "out_may_stop") = Matcher(matcher)->matcher.may_stop(); });
}

gemma4_status gemma4_matcher_finished(gemma4_matcher* matcher, int32_t* out_finished) {
  return guard([&] { capi::required(out_finished, "out_finished") = Matcher(matcher)->matcher.finished(); });
}

gemma4_status gemma4_matcher_forced_tokens(gemma4_matcher* matcher, int32_t* tokens, size_t capacity,
                                           size_t* out_count) {
  return guard(
      [&] { capi::write_array<int32_t>(Matcher(matcher)->matcher.forced(), tokens, capacity, out_count, "tokens"); });
}

gemma4_status gemma4_matcher_forced_text(gemma4_matcher* matcher, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] { capi::write_text(Matcher(matcher)->matcher.forced_text(), buffer, capacity, out_length); });
}

gemma4_status gemma4_matcher_rollback(gemma4_matcher* matcher, size_t n_tokens) {
  return guard([&] { Matcher(matcher)->matcher.rollback(n_tokens); });
}

gemma4_status gemma4_matcher_length(const gemma4_matcher* matcher, size_t* out_tokens) {
  return guard([&] { capi::required(out_tokens, "out_tokens") = Matcher(matcher)->matcher.length(); });
}
