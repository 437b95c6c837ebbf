// GBNF, the notation of llama.cpp's grammars, to rules. What does not nest becomes one term, however many rules it is
// written in; the others call each other.
#include <algorithm>
#include <map>
#include <optional>

#include "base/check.h"
#include "base/utf8.h"
#include "grammar/program.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxText = std::size_t{1} << 20;
constexpr std::size_t kMaxDepth = 200;
constexpr std::uint32_t kMaxRepeat = 1000000;
constexpr std::size_t kMaxNames = 10000;

struct Node {
  enum class Kind : unsigned char { term, name, sequence, choice, repeat };
  Kind kind = Kind::term;
  TermId term = Terms::kEmpty;
  std::size_t name = 0;
  std::uint32_t min = 0, max = 0;
  std::vector<Node> children;
};

class Parser {
 public:
  Parser(Terms& terms, std::string_view text) : terms_(terms), text_(text) {
    GEMMA4_CHECK(text_.size() <= kMaxText, ErrorCode::unsupported, "gbnf: expected at most ", kMaxText,
                 " bytes, got ", text_.size());
    GEMMA4_CHECK(base::is_utf8(text_), ErrorCode::bad_format, "gbnf: expected UTF-8");
  }

  void parse() {
    space(true);
    while (more()) {
      const std::size_t start = at_;
      const std::size_t rule = index(name());
      space(false);
      if (!eat("::=")) bad("'::='");
      space(true);
      Node body = choice(0, false);
      if (bodies_[rule]) {
        at_ = start;
        bad("another name: the rule " + names[rule] + " is defined already");
      }
      bodies_[rule] = std::move(body);
      if (more() && text_[at_] != '\n' && text_[at_] != '\r') bad("the end of the line");
      space(true);
    }
    GEMMA4_CHECK(index_.count("root") != 0 && bodies_[index_["root"]], ErrorCode::bad_format,
                 "gbnf: expected a rule named root, got none");
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
      GEMMA4_CHECK(bodies_[i], ErrorCode::bad_format, "gbnf: rule ", names[i], " is used and not defined");
    }
  }

  const Node& body(std::size_t rule) const { return *bodies_[rule]; }
  std::size_t root() { return index_["root"]; }
  std::vector<std::string> names;

 private:
  [[noreturn]] void bad(const std::string& expected) const {
    std::size_t line = 1, column = 1;
    for (std::size_t i = 0; i < at_ && i < text_.size(); ++i) {
      ++column;
      if (text_[i] == '\n') {
        ++line;
        column = 1;
      }
    }
    base::fail(ErrorCode::bad_format, "gbnf: line ", line, ", column ", column, ": expected ", expected);
  }

  bool more() const { return at_ < text_.size(); }
  char peek() const { return more() ? text_[at_] : '\0'; }
  bool eat(std::string_view s) {
    if (text_.substr(at_, s.size()) != s) return false;
    at_ += s.size();
    return true;
  }
  void space(bool newlines) {
    while (more()) {
      const char c = text_[at_];
      if (c == '#') {
        while (more() && text_[at_] != '\n' && text_[at_] != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        return;
      }
    }
  }
  static bool in_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  }
  std::string name() {
    const std::size_t start = at_;
    while (more() && in_name(text_[at_])) ++at_;
    if (at_ == start) bad("the name of a rule");
    return std::string(text_.substr(start, at_ - start));
  }
  std::size_t index(const std::string& rule) {
    const auto [at, added] = index_.emplace(rule, names.size());
    if (added) {
      if (names.size() == kMaxNames) bad("at most " + std::to_string(kMaxNames) + " rules");
      names.push_back(rule);
      bodies_.emplace_back();
    }
    return at->second;
  }

  Node choice(std::size_t depth, bool nested) {
    if (depth > kMaxDepth) bad("parentheses nested at most " + std::to_string(kMaxDepth) + " deep");
    Node node;
    node.kind = Node::Kind::choice;
    while (true) {
      node.children.push_back(sequence(depth, nested));
      const std::size_t here = at_;
      space(true);  // the next alternative may stand on the next line
      if (!eat("|")) {
        if (!nested) at_ = here;
        break;
      }
      space(true);
    }
    if (node.children.size() == 1) return std::move(node.children[0]);
    return node;
  }

  Node sequence(std::size_t depth, bool nested) {
    Node node;
    node.kind = Node::Kind::sequence;
    while (more()) {
      const char c = peek();
      Node item;
      if (c == '"') {
        item.term = literal();
      } else if (c == '[') {
        item.term = character_class();
      } else if (c == '.') {
        ++at_;
        item.term = terms_.any_character();
      } else if (c == '(') {
        ++at_;
        space(true);
        item = choice(depth + 1, true);
        space(true);
        if (!eat(")")) bad("')'");
      } else if (in_name(c)) {
        const std::size_t start = at_;
        const std::string rule = name();
        const std::size_t after = at_;
        space(false);
        if (eat("::=")) {  // the next rule, where newlines count for nothing
          at_ = start;
          if (nested) bad("')'");
          break;
        }
        at_ = after;
        item.kind = Node::Kind::name;
        item.name = index(rule);
      } else if (c == '<') {
        base::fail(ErrorCode::unsupported, "gbnf: unsupported: tokens (at byte ", at_, ")");
      } else {
        break;
      }
      repeats(item);
      node.children.push_back(std::move(item));
      space(nested);
    }
    return node;
  }

  std::optional<std::uint32_t> number() {
    if (peek() < '0' || peek() > '9') return std::nullopt;
    std::uint64_t n = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_) {
      n = std::min<std::uint64_t>(n * 10 + static_cast<std::uint64_t>(peek() - '0'), kMaxRepeat + 1);
    }
    if (n > kMaxRepeat) bad("a repeat count of at most " + std::to_string(kMaxRepeat));
    return static_cast<std::uint32_t>(n);
  }

  void repeats(Node& item) {
    while (true) {
      const std::size_t here = at_;
      space(false);
      std::uint32_t min = 0, max = kUnlimited;
      if (eat("*")) {
      } else if (eat("+")) {
        min = 1;
      } else if (eat("?")) {
        max = 1;
      } else if (eat("{")) {
        space(true);
        const auto low = number();
        space(true);
        min = low.value_or(0);
        max = min;
        if (eat(",")) {
          space(true);
          max = number().value_or(kUnlimited);
          space(true);
        } else if (!low) {
          bad("a repeat count");
        }
        if (!eat("}")) bad("'}'");
        if (min > max) bad("repeat counts in rising order");
      } else {
        at_ = here;
        return;
      }
      Node repeated;
      repeated.kind = Node::Kind::repeat;
      repeated.min = min;
      repeated.max = max;
      repeated.children.push_back(std::move(item));
      item = std::move(repeated);
    }
  }

  std::uint32_t code() {
    if (peek() != '\\') {
      const char* p = text_.data() + at_;
      const auto c = static_cast<std::uint32_t>(base::next_code_point(p, text_.data() + text_.size()));
      at_ = static_cast<std::size_t>(p - text_.data());
      return c;
    }
    ++at_;
    const char c = peek();
    ++at_;
    const auto hex = [&](std::size_t n) {
      const std::string digits(text_.substr(std::min(at_, text_.size()), n));
      if (digits.size() < n || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
        bad(std::to_string(n) + " hexadecimal digits");
      }
      at_ += n;
      const auto value = static_cast<std::uint32_t>(std::stoul(digits, nullptr, 16));
      if (value > kLastCode || (value >= 0xD800 && value < 0xE000)) bad("the code of a character");
      return value;
    };
    switch (c) {
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case 'x': return hex(2);
      case 'u': return hex(4);
      case 'U': return hex(8);
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
      case '/':
      case '\'': return static_cast<std::uint32_t>(c);
      default:
        --at_;
        bad("an escape: one of n r t x u U \\ \" [ ]");
    }
  }

  TermId literal() {
    ++at_;
    std::string text;
    while (peek() != '"' || !more()) {
      if (!more() || peek() == '\n') bad("'\"'");
      append_utf8(code(), text);
    }
    ++at_;
    return terms_.literal(text);
  }

  TermId character_class() {
    ++at_;
    const bool negated = eat("^");
    CodeRanges ranges;
    while (peek() != ']' || !more()) {
      if (!more()) bad("']'");
      const std::uint32_t first = code();
      std::uint32_t last = first;
      if (peek() == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        last = code();
        if (last < first) bad("a range in rising order");
      }
      ranges.push_back({first, last});
    }
    ++at_;
    return terms_.characters(negated ? complement(ranges) : normalized(ranges));
  }

  Terms& terms_;
  const std::string_view text_;
  std::size_t at_ = 0;
  std::map<std::string, std::size_t> index_;
  std::vector<std::optional<Node>> bodies_;
};

