#include "grammar/machine.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kStep = 10, kResume = 25;  // of one frame, in units of work()
constexpr std::size_t kMerged = 8;  // more frames than these are looked through for some to merge
constexpr std::size_t kCovers = 12; // frames that others are compared with
constexpr int kCoverDepth = 12;     // parents that are compared

std::uint64_t hash(const Frame& f) noexcept {
  constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15;
  std::uint64_t h = static_cast<std::uint64_t>(f.kind) | std::uint64_t{f.phase} << 8 | std::uint64_t{f.utf8} << 16 |
                    std::uint64_t{f.detail} << 24 | std::uint64_t{f.a} << 32;
  const auto add = [&h](std::uint64_t value) {
    h = (h ^ value) * kMix;
    h ^= h >> 29;
  };
  add(std::uint64_t{f.term} << 32 | f.x);
  add(std::uint64_t{f.y} << 32 | f.seen);
  add(std::uint64_t{f.hex} << 32 | f.parent);
  return h * kMix >> 7;
}

}  // namespace

Machine::Machine(Rules& rules) : rules_(rules), slots_(1024), first_seen_(rules.objects.size(), kUnlimited) {
  intern(Frame{});  // done
  seen_.emplace_back();
  texts_.push_back({0, 0});  // the empty text
  key_lists_.emplace_back();
}

std::size_t Machine::memory_bytes() const noexcept {
  const std::size_t texts = (texts_.size() + key_lists_.size()) * 48;
  return memory_ + frames_.size() * (sizeof(Frame) + 16) + texts + rules_.terms.memory_bytes();
}

FrameId Machine::intern(const Frame& frame) {
  if ((frames_.size() + 1) * 2 > slots_.size()) {
    std::vector<std::uint32_t> larger(slots_.size() * 2);
    for (std::uint32_t id = 0; id < frames_.size(); ++id) {
      std::size_t at = hash(frames_[id]) & (larger.size() - 1);
      while (larger[at] != 0) at = (at + 1) & (larger.size() - 1);
      larger[at] = id + 1;
    }
    slots_.swap(larger);
  }
  const std::size_t mask = slots_.size() - 1;
  std::size_t at = hash(frame) & mask;
  for (; slots_[at] != 0; at = (at + 1) & mask) {
    if (frames_[slots_[at] - 1] == frame) return slots_[at] - 1;
  }
  frames_.push_back(frame);
  slots_[at] = static_cast<std::uint32_t>(frames_.size());
  return static_cast<FrameId>(frames_.size() - 1);
}

// In order, each once, and not too many.
void Machine::settle(Frames& frames) {
  if (frames.size() <= 1) return;
  std::sort(frames.begin(), frames.end());
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  if (frames.size() <= kMerged) return;
  work_ += kStep * frames.size();
  merge(frames);
  if (frames.size() <= kMaxFrames) return;
  GEMMA4_CHECK(!exact_, ErrorCode::unsupported, "grammar: expected a text to be readable in at most ", kMaxFrames,
               " ways at a time, got more");
  frames.resize(kMaxFrames);  // each of them leads to an end of its own
}

void Machine::merge(Frames& frames) {
  const auto key = [](const Frame& f) {
    return std::tuple(f.kind, f.phase, f.utf8, f.detail, f.a, f.term, f.x, f.y, f.seen, f.hex);
  };
  std::vector<std::pair<Frame, FrameId>> all;
  all.reserve(frames.size());
  for (const FrameId id : frames) all.emplace_back(frames_[id], id);
  std::stable_sort(all.begin(), all.end(), [&](const auto& x, const auto& y) { return key(x.first) < key(y.first); });
  frames.clear();
  for (std::size_t i = 0, next = 0; i < all.size(); i = next) {
    for (next = i + 1; next < all.size() && key(all[next].first) == key(all[i].first);) ++next;
    if (next == i + 1) {
      frames.push_back(all[i].second);
      continue;
    }
    Frames parents;
    for (std::size_t j = i; j < next; ++j) parents.push_back(all[j].first.parent);
    Frame merged = all[i].first;
    merged.parent = several(parents);
    frames.push_back(intern(merged));
  }
  std::sort(frames.begin(), frames.end());
}

