#include "grammar/regex_syntax.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "grammar/unicode_categories.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxPattern = 20000;      // bytes
constexpr std::size_t kMaxDepth = 200;          // parentheses
constexpr std::uint32_t kMaxRepeat = 1000000;
constexpr std::uint32_t kMaxUnrolled = 64;      // rounds of something with an assertion in it

/// What follows a place of the pattern: as a term where the place is the text's beginning, and where it is not.
struct Rest {
  TermId start;
  TermId middle;
};

/// A piece of a pattern. Most are plain: a term. Assertions need to know what follows.
struct Piece {
  enum class Kind : unsigned char { plain, sequence, alternatives, repeat, begin, end, ahead, not_ahead };
  Kind kind = Kind::plain;
  TermId term = Terms::kEmpty;
  std::uint32_t min = 0, max = 0;
  std::vector<Piece> pieces;
};

CodeRanges digits() { return {{'0', '9'}}; }
CodeRanges word() { return {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}; }
CodeRanges white_space() {
  return {{9, 13}, {32, 32}, {0xA0, 0xA0}, {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
          {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
}

class Parser {
 public:
  Parser(Terms& terms, std::string_view pattern, RegexDialect dialect, std::string_view where)
      : terms_(terms), text_(pattern), dialect_(dialect), where_(where) {
    GEMMA4_CHECK(text_.size() <= kMaxPattern, ErrorCode::unsupported, where_, ": expected a pattern of at most ",
                 kMaxPattern, " bytes, got ", text_.size());
    GEMMA4_CHECK(base::is_utf8(text_), ErrorCode::bad_format, where_, ": expected a pattern in UTF-8");
  }

  Piece parse() {
    Piece all = alternatives(0);
    if (at_ < text_.size()) bad("')' without '('");
    return all;
  }

  /// `piece`, then `rest`.
  Rest compile(const Piece& piece, Rest rest) {
    switch (piece.kind) {
      case Piece::Kind::plain: {
        const TermId middle = terms_.cat(piece.term, rest.middle);
        if (rest.start == rest.middle) return {middle, middle};
        const TermId some = terms_.both(piece.term, terms_.complement(Terms::kEmpty));
        const TermId moved = terms_.nullable(piece.term) ? terms_.cat(some, rest.middle) : middle;
        return {terms_.nullable(piece.term) ? terms_.either(moved, rest.start) : moved, middle};
      }
      case Piece::Kind::sequence:
        for (std::size_t i = piece.pieces.size(); i > 0; --i) rest = compile(piece.pieces[i - 1], rest);
        return rest;
      case Piece::Kind::alternatives: {
        std::vector<TermId> start, middle;
        for (const Piece& p : piece.pieces) {
          const Rest r = compile(p, rest);
          start.push_back(r.start);
          middle.push_back(r.middle);
        }
        return {terms_.either(start), terms_.either(middle)};
      }
      case Piece::Kind::repeat: {
        Rest out = rest;
        for (std::uint32_t i = piece.max; i > 0; --i) {
          const Rest more = compile(piece.pieces[0], out);
          out = i > piece.min ? Rest{terms_.either(more.start, rest.start), terms_.either(more.middle, rest.middle)}
                              : more;
        }
        return out;
      }
      case Piece::Kind::begin:
        return {rest.start, Terms::kNothing};
      case Piece::Kind::end: {
        const auto nothing_more = [&](TermId t) { return terms_.nullable(t) ? Terms::kEmpty : Terms::kNothing; };
        return {nothing_more(rest.start), nothing_more(rest.middle)};
      }
      case Piece::Kind::ahead:
      case Piece::Kind::not_ahead: {
        Rest seen = compile(piece.pieces[0], {Terms::kAll, Terms::kAll});
        if (piece.kind == Piece::Kind::not_ahead) seen = {without(seen.start), without(seen.middle)};
        return {terms_.both(seen.start, rest.start), terms_.both(seen.middle, rest.middle)};
      }
    }
    return rest;
  }

 private:
  [[noreturn]] void bad(const std::string& what) const {
    base::fail(ErrorCode::bad_format, where_, ": not a regular expression: ", what, " at byte ", at_, " of ", text_);
  }
  [[noreturn]] void unsupported(const std::string& what) const {
    base::fail(ErrorCode::unsupported, where_, ": unsupported in a regular expression: ", what, " at byte ", at_,
               " of ", text_);
  }

  TermId without(TermId t) {
    const TermId other = terms_.complement(t);
    return terms_.beyond_ascii(t) ? terms_.both(other, terms_.utf8()) : other;
  }

  bool more() const { return at_ < text_.size(); }
  bool eat(std::string_view s) {
    if (text_.substr(at_, s.size()) != s) return false;
    at_ += s.size();
    return true;
  }
  std::uint32_t code() {
    const char* p = text_.data() + at_;
    const auto c = static_cast<std::uint32_t>(base::next_code_point(p, text_.data() + text_.size()));
    at_ = static_cast<std::size_t>(p - text_.data());
    return c;
  }

  static Piece plain(TermId term) {
    Piece p;
    p.term = term;
    return p;
  }
  static Piece group(Piece::Kind kind, std::vector<Piece> pieces) {
    Piece p;
    p.kind = kind;
    p.pieces = std::move(pieces);
    return p;
  }

  Piece alternatives(std::size_t depth) {
    if (depth > kMaxDepth) unsupported("parentheses nested deeper than " + std::to_string(kMaxDepth));
    std::vector<Piece> all;
    bool is_plain = true;
    do {
      all.push_back(sequence(depth));
      is_plain = is_plain && all.back().kind == Piece::Kind::plain;
    } while (eat("|"));
    if (all.size() == 1) return std::move(all[0]);
    if (!is_plain) return group(Piece::Kind::alternatives, std::move(all));
    std::vector<TermId> terms;
    for (const Piece& p : all) terms.push_back(p.term);
    return plain(terms_.either(std::move(terms)));
  }

  Piece sequence(std::size_t depth) {
    std::vector<Piece> pieces;
    while (more() && text_[at_] != '|' && text_[at_] != ')') pieces.push_back(repeated(depth));
    // Neighbours that are plain are one term; from the right, where they are shared.
    std::vector<Piece> joined;
    for (std::size_t i = pieces.size(); i > 0; --i) {
      Piece& p = pieces[i - 1];
      if (p.kind == Piece::Kind::plain && !joined.empty() && joined.back().kind == Piece::Kind::plain) {
        joined.back().term = terms_.cat(p.term, joined.back().term);
      } else {
        joined.push_back(std::move(p));
      }
    }
    if (joined.empty()) return plain(Terms::kEmpty);
    if (joined.size() == 1) return std::move(joined[0]);
    std::reverse(joined.begin(), joined.end());
    return group(Piece::Kind::sequence, std::move(joined));
  }

  std::optional<std::uint32_t> number() {
    if (!more() || text_[at_] < '0' || text_[at_] > '9') return std::nullopt;
    std::uint64_t n = 0;
    while (more() && text_[at_] >= '0' && text_[at_] <= '9') {
      n = std::min<std::uint64_t>(n * 10 + static_cast<std::uint64_t>(text_[at_++] - '0'), kMaxRepeat + 1);
    }
    if (n > kMaxRepeat) unsupported("a repeat count above " + std::to_string(kMaxRepeat));
    return static_cast<std::uint32_t>(n);
  }

  /// {3}, {3,}, {3,5}; false, and nothing read, when it is something else.
  bool counts(std::uint32_t& min, std::uint32_t& max) {
    const std::size_t start = at_;
    if (!eat("{")) return false;
    const auto low = number();
    const bool comma = eat(",");
    const auto high = comma ? number() : low;
    if (!eat("}") || (!low && !high)) {
      at_ = start;
      return false;
    }
    if (!low && dialect_ == RegexDialect::ecma) unsupported("a repeat without a lower count, as in {,3}");
    min = low.value_or(0);
    max = high.value_or(kUnlimited);
    if (min > max) bad("repeat counts in falling order");
    return true;
  }

  Piece repeated(std::size_t depth) {
    Piece p = atom(depth);
    for (int stacked = 0; more(); ++stacked) {
      std::uint32_t min = 0, max = kUnlimited;
      if (eat("*")) {
      } else if (eat("+")) {
        min = 1;
      } else if (eat("?")) {
        max = 1;
      } else if (!counts(min, max)) {
        break;
      }
      if (stacked > 0) bad("a repeat of a repeat");
      if (!eat("?")) eat("+");  // lazy, possessive
      if (p.kind == Piece::Kind::plain) {
        p.term = terms_.repeat(p.term, min, max);
        continue;
      }
      if (p.kind == Piece::Kind::begin || p.kind == Piece::Kind::end || p.kind == Piece::Kind::ahead ||
          p.kind == Piece::Kind::not_ahead) {
        if (min == 0) p = plain(Terms::kEmpty);
        continue;
      }
      if (max > kMaxUnrolled) unsupported("an assertion inside a repeat");
      Piece r = group(Piece::Kind::repeat, {});
      r.min = min;
      r.max = max;
      r.pieces.push_back(std::move(p));
      p = std::move(r);
    }
    return p;
  }

  Piece atom(std::size_t depth) {
    const std::size_t start = at_;
    const std::uint32_t c = code();
    switch (c) {
      case '(':
        return parenthesis(depth);
      case '[':
        return plain(terms_.characters(character_class()));
      case '.':
        return plain(terms_.characters(complement(dialect_ == RegexDialect::python
                                                      ? CodeRanges{{'\n', '\n'}}
                                                      : CodeRanges{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}})));
      case '^':
        return group(Piece::Kind::begin, {});
      case '$':
        return group(Piece::Kind::end, {});
      case '*':
      case '+':
      case '?':
        at_ = start;
        bad("nothing to repeat");
      case '{': {
        at_ = start;
        std::uint32_t min = 0, max = 0;
        if (counts(min, max)) bad("nothing to repeat");
        ++at_;
        break;
      }
      case '\\':
        if (eat("A")) return group(Piece::Kind::begin, {});
        if (eat("Z") || eat("z")) return group(Piece::Kind::end, {});
        return plain(terms_.characters(escape(false)));
      default:
        break;
    }
    return plain(terms_.characters({{c, c}}));
  }

  Piece parenthesis(std::size_t depth) {
    auto kind = Piece::Kind::plain;
    if (eat("?")) {
      if (eat("=")) {
        kind = Piece::Kind::ahead;
      } else if (eat("!")) {
        kind = Piece::Kind::not_ahead;
      } else if (eat("P<") || (text_.substr(at_, 2) != "<=" && text_.substr(at_, 2) != "<!" && eat("<"))) {
        const std::size_t end = text_.find('>', at_);
        if (end == std::string_view::npos || end == at_) bad("a group without a name");
        at_ = end + 1;
      } else if (!eat(":")) {
        unsupported("'(?" + std::string(text_.substr(at_, 1)) + "'");
      }
    }
    Piece inner = alternatives(depth + 1);
    if (!eat(")")) bad("'(' without ')'");
    if (kind == Piece::Kind::plain) return inner;
    std::vector<Piece> one;
    one.push_back(std::move(inner));
    return group(kind, std::move(one));
  }

  std::optional<std::uint32_t> hex(std::size_t digits) {
    const std::string_view s = text_.substr(at_, digits);
    if (s.size() < digits || s.find_first_not_of("0123456789abcdefABCDEF") != std::string_view::npos) {
      return std::nullopt;
    }
    at_ += digits;
    return static_cast<std::uint32_t>(std::stoul(std::string(s), nullptr, 16));
  }

  std::uint32_t unicode_escape() {
    if (eat("{")) {
      const std::size_t end = text_.find('}', at_);
      const auto c = end == std::string_view::npos || end == at_ || end - at_ > 6 ? std::nullopt : hex(end - at_);
      if (!c || *c > kLastCode) bad("an escape \\u{...} that names no character");
      ++at_;
      return *c;
    }
    auto c = hex(4);
    if (!c) bad("\\u without four hexadecimal digits");
    if (*c >= 0xD800 && *c < 0xDC00 && eat("\\u")) {
      const auto low = hex(4);
      if (!low || *low < 0xDC00 || *low > 0xDFFF) bad("half a surrogate pair");
      c = 0x10000 + ((*c - 0xD800) << 10) + (*low - 0xDC00);
    }
    return *c;
  }

  /// After \p or \P.
  CodeRanges property() {
    const std::size_t end = eat("{") ? text_.find('}', at_) : std::string_view::npos;
    if (end == std::string_view::npos) bad("\\p without a name in braces");
    const std::string_view name = text_.substr(at_, end - at_);
    auto ranges = unicode_property(name);
    if (!ranges) unsupported("the property \\p{" + std::string(name) + "}, which is no general category,");
    at_ = end + 1;
    return std::move(*ranges);
  }

  /// After a backslash.
  CodeRanges escape(bool in_class) {
    if (!more()) bad("a backslash at the end");
    const std::uint32_t c = code();
    const auto one = [](std::uint32_t x) { return CodeRanges{{x, x}}; };
    switch (c) {
      case 'd': return digits();
      case 'D': return complement(digits());
      case 'w': return word();
      case 'W': return complement(word());
      case 's': return white_space();
      case 'S': return complement(white_space());
      case 'p': return property();
      case 'P': return complement(property());
      case 't': return one('\t');
      case 'n': return one('\n');
      case 'r': return one('\r');
      case 'f': return one('\f');
      case 'v': return one('\v');
      case 'a':
        if (dialect_ == RegexDialect::python) return one('\a');
        break;
      case 'b':
        if (in_class) return one('\b');
        unsupported("\\b");
      case 'u': return one(unicode_escape());
      case 'x': {
        const auto x = hex(2);
        if (!x) bad("\\x without two hexadecimal digits");
        return one(*x);
      }
      case 'c': {
        const std::uint32_t letter = more() ? code() : 0;
        if ((letter | 32) < 'a' || (letter | 32) > 'z') bad("\\c without a letter");
        return one(letter & 31);
      }
      case '0':
        if (more() && text_[at_] >= '0' && text_[at_] <= '9') unsupported("an octal escape");
        return one(0);
      default:
        break;
    }
    if (c >= '1' && c <= '9') unsupported("a back-reference");
    if ((c | 32) >= 'a' && (c | 32) <= 'z') unsupported("the escape \\" + std::string(1, static_cast<char>(c)));
    return one(c);
  }

  /// After '['.
  CodeRanges character_class() {
    const bool negated = eat("^");
    CodeRanges all;
    const bool python = dialect_ == RegexDialect::python;
    for (bool first = true;; first = false) {
      if (!more()) bad("'[' without ']'");
      if ((!first || !python) && eat("]")) break;
      CodeRanges low = class_atom();
      const bool range = text_.substr(at_, 1) == "-" && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
      if (range && low.size() == 1 && low[0].first == low[0].last) {
        ++at_;
        const CodeRanges high = class_atom();
        if (high.size() == 1 && high[0].first == high[0].last) {
          if (high[0].first < low[0].first) bad("a range in falling order");
          low[0].last = high[0].first;
        } else {
          low.push_back({'-', '-'});
          low.insert(low.end(), high.begin(), high.end());
        }
      }
      all.insert(all.end(), low.begin(), low.end());
    }
    return negated ? complement(all) : normalized(all);
  }

  CodeRanges class_atom() {
    const std::uint32_t c = code();
    if (c == '\\') return escape(true);
    return {{c, c}};
  }

  Terms& terms_;
  const std::string_view text_;
  const RegexDialect dialect_;
  const std::string_view where_;
  std::size_t at_ = 0;
};

}  // namespace

TermId parse_search(Terms& terms, std::string_view pattern, std::string_view where) {
  Parser parser(terms, pattern, RegexDialect::ecma, where);
  const Piece piece = parser.parse();
  const Rest found = parser.compile(piece, {Terms::kAll, Terms::kAll});
  if (found.start == found.middle) return terms.cat(Terms::kAll, found.middle);
  const TermId later = terms.cat(terms.cat(terms.any_character(), Terms::kAll), found.middle);
  return terms.either(found.start, later);
}

TermId parse_full(Terms& terms, std::string_view pattern, RegexDialect dialect, std::string_view where) {
  Parser parser(terms, pattern, dialect, where);
  const Piece piece = parser.parse();
  return parser.compile(piece, {Terms::kEmpty, Terms::kEmpty}).start;
}

}  // namespace gemma4::grammar