/// Rules that lead back to themselves: those on a cycle. What refers to them is no term either.
class Nesting {
 public:
  Nesting(const Parser& parser, std::size_t n) : state_(n), nests_(n) {
    for (std::size_t i = 0; i < n; ++i) visit(parser, i);
  }
  bool nests(std::size_t rule) const { return nests_[rule]; }
  const std::vector<std::size_t>& order() const { return order_; }  ///< What is referred to comes first, but on cycles.

 private:
  static void references(const Node& node, std::vector<std::size_t>& out) {
    if (node.kind == Node::Kind::name) out.push_back(node.name);
    for (const Node& child : node.children) references(child, out);
  }
  void visit(const Parser& parser, std::size_t root) {
    if (state_[root] != 0) return;
    std::vector<std::pair<std::size_t, std::vector<std::size_t>>> stack;
    const auto enter = [&](std::size_t rule) {
      state_[rule] = 1;
      std::vector<std::size_t> out;
      references(parser.body(rule), out);
      stack.emplace_back(rule, std::move(out));
    };
    enter(root);
    while (!stack.empty()) {
      auto& [rule, left] = stack.back();
      if (left.empty()) {
        state_[rule] = 2;
        order_.push_back(rule);
        const bool nests = nests_[rule];
        stack.pop_back();
        if (nests && !stack.empty()) nests_[stack.back().first] = true;
        continue;
      }
      const std::size_t next = left.back();
      left.pop_back();
      if (state_[next] == 0) {
        enter(next);
      } else if (state_[next] == 1 || nests_[next]) {
        nests_[rule] = true;
      }
    }
  }
  std::vector<char> state_;
  std::vector<bool> nests_;
  std::vector<std::size_t> order_;
};