// Whether what follows `other`, a parent, may follow `id`, too. A repeat that may end goes on wherever one of more
// rounds does. Their forms show it, or it is not found.
bool Machine::leads_wherever(FrameId id, FrameId other, int depth) const {
  for (; id != other; --depth) {
    const Frame &f = frames_[id], &g = frames_[other];
    if (depth == 0 || f.kind != g.kind || f.a != g.a) return false;
    if (f.kind == Frame::Kind::repeat) {
      if (f.x > g.x || (f.x != g.x && f.x < rules_[f.a].min)) return false;
    } else if (f.kind != Frame::Kind::sequence || f.x != g.x) {
      return false;
    }
    id = f.parent;
    other = g.parent;
  }
  return true;
}

void Machine::leave_out_covered(Frames& frames) {
  const auto rounds = [&](FrameId id) { return frames_[id].kind == Frame::Kind::repeat ? frames_[id].x : 0; };
  std::stable_sort(frames.begin(), frames.end(), [&](FrameId a, FrameId b) { return rounds(a) < rounds(b); });
  std::size_t kept = 0;
  for (const FrameId id : frames) {
    bool covered = false;
    for (std::size_t i = 0; i < std::min(kept, kCovers) && !covered; ++i) {
      covered = leads_wherever(frames[i], id, kCoverDepth);
    }
    work_ += std::min(kept, kCovers);
    if (!covered) frames[kept++] = id;
  }
  frames.resize(kept);
  std::sort(frames.begin(), frames.end());
}

FrameId Machine::several(const Frames& of) {
  if (of.size() == 1) return of[0];
  Frames frames;
  for (const FrameId id : of) {
    const Frame& f = frames_[id];
    if (f.kind == Frame::Kind::several) {
      frames.insert(frames.end(), several_[f.a].begin(), several_[f.a].end());
    } else {
      frames.push_back(id);
    }
  }
  work_ += kStep * frames.size();
  std::sort(frames.begin(), frames.end());
  frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  if (frames.size() > 1) leave_out_covered(frames);
  if (frames.size() == 1) return frames[0];
  const auto [at, added] = several_ids_.emplace(std::move(frames), static_cast<std::uint32_t>(several_.size()));
  if (added) {
    several_.push_back(at->first);
    memory_ += at->first.size() * 8 + 120;
  }
  Frame f;
  f.kind = Frame::Kind::several;
  f.a = at->second;
  return intern(f);
}

void Machine::next_place() {
  if (++place_ == 0) {
    resumed_.clear();
    place_ = 1;
  }
  if (!begun_.empty()) begun_.clear();
  resumed_here_ = 0;
}

Frames Machine::start() {
  next_place();
  Frames out;
  begin(rules_.root(), 0, out);
  begin_choices(out);
  settle(out);
  return out;
}

void Machine::step(const FrameId* frames, std::size_t n, unsigned char byte, Frames& out) {
  next_place();
  work_ += kStep * n;
  out.clear();
  for (std::size_t i = 0; i < n; ++i) step(frames[i], byte, out);
  begin_choices(out);
  settle(out);
}

void Machine::step_token(const Frames& frames, TokenId token, Frames& out) {
  next_place();
  out.clear();
  for (const FrameId id : frames) step_token(id, token, out);
  begin_choices(out);
  settle(out);
}

Frames Machine::after(FrameId parent) {
  next_place();
  Frames out;
  resume(parent, out);
  begin_choices(out);
  settle(out);
  return out;
}

// A rule that is referred to from several places begins once, for all of them: those that others begin with come last.
void Machine::begin_choices(Frames& out) {
  while (!choices_.empty()) {
    RuleId first = choices_[0].first;
    for (const auto& [rule, parent] : choices_) {
      if (rules_.rank(rule) > rules_.rank(first)) first = rule;
    }
    Frames parents;
    const auto others = std::stable_partition(choices_.begin(), choices_.end(),
                                              [&](const auto& choice) { return choice.first != first; });
    for (auto at = others; at != choices_.end(); ++at) parents.push_back(at->second);
    choices_.erase(others, choices_.end());
    const FrameId parent = several(parents);
    for (const RuleId child : rules_[first].children) begin(child, parent, out);
  }
}

bool Machine::complete(const Frames& frames) const {
  return std::find(frames.begin(), frames.end(), FrameId{0}) != frames.end();
}

