// Masks: the tokens that go on inside a string, by what its content may become.
#include <algorithm>

#include "grammar/masks.h"
#include "grammar/text_cursor.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxExplored = 48;  // states

bool special_inside(unsigned char b) { return b < 0x20 || b == '"' || b == '\\'; }

}  // namespace

const Masks::StringTokens& Masks::tokens_of(TermId content) {
  const auto known = strings_.find(content);
  if (known != strings_.end()) return known->second;
  Terms& terms = machine_.terms();
  StringTokens tokens;
  TermId rest = Terms::kNothing;
  std::uint32_t max = 0;
  if (going(content) != kStops) {
    tokens.stay = table_->inside(TokenTable::kMaxChars);
  } else if (terms.limited(content, rest, max) && going(rest) == kEndsAnywhere) {
    tokens.stay = table_->inside(std::min(max, TokenTable::kMaxChars));
    for (const auto& [token, chars] : table_->longer()) {
      if (chars > max) clear_bit(tokens.stay.data(), token);
    }
  } else {
    // Nearly everything goes on without end: begin with all and take out what does not. Else begin with none.
    const TermId* const row = terms.row(content);
    int open = 0;
    for (unsigned b = ' '; b < 0x7F; ++b) open += terms.immortal(row[b]) ? 1 : 0;
    if (open >= 48) {
      tokens.stay = table_->inside(TokenTable::kMaxChars);
      correct_content(0, content, tokens.stay.data());
    } else {
      tokens.stay.resize(table_->words());
      walk_content(0, content, tokens.stay.data());
    }
  }
  if (content != Terms::kAll) {
    for (const TokenId token : table_->odd()) {
      if (!spent() && terms.run(content, table_->bytes(token)) != Terms::kNothing) {
        set_bit(tokens.stay.data(), token);
      } else {
        clear_bit(tokens.stay.data(), token);
      }
    }
  }
  tokens.closing.resize((table_->quotes().size() + 63) / 64);
  for (std::size_t i = 0; i < table_->quotes().size(); ++i) {
    if (spent() && !table_->quotes()[i].before.empty()) continue;
    const TermId end = terms.run(content, table_->quotes()[i].before);
    if (terms.nullable(end)) tokens.closing[i / 64] |= std::uint64_t{1} << i % 64;
  }
  escapes_of(content, tokens);
  cache_memory_ += tokens.stay.size() * 4 + tokens.closing.size() * 8 + 256;
  nodes_seen_ += 10000;
  return strings_.emplace(content, std::move(tokens)).first->second;
}

// Looks at a few states only.
Masks::Going Masks::going(TermId content) {
  Terms& terms = machine_.terms();
  if (content == Terms::kAll) return kEndsAnywhere;
  const auto known = going_.find(content);
  if (known != going_.end()) return known->second;
  std::vector<std::pair<TermId, std::uint8_t>> states = {{content, std::uint8_t{0}}};
  bool all = true, ends = true;
  for (std::size_t i = 0; i < states.size() && all; ++i) {
    const auto [t, utf8] = states[i];
    const TermId* const row = terms.row(t);
    ends = ends && (utf8 != 0 || terms.nullable(t));
    std::pair<TermId, std::uint8_t> last = {Terms::kNothing, 0};
    for (unsigned b = 0x20; b < 0xF5 && all; ++b) {
      const auto byte = static_cast<unsigned char>(b);
      const std::uint8_t u = next_usual(utf8, byte);
      if (u == kNotUtf8 || special_inside(byte)) continue;
      const std::pair<TermId, std::uint8_t> next = {row[b], u};
      if (next.first == Terms::kNothing) all = false;
      if (next == last || next.first == Terms::kAll) continue;
      last = next;
      if (terms.immortal(next.first)) {
        ends = false;  // or is not known to
        continue;
      }
      if (std::find(states.begin(), states.end(), next) == states.end()) states.push_back(next);
    }
    if (states.size() > kMaxExplored || spent()) all = false;
  }
  const Going found = !all ? kStops : ends ? kEndsAnywhere : kGoesOn;
  if (all) {
    for (const auto& [t, utf8] : states) {
      if (utf8 == 0) going_.emplace(t, found);
    }
  }
  return going_[content] = found;
}

