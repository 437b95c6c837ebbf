// Call grammars: the tool calls that a reply may make, by the declared names and schemas, in Gemma's call syntax.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "gemma4/json.h"
#include "grammar/program.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::chat {

/// The schema that a function's arguments are held to: always of an object; type names in lower case (the template writes
/// them in upper case, and so do some hosts); objects that list their members have no others, unless they say so.
Json arguments_schema(const Json& function);

/// Grammars over the calls of some functions, compiled when first asked for and kept with the masks they have made.
/// One thread at a time.
class CallGrammars {
 public:
  /// @param by_schema  arguments are held to their function's schema, where that can be; else to any object.
  /// Throws Error unsupported when the tokenizer lacks the tokens of calls.
  CallGrammars(std::vector<Json> functions, const tokenizer::BpeTokenizer& tokenizer, bool by_schema);

  /// One to max_calls calls; `opened`: behind the first one's <|tool_call>, which has come already.
  /// @param name  of the only function that may be called; empty: any.
  /// Throws Error unsupported where even the names are too much for a grammar.
  std::shared_ptr<const grammar::Program> calls(const std::string& name, bool opened, int max_calls);

  /// One for each function that is held to its name alone, with the reason.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  TokenId open() const noexcept { return open_; }

 private:
  std::string schema_of(std::size_t i) const;
  std::unique_ptr<grammar::Rules> build(const std::string& name, bool opened, int max_calls) const;

  std::vector<Json> functions_;
  std::vector<std::string> schemas_;   // of functions_, as text
  std::vector<std::string> warnings_;
  TokenId open_, close_, quote_;
  std::map<std::tuple<std::string, bool, int>, std::shared_ptr<const grammar::Program>> made_;
};

}  // namespace gemma4::chat
