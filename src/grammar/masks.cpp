#include "grammar/masks.h"

#include <algorithm>
#include <unordered_set>

namespace gemma4::grammar {
namespace {

// Work is counted in nodes of the tree of tokens that are looked at, some 10 ns each.
constexpr std::size_t kDear = 15000;                       // masks above this are kept
constexpr std::size_t kMaxCached = std::size_t{24} << 20;  // bytes, of those and of what is known of strings
constexpr std::size_t kMaxWork = 320000;                   // of one mask

}  // namespace

void Masks::use(const std::shared_ptr<const TokenTable>& table) {
  if (table_ == table) return;
  table_ = table;  // one grammar with two vocabularies in turn is legal, and slow
  forget();
}

void Masks::forget() {
  strings_.clear();
  going_.clear();
  loops_.clear();
  cached_.clear();
  first_.clear();
  cache_memory_ = memory_ = 0;
}

std::size_t Masks::work() const noexcept { return nodes_seen_ + machine_.work(); }

void Masks::write(const Frames& frames, const std::shared_ptr<const TokenTable>& table, std::uint32_t* mask) {
  use(table);
  if (cache_memory_ > kMaxCached) {
    strings_.clear();
    cached_.clear();
    cache_memory_ = 0;
  }
  last_work_ = work() + kMaxWork;
  if (frames.size() == 1) {
    const auto known = cached_.find(frames[0]);
    if (known != cached_.end()) {
      std::copy(known->second.begin(), known->second.end(), mask);
    } else {
      std::fill_n(mask, table_->words(), 0U);
      add_and_keep(frames[0], mask);
    }
  } else {
    std::fill_n(mask, table_->words(), 0U);
    Frames keys;
    for (const FrameId id : frames) {
      if (is_key(id)) {
        keys.push_back(id);
        continue;
      }
      const auto known = cached_.find(id);
      if (known != cached_.end()) {
        for (std::size_t w = 0; w < table_->words(); ++w) mask[w] |= known->second[w];
      } else {
        own_.assign(table_->words(), 0U);
        add_and_keep(id, own_.data());
        for (std::size_t w = 0; w < own_.size(); ++w) mask[w] |= own_[w];
      }
    }
    while (!keys.empty()) {  // those of one object together
      const Frame f = machine_.frame(keys[0]);
      const auto others = std::stable_partition(keys.begin(), keys.end(), [&](FrameId id) {
        const Frame& g = machine_.frame(id);
        return g.a == f.a && g.seen == f.seen && g.x == f.x && g.parent == f.parent;
      });
      add_keys(Frames(keys.begin(), others), mask);
      keys.erase(keys.begin(), others);
    }
  }
  add_awaited(frames, mask);
}

void Masks::add_and_keep(FrameId id, std::uint32_t* mask) {
  const std::size_t before = work();
  add(id, mask);
  if (work() - before <= kDear) return;
  cache_memory_ += table_->words() * 4 + 64;
  cached_[id].assign(mask, mask + table_->words());
}

// Control tokens, and the quotes of tool calls.
void Masks::add_awaited(const Frames& frames, std::uint32_t* mask) {
  std::vector<TokenId> awaited;
  for (const FrameId id : frames) machine_.awaited_tokens(id, awaited);
  for (const TokenId token : awaited) {
    if (token < 0 || static_cast<std::size_t>(token) >= table_->vocab_size()) continue;
    Frames next;
    machine_.step_token(frames, token, next);
    if (!next.empty()) set_bit(mask, token);
  }
}

void Masks::add(FrameId id, std::uint32_t* mask) {
  const Frame f = machine_.frame(id);
  const bool plain = f.phase == 0 && f.utf8 == 0;
  if (f.kind == Frame::Kind::string && plain) return add_string(id, mask);
  if (is_key(id)) return add_keys({id}, mask);
  if (f.kind == Frame::Kind::term && f.utf8 == 0) return add_term(id, mask);
  walk(table_->trie(), 0, {id}, [&](std::uint32_t token) { set_bit(mask, static_cast<TokenId>(token)); });
}

const ByteSet& Masks::first_bytes(FrameId id) {
  if (first_.size() <= id) first_.resize(id + 256);
  if (!first_[id]) {
    first_[id] = std::make_unique<ByteSet>(machine_.first_bytes(id));
    memory_ += sizeof(ByteSet) + 32;
  }
  return *first_[id];
}

// Depth first through the trie below `node`, frames beside it. What has become too much work is left at texts of one
// byte, which are in every vocabulary and lead everywhere.
template <class Accept>
void Masks::walk(const ByteTrie& trie, std::uint32_t node, Frames frames, const Accept& accept) {
  struct Level {
    std::uint32_t child;  // to look at next
    std::uint32_t end;
    std::size_t begin;    // of its frames in `stack`
    ByteSet allowed;
  };
  const auto& nodes = trie.nodes();
  Frames stack = std::move(frames);
  std::vector<Level> levels;
  const auto enter = [&](std::uint32_t at, std::size_t begin) {
    Level level{at + 1, nodes[at].next, begin, {}};
    for (std::size_t i = begin; i < stack.size(); ++i) level.allowed.add(first_bytes(stack[i]));
    levels.push_back(level);
  };
  enter(node, 0);
  Frames next;
  while (!levels.empty()) {
    if (levels.size() > 1 && spent()) {
      stack.resize(levels[1].begin);
      levels.resize(1);
    }
    Level& level = levels.back();
    if (level.child >= level.end) {
      stack.resize(level.begin);
      levels.pop_back();
      continue;
    }
    const std::uint32_t at = level.child;
    level.child = nodes[at].next;
    if (!level.allowed.has(nodes[at].byte)) continue;
    machine_.step(stack.data() + level.begin, stack.size() - level.begin, nodes[at].byte, next);
    if (next.empty()) continue;
    for (std::uint32_t i = 0; i < nodes[at].own; ++i) accept(trie.items()[nodes[at].first + i]);
    if (nodes[at].next == at + 1 || spent()) continue;
    if (&trie == &table_->trie() && next.size() == 1) {
      // Most of what is below goes on inside a string that takes everything.
      const Frame f = machine_.frame(next[0]);
      if (f.kind == Frame::Kind::string && f.phase == 0 && f.utf8 == 0 && f.term == Terms::kAll &&
          f.y >= table_->max_chars() && !machine_.rules().style.call) {
        for (std::uint32_t i = nodes[at].first + nodes[at].own; i < trie.end_of_items(at); ++i) {
          const auto token = static_cast<TokenId>(trie.items()[i]);
          if (table_->last_special(i) <= nodes[at].depth ||
              runs(next[0], table_->bytes(token).substr(nodes[at].depth))) {
            accept(trie.items()[i]);
          }
        }
        nodes_seen_ += trie.end_of_items(at) - nodes[at].first;
        continue;
      }
    }
    const std::size_t begin = stack.size();
    stack.insert(stack.end(), next.begin(), next.end());
    enter(at, begin);
  }
}

// Whether a text may follow a frame.
bool Masks::runs(FrameId id, std::string_view text) {
  Frames frames = {id}, next;
  for (const char c : text) {
    machine_.step(frames, static_cast<unsigned char>(c), next);
    if (next.empty()) return false;
    frames.swap(next);
  }
  return true;
}

// `mask` is empty.
void Masks::add_string(FrameId id, std::uint32_t* mask) {
  const Frame f = machine_.frame(id);
  const bool everything = machine_.terms().immortal(f.term) && f.term == Terms::kAll;
  const bool limited = f.y < table_->max_chars();
  const auto take_out_longer = [&] {  // what inside() does not tell apart
    if (!limited || f.y < TokenTable::kMaxChars) return;
    for (const auto& [token, chars] : table_->longer()) {
      if (chars > f.y) clear_bit(mask, token);
    }
  };
  const std::uint32_t room = std::min(f.y, TokenTable::kMaxChars);
  if (machine_.rules().style.call) {
    if (everything) {
      const auto& inside = table_->inside_raw(room);
      for (std::size_t w = 0; w < inside.size(); ++w) mask[w] |= inside[w];
      take_out_longer();
    } else {
      walk(table_->trie(), 0, {id}, [&](std::uint32_t token) { set_bit(mask, static_cast<TokenId>(token)); });
    }
    return;
  }
  const StringTokens& tokens = tokens_of(f.term);
  if (everything && limited) {
    const auto& inside = table_->inside(room);
    for (std::size_t w = 0; w < inside.size(); ++w) mask[w] |= inside[w];
    take_out_longer();
    for (const TokenTable::Exit& e : table_->escapes()) {
      if (e.chars < f.y && runs(id, table_->bytes(e.token))) set_bit(mask, e.token);
    }
  } else {
    for (std::size_t w = 0; w < tokens.stay.size(); ++w) mask[w] |= tokens.stay[w];
    for (const TokenId token : tokens.late) {
      if (runs(id, table_->bytes(token))) set_bit(mask, token);
    }
  }
  const auto closes = [&](std::uint32_t i) {
    const TokenTable::Exit& e = table_->quotes()[i];
    if ((tokens.closing[i / 64] >> i % 64 & 1U) != 0 && e.chars >= f.x && e.chars <= f.y) set_bit(mask, e.token);
  };
  const ByteTrie& behind = table_->behind_quotes();
  for (std::uint32_t i = 0; i < behind.nodes()[0].own; ++i) closes(behind.items()[i]);
  walk(behind, 0, machine_.after(f.parent), closes);
}

bool Masks::is_key(FrameId id) const {
  const Frame& f = machine_.frame(id);
  return f.kind == Frame::Kind::key && f.phase == 0 && f.utf8 == 0 && !machine_.rules().style.call;
}

// As a string, but that what follows depends on the key; behind the quote comes a colon. `ids` read one key as several
// classes.
void Masks::add_keys(const Frames& ids, std::uint32_t* mask) {
  const Frame f = machine_.frame(ids[0]);
  const auto runs_one = [&](TokenId token) {
    return std::any_of(ids.begin(), ids.end(), [&](FrameId id) { return runs(id, table_->bytes(token)); });
  };
  // Where the keys seen may be nearly all there are, each text is tried.
  if (std::any_of(ids.begin(), ids.end(), [&](FrameId id) { return machine_.few_keys(machine_.frame(id)); })) {
    walk(table_->trie(), 0, ids, [&](std::uint32_t token) { set_bit(mask, static_cast<TokenId>(token)); });
    return;
  }
  const StringTokens& tokens = tokens_of(ids.size() == 1 ? f.term : machine_.key_content(f));
  const std::vector<std::string> seen = machine_.seen_behind(f);
  const std::unordered_set<std::string_view> others(seen.begin(), seen.end());
  // Tokens that may lead to where only keys are left that have been seen.
  std::vector<TokenId> doubtful;
  for (const std::string& behind : seen) {
    const bool few = std::any_of(ids.begin(), ids.end(), [&](FrameId id) {
      Frame end = machine_.frame(id);
      end.term = machine_.terms().run(end.term, behind);
      return machine_.few_keys(end);
    });
    if (!few) continue;
    if (doubtful.empty()) {
      for (const TokenTable::Exit& e : table_->escapes()) doubtful.push_back(e.token);
    }
    table_->prefixes_of(behind, doubtful);
  }
  const auto goes_on = [&](TokenId token) { return has_bit(mask, token) || runs_one(token); };
  doubtful.erase(std::remove_if(doubtful.begin(), doubtful.end(), goes_on), doubtful.end());
  for (std::size_t w = 0; w < tokens.stay.size(); ++w) mask[w] |= tokens.stay[w];
  for (const TokenId token : doubtful) clear_bit(mask, token);
  for (const TokenId token : tokens.late) {
    if (runs_one(token)) set_bit(mask, token);
  }
  for (std::uint32_t i = 0; i < table_->quotes().size(); ++i) {
    const TokenTable::Exit& e = table_->quotes()[i];
    if ((tokens.closing[i / 64] >> i % 64 & 1U) == 0 || (!others.empty() && others.count(e.before) != 0)) continue;
    if (e.after.empty() || (e.after[0] == ':' && runs_one(e.token))) set_bit(mask, e.token);
  }
}

// Raw terms: those with few tokens are walked with frames; the automaton alone decides first, over the whole tree.
void Masks::add_term(FrameId id, std::uint32_t* mask) {
  walk(table_->trie(), 0, {id}, [&](std::uint32_t token) { set_bit(mask, static_cast<TokenId>(token)); });
}

}  // namespace gemma4::grammar