// The characters that leave the content as it is, but for its length; bit 0: all usual ones beyond ASCII do.
const AsciiSet& Masks::loops(TermId content) {
  const auto [at, added] = loops_.emplace(content, AsciiSet{});
  if (!added) return at->second;
  Terms& terms = machine_.terms();
  TermId rest = Terms::kNothing;
  std::uint32_t max = 0, least = 0;
  if (terms.dense(content, least) && terms.limited(content, rest, max) && terms.dense(rest, least) &&
      max >= std::uint64_t{table_->max_chars()} + least) {  // the number of characters is no limit yet
    const AsciiSet set = loops(rest);
    return loops_[content] = set;
  }
  AsciiSet set;
  const TermId* const row = terms.row(content);
  for (unsigned b = 1; b < 0x80; ++b) {
    if (row[b] == content) set.add(static_cast<unsigned char>(b));
  }
  std::vector<std::pair<TermId, std::uint8_t>> states = {{content, std::uint8_t{0}}};
  bool all = set.low != 0 || set.high != 0;
  for (std::size_t i = 0; i < states.size() && all; ++i) {
    const auto [t, utf8] = states[i];
    const TermId* const bytes = terms.row(t);
    for (unsigned b = 0x80; b < 0xF5 && all; ++b) {
      const std::uint8_t u = next_usual(utf8, static_cast<unsigned char>(b));
      if (u == kNotUtf8) continue;
      const std::pair<TermId, std::uint8_t> next = {bytes[b], u};
      if (u == 0) {
        all = next.first == content;
      } else if (std::find(states.begin(), states.end(), next) == states.end()) {
        all = next.first != Terms::kNothing && states.size() < kMaxExplored && !spent();
        states.push_back(next);
      }
    }
  }
  if (all) set.low |= 1;
  return loops_[content] = set;
}

// Tokens with an escape: those that end inside the string, and those that close it after all.
void Masks::escapes_of(TermId content, StringTokens& tokens) {
  Terms& terms = machine_.terms();
  const auto can = [&](TermId t, const CodeRanges& codes) {
    return std::any_of(codes.begin(), codes.end(),
                       [&](const CodeRange& r) { return terms.live_between(t, r.first, r.last); });
  };
  for (const TokenTable::Exit& e : table_->escapes()) {
    if (spent() && !e.before.empty()) continue;
    TermId t = terms.run(content, e.before);
    if (t == Terms::kNothing) continue;
    TextCursor cursor;
    cursor.phase = 1;
    bool alive = can(t, cursor.needed());
    for (const char c : alive ? e.after : std::string_view()) {
      if (c == '"' && cursor.phase == 0) {
        tokens.late.push_back(e.token);
        alive = false;
        break;
      }
      const auto byte = static_cast<unsigned char>(c);
      const TextCursor before = cursor;
      const TermId from = t;
      const TextCursor::Step step = cursor.step(byte, false);
      for (std::size_t i = 0; i < step.n; ++i) t = terms.next(t, step.bytes[i]);
      alive = step.alive && t != Terms::kNothing &&
              written_plainly(before, byte, step, cursor, [&](const CodeRanges& codes) { return can(from, codes); },
                              [&](const CodeRanges& codes) { return can(t, codes); });
      if (!alive) break;
    }
    if (!alive) continue;
    if (cursor.phase == 0 || can(t, cursor.codes())) set_bit(tokens.stay.data(), e.token);
  }
}

// Sets the bits of tokens below `node` that go on from `content` inside a string. Recursion is as deep as tokens are
// long.
void Masks::walk_content(std::uint32_t node, TermId content, std::uint32_t* mask) {
  const ByteTrie& trie = table_->trie();
  const auto& nodes = trie.nodes();
  Terms& terms = machine_.terms();
  const TermId* const row = terms.row(content);
  for (std::uint32_t at = node + 1; at < nodes[node].next; at = nodes[at].next) {
    const TermId next = row[nodes[at].byte];
    if (next == Terms::kNothing || special_inside(nodes[at].byte)) continue;
    const bool all = terms.immortal(next) ||
                     (nodes[at].set != 0 && table_->set(nodes[at].set).within(loops(next)));
    const std::uint32_t end = all ? trie.end_of_items(at) : nodes[at].first + nodes[at].own;
    for (std::uint32_t i = nodes[at].first; i < end; ++i) {
      if (table_->last_special(i) == 0) set_bit(mask, static_cast<TokenId>(trie.items()[i]));
    }
    ++nodes_seen_;
    if (!all && nodes[at].next != at + 1 && !spent()) walk_content(at, next, mask);
  }
}

// Clears the bits of tokens below `node` that do not.
void Masks::correct_content(std::uint32_t node, TermId content, std::uint32_t* mask) {
  const ByteTrie& trie = table_->trie();
  const auto& nodes = trie.nodes();
  Terms& terms = machine_.terms();
  const TermId* const row = terms.row(content);
  for (std::uint32_t at = node + 1; at < nodes[node].next; at = nodes[at].next) {
    const TermId next = row[nodes[at].byte];
    if (special_inside(nodes[at].byte) || terms.immortal(next)) continue;
    ++nodes_seen_;
    if (next == Terms::kNothing || spent()) {
      const std::uint32_t live = next == Terms::kNothing ? 0U : nodes[at].own;
      for (std::uint32_t i = nodes[at].first + live; i < trie.end_of_items(at); ++i) {
        clear_bit(mask, static_cast<TokenId>(trie.items()[i]));
      }
    } else if (nodes[at].next != at + 1) {
      correct_content(at, next, mask);
    }
  }
}

}  // namespace gemma4::grammar
