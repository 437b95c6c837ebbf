// Bodies of gemma4/tokenizer.h.
#include "gemma4/tokenizer.h"

#include "tokenizer/tokenizer.h"

namespace gemma4 {

Tokenizer Tokenizer::load(const std::string& path) { return Tokenizer(tokenizer::BpeTokenizer::load(path)); }

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool add_bos, bool parse_special) const {
  return impl_->encode(text, add_bos, parse_special);
}

std::string Tokenizer::decode(Span<const TokenId> ids, bool skip_special) const {
  return impl_->decode(ids, skip_special);
}

int Tokenizer::vocab_size() const noexcept { return impl_->vocab_size(); }
TokenId Tokenizer::token_to_id(std::string_view token) const noexcept { return impl_->token_to_id(token); }
std::string_view Tokenizer::id_to_token(TokenId id) const { return impl_->id_to_token(id); }
bool Tokenizer::is_special(TokenId id) const noexcept { return impl_->is_special(id); }
TokenId Tokenizer::bos_token() const noexcept { return impl_->bos_token(); }

TokenDecoder::TokenDecoder(const Tokenizer& tokenizer, bool skip_special)
    : impl_(std::make_unique<tokenizer::StreamDecoder>(tokenizer.impl(), skip_special)) {}
TokenDecoder::TokenDecoder(TokenDecoder&&) noexcept = default;
TokenDecoder& TokenDecoder::operator=(TokenDecoder&&) noexcept = default;
TokenDecoder::~TokenDecoder() = default;

std::string TokenDecoder::push(TokenId id) { return impl_->push(id); }
std::string TokenDecoder::finish() { return impl_->finish(); }

}  // namespace gemma4
