// NumberMap: numbers by 64-bit keys, in one block of memory: cheap to fill and to clear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gemma4::grammar {

/// Keys are not 0. Open addressing, at most half full.
class NumberMap {
 public:
  NumberMap() { clear(); }

  /// nullptr when there is none; valid until the next set().
  const std::uint32_t* find(std::uint64_t key) const noexcept {
    for (std::size_t at = start(key);; at = (at + 1) & (entries_.size() - 1)) {
      if (entries_[at].key == key) return &entries_[at].value;
      if (entries_[at].key == 0) return nullptr;
    }
  }
  void set(std::uint64_t key, std::uint32_t value) {
    if ((size_ + 1) * 2 > entries_.size()) grow();
    std::size_t at = start(key);
    while (entries_[at].key != key && entries_[at].key != 0) at = (at + 1) & (entries_.size() - 1);
    if (entries_[at].key == 0) ++size_;
    entries_[at] = {key, value};
  }
  std::size_t size() const noexcept { return size_; }
  void clear() {
    entries_ = std::vector<Entry>(kLeast);
    size_ = 0;
  }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t value = 0;
  };
  static constexpr std::size_t kLeast = 64;

  std::size_t start(std::uint64_t key) const noexcept {
    constexpr std::uint64_t kMix = 0x9E3779B97F4A7C15;
    return static_cast<std::size_t>((key * kMix) >> 20) & (entries_.size() - 1);
  }
  void grow() {
    std::vector<Entry> old(entries_.size() * 2);
    old.swap(entries_);
    size_ = 0;
    for (const Entry& e : old) {
      if (e.key != 0) set(e.key, e.value);
    }
  }

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace gemma4::grammar
