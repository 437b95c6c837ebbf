// Machine: JSON values, objects with their keys, arrays with their items.
#include <algorithm>
#include <bit>

#include "base/utf8.h"
#include "grammar/machine.h"

namespace gemma4::grammar {
namespace {

constexpr std::uint8_t kSpaceDone = 1;       // one space has been written
constexpr std::uint8_t kSpaceNewline = 2;    // a newline; + 1 for each space behind it
constexpr std::uint8_t kMaxIndent = 20;

std::uint32_t counted(std::uint32_t counts, std::size_t i) { return counts >> 8 * i & 0xFF; }

}  // namespace

void Machine::step_value(const Frame& f, unsigned char b, Frames& out) {
  const Goal& goal = rules_.goals[f.a];
  Frame next;
  next.parent = f.parent;
  if (b == '"' && !rules_.style.call) {
    begin_string(goal, f.parent, out);
  } else if (b == '[') {
    next.kind = Frame::Kind::array;
    for (const std::uint32_t a : goal.arrays) {
      next.a = a;
      out.push_back(intern(next));
    }
  } else if (b == '{') {
    next.kind = Frame::Kind::object;
    for (const std::uint32_t o : goal.objects) {
      next.a = o;
      next.seen = first_seen(o);
      out.push_back(intern(next));
    }
  } else if (goal.scalar != Terms::kNothing) {
    next.kind = Frame::Kind::term;
    next.term = plain_ ? goal.scalar : goal.meant;
    step_term(next, b, out);
  }
}

void Machine::begin_string(const Goal& goal, FrameId parent, Frames& out) {
  Frame next;
  next.parent = parent;
  next.kind = Frame::Kind::string;
  for (const StringSet& set : goal.strings) {
    next.term = set.term;
    next.x = set.min;
    next.y = set.max;
    out.push_back(intern(next));
  }
}

// White space before what the frame waits for; true when the byte was one.
bool Machine::space(const Frame& f, unsigned char b, Frames& out) {
  if (!rules_.style.bounded_space || (b != ' ' && b != '\n')) return false;
  Frame next = f;
  if (f.detail == 0) {
    next.detail = b == ' ' ? kSpaceDone : kSpaceNewline;
  } else if (b == ' ' && f.detail >= kSpaceNewline && f.detail < kSpaceNewline + kMaxIndent) {
    ++next.detail;
  } else {
    return true;
  }
  out.push_back(intern(next));
  return true;
}

void Machine::step_object(const Frame& f, unsigned char b, Frames& out) {
  const ObjectRule& o = rules_.objects[f.a];
  const Seen& seen = seen_[f.seen];
  // Behind a value, white space stands before the end only.
  if (f.phase != kColon && (f.phase != kAfter || may_close(o, seen)) && space(f, b, out)) return;
  switch (f.phase) {
    case kOpen:
      if (b == '}') {
        if (may_close(o, seen)) resume(f.parent, out);
        return;
      }
      return begin_key(f, b, out);
    case kNext:
      return begin_key(f, b, out);
    case kColon:
      if (b == ':') {
        Frame after = f;
        after.phase = kAfter;
        after.term = 0;
        Frame value;
        value.kind = Frame::Kind::value;
        value.a = f.term;
        value.parent = intern(after);
        if (rules_.style.bounded_space) {  // the value's white space is the object's
          Frame before = f;
          before.phase = kValue;
          out.push_back(intern(before));
        } else {
          out.push_back(intern(value));
        }
      }
      return;
    case kValue: {
      Frame after = f;
      after.phase = kAfter;
      after.term = 0;
      after.detail = 0;
      Frame value;
      value.kind = Frame::Kind::value;
      value.a = f.term;
      value.parent = intern(after);
      return step_value(value, b, out);
    }
    default:
      if (b == ',' && f.detail == 0 && may_add_any(o, seen)) {
        Frame next = f;
        next.phase = kNext;
        out.push_back(intern(next));
      } else if (b == '}' && may_close(o, seen)) {
        resume(f.parent, out);
      }
  }
}

void Machine::begin_key(const Frame& f, unsigned char b, Frames& out) {
  if (!rules_.style.call && b != '"') return;
  const ObjectRule& o = rules_.objects[f.a];
  const Seen& seen = seen_[f.seen];
  Frame names;
  names.kind = Frame::Kind::names;
  names.a = f.a;
  names.seen = f.seen;
  names.parent = f.parent;
  names.y = static_cast<std::uint32_t>(o.entries.size());
  Frames keys;
  if (names_left(o, names, seen)) keys.push_back(intern(names));
  if (has_room(o, seen, o.entries.size())) {
    Frame key = names;
    key.kind = Frame::Kind::key;
    key.y = kUnlimited;
    for (std::size_t c = 0; c < o.classes.size(); ++c) {
      key.detail = static_cast<std::uint8_t>(c);
      key.term = o.classes[c].term;
      if (key_left(seen, key.term, 0)) keys.push_back(intern(key));
    }
  }
  if (!rules_.style.call) {
    out.insert(out.end(), keys.begin(), keys.end());
    return;
  }
  for (const FrameId key : keys) step(key, b, out);
}

// The entries that go on with the step's bytes; false when there is none.
bool Machine::narrow(const ObjectRule& o, Frame& f, const TextCursor::Step& step) const {
  for (std::size_t i = 0; i < step.n; ++i) {
    const auto byte_at = [&](std::uint32_t e) {
      const std::string& name = o.entries[e].name;
      return name.size() > f.term ? static_cast<int>(static_cast<unsigned char>(name[f.term])) : -1;
    };
    const int wanted = step.bytes[i];
    std::uint32_t low = f.x, high = f.y;
    while (low < high) {
      const std::uint32_t middle = (low + high) / 2;
      if (byte_at(middle) < wanted) low = middle + 1; else high = middle;
    }
    f.x = low;
    high = f.y;
    while (low < high) {
      const std::uint32_t middle = (low + high) / 2;
      if (byte_at(middle) <= wanted) low = middle + 1; else high = middle;
    }
    f.y = low;
    if (f.x == f.y) return false;
    ++f.term;
  }
  return true;
}

bool Machine::names_left(const ObjectRule& o, const Frame& f, const Seen& seen) const {
  for (std::uint32_t i = f.x; i < f.y; ++i) {
    if (may_add(o, seen, i)) return true;
  }
  return false;
}

// Of those that go on with a character of `codes`.
bool Machine::names_among(const ObjectRule& o, const Frame& f, const Seen& seen, const CodeRanges& codes) const {
  for (std::uint32_t i = f.x; i < f.y; ++i) {
    const std::string& name = o.entries[i].name;
    if (name.size() <= f.term || !may_add(o, seen, i)) continue;
    const char* p = name.data() + f.term;
    const auto code = static_cast<std::uint32_t>(base::next_code_point(p, name.data() + name.size()));
    for (const CodeRange r : codes) {
      if (code >= r.first && code <= r.last) return true;
    }
  }
  return false;
}

void Machine::step_names(const Frame& f, unsigned char b, Frames& out) {
  const ObjectRule& o = rules_.objects[f.a];
  const Seen& seen = seen_[f.seen];
  if (b == (rules_.style.call ? ':' : '"') && f.phase == 0) {
    if (f.x == f.y || o.entries[f.x].name.size() != f.term || !may_add(o, seen, f.x)) return;
    Seen more = seen;
    more.entries.resize((o.entries.size() + 63) / 64);
    more.entries[f.x / 64] |= std::uint64_t{1} << f.x % 64;
    return end_key(f, o.entries[f.x].variants, more, out);
  }
  TextCursor cursor{f.phase, f.utf8, f.hex};
  const TextCursor::Step step = cursor.step(b, rules_.style.call);
  Frame next = f;
  if (!step.alive || !narrow(o, next, step)) return;
  next.phase = cursor.phase;
  next.utf8 = cursor.utf8;
  next.hex = cursor.hex;
  if (cursor.phase == 0 ? !names_left(o, next, seen) : !names_among(o, next, seen, cursor.codes())) return;
  if (!may_write(f, b, step, cursor, [&](const CodeRanges& codes) { return names_among(o, f, seen, codes); },
                 [&](const CodeRanges& codes) { return names_among(o, next, seen, codes); })) {
    return;
  }
  out.push_back(intern(next));
}

void Machine::step_key(const Frame& f, unsigned char b, Frames& out) {
  const std::uint8_t c = f.detail;
  if (b == (rules_.style.call ? ':' : '"') && f.phase == 0) {
    if (f.utf8 != 0 || !terms().nullable(f.term)) return;
    Seen more = seen_[f.seen];
    for (std::uint32_t k = more.keys; k != 0; k = key_lists_[k].before) {
      if (key_lists_[k].text == f.x) return;
    }
    const auto [at, added] =
        key_list_ids_.emplace(std::uint64_t{more.keys} << 32 | f.x, static_cast<std::uint32_t>(key_lists_.size()));
    if (added) key_lists_.push_back({f.x, more.keys});
    more.keys = at->second;
    return end_key(f, rules_.objects[f.a].classes[c].variants, more, out);
  }
  TextCursor cursor{f.phase, f.utf8, f.hex};
  const TextCursor::Step step = cursor.step(b, rules_.style.call);
  if (!step.alive) return;
  Frame next = f;
  for (std::size_t i = 0; i < step.n; ++i) {
    next.term = terms().next(next.term, step.bytes[i]);
    next.x = append(next.x, step.bytes[i]);
  }
  if (next.term == Terms::kNothing) return;
  next.phase = cursor.phase;
  next.utf8 = cursor.utf8;
  next.hex = cursor.hex;
  if (cursor.phase != 0 ? !key_among(next, cursor.codes()) : !key_left(seen_[f.seen], next.term, next.x)) return;
  if (!may_write(f, b, step, cursor, [&](const CodeRanges& codes) { return key_among(f, codes); },
                 [&](const CodeRanges& codes) { return key_among(next, codes); })) {
    return;
  }
  out.push_back(intern(next));
}

TermId Machine::key_content(const Frame& f) { return terms().run(rules_.objects[f.a].keys, text_of(f.x)); }

std::vector<std::string> Machine::seen_behind(const Seen& seen, std::uint32_t text) const {
  std::vector<std::string> out;
  for (std::uint32_t k = seen.keys; k != 0; k = key_lists_[k].before) {
    std::string behind;
    std::uint32_t at = key_lists_[k].text;
    for (; at != text && at != 0; at = texts_[at].first) behind += static_cast<char>(texts_[at].second);
    if (at != text) continue;
    std::reverse(behind.begin(), behind.end());
    out.push_back(std::move(behind));
  }
  return out;
}

// Whether a key that has begun with `text` and goes on with `content` (if given, by a character within `range`) can
// become one not seen.
bool Machine::key_left(const Seen& seen, TermId content, std::uint32_t text, const CodeRange* range) const {
  Terms& terms = rules_.terms;
  std::uint32_t left =
      range == nullptr ? terms.count(content) : terms.count_between(content, range->first, range->last);
  if (left >= Terms::kMany || seen.keys == 0) return left > 0;
  for (const std::string& behind : seen_behind(seen, text)) {
    if (range != nullptr) {
      const char* p = behind.data();
      if (behind.empty()) continue;
      const auto code = static_cast<std::uint32_t>(base::next_code_point(p, p + behind.size()));
      if (code < range->first || code > range->last) continue;
    }
    if (left > 0 && terms.nullable(terms.run(content, behind))) --left;
  }
  return left > 0;
}

bool Machine::key_among(const Frame& f, const CodeRanges& codes) const {
  return std::any_of(codes.begin(), codes.end(),
                     [&](const CodeRange& r) { return key_left(seen_[f.seen], f.term, f.x, &r); });
}

void Machine::end_key(const Frame& f, const std::vector<Variant>& variants, const Seen& seen, Frames& out) {
  for (const Variant& v : variants) {
    Seen more = seen;
    ++more.count;
    more.marks |= v.marks;
    Frame next;
    next.kind = Frame::Kind::object;
    next.phase = kColon;
    next.a = f.a;
    next.term = v.goal;
    next.seen = intern_seen(std::move(more));
    next.parent = f.parent;
    if (rules_.style.call) {
      step_object(next, ':', out);
    } else {
      out.push_back(intern(next));
    }
  }
}

// Whether there is room for one more key (an entry, or one that none names) and all that is required then.
bool Machine::has_room(const ObjectRule& o, const Seen& seen, std::size_t entry) const {
  if (o.max == kUnlimited) return true;
  if (seen.count >= o.max) return false;
  std::vector<bool> needed(o.entries.size());
  std::vector<std::uint32_t> todo;
  const auto need = [&](std::uint32_t i) {
    if (!needed[i]) todo.push_back(i);
    needed[i] = true;
  };
  for (std::uint32_t i = 0; i < o.entries.size(); ++i) {
    if (o.entries[i].required || seen.has(i) || i == entry) need(i);
  }
  while (!todo.empty()) {
    const std::uint32_t i = todo.back();
    todo.pop_back();
    for (const std::uint32_t other : o.entries[i].implies) need(other);
  }
  std::uint32_t missing = entry == o.entries.size() ? 1 : 0;
  for (std::uint32_t i = 0; i < o.entries.size(); ++i) missing += needed[i] && !seen.has(i) ? 1 : 0;
  return missing <= o.max - seen.count;
}

bool Machine::may_add(const ObjectRule& o, const Seen& seen, std::size_t i) const {
  return !o.entries[i].variants.empty() && !seen.has(i) && has_room(o, seen, i);
}

bool Machine::may_add_any(const ObjectRule& o, const Seen& seen) const {
  if (seen.count >= o.max) return false;
  if (has_room(o, seen, o.entries.size())) {
    for (const ObjectRule::KeyClass& c : o.classes) {
      if (key_left(seen, c.term, 0)) return true;
    }
  }
  for (std::size_t i = 0; i < o.entries.size(); ++i) {
    if (may_add(o, seen, i)) return true;
  }
  return false;
}

bool Machine::may_close(const ObjectRule& o, const Seen& seen) const {
  if (seen.count < o.min || (seen.marks & o.marks) != o.marks) return false;
  for (std::size_t i = 0; i < o.entries.size(); ++i) {
    if (!seen.has(i)) {
      if (o.entries[i].required) return false;
      continue;
    }
    for (const std::uint32_t other : o.entries[i].implies) {
      if (!seen.has(other)) return false;
    }
  }
  return true;
}

bool Machine::items_suffice(const ArrayRule& a, const Frame& f) const {
  if (f.x < a.min) return false;
  for (std::size_t i = 0; i < a.counted.size(); ++i) {
    if (counted(f.y, i) < a.counted[i].min) return false;
  }
  return true;
}

void Machine::step_array(const Frame& f, unsigned char b, Frames& out) {
  const ArrayRule& a = rules_.arrays[f.a];
  if ((f.phase != kAfter || items_suffice(a, f)) && space(f, b, out)) return;
  if (f.phase == kAfter) {
    if (b == ',' && f.detail == 0 && f.x < a.max) {
      Frame next = f;
      next.phase = kNext;
      out.push_back(intern(next));
    } else if (b == ']' && items_suffice(a, f)) {
      resume(f.parent, out);
    }
    return;
  }
  if (b == ']') {
    if (f.phase == kOpen && items_suffice(a, f)) resume(f.parent, out);
    return;
  }
  begin_item(f, b, out);
}

// The next item: read from byte b on, or only begun.
void Machine::begin_item(const Frame& f, std::optional<unsigned char> b, Frames& out) {
  const ArrayRule& a = rules_.arrays[f.a];
  if (f.x >= a.max) return;
  // Beyond prefix and minimum, items without an upper limit are alike.
  const std::uint32_t alike = std::max(static_cast<std::uint32_t>(a.prefix.size()), a.min);
  for (const Variant& v : f.x < a.prefix.size() ? a.prefix[f.x] : a.rest) {
    Frame after = f;
    after.phase = kAfter;
    after.detail = 0;
    after.x = a.max == kUnlimited ? std::min(f.x + 1, alike) : f.x + 1;
    bool possible = true;
    for (std::size_t i = 0; i < a.counted.size(); ++i) {
      const ArrayRule::Counted& c = a.counted[i];
      std::uint32_t n = counted(f.y, i);
      if ((v.marks >> i & 1U) != 0) ++n;
      if (c.max == kUnlimited) n = std::min(n, c.min);
      possible = possible && n <= c.max && (n >= c.min || a.max == kUnlimited || c.min - n <= a.max - (f.x + 1));
      after.y = (after.y & ~(0xFFU << 8 * i)) | n << 8 * i;
    }
    if (!possible) continue;
    Frame value;
    value.kind = Frame::Kind::value;
    value.a = v.goal;
    value.parent = intern(after);
    if (b) {
      step_value(value, *b, out);
    } else {
      out.push_back(intern(value));
    }
  }
}

std::uint32_t Machine::first_seen(std::uint32_t object) {
  if (first_seen_[object] == kUnlimited) {
    Seen seen;
    const ObjectRule& o = rules_.objects[object];
    seen.entries.resize((o.entries.size() + 63) / 64);
    first_seen_[object] = intern_seen(std::move(seen));
  }
  return first_seen_[object];
}

std::uint32_t Machine::intern_seen(Seen seen) {
  std::string key;
  const auto add = [&key](const auto& value) { key.append(reinterpret_cast<const char*>(&value), sizeof value); };
  add(seen.count);
  add(seen.marks);
  add(seen.keys);
  for (const std::uint64_t w : seen.entries) add(w);
  const auto [at, added] = seen_ids_.emplace(std::move(key), static_cast<std::uint32_t>(seen_.size()));
  if (added) {
    memory_ += at->first.size() * 2 + 200;
    seen_.push_back(std::move(seen));
  }
  return at->second;
}

std::uint32_t Machine::append(std::uint32_t text, unsigned char byte) {
  const auto [at, added] =
      text_ids_.emplace(std::uint64_t{text} << 8 | byte, static_cast<std::uint32_t>(texts_.size()));
  if (added) texts_.push_back({text, byte});
  return at->second;
}

std::string Machine::text_of(std::uint32_t text) const {
  std::string out;
  for (; text != 0; text = texts_[text].first) out += static_cast<char>(texts_[text].second);
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace gemma4::grammar
