#include "grammar/machine.h"

#include <algorithm>

#include "base/check.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxFrames = 2000;  // ways to read one text at a time

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
}

std::size_t Machine::memory_bytes() const noexcept {
  return memory_ + frames_.size() * (sizeof(Frame) + 16) + texts_.size() * 48 + rules_.terms.memory_bytes();
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

void Machine::settle(Frames& frames) const {
  if (frames.size() > 1) {
    std::sort(frames.begin(), frames.end());
    frames.erase(std::unique(frames.begin(), frames.end()), frames.end());
  }
  GEMMA4_CHECK(frames.size() <= kMaxFrames, ErrorCode::unsupported,
               "grammar: expected a text to be readable in at most ", kMaxFrames, " ways at a time, got more");
}

Frames Machine::start() {
  Frames out;
  begin(rules_.root(), 0, out);
  settle(out);
  return out;
}

Frames Machine::step(const Frames& frames, unsigned char byte) {
  Frames out;
  for (const FrameId id : frames) step(id, byte, out);
  settle(out);
  return out;
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
      for (const RuleId child : r.children) begin(child, parent, out);
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
  const Frame f = frames_[id];
  if (f.kind == Frame::Kind::sequence) {
    const std::vector<RuleId>& children = rules_[f.a].children;
    Frame next = f;
    next.x = f.x + 1;
    // The last one goes on with the parent itself, so that right recursion does not pile up frames.
    begin(children[f.x], next.x < children.size() ? intern(next) : f.parent, out);
  } else if (f.kind == Frame::Kind::repeat) {
    if (std::find(rounds_.begin(), rounds_.end(), id) != rounds_.end()) return;  // a round without a text
    rounds_.push_back(id);
    const Rule& r = rules_[f.a];
    if (f.x < r.max) {
      Frame next = f;
      next.x = r.max == kUnlimited ? std::min(f.x + 1, r.min) : f.x + 1;
      begin(r.a, intern(next), out);
    }
    if (f.x >= r.min) resume(f.parent, out);
    rounds_.pop_back();
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
  if (cursor.phase != 0) {
    if (next.y == 0) return;
    bool possible = false;
    for (const CodeRange r : cursor.codes()) possible = possible || terms().live_between(next.term, r.first, r.last);
    if (!possible) return;
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
