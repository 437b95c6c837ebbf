// Machine::forget(): frames are kept by what refers to them, and in order: what refers stays behind what it refers to.
#include <algorithm>

#include "grammar/machine.h"

namespace gemma4::grammar {
namespace {

/// Numbers for those that are kept, from 0.
std::vector<std::uint32_t> numbered(const std::vector<bool>& keep) {
  std::vector<std::uint32_t> numbers(keep.size());
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) numbers[i] = n++;
  }
  return numbers;
}

bool has_term(const Frame& f) {
  return f.kind == Frame::Kind::term || f.kind == Frame::Kind::string || f.kind == Frame::Kind::key;
}

}  // namespace

std::vector<FrameId> Machine::forget(const std::vector<bool>& frames) {
  std::vector<bool> keep = frames, keep_several(several_.size()), keep_seen(seen_.size());
  std::vector<bool> keep_lists(key_lists_.size()), keep_texts(texts_.size()), keep_terms(terms().size());
  keep.resize(frames_.size());
  keep[0] = keep_seen[0] = keep_lists[0] = keep_texts[0] = true;
  for (std::size_t i = frames_.size(); i > 0; --i) {  // what a frame refers to is older
    if (!keep[i - 1]) continue;
    const Frame& f = frames_[i - 1];
    keep[f.parent] = true;
    keep_seen[f.seen] = true;
    if (has_term(f)) keep_terms[f.term] = true;
    if (f.kind == Frame::Kind::key) keep_texts[f.x] = true;
    if (f.kind == Frame::Kind::several) {
      keep_several[f.a] = true;
      for (const FrameId id : several_[f.a]) keep[id] = true;
    }
  }
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    if (keep_seen[i]) keep_lists[seen_[i].keys] = true;
  }
  for (std::size_t i = key_lists_.size(); i > 0; --i) {
    if (!keep_lists[i - 1]) continue;
    keep_lists[key_lists_[i - 1].before] = true;
    keep_texts[key_lists_[i - 1].text] = true;
  }
  for (std::size_t i = texts_.size(); i > 0; --i) {
    if (keep_texts[i - 1]) keep_texts[texts_[i - 1].first] = true;
  }

  const std::vector<TermId> term = terms().forget(keep_terms);
  const std::vector<std::uint32_t> id = numbered(keep), several = numbered(keep_several), seen = numbered(keep_seen);
  const std::vector<std::uint32_t> list = numbered(keep_lists), text = numbered(keep_texts);
  memory_ = 0;

  std::vector<std::pair<std::uint32_t, unsigned char>> texts;
  text_ids_.clear();
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    if (!keep_texts[i]) continue;
    texts.emplace_back(text[texts_[i].first], texts_[i].second);
    if (i > 0) text_ids_.emplace(std::uint64_t{texts.back().first} << 8 | texts.back().second, text[i]);
  }
  texts_.swap(texts);
  std::vector<KeyList> lists;
  key_list_ids_.clear();
  for (std::size_t i = 0; i < key_lists_.size(); ++i) {
    if (!keep_lists[i]) continue;
    lists.push_back({text[key_lists_[i].text], list[key_lists_[i].before]});
    if (i > 0) key_list_ids_.emplace(std::uint64_t{lists.back().before} << 32 | lists.back().text, list[i]);
  }
  key_lists_.swap(lists);
  std::deque<Seen> all_seen;
  all_seen.swap(seen_);
  seen_ids_.clear();
  seen_.push_back(std::move(all_seen[0]));
  for (std::size_t i = 1; i < all_seen.size(); ++i) {
    if (!keep_seen[i]) continue;
    all_seen[i].keys = list[all_seen[i].keys];
    intern_seen(std::move(all_seen[i]));
  }
  std::fill(first_seen_.begin(), first_seen_.end(), kUnlimited);

  std::vector<Frame> old;
  old.swap(frames_);
  std::vector<Frames> old_several;
  old_several.swap(several_);
  several_ids_.clear();
  for (std::size_t i = 0; i < old_several.size(); ++i) {
    if (!keep_several[i]) continue;
    for (FrameId& f : old_several[i]) f = id[f];
    memory_ += old_several[i].size() * 8 + 120;
    several_ids_.emplace(old_several[i], static_cast<std::uint32_t>(several_.size()));
    several_.push_back(std::move(old_several[i]));
  }
  std::fill(slots_.begin(), slots_.end(), 0U);
  if (slots_.size() > 4096) {
    slots_.assign(1024, 0U);
    slots_.shrink_to_fit();
  }
  resumed_.clear();
  resumed_.shrink_to_fit();
  for (std::size_t i = 0; i < old.size(); ++i) {
    if (!keep[i]) continue;
    Frame f = old[i];
    f.parent = id[f.parent];
    f.seen = seen[f.seen];
    if (has_term(f)) f.term = term[f.term];
    if (f.kind == Frame::Kind::key) f.x = text[f.x];
    if (f.kind == Frame::Kind::several) f.a = several[f.a];
    intern(f);
  }
  return id;
}

}  // namespace gemma4::grammar
