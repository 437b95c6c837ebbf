// CallValues: a recursive reader of the values in a tool call, strict or with repairs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/call_text.h"
#include "gemma4/json.h"

namespace gemma4::chat {

/// What a reader forgives, as bits.
enum Repair : unsigned {
  kStrict = 0,
  kJsonStrings = 1,    ///< "..." with JSON's escapes, and a comma behind the last value
  kSingleQuotes = 2,   ///< '...', a stray <|"|> behind it too
  kPythonWords = 4,    ///< True, False, None, nil
  kRawStrings = 8,     ///< text without quotes where the schema says string
  kRawAnything = 16,   ///< text without quotes anywhere
  kTrailing = 32,      ///< something behind the call
  kSeparators = 64,    ///< ':' and '=' for each other, ';' for ',', several for one, commas that separate nothing
};

/// Reads one call's text (call_text.h). Nesting is bounded by Json::kMaxDepth, and the values tried by the text's
/// length: what needs more second thoughts cannot be read. Functions return nullopt (false) at what they cannot read,
/// and the reader is then of no use.
class CallValues {
 public:
  CallValues(std::string_view text, unsigned repairs)
      : text_(text), repairs_(repairs), values_left_(2 * text.size() + 256) {}

  /// { key : value, ... }
  /// @param schema  of the object; may be null.
  std::optional<Json> object(const Json* schema);
  /// key = value, ... up to ')'
  std::optional<Json> keyword_arguments(const Json* schema);

  void skip_space() noexcept;
  bool eat(char c) noexcept;
  bool at_end() const noexcept { return position_ == text_.size(); }
  char peek() const noexcept { return at_end() ? '\0' : text_[position_]; }
  std::size_t position() const noexcept { return position_; }
  std::string_view rest() const noexcept { return text_.substr(position_); }
  void advance(std::size_t n) noexcept { position_ += n; }
  /// A key was read that nobody declared, and that kSeparators would read otherwise.
  bool doubtful() const noexcept { return doubtful_; }

 private:
  using Members = std::vector<std::pair<std::string, Json>>;

  bool has(Repair repair) const noexcept { return (repairs_ & repair) != 0; }
  bool another(char close) noexcept;
  void skip_stray_commas() noexcept;
  bool closes(char close) const noexcept;
  bool eat_close(char close) noexcept;
  bool eat_separator(char separator) noexcept;
  bool pair(const Json* schema, char separator, char close, Members& members);
  std::optional<std::string> key(const Json* schema, char separator, char close);
  std::optional<std::string> declared_key(const Json* schema);
  std::optional<Json> value(const Json* schema, const Json* siblings, char close);
  std::optional<Json> array(const Json* schema);
  std::optional<std::string> delimited();
  std::optional<std::string> json_string();
  std::optional<std::string> single_quoted();
  std::optional<Json> number_or_word();
  std::optional<Json> raw(const Json* siblings, char close);
  bool ends_value(std::size_t at) const noexcept;
  bool ends_value_at(char c) const noexcept;
  static Json unique(Members members);

  const std::string_view text_;
  const unsigned repairs_;
  std::size_t position_ = 0;
  std::size_t depth_ = 0;
  bool doubtful_ = false;
  std::size_t values_left_;     // to try
  std::size_t raw_left_ = 256;  // to try as text without quotes, each of which looks at the whole text
};

/// The schema of a member or of the elements, or null when `schema` says nothing of it.
const Json* member_schema(const Json* schema, std::string_view key) noexcept;
const Json* element_schema(const Json* schema) noexcept;
/// True when the schema's type is `type` (whatever its case), or a list that has it.
bool has_type(const Json* schema, std::string_view type) noexcept;

}  // namespace gemma4::chat