// Rules that begin with one another nest no deeper than there are rules: none begins with itself.
void Machine::begin(RuleId rule, FrameId parent, Frames& out) {
  const Rule& r = rules_[rule];
  Frame f;
  f.parent = parent;
  switch (r.kind) {
    case Rule::Kind::term:
      f.kind = Frame::Kind::term;
      f.term = r.a;
      if (terms().open(r.a)) out.push_back(intern(f));
      if (terms().nullable(r.a)) resume(parent, out);
      break;
    case Rule::Kind::sequence:
      if (r.children.empty()) {
        resume(parent, out);
      } else if (r.children.size() == 1) {
        begin(r.children[0], parent, out);
      } else {
        f.kind = Frame::Kind::sequence;
        f.a = rule;
        f.x = 1;
        begin(r.children[0], intern(f), out);
      }
      break;
    case Rule::Kind::choice:
      if (begun_.insert(std::uint64_t{rule} << 32 | parent).second) choices_.emplace_back(rule, parent);
      break;
    case Rule::Kind::repeat:
      f.kind = Frame::Kind::repeat;
      f.a = rule;
      resume(intern(f), out);
      break;
    case Rule::Kind::value:
      f.kind = Frame::Kind::value;
      f.a = r.a;
      out.push_back(intern(f));
      break;
    case Rule::Kind::token:
      f.kind = Frame::Kind::token;
      f.a = rule;
      out.push_back(intern(f));
      break;
    case Rule::Kind::undefined:
      break;
  }
}

void Machine::resume(FrameId id, Frames& out) {
  if (resumed_.size() <= id) resumed_.resize(frames_.size() + 64);
  if (resumed_[id] == place_) return;  // a repeat's round without a text, too
  resumed_[id] = place_;
  work_ += kResume;
  if (++resumed_here_ > kMaxResumed) {
    if (!exact_) return;  // each of the others leads to an end of its own
    GEMMA4_CHECK(resumed_here_ <= kMaxExact, ErrorCode::unsupported, "grammar: expected one byte to lead on to at most ",
                 kMaxExact, " places, got more");
  }
  const Frame f = frames_[id];
  if (f.kind == Frame::Kind::sequence) {
    const std::vector<RuleId>& children = rules_[f.a].children;
    Frame next = f;
    next.x = f.x + 1;
    // The last one goes on with the parent itself, so that right recursion does not pile up frames.
    begin(children[f.x], next.x < children.size() ? intern(next) : f.parent, out);
  } else if (f.kind == Frame::Kind::repeat) {
    const Rule& r = rules_[f.a];
    if (f.x < r.max) {
      Frame next = f;
      next.x = r.max == kUnlimited ? std::min(f.x + 1, r.min) : f.x + 1;
      begin(r.a, intern(next), out);
    }
    if (f.x >= r.min) resume(f.parent, out);
  } else if (f.kind == Frame::Kind::several) {
    const Frames parents = several_[f.a];
    for (const FrameId parent : parents) resume(parent, out);
  } else {
    out.push_back(id);
  }
}

void Machine::step(FrameId id, unsigned char b, Frames& out) {
  const Frame f = frames_[id];
  switch (f.kind) {
    case Frame::Kind::term: return step_term(f, b, out);
    case Frame::Kind::string: return step_string(f, b, out);
    case Frame::Kind::names: return step_names(f, b, out);
    case Frame::Kind::key: return step_key(f, b, out);
    case Frame::Kind::value: return step_value(f, b, out);
    case Frame::Kind::object: return step_object(f, b, out);
    case Frame::Kind::array: return step_array(f, b, out);
    default: return;
  }
}

void Machine::step_term(const Frame& f, unsigned char b, Frames& out) {
  Frame next = f;
  next.term = terms().next(f.term, b);
  if (next.term == Terms::kNothing) return;
  next.utf8 = next_utf8(f.utf8, b);
  if (next.utf8 == kNotUtf8) return;
  if (next.term != Terms::kEmpty && terms().open(next.term)) out.push_back(intern(next));
  if (terms().nullable(next.term) && next.utf8 == 0) resume(f.parent, out);
}

bool Machine::content_may_end(const Frame& f) const {
  return f.phase == 0 && f.utf8 == 0 && f.x == 0 && rules_.terms.nullable(f.term);
}

bool Machine::live_among(TermId content, const CodeRanges& codes) {
  return std::any_of(codes.begin(), codes.end(),
                     [&](const CodeRange& r) { return terms().live_between(content, r.first, r.last); });
}