class Builder {
 public:
  Builder(Rules& rules, const Parser& parser, std::size_t n)
      : rules_(rules), nesting_(parser, n), terms_(n), declared_(n) {
    for (const std::size_t rule : nesting_.order()) {
      if (!nesting_.nests(rule)) terms_[rule] = term(parser.body(rule));
    }
    for (std::size_t i = 0; i < n; ++i) declared_[i] = rules_.declare();
    for (std::size_t i = 0; i < n; ++i) {
      rules_.define(declared_[i], nesting_.nests(i) ? rule(parser.body(i)) : rules_.term(terms_[i]));
    }
  }
  RuleId rule_of(std::size_t name) const { return declared_[name]; }

 private:
  bool regular(const Node& node) const {
    if (node.kind == Node::Kind::name) return !nesting_.nests(node.name);
    return std::all_of(node.children.begin(), node.children.end(), [&](const Node& c) { return regular(c); });
  }

  TermId term(const Node& node) {
    Terms& terms = rules_.terms;
    switch (node.kind) {
      case Node::Kind::term:
        return node.term;
      case Node::Kind::name:
        return terms_[node.name];
      case Node::Kind::sequence: {
        TermId t = Terms::kEmpty;
        for (std::size_t i = node.children.size(); i > 0; --i) t = terms.cat(term(node.children[i - 1]), t);
        return t;
      }
      case Node::Kind::choice: {
        std::vector<TermId> all;
        for (const Node& child : node.children) all.push_back(term(child));
        return terms.either(std::move(all));
      }
      case Node::Kind::repeat:
        return terms.repeat(term(node.children[0]), node.min, node.max);
    }
    return Terms::kNothing;
  }

  RuleId rule(const Node& node) {
    if (regular(node)) return rules_.term(term(node));
    switch (node.kind) {
      case Node::Kind::name:
        return declared_[node.name];
      case Node::Kind::choice: {
        std::vector<RuleId> children;
        std::vector<TermId> terms;
        for (const Node& child : node.children) {
          if (regular(child)) {
            terms.push_back(term(child));
          } else {
            children.push_back(rule(child));
          }
        }
        if (!terms.empty()) children.push_back(rules_.term(rules_.terms.either(std::move(terms))));
        return rules_.choice(std::move(children));
      }
      case Node::Kind::repeat:
        return rules_.repeat(rule(node.children[0]), node.min, node.max);
      default: {
        std::vector<RuleId> children;
        TermId pending = Terms::kEmpty;
        const auto flush = [&] {
          if (pending != Terms::kEmpty) children.push_back(rules_.term(pending));
          pending = Terms::kEmpty;
        };
        for (const Node& child : node.children) {
          if (regular(child)) {
            pending = rules_.terms.cat(pending, term(child));
          } else {
            flush();
            children.push_back(rule(child));
          }
        }
        flush();
        return rules_.sequence(std::move(children));
      }
    }
  }

  Rules& rules_;
  Nesting nesting_;
  std::vector<TermId> terms_;
  std::vector<RuleId> declared_;
};

}  // namespace

std::shared_ptr<const Program> compile_gbnf(std::string_view text, const CancelToken* cancel) {
  auto rules = std::make_unique<Rules>();
  rules->terms.set_cancel(cancel);
  Parser parser(rules->terms, text);
  parser.parse();
  const Builder builder(*rules, parser, parser.names.size());
  rules->set_root(builder.rule_of(parser.root()));
  std::vector<std::string> names(rules->size());
  for (std::size_t i = 0; i < parser.names.size(); ++i) names[builder.rule_of(i)] = parser.names[i];
  rules->finish(names);
  return std::make_shared<const Program>(std::move(rules));
}

}  // namespace gemma4::grammar
