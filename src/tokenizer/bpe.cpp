#include "tokenizer/bpe.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "base/check.h"
#include "base/utf8.h"

namespace gemma4::tokenizer {
namespace {

constexpr std::size_t kShort = 48;               // up to here searching all pairs again beats a heap
constexpr std::size_t kKeptSymbols = 64 * 1024;  // a workspace that grew beyond this is trimmed after use

char32_t space_to_symbol(char32_t code) noexcept { return code == U' ' ? kSpaceSymbol : code; }

}  // namespace

std::unique_ptr<Workspace> WorkspacePool::take() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!free_.empty()) {
      std::unique_ptr<Workspace> workspace = std::move(free_.back());
      free_.pop_back();
      return workspace;
    }
  }
  return std::make_unique<Workspace>();
}

void WorkspacePool::give_back(std::unique_ptr<Workspace> workspace) noexcept {
  try {
    if (workspace->symbols.capacity() > kKeptSymbols) workspace->symbols = {};
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(workspace));
  } catch (...) {  // no room to remember it: it is freed
  }
}

Bpe::Bpe(const formats::TokenizerFile& file, const Vocabulary& vocabulary)
    : vocabulary_(vocabulary),
      merges_(file, vocabulary),
      characters_(file, vocabulary),
      joins_(vocabulary, merges_) {}

void Bpe::encode(std::string_view text, Workspace& workspace, std::vector<TokenId>& ids) const {
  if (text.empty()) return;
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* begin = p;
  char32_t left = space_to_symbol(base::next_code_point(p, end));
  while (p != end) {
    const char* const boundary = p;
    const char32_t right = space_to_symbol(base::next_code_point(p, end));
    if (!joins_.may_join(left, right)) {
      encode_piece({begin, static_cast<std::size_t>(boundary - begin)}, workspace, ids);
      begin = boundary;
    }
    left = right;
  }
  encode_piece({begin, static_cast<std::size_t>(end - begin)}, workspace, ids);
}

void Bpe::encode_piece(std::string_view piece, Workspace& workspace, std::vector<TokenId>& ids) const {
  if (piece.size() > WordCache::kMaxText) {
    merge_piece(piece, workspace.symbols);
    ids.insert(ids.end(), workspace.symbols.begin(), workspace.symbols.end());
    return;
  }
  WordCache::Entry& entry = workspace.cache.slot(piece);
  if (WordCache::holds(entry, piece)) {
    ids.insert(ids.end(), entry.tokens, entry.tokens + entry.n_tokens);
    return;
  }
  merge_piece(piece, workspace.symbols);
  ids.insert(ids.end(), workspace.symbols.begin(), workspace.symbols.end());
  WordCache::store(entry, piece, workspace.symbols.data(), workspace.symbols.size());
}

void Bpe::merge_piece(std::string_view piece, std::vector<TokenId>& symbols) const {
  symbols.clear();
  const char* p = piece.data();
  const char* const end = p + piece.size();
  while (p != end) {
    const char* const begin = p;
    const TokenId token = characters_.find(base::next_code_point(p, end));
    if (token >= 0) {
      symbols.push_back(token);
    } else {
      for (const char* byte = begin; byte != p; ++byte) {
        symbols.push_back(vocabulary_.byte_token(static_cast<std::uint8_t>(*byte)));
      }
    }
  }
  if (symbols.size() <= kShort) {
    merge_short(symbols);
  } else {
    merge_long(symbols);
  }
}

void Bpe::merge_short(std::vector<TokenId>& symbols) const {
  std::size_t n = symbols.size();
  TokenId* const ids = symbols.data();
  Merge pairs[kShort];  // of each symbol with its right neighbour
  for (std::size_t i = 0; i + 1 < n; ++i) pairs[i] = merges_.find(ids[i], ids[i + 1]);
  while (n > 1) {
    const std::size_t best = static_cast<std::size_t>(std::min_element(pairs, pairs + n - 1) - pairs);
    if (pairs[best] == kNoMerge) break;
    ids[best] = merge_result(pairs[best]);
    std::copy(ids + best + 2, ids + n, ids + best + 1);
    if (best + 2 < n) std::copy(pairs + best + 2, pairs + n - 1, pairs + best + 1);
    --n;
    if (best > 0) pairs[best - 1] = merges_.find(ids[best - 1], ids[best]);
    if (best + 1 < n) pairs[best] = merges_.find(ids[best], ids[best + 1]);
  }
  symbols.resize(n);
}

/// A linked list of symbols and a heap of candidates. A candidate is (rank, position), so that ties go left; it is
/// stale when the pair at its position is another by now.
void Bpe::merge_long(std::vector<TokenId>& symbols) const {
  constexpr std::uint32_t kNone = ~0U;
  GEMMA4_CHECK(symbols.size() < kNone, ErrorCode::out_of_memory, "encode: a stretch of ", symbols.size(),
               " characters without a place to cut");
  struct Link {
    std::uint32_t previous, next;
    Merge pair;  // with the right neighbour; kNoMerge also once merged into the left one
  };
  const auto n = static_cast<std::uint32_t>(symbols.size());
  std::vector<Link> links(n);
  std::vector<std::uint64_t> candidates;
  candidates.reserve(n);
  const auto candidate = [](Merge pair, std::uint32_t at) { return std::uint64_t{merge_rank(pair)} << 32 | at; };
  for (std::uint32_t i = 0; i < n; ++i) {
    const Merge pair = i + 1 < n ? merges_.find(symbols[i], symbols[i + 1]) : kNoMerge;
    links[i] = {i == 0 ? kNone : i - 1, i + 1 < n ? i + 1 : kNone, pair};
    if (pair != kNoMerge) candidates.push_back(candidate(pair, i));
  }
  std::priority_queue heap(std::greater<>{}, std::move(candidates));
  const auto renew = [&](std::uint32_t at) {
    const std::uint32_t next = links[at].next;
    const Merge pair = next == kNone ? kNoMerge : merges_.find(symbols[at], symbols[next]);
    links[at].pair = pair;
    if (pair != kNoMerge) heap.push(candidate(pair, at));
  };
  while (!heap.empty()) {
    const std::uint64_t top = heap.top();
    heap.pop();
    const auto at = static_cast<std::uint32_t>(top & kNone);
    if (links[at].pair == kNoMerge || candidate(links[at].pair, at) != top) continue;
    symbols[at] = merge_result(links[at].pair);
    const std::uint32_t gone = links[at].next;
    const std::uint32_t next = links[gone].next;
    links[gone].pair = kNoMerge;
    links[at].next = next;
    if (next != kNone) links[next].previous = at;
    renew(at);
    if (links[at].previous != kNone) renew(links[at].previous);
  }
  std::size_t kept = 0;
  for (std::uint32_t i = 0; i != kNone; i = links[i].next) symbols[kept++] = symbols[i];
  symbols.resize(kept);
}

}  // namespace gemma4::tokenizer