void Machine::step_string(const Frame& f, unsigned char b, Frames& out) {
  const bool raw = rules_.style.call;
  if (!raw && b == '"' && f.phase == 0) {
    if (content_may_end(f)) resume(f.parent, out);
    return;
  }
  TextCursor cursor{f.phase, f.utf8, f.hex};
  const TextCursor::Step step = cursor.step(b, raw);
  if (!step.alive) return;
  Frame next = f;
  if (step.begins) {
    if (f.y == 0) return;
    if (f.y != kUnlimited) --next.y;
    if (f.x > 0) --next.x;
  }
  for (std::size_t i = 0; i < step.n; ++i) next.term = terms().next(next.term, step.bytes[i]);
  if (next.term == Terms::kNothing) return;
  next.phase = cursor.phase;
  next.utf8 = cursor.utf8;
  next.hex = cursor.hex;
  if (cursor.phase != 0 && (next.y == 0 || !live_among(next.term, cursor.codes()))) return;
  if (!may_write(f, b, step, cursor, [&](const CodeRanges& codes) { return live_among(f.term, codes); },
                 [&](const CodeRanges& codes) { return live_among(next.term, codes); })) {
    return;
  }
  out.push_back(intern(next));
}

void Machine::step_token(FrameId id, TokenId token, Frames& out) {
  const Frame f = frames_[id];
  if (f.kind == Frame::Kind::token) {
    const std::vector<TokenId>& tokens = rules_[f.a].tokens;
    if (std::find(tokens.begin(), tokens.end(), token) != tokens.end()) resume(f.parent, out);
  } else if (rules_.style.call && token == rules_.style.quote) {
    if (f.kind == Frame::Kind::value) {
      begin_string(rules_.goals[f.a], f.parent, out);
    } else if (f.kind == Frame::Kind::string) {
      if (content_may_end(f)) resume(f.parent, out);
    } else if (f.kind == Frame::Kind::array && (f.phase == kOpen || f.phase == kNext)) {
      Frames items;
      begin_item(f, std::nullopt, items);
      for (const FrameId item : items) step_token(item, token, out);
    }
  }
}

void Machine::awaited_tokens(FrameId id, std::vector<TokenId>& out) const {
  const Frame& f = frames_[id];
  if (f.kind == Frame::Kind::token) {
    const std::vector<TokenId>& tokens = rules_[f.a].tokens;
    out.insert(out.end(), tokens.begin(), tokens.end());
    return;
  }
  if (!rules_.style.call) return;
  const bool opens = f.kind == Frame::Kind::value && !rules_.goals[f.a].strings.empty();
  const bool item = f.kind == Frame::Kind::array && (f.phase == kOpen || f.phase == kNext);  // step_token() finds out
  if (opens || item || (f.kind == Frame::Kind::string && content_may_end(f))) out.push_back(rules_.style.quote);
}

ByteSet Machine::first_bytes(FrameId id) {
  const Frame f = frames_[id];
  ByteSet set;
  const auto add_row = [&](TermId t) {
    const TermId* const row = terms().row(t);
    for (unsigned b = 0; b < 256; ++b) {
      if (row[b] != Terms::kNothing) set.add(b);
    }
  };
  switch (f.kind) {
    case Frame::Kind::term:
      add_row(f.term);
      break;
    case Frame::Kind::string:
    case Frame::Kind::key:
      if (f.phase == 0) {
        add_row(f.term);
        if (!rules_.style.call) {
          set.add('"');
          set.add('\\');
        } else {
          set.add(':');
        }
      } else {
        set.add(0, 255);
      }
      break;
    case Frame::Kind::value: {
      const Goal& goal = rules_.goals[f.a];
      if (goal.scalar != Terms::kNothing) add_row(goal.scalar);
      if (!goal.strings.empty()) set.add('"');
      if (!goal.arrays.empty()) set.add('[');
      if (!goal.objects.empty()) set.add('{');
      break;
    }
    case Frame::Kind::names: {
      const ObjectRule& o = rules_.objects[f.a];
      if (f.phase != 0) {
        set.add(0, 255);
        break;
      }
      for (std::uint32_t i = f.x; i < f.y; ++i) {
        if (o.entries[i].name.size() > f.term) set.add(static_cast<unsigned char>(o.entries[i].name[f.term]));
      }
      set.add('"');
      set.add('\\');
      set.add(':');
      break;
    }
    case Frame::Kind::object:
      if (rules_.style.call && f.phase != kColon && f.phase != kAfter) {
        set.add(0, 255);
      } else {
        for (const char c : {'"', '}', ',', ':'}) set.add(static_cast<unsigned char>(c));
      }
      if (f.phase == kValue) set.add(0, 255);
      break;
    case Frame::Kind::array:
      if (f.phase == kAfter) {
        set.add(',');
        set.add(']');
      } else {
        set.add(0, 255);
      }
      break;
    default:
      break;
  }
  if (rules_.style.bounded_space && (f.kind == Frame::Kind::object || f.kind == Frame::Kind::array)) {
    set.add(' ');
    set.add('\n');
  }
  return set;
}

}  // namespace gemma4::grammar
