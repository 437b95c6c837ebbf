// Text to token ids and back. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_TOKENIZER_H
#define GEMMA4_C_TOKENIZER_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Gemma's tokenizer. Any thread.
typedef struct gemma4_tokenizer gemma4_tokenizer;
/// Decodes a stream of ids; holds back half a UTF-8 character. One thread at a time.
typedef struct gemma4_token_decoder gemma4_token_decoder;

/// Reads tokenizer.json (a file, or a folder that holds one) or the tokenizer of a GGUF file. Errors: not_found, io,
/// bad_format, unsupported.
GEMMA4_API gemma4_status gemma4_tokenizer_load(const char* path, size_t path_length, gemma4_tokenizer** out_tokenizer);
/// The model's, as a handle of its own: destroy it too. The vocabulary is shared.
GEMMA4_API gemma4_status gemma4_model_tokenizer(const gemma4_model* model, gemma4_tokenizer** out_tokenizer);
GEMMA4_API gemma4_status gemma4_tokenizer_destroy(gemma4_tokenizer* tokenizer);

/// Text to ids, an array. Never fails on any text: bytes that are not valid UTF-8 become byte tokens.
/// add_bos: begin with "<bos>". parse_special: let the text of control tokens ("<bos>", "<|turn>") become those tokens;
/// not for what users or tools wrote, which could forge a conversation's markup.
GEMMA4_API gemma4_status gemma4_tokenizer_encode(const gemma4_tokenizer* tokenizer, const char* text,
                                                 size_t text_length, int32_t add_bos, int32_t parse_special,
                                                 int32_t* tokens, size_t capacity, size_t* out_count);
/// Ids to text; what is not valid UTF-8 becomes U+FFFD. skip_special: leave control tokens out. A model's tokenizer
/// also takes the ids beyond its vocab_size that the model has: they have no text. Errors: token_out_of_range.
GEMMA4_API gemma4_status gemma4_tokenizer_decode(const gemma4_tokenizer* tokenizer, const int32_t* tokens,
                                                 size_t n_tokens, int32_t skip_special, char* buffer, size_t capacity,
                                                 size_t* out_length);
/// The largest id + 1.
GEMMA4_API gemma4_status gemma4_tokenizer_vocab_size(const gemma4_tokenizer* tokenizer, int32_t* out_vocab_size);
/// The id of an entry by its exact text, or -1 when there is none.
GEMMA4_API gemma4_status gemma4_tokenizer_token_to_id(const gemma4_tokenizer* tokenizer, const char* text,
                                                      size_t text_length, int32_t* out_token);
/// An entry's text as stored (a space is U+2581). Errors: token_out_of_range.
GEMMA4_API gemma4_status gemma4_tokenizer_id_to_token(const gemma4_tokenizer* tokenizer, int32_t token, char* buffer,
                                                      size_t capacity, size_t* out_length);
/// 1 for control tokens; 0 for others and for ids that there are not.
GEMMA4_API gemma4_status gemma4_tokenizer_is_special(const gemma4_tokenizer* tokenizer, int32_t token,
                                                     int32_t* out_special);
/// The id of "<bos>", or -1.
GEMMA4_API gemma4_status gemma4_tokenizer_bos_token(const gemma4_tokenizer* tokenizer, int32_t* out_token);

GEMMA4_API gemma4_status gemma4_token_decoder_create(const gemma4_tokenizer* tokenizer, int32_t skip_special,
                                                     gemma4_token_decoder** out_decoder);
GEMMA4_API gemma4_status gemma4_token_decoder_destroy(gemma4_token_decoder* decoder);
/// Takes one id; gemma4_token_decoder_text then has the text that it completed. Errors: token_out_of_range.
GEMMA4_API gemma4_status gemma4_token_decoder_push(gemma4_token_decoder* decoder, int32_t token);
/// The end: gemma4_token_decoder_text then has what was held back; the decoder is as new.
GEMMA4_API gemma4_status gemma4_token_decoder_finish(gemma4_token_decoder* decoder);
/// What the last push or finish completed; may be empty.
GEMMA4_API gemma4_status gemma4_token_decoder_text(const gemma4_token_decoder* decoder, char* buffer, size_t capacity,
                                                   size_t* out_length);

#ifdef __cplusplus
}
#endif

#endif
