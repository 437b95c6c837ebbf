#include "grammar/token_table.h"

#include <algorithm>
#include <iterator>

#include "grammar/text_cursor.h"
#include "tokenizer/tokenizer.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxBytes = 250;  // longer tokens are left out

bool special_inside(unsigned char b) { return b < 0x20 || b == '"' || b == '\\'; }

// How the characters of TokenTable::odd() begin.
struct OddLead {
  unsigned char lead, second;  // 0: there is none
};
constexpr OddLead kOddLeads[] = {{0xC2, 0}, {0xE1, 0x9A}, {0xE2, 0x80}, {0xE2, 0x81}, {0xE3, 0x80}, {0xEF, 0xBB}};
constexpr std::uint8_t kOneByte = 16, kTwoBytes = 32;  // + index into kOddLeads: so much of it has been read

bool odd_last(std::size_t lead, unsigned char b) {
  switch (lead) {
    case 0: return b == 0xA0;
    case 1: return b == 0x80;
    case 2: return b <= 0x8A || b == 0xA8 || b == 0xA9 || b == 0xAF;
    case 3: return b == 0x9F;
    case 4: return b == 0x80;
    default: return b == 0xBF;
  }
}

}  // namespace

std::uint8_t next_usual(std::uint8_t state, unsigned char b) {
  constexpr auto kLeads = static_cast<std::uint8_t>(std::size(kOddLeads));
  if (state == 0) {
    for (std::uint8_t i = 0; i < kLeads; ++i) {
      if (kOddLeads[i].lead == b) return static_cast<std::uint8_t>((kOddLeads[i].second == 0 ? kTwoBytes : kOneByte) + i);
    }
    return next_utf8(0, b);
  }
  if (state >= kTwoBytes) {
    return odd_last(state - kTwoBytes, b) ? kNotUtf8 : next_utf8(1, b);
  }
  if (state >= kOneByte) {
    for (std::uint8_t i = 0; i < kLeads; ++i) {
      if (kOddLeads[i].lead == kOddLeads[state - kOneByte].lead && kOddLeads[i].second == b) {
        return static_cast<std::uint8_t>(kTwoBytes + i);
      }
    }
    return next_utf8(2, b);
  }
  return next_utf8(state, b);
}

ByteTrie::ByteTrie(std::vector<std::pair<std::string_view, std::uint32_t>> texts) {
  std::sort(texts.begin(), texts.end());
  nodes_.push_back({0, 0, 0, 0, 0, 0});
  items_.reserve(texts.size());
  std::vector<std::uint32_t> open = {0};  // the nodes from the root to the last text
  std::string_view last;
  for (const auto& [text, item] : texts) {
    std::size_t common = 0;
    while (common < last.size() && common < text.size() && last[common] == text[common]) ++common;
    const auto at = static_cast<std::uint32_t>(items_.size());
    while (open.size() > common + 1) {
      nodes_[open.back()].next = static_cast<std::uint32_t>(nodes_.size());
      open.pop_back();
    }
    for (std::size_t i = common; i < text.size(); ++i) {
      open.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({0, at, 0, static_cast<std::uint8_t>(text[i]), static_cast<std::uint8_t>(i + 1), 0});
    }
    ++nodes_[open.back()].own;
    items_.push_back(item);
    last = text;
  }
  for (const std::uint32_t node : open) nodes_[node].next = static_cast<std::uint32_t>(nodes_.size());
  const auto end = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({end + 1, static_cast<std::uint32_t>(items_.size()), 0, 0, 0, 0});
}

