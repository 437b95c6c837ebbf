// gemma4_c/tokenizer.h.
#include "objects.h"

namespace gemma4::capi {
namespace {

struct TokenDecoderObject : Object {
  using Handle = gemma4_token_decoder;
  static constexpr char kName[] = "gemma4_token_decoder";
  TokenDecoderObject(const Tokenizer& tokenizer, bool skip_special) : decoder(tokenizer, skip_special) {}
  TokenDecoder decoder;
  std::string text;  // what the last push or finish completed
};

std::shared_ptr<TokenizerObject> tokenizer_of(const gemma4_tokenizer* handle) {
  return shared<TokenizerObject>(handle);
}

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;

gemma4_status gemma4_tokenizer_load(const char* path, size_t path_length, gemma4_tokenizer** out_tokenizer) {
  return guard([&] {
    capi::required(out_tokenizer, "out_tokenizer") = nullptr;
    capi::create<capi::TokenizerObject>(out_tokenizer, "out_tokenizer",
                                        gemma4::Tokenizer::load(capi::path(path, path_length, "path")));
  });
}

gemma4_status gemma4_model_tokenizer(const gemma4_model* model, gemma4_tokenizer** out_tokenizer) {
  return guard([&] {
    capi::required(out_tokenizer, "out_tokenizer") = nullptr;
    capi::create<capi::TokenizerObject>(out_tokenizer, "out_tokenizer",
                                        capi::shared<capi::ModelObject>(model)->model.tokenizer());
  });
}

gemma4_status gemma4_tokenizer_destroy(gemma4_tokenizer* tokenizer) {
  return capi::destroy<capi::TokenizerObject>(tokenizer);
}

gemma4_status gemma4_tokenizer_encode(const gemma4_tokenizer* tokenizer, const char* text, size_t text_length,
                                      int32_t add_bos, int32_t parse_special, int32_t* tokens, size_t capacity,
                                      size_t* out_count) {
  return guard([&] {
    const auto ids = capi::tokenizer_of(tokenizer)->tokenizer.encode(capi::text(text, text_length, "text"),
                                                                     add_bos != 0, parse_special != 0);
    capi::write_array<int32_t>(ids, tokens, capacity, out_count, "tokens");
  });
}

gemma4_status gemma4_tokenizer_decode(const gemma4_tokenizer* tokenizer, const int32_t* tokens, size_t n_tokens,
                                      int32_t skip_special, char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] {
    const auto text =
        capi::tokenizer_of(tokenizer)->tokenizer.decode(capi::array(tokens, n_tokens, "tokens"), skip_special != 0);
    capi::write_text(text, buffer, capacity, out_length);
  });
}

gemma4_status gemma4_tokenizer_vocab_size(const gemma4_tokenizer* tokenizer, int32_t* out_vocab_size) {
  return guard([&] {
    capi::required(out_vocab_size, "out_vocab_size") = capi::tokenizer_of(tokenizer)->tokenizer.vocab_size();
  });
}

gemma4_status gemma4_tokenizer_token_to_id(const gemma4_tokenizer* tokenizer, const char* text, size_t text_length,
                                           int32_t* out_token) {
  return guard([&] {
    capi::required(out_token, "out_token") =
        capi::tokenizer_of(tokenizer)->tokenizer.token_to_id(capi::text(text, text_length, "text"));
  });
}

gemma4_status gemma4_tokenizer_id_to_token(const gemma4_tokenizer* tokenizer, int32_t token, char* buffer,
                                           size_t capacity, size_t* out_length) {
  return guard([&] {
    const auto object = capi::tokenizer_of(tokenizer);
    capi::write_text(object->tokenizer.id_to_token(token), buffer, capacity, out_length);
  });
}

gemma4_status gemma4_tokenizer_is_special(const gemma4_tokenizer* tokenizer, int32_t token, int32_t* out_special) {
  return guard([&] {
    const auto object = capi::tokenizer_of(tokenizer);
    const bool known = token >= 0 && token < object->tokenizer.vocab_size();
    capi::required(out_special, "out_special") = known && object->tokenizer.is_special(token);
  });
}

gemma4_status gemma4_tokenizer_bos_token(const gemma4_tokenizer* tokenizer, int32_t* out_token) {
  return guard([&] { capi::required(out_token, "out_token") = capi::tokenizer_of(tokenizer)->tokenizer.bos_token(); });
}

gemma4_status gemma4_token_decoder_create(const gemma4_tokenizer* tokenizer, int32_t skip_special,
                                          gemma4_token_decoder** out_decoder) {
  return guard([&] {
    capi::required(out_decoder, "out_decoder") = nullptr;
    capi::create<capi::TokenDecoderObject>(out_decoder, "out_decoder", capi::tokenizer_of(tokenizer)->tokenizer,
                                           skip_special != 0);
  });
}

gemma4_status gemma4_token_decoder_destroy(gemma4_token_decoder* decoder) {
  return capi::destroy<capi::TokenDecoderObject>(decoder);
}

gemma4_status gemma4_token_decoder_push(gemma4_token_decoder* decoder, int32_t token) {
  return guard([&] {
    const capi::Claim<capi::TokenDecoderObject> to(decoder);
    to->text = to->decoder.push(token);
  });
}

gemma4_status gemma4_token_decoder_finish(gemma4_token_decoder* decoder) {
  return guard([&] {
    const capi::Claim<capi::TokenDecoderObject> to(decoder);
    to->text = to->decoder.finish();
  });
}

gemma4_status gemma4_token_decoder_text(const gemma4_token_decoder* decoder, char* buffer, size_t capacity,
                                        size_t* out_length) {
  return guard(
      [&] { capi::write_text(capi::Claim<capi::TokenDecoderObject>(decoder)->text, buffer, capacity, out_length); });
}
