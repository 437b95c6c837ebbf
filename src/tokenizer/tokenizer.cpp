#include "tokenizer/tokenizer.h"

#include <filesystem>
#include <optional>
#include <system_error>

#include "base/check.h"
#include "formats/gguf.h"
#include "formats/gguf_folder.h"
#include "formats/json.h"
#include "tokenizer/normalize.h"

namespace gemma4::tokenizer {
namespace {

constexpr std::size_t kBytesPerToken = 4;  // about; for the first reservation only

/// Lends a workspace for one encoding.
class Lease {
 public:
  explicit Lease(WorkspacePool& pool) : pool_(pool), workspace_(pool.take()) {}
  ~Lease() { pool_.give_back(std::move(workspace_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  Workspace& operator*() const noexcept { return *workspace_; }

 private:
  WorkspacePool& pool_;
  std::unique_ptr<Workspace> workspace_;
};

}  // namespace

std::shared_ptr<const BpeTokenizer> BpeTokenizer::load(const std::string& path, int n_ids) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    const std::string file = (std::filesystem::path(path) / "tokenizer.json").string();
    if (std::filesystem::exists(file, ignored)) return from_json_file(file, n_ids);
    const std::optional<std::string> gguf = formats::find_gguf(path);
    GEMMA4_CHECK(gguf, ErrorCode::not_found, path,
                 ": expected a tokenizer.json in this folder (or a GGUF file), there is none");
    return from_gguf(*formats::GgufFile::open(*gguf), n_ids);
  }
  return formats::GgufFile::is_gguf(path) ? from_gguf(*formats::GgufFile::open(path), n_ids) : from_json_file(path, n_ids);
}

std::shared_ptr<const BpeTokenizer> BpeTokenizer::from_json_file(const std::string& path, int n_ids) {
  auto document = std::make_shared<const formats::JsonDocument>(formats::JsonDocument::from_file(path));
  return std::make_shared<const BpeTokenizer>(formats::read_tokenizer_json(std::move(document)), n_ids);
}

std::shared_ptr<const BpeTokenizer> BpeTokenizer::from_gguf(const formats::GgufFile& file, int n_ids) {
  return std::make_shared<const BpeTokenizer>(formats::read_tokenizer_gguf(file), n_ids);
}

BpeTokenizer::BpeTokenizer(const formats::TokenizerFile& file, int n_ids)
    : vocabulary_(file, n_ids),
      bpe_(file, vocabulary_),
      added_(file, false),
      added_normalized_(file, true),
      bos_token_(vocabulary_.find("<bos>")) {}

std::shared_ptr<const void> BpeTokenizer::derived(const std::function<std::shared_ptr<const void>()>& make) const {
  const std::lock_guard lock(derived_mutex_);
  if (!derived_) derived_ = make();
  return derived_;
}

std::vector<TokenId> BpeTokenizer::encode(std::string_view text, bool add_bos, bool parse_special) const {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / kBytesPerToken + 8);
  if (add_bos && bos_token_ >= 0) ids.push_back(bos_token_);
  const Lease workspace(workspaces_);
  const auto take = [&](std::string_view piece, TokenId id) {
    if (id >= 0) {
      ids.push_back(id);
    } else {
      bpe_.encode(piece, *workspace, ids);
    }
  };
  added_.split(text, parse_special, [&](std::string_view piece, TokenId id) {
    if (id >= 0 || added_normalized_.empty()) return take(piece, id);
    added_normalized_.split(normalize(piece), parse_special, take);
  });
  return ids;
}

std::string BpeTokenizer::decode(Span<const TokenId> ids, bool skip_special) const {
  std::string text;
  text.reserve(ids.size() * kBytesPerToken);
  TextAssembler assembler(vocabulary_, skip_special);
  for (const TokenId id : ids) assembler.push(id, text);
  assembler.finish(text);
  return text;
}

std::string_view BpeTokenizer::id_to_token(TokenId id) const {
  if (vocabulary_.is_padding(id)) return {};
  GEMMA4_CHECK(vocabulary_.contains(id), ErrorCode::token_out_of_range, "id_to_token: expected a token id from 0 to ",
               vocabulary_.n_ids() - 1, ", got ", id);
  return vocabulary_.text(id);
}

void BpeTokenizer::append_bytes(TokenId id, std::string& bytes) const {
  if (!vocabulary_.contains(id)) return;
  const std::string_view piece = vocabulary_.text(id);
  if (vocabulary_.kind(id) == TokenKind::byte) {
    bytes.push_back(static_cast<char>(formats::byte_value(piece)));
  } else {
    append_with_spaces(piece, bytes);
  }
}

bool BpeTokenizer::is_special(TokenId id) const noexcept {
  return vocabulary_.contains(id) && vocabulary_.kind(id) == TokenKind::special;
}

StreamDecoder::StreamDecoder(std::shared_ptr<const BpeTokenizer> tokenizer, bool skip_special)
    : tokenizer_(std::move(tokenizer)), assembler_(tokenizer_->vocabulary(), skip_special) {}

std::string StreamDecoder::push(TokenId id) {
  std::string text;
  assembler_.push(id, text);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  assembler_.finish(text);
  return text;
}

}  // namespace gemma4::tokenizer
