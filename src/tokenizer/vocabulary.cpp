#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "tokenizer/hash.h"

namespace gemma4::tokenizer {

Vocabulary::Vocabulary(const formats::TokenizerFile& file, int n_ids) : kinds_(file.kinds), n_ids_(n_ids) {
  std::size_t bytes = 0;
  for (const std::string_view text : file.tokens) bytes += text.size();
  GEMMA4_CHECK(bytes < std::size_t{1} << 31, ErrorCode::bad_format, file.name, ": vocabulary: ", bytes,
               " bytes of text");
  texts_.reserve(bytes);
  starts_.reserve(file.tokens.size() + 1);
  for (const std::string_view text : file.tokens) {
    starts_.push_back(static_cast<std::uint32_t>(texts_.size()));
    texts_.append(text);
  }
  starts_.push_back(static_cast<std::uint32_t>(texts_.size()));
  index(file.name);

  bytes_.fill(-1);
  for (TokenId id = 0; id < size(); ++id) {
    if (kind(id) == TokenKind::byte) bytes_[static_cast<std::size_t>(formats::byte_value(text(id)))] = id;
  }
  for (std::size_t byte = 0; byte < bytes_.size(); ++byte) {
    GEMMA4_CHECK(bytes_[byte] >= 0, ErrorCode::unsupported, file.name,
                 ": vocabulary: expected the 256 byte tokens <0x00> to <0xFF>, the one of byte ", byte, " is missing");
  }
}

void Vocabulary::index(const std::string& name) {
  const std::size_t n_slots = std::bit_ceil(std::max<std::size_t>(2 * kinds_.size(), 16));
  shift_ = 64 - std::countr_zero(n_slots);
  slots_.assign(n_slots, Slot{0, -1});
  for (TokenId id = 0; id < size(); ++id) {
    const std::string_view token = text(id);
    if (token.empty()) continue;
    const std::uint64_t hash = hash_text(token);
    const auto tag = static_cast<std::uint32_t>(hash);
    std::size_t i = hash >> shift_;
    for (; slots_[i].id >= 0; i = (i + 1) & (n_slots - 1)) {
      GEMMA4_CHECK(slots_[i].tag != tag || text(slots_[i].id) != token, ErrorCode::bad_format, name, ": vocabulary: \"",
                   token, "\" stands twice, as id ", slots_[i].id, " and as id ", id);
    }
    slots_[i] = {tag, id};
  }
}

TokenId Vocabulary::find(std::string_view text) const noexcept {
  return text.empty() ? -1 : find(text, hash_text(text));
}

TokenId Vocabulary::find(std::string_view text, std::uint64_t hash) const noexcept {
  const auto tag = static_cast<std::uint32_t>(hash);
  for (std::size_t i = hash >> shift_; slots_[i].id >= 0; i = (i + 1) & (slots_.size() - 1)) {
    if (slots_[i].tag == tag && this->text(slots_[i].id) == text) return slots_[i].id;
  }
  return -1;
}

void Vocabulary::find_all(Span<const std::string_view> texts, TokenId* ids) const noexcept {
  constexpr std::size_t kBlock = 64;
  std::uint64_t hashes[kBlock];
  for (std::size_t begin = 0; begin < texts.size(); begin += kBlock) {
    const std::size_t n = std::min(kBlock, texts.size() - begin);
    const std::string_view* const block = texts.data() + begin;
    // Each loop asks memory for what the next one reads: slot, start, text.
    for (std::size_t i = 0; i < n; ++i) {
      hashes[i] = hash_text(block[i]);
      prefetch(&slots_[hashes[i] >> shift_]);
    }
    TokenId* const guesses = ids + begin;  // the entry in the first slot; mostly the right one
    for (std::size_t i = 0; i < n; ++i) {
      guesses[i] = std::max<TokenId>(slots_[hashes[i] >> shift_].id, 0);
      prefetch(&starts_[static_cast<std::size_t>(guesses[i])]);
    }
    for (std::size_t i = 0; i < n; ++i) prefetch(texts_.data() + starts_[static_cast<std::size_t>(guesses[i])]);
    for (std::size_t i = 0; i < n; ++i) ids[begin + i] = block[i].empty() ? -1 : find(block[i], hashes[i]);
  }
}

}  // namespace gemma4::tokenizer
