#include "grammar/masks.h"

#include <algorithm>

namespace gemma4::grammar {
namespace {

constexpr std::size_t kDear = 1500;            // steps; masks above this are kept
constexpr std::size_t kMaxCached = std::size_t{24} << 20;  // bytes

}  // namespace

void Masks::use(const std::shared_ptr<const TokenTable>& table) {
  if (table_ == table) return;
  table_ = table;  // one grammar with two vocabularies in turn is legal, and slow
  strings_.clear();
  cached_.clear();
  memory_ = 0;
}

void Masks::write(const Frames& frames, const std::shared_ptr<const TokenTable>& table, std::uint32_t* mask) {
  use(table);
  std::fill_n(mask, table_->words(), 0U);
  std::vector<TokenId> awaited;
  Frames keys;
  for (const FrameId id : frames) {
    if (frames.size() > 1 && is_key(id)) {
      keys.push_back(id);
      continue;
    }
    const auto known = cached_.find(id);
    if (known == cached_.end()) {
      steps_ = 0;
      const bool alone = frames.size() == 1;
      if (alone) {
        add(id, mask);
      } else {
        std::vector<std::uint32_t> own(table_->words());
        add(id, own.data());
        for (std::size_t w = 0; w < own.size(); ++w) mask[w] |= own[w];
        if (steps_ > kDear && memory_ < kMaxCached) {
          memory_ += own.size() * 4 + 64;
          cached_[id].mask = std::move(own);
        }
      }
      if (alone && steps_ > kDear && memory_ < kMaxCached) {
        memory_ += table_->words() * 4 + 64;
        cached_[id].mask.assign(mask, mask + table_->words());
      }
    } else {
      for (std::size_t w = 0; w < table_->words(); ++w) mask[w] |= known->second.mask[w];
    }
    machine_.awaited_tokens(id, awaited);
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
  for (const TokenId token : awaited) {
    if (token < 0 || static_cast<std::size_t>(token) >= table_->vocab_size()) continue;
    Frames next;
    for (const FrameId id : frames) machine_.step_token(id, token, next);
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

// Depth first through the trie below `node`, frames beside it.
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
    Level& level = levels.back();
    if (level.child >= level.end) {
      stack.resize(level.begin);
      levels.pop_back();
      continue;
    }
    const std::uint32_t at = level.child;
    level.child = nodes[at].next;
    if (!level.allowed.has(nodes[at].byte)) continue;
    ++steps_;
    next.clear();
    const std::size_t end = stack.size();
    for (std::size_t i = level.begin; i < end; ++i) machine_.step(stack[i], nodes[at].byte, next);
    if (next.empty()) continue;
    machine_.settle(next);
    for (std::uint32_t i = 0; i < nodes[at].own; ++i) accept(trie.items()[nodes[at].first + i]);
    if (nodes[at].next == at + 1) continue;
    if (&trie == &table_->trie() && next.size() == 1) {
      // Most of what is below goes on inside a string that takes everything.
      const Frame f = machine_.frame(next[0]);
      if (f.kind == Frame::Kind::string && f.phase == 0 && f.utf8 == 0 && f.term == Terms::kAll &&
          f.y >= TokenTable::kMaxChars && !machine_.rules().style.call) {
        for (std::uint32_t i = nodes[at].first + nodes[at].own; i < trie.end_of_items(at); ++i) {
          const auto token = static_cast<TokenId>(trie.items()[i]);
          if (table_->last_special(i) <= nodes[at].depth ||
              runs(next[0], table_->bytes(token).substr(nodes[at].depth))) {
            accept(trie.items()[i]);
          }
        }
        steps_ += (trie.end_of_items(at) - nodes[at].first) / 16;
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
    ++steps_;
    next.clear();
    for (const FrameId f : frames) machine_.step(f, static_cast<unsigned char>(c), next);
    if (next.empty()) return false;
    machine_.settle(next);
    frames.swap(next);
  }
  return true;
}

void Masks::add_string(FrameId id, std::uint32_t* mask) {
  const Frame f = machine_.frame(id);
  const bool everything = machine_.terms().immortal(f.term) && f.term == Terms::kAll;
  const std::uint32_t room = std::min(f.y, TokenTable::kMaxChars);
  if (machine_.rules().style.call) {
    if (everything) {
      const auto& inside = table_->inside_raw(room);
      for (std::size_t w = 0; w < inside.size(); ++w) mask[w] |= inside[w];
    } else {
      walk(table_->trie(), 0, {id}, [&](std::uint32_t token) { set_bit(mask, static_cast<TokenId>(token)); });
    }
    return;
  }
  const StringTokens& tokens = tokens_of(f.term);
  if (everything && f.y < TokenTable::kMaxChars) {
    const auto& inside = table_->inside(room);
    for (std::size_t w = 0; w < inside.size(); ++w) mask[w] |= inside[w];
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
  Frames after;
  machine_.resume(f.parent, after);
  machine_.settle(after);
  walk(behind, 0, std::move(after), closes);
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
  const StringTokens& tokens = tokens_of(ids.size() == 1 ? f.term : machine_.key_content(f));
  for (std::size_t w = 0; w < tokens.stay.size(); ++w) mask[w] |= tokens.stay[w];
  for (const TokenId token : tokens.late) {
    if (runs_one(token)) set_bit(mask, token);
  }
  for (std::uint32_t i = 0; i < table_->quotes().size(); ++i) {
    const TokenTable::Exit& e = table_->quotes()[i];
    if ((tokens.closing[i / 64] >> i % 64 & 1U) == 0) continue;
    if (e.after.empty() || (e.after[0] == ':' && runs_one(e.token))) set_bit(mask, e.token);
  }
}

// Raw terms: those with few tokens are walked with frames; the automaton alone decides first, over the whole tree.
void Masks::add_term(FrameId id, std::uint32_t* mask) {
  walk(table_->trie(), 0, {id}, [&](std::uint32_t token) { set_bit(mask, static_cast<TokenId>(token)); });
}

}  // namespace gemma4::grammar
