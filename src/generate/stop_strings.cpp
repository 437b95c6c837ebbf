#include "generate/stop_strings.h"

#include "base/check.h"
#include "base/utf8.h"

namespace gemma4::generation {

StopStrings::StopStrings(const std::vector<std::string>& stops) : nodes_(1) {
  for (std::size_t i = 0; i < stops.size(); ++i) {
    GEMMA4_CHECK(!stops[i].empty(), ErrorCode::invalid_argument, "GenerateOptions::stop[", i,
                 "]: expected a non-empty string");
    GEMMA4_CHECK(base::is_utf8(stops[i]), ErrorCode::invalid_argument, "GenerateOptions::stop[", i,
                 "]: expected valid UTF-8");
    insert(stops[i], static_cast<std::int32_t>(i));
    lengths_.push_back(stops[i].size());
  }
  link();
}

void StopStrings::insert(const std::string& stop, std::int32_t index) {
  std::int32_t node = 0;
  for (const char c : stop) {
    const auto byte = static_cast<unsigned char>(c);
    std::int32_t next = child(node, byte);
    if (next == 0) {
      next = static_cast<std::int32_t>(nodes_.size());
      Node& parent = nodes_[static_cast<std::size_t>(node)];
      Node added;
      added.byte = byte;
      added.depth = parent.depth + 1;
      added.next_sibling = parent.first_child;
      parent.first_child = next;
      nodes_.push_back(added);
      if (node == 0) roots_children_[byte] = next;
    }
    node = next;
  }
  std::int32_t& ends = nodes_[static_cast<std::size_t>(node)].stop;
  if (ends < 0) ends = index;
}

// Breadth first, so that the shorter node a fallback points to is complete.
void StopStrings::link() {
  std::vector<std::int32_t> queue = {0};
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const std::int32_t node = queue[i];
    const Node& parent = nodes_[static_cast<std::size_t>(node)];
    for (std::int32_t next = parent.first_child; next >= 0;) {
      Node& n = nodes_[static_cast<std::size_t>(next)];
      n.fallback = node == 0 ? 0 : advance(parent.fallback, n.byte);
      if (n.stop < 0) n.stop = nodes_[static_cast<std::size_t>(n.fallback)].stop;
      queue.push_back(next);
      next = n.next_sibling;
    }
  }
}

// 0: none.
std::int32_t StopStrings::child(std::int32_t node, unsigned char byte) const noexcept {
  if (node == 0) return roots_children_[byte];
  for (std::int32_t next = nodes_[static_cast<std::size_t>(node)].first_child; next >= 0;) {
    const Node& n = nodes_[static_cast<std::size_t>(next)];
    if (n.byte == byte) return next;
    next = n.next_sibling;
  }
  return 0;
}

std::int32_t StopStrings::advance(std::int32_t node, unsigned char byte) const noexcept {
  while (true) {
    const std::int32_t next = child(node, byte);
    if (next != 0 || node == 0) return next;
    node = nodes_[static_cast<std::size_t>(node)].fallback;
  }
}

bool StopStrings::push(std::string_view text, std::string& out) {
  const std::size_t before = held_.size();
  held_.append(text);
  for (std::size_t i = before; i < held_.size(); ++i) {
    state_ = advance(state_, static_cast<unsigned char>(held_[i]));
    const Node& node = nodes_[static_cast<std::size_t>(state_)];
    if (node.stop < 0) continue;
    matched_ = node.stop;
    out.append(held_, 0, i + 1 - lengths_[matched()]);
    held_.clear();
    return true;
  }
  const std::size_t keep = static_cast<std::size_t>(nodes_[static_cast<std::size_t>(state_)].depth);
  out.append(held_, 0, held_.size() - keep);
  held_.erase(0, held_.size() - keep);
  return false;
}

void StopStrings::finish(std::string& out) {
  out.append(held_);
  held_.clear();
  state_ = 0;
}

}  // namespace gemma4::generation