TokenTable::TokenTable(const tokenizer::BpeTokenizer& tokenizer) {
  const tokenizer::Vocabulary& vocabulary = tokenizer.vocabulary();
  constexpr std::string_view kSpace = "\xE2\x96\x81";
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    starts_.push_back(static_cast<std::uint32_t>(bytes_.size()));
    std::string_view text = vocabulary.text(id);
    switch (vocabulary.kind(id)) {
      case tokenizer::TokenKind::byte:
        bytes_.push_back(static_cast<char>(formats::byte_value(text)));
        break;
      case tokenizer::TokenKind::normal:
      case tokenizer::TokenKind::added:
        while (!text.empty()) {
          const std::size_t at = text.find(kSpace);
          bytes_.append(text.substr(0, at));
          if (at == std::string_view::npos) break;
          bytes_.push_back(' ');
          text.remove_prefix(at + kSpace.size());
        }
        break;
      default:
        break;
    }
  }
  starts_.push_back(static_cast<std::uint32_t>(bytes_.size()));

  std::vector<std::pair<std::string_view, std::uint32_t>> texts;
  texts.reserve(vocab_size());
  for (TokenId id = 0; id < vocabulary.size(); ++id) {
    if (!bytes(id).empty() && bytes(id).size() <= kMaxBytes) texts.emplace_back(bytes(id), id);
  }
  trie_ = ByteTrie(std::move(texts));
  last_special_.resize(trie_.items().size());
  for (std::uint32_t n = 0; n <= kMaxChars; ++n) {
    inside_[n].resize(words());
    inside_raw_[n].resize(words());
  }
  for (std::uint32_t item = 0; item < trie_.items().size(); ++item) {
    classify(static_cast<TokenId>(trie_.items()[item]), item);
  }
  for (std::uint32_t n = 1; n <= kMaxChars; ++n) {  // at most n: those of n - 1 too
    for (std::size_t w = 0; w < words(); ++w) {
      inside_[n][w] |= inside_[n - 1][w];
      inside_raw_[n][w] |= inside_raw_[n - 1][w];
    }
  }
  collect_sets();
  std::vector<std::pair<std::string_view, std::uint32_t>> behind;
  for (std::uint32_t i = 0; i < quotes_.size(); ++i) behind.emplace_back(quotes_[i].after, i);
  behind_quotes_ = ByteTrie(std::move(behind));
}

void TokenTable::classify(TokenId id, std::uint32_t item) {
  const std::string_view text = bytes(id);
  std::uint8_t utf8 = 0;
  std::uint32_t chars = 0;
  bool left = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto b = static_cast<unsigned char>(text[i]);
    if (!left && utf8 == 0 && (b == '"' || b == '\\')) {
      (b == '"' ? quotes_ : escapes_).push_back({id, text.substr(0, i), chars, text.substr(i + 1)});
    }
    if (special_inside(b)) {
      left = true;
      last_special_[item] = static_cast<std::uint8_t>(i + 1);
    }
    if (utf8 == 0) ++chars;
    utf8 = next_utf8(utf8, b);
    if (utf8 == kNotUtf8) {
      last_special_[item] = 255;
      return;
    }
  }
  const std::uint32_t n = std::min(chars, kMaxChars);
  if (chars > kMaxChars) longer_.emplace_back(id, chars);
  max_chars_ = std::max(max_chars_, chars);
  set_bit(inside_raw_[n].data(), id);
  if (left) return;
  set_bit(inside_[n].data(), id);
  std::uint8_t usual = 0;
  for (const char c : text) usual = usual == kNotUtf8 ? usual : next_usual(usual, static_cast<unsigned char>(c));
  if (usual == kNotUtf8) odd_.push_back(id);
}

void TokenTable::prefixes_of(std::string_view text, std::vector<TokenId>& out) const {
  const auto& nodes = trie_.nodes();
  std::uint32_t at = 0;
  for (const char c : text) {
    std::uint32_t child = at + 1;
    while (child < nodes[at].next && nodes[child].byte != static_cast<std::uint8_t>(c)) child = nodes[child].next;
    if (child >= nodes[at].next) return;
    at = child;
    const auto own = trie_.items().begin() + nodes[at].first;
    out.insert(out.end(), own, own + nodes[at].own);
  }
}

// For the nodes with much below them.
void TokenTable::collect_sets() {
  constexpr std::uint32_t kWorth = 4;  // nodes
  auto& nodes = trie_.nodes_;
  sets_.emplace_back();
  for (std::uint32_t at = 0; at < trie_.size(); ++at) {
    if (nodes[at].next - at < kWorth) continue;
    nodes[at].set = static_cast<std::uint32_t>(sets_.size());
    AsciiSet set;
    // Repeats what nodes above do, as often as the tree is deep: short texts make that cheap.
    for (std::uint32_t i = nodes[at].first + nodes[at].own; i < trie_.end_of_items(at); ++i) {
      const auto id = static_cast<TokenId>(trie_.items()[i]);
      if (last_special_[i] != 0 || (!odd_.empty() && std::find(odd_.begin(), odd_.end(), id) != odd_.end())) continue;
      for (const char c : bytes(id).substr(nodes[at].depth)) set.add(static_cast<unsigned char>(c));
    }
    sets_.push_back(set);
  }
}

std::shared_ptr<const TokenTable> TokenTable::of(const tokenizer::BpeTokenizer& tokenizer) {
  return std::static_pointer_cast<const TokenTable>(tokenizer.derived([&] { return std::make_shared<const TokenTable>(tokenizer); }));
}

}  // namespace gemma4::grammar
