// Grammar: JSON Schema, a regular expression or GBNF, compiled; GrammarMatcher: a grammar over a vocabulary.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/constraint.h"
#include "gemma4/types.h"

namespace gemma4 {

class Tokenizer;

namespace grammar {
class Program;
class Matcher;
}  // namespace grammar

/// How a JSON Schema becomes a grammar.
struct JsonSchemaOptions {
  /// Where JSON allows white space between tokens. A model left free to write it may write nothing else.
  enum class Whitespace : std::uint8_t {
    compact,  ///< None: {"a":1,"b":[2,3]}
    bounded,  ///< After '{', '[', ',' and ':' and before '}' and ']': nothing, one space, or a newline and up to 20
              ///< spaces. None before the value and none after it.
  };
  Whitespace whitespace = Whitespace::compact;
  /// Objects that list their members have no others, where the schema does not speak of others and combines no schemas
  /// (allOf, oneOf, not, if ...). What most schemas for answers mean, without "additionalProperties": false; a model that
  /// may add members may go on adding them. Every text is one of the schema's all the same.
  bool closed_objects = false;
  /// Ends the making of the grammar: Error cancelled.
  std::optional<CancelToken> cancel;
};

// Limits. Making a grammar (each an Error unsupported that says which): schemas of 4 MB, 128 deep, with 30,000 kinds of
// values and 200,000 steps of combining them; patterns of 20,000 bytes, 200 parentheses deep; GBNF of 1 MB with 10,000
// names, 200 deep; repeats of 1,000,000; automata of 64 MiB. Running one: what is worked out on the way is forgotten
// beyond 48 MiB but for what the text so far needs, some 200 bytes a token; a mask that would take much more than 10 ms
// has all tokens of one byte that may come, and not all of the longer ones; a text that can be read in more than 2,000
// ways at a time is held to 2,000 of them, and so where a byte ends more than 4,000 rounds and rules at a time
// (accepts(): Error unsupported, from 2,000 and 100,000).

/// A compiled grammar: a set of texts. Immutable, any thread. Cheap to copy: copies share it, and what matchers have
/// worked out about it. It holds all it needs.
class Grammar {
 public:
  /// True when `text`, whole, is one of the grammar's texts. Bytes that are not valid UTF-8 are in none.
  /// Throws Error unsupported when a limit is reached on the way, and Error cancelled.
  bool accepts(std::string_view text, const CancelToken* cancel = nullptr) const;
  /// True when `text` is the beginning of one of the grammar's texts (or all of it).
  bool accepts_prefix(std::string_view text, const CancelToken* cancel = nullptr) const;

  explicit Grammar(std::shared_ptr<const grammar::Program> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const grammar::Program>& impl() const noexcept { return impl_; }

 private:
  std::shared_ptr<const grammar::Program> impl_;
};

/// The JSON texts of the instances of a schema: draft 2020-12, with draft 4 to 7's `definitions`, `dependencies`,
/// `items` as an array and boolean `exclusiveMinimum`. Members of an object may come in any order, each key once.
/// README.md ("Grammars") lists what is supported. Throws Error, with the path of the offending place in the schema
/// ("json_schema: #/properties/a/pattern: ..."): bad_format (not JSON, or not a schema), unsupported (a keyword that
/// restricts instances and cannot be held to, by name; a limit), invalid_argument (a schema without an instance).
Grammar json_schema(std::string_view schema, const JsonSchemaOptions& options = {});

/// The texts that a regular expression matches from end to end (as Python's re.fullmatch): the common syntax of
/// ECMA-262 and Python, with look-ahead and `\p{general category}`, without look-behind, back-references and `\b`; `\d`
/// and `\w` are those of ASCII.
/// Throws Error bad_format (with the byte), unsupported (naming what), invalid_argument (no text matches).
Grammar regex(std::string_view pattern, const CancelToken* cancel = nullptr);

/// The texts of the rule `root` of a grammar in llama.cpp's GBNF notation. Throws Error bad_format (with line and
/// column), unsupported (left recursion, a limit), invalid_argument (a grammar without a text).
Grammar gbnf(std::string_view text, const CancelToken* cancel = nullptr);

/// A grammar over a tokenizer's vocabulary. Control tokens are never allowed, but where a grammar built for a chat
/// format names them. One thread at a time; matchers of one grammar share what they work out, across threads.
class GrammarMatcher final : public TokenConstraint {
 public:
  /// At the beginning of the grammar's texts. The first matcher with a tokenizer prepares its vocabulary (tens of
  /// milliseconds); the tokenizer keeps that.
  GrammarMatcher(const Grammar& grammar, const Tokenizer& tokenizer);
  GrammarMatcher(const GrammarMatcher&);
  GrammarMatcher& operator=(const GrammarMatcher&);
  GrammarMatcher(GrammarMatcher&&) noexcept;
  GrammarMatcher& operator=(GrammarMatcher&&) noexcept;
  ~GrammarMatcher() override;

  bool mask(Span<std::uint32_t> allowed) override;
  bool accept(TokenId token) override;
  bool may_stop() override;
  bool finished() override;
  std::vector<TokenId> forced() override;
  void rollback(std::size_t n) override;
  std::unique_ptr<TokenConstraint> fork() const override;

  /// The text that must come next, "" when there is a choice; whole characters.
  std::string forced_text();
  /// Text instead of a token (a prefill that is part of the answer). As accept(); counts as one token for rollback().
  bool accept_text(std::string_view text);
  /// Tokens accepted so far.
  std::size_t length() const noexcept;

 private:
  std::unique_ptr<grammar::Matcher> impl_;
};

}  // namespace gemma4
