/* The interface: tokenizers and grammars. */
#include "interface_test.h"

void test_tokenizer(const char* path, gemma4_model* model) {
  gemma4_tokenizer *tokenizer = NULL, *other = NULL;
  gemma4_token_decoder* decoder = NULL;
  int32_t value = 0, id = 0;
  size_t n = 0, m = 0, i;
  const char* sample = "Hello, w\xC3\xB6rld \xF0\x9F\x98\x80!";
  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  CHECK_OK(gemma4_tokenizer_load(path, strlen(path), &other));
  CHECK_OK(gemma4_tokenizer_vocab_size(tokenizer, &value));
  CHECK_OK(gemma4_tokenizer_vocab_size(other, &id));
  CHECK(value == id && value > 0);
  CHECK_OK(gemma4_tokenizer_encode(tokenizer, sample, strlen(sample), 1, 0, NULL, 0, &n));
  CHECK(n > 1);
  CHECK_REFUSED(gemma4_tokenizer_encode(tokenizer, sample, strlen(sample), 1, 0, ids, n - 1, &m));
  CHECK(m == n);
  CHECK_OK(gemma4_tokenizer_encode(tokenizer, sample, strlen(sample), 1, 0, ids, n, &m));
  CHECK_OK(gemma4_tokenizer_bos_token(tokenizer, &value));
  CHECK(ids[0] == value && m == n);
  CHECK_OK(gemma4_tokenizer_is_special(tokenizer, value, &id));
  CHECK(id == 1);
  CHECK_OK(gemma4_tokenizer_is_special(tokenizer, -5, &id));
  CHECK(id == 0);
  CHECK_OK(gemma4_tokenizer_token_to_id(tokenizer, "<bos>", 5, &id));
  CHECK(id == value);
  CHECK_OK(gemma4_tokenizer_token_to_id(tokenizer, "no such token", 13, &id));
  CHECK(id == -1);
  FETCH_TEXT(text, sizeof text, gemma4_tokenizer_id_to_token(tokenizer, value, b_, c_, n_));
  CHECK(strcmp(text, "<bos>") == 0);
  CHECK_STATUS(GEMMA4_ERROR_TOKEN_OUT_OF_RANGE, gemma4_tokenizer_id_to_token(tokenizer, -1, text, sizeof text, &n));
  n = m;
  {
    const size_t n_ids = m;
    FETCH_TEXT(text, sizeof text, gemma4_tokenizer_decode(tokenizer, ids, n_ids, 1, b_, c_, n_));
  }
  CHECK(strcmp(text, sample) == 0);
  CHECK_OK(gemma4_token_decoder_create(tokenizer, 1, &decoder));
  {
    char joined[256] = "", piece[64];
    for (i = 0; i <= n; ++i) {
      if (i < n)
        CHECK_OK(gemma4_token_decoder_push(decoder, ids[i]));
      else
        CHECK_OK(gemma4_token_decoder_finish(decoder));
      FETCH_TEXT(piece, sizeof piece, gemma4_token_decoder_text(decoder, b_, c_, n_));
      strcat(joined, piece);
    }
    CHECK(strcmp(joined, sample) == 0);
  }
  CHECK_STATUS(GEMMA4_ERROR_TOKEN_OUT_OF_RANGE, gemma4_token_decoder_push(decoder, 1 << 30));
  CHECK_OK(gemma4_token_decoder_destroy(decoder));
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
  CHECK_OK(gemma4_tokenizer_destroy(other));
}

void test_grammar(gemma4_model* model) {
  const char* schema =
      "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"integer\"}},"
      "\"additionalProperties\":false}";
  const char* instance = "{\"a\":12}";
  gemma4_json_schema_options* options = NULL;
  gemma4_grammar *grammar = NULL, *fixed = NULL, *other = NULL;
  gemma4_tokenizer* tokenizer = NULL;
  gemma4_matcher *matcher = NULL, *copy = NULL;
  int32_t value = -1, vocab = 0;
  uint32_t* mask;
  size_t n = 0, words;
  CHECK_OK(gemma4_grammar_json_schema(schema, strlen(schema), NULL, &grammar));
  CHECK_OK(gemma4_grammar_accepts(grammar, instance, strlen(instance), &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_grammar_accepts(grammar, instance, 4, &value));
  CHECK(value == 0);
  CHECK_OK(gemma4_grammar_accepts_prefix(grammar, instance, 4, &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_json_schema_options_create(&options));
  CHECK_OK(gemma4_json_schema_options_set_whitespace(options, GEMMA4_WHITESPACE_BOUNDED));
  CHECK_REFUSED(gemma4_json_schema_options_set_whitespace(options, 2));
  CHECK_OK(gemma4_grammar_json_schema(schema, strlen(schema), options, &other));
  CHECK_OK(gemma4_grammar_accepts(other, "{\"a\": 12}", 9, &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_grammar_destroy(other));
  CHECK_OK(gemma4_json_schema_options_set_closed_objects(options, 1));
  CHECK_OK(gemma4_grammar_json_schema("{\"properties\":{\"a\":true}}", 25, options, &other));
  CHECK_OK(gemma4_grammar_accepts(other, instance, strlen(instance), &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_grammar_accepts(other, "{\"b\":12}", 8, &value));
  CHECK(value == 0);
  CHECK_OK(gemma4_grammar_destroy(other));
  CHECK_OK(gemma4_json_schema_options_destroy(options));
  CHECK_OK(gemma4_grammar_gbnf("root ::= \"a\" [0-9]", 18, &other));
  CHECK_OK(gemma4_grammar_accepts(other, "a7", 2, &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_grammar_destroy(other));
  CHECK_STATUS(GEMMA4_ERROR_BAD_FORMAT, gemma4_grammar_regex("(", 1, &other));
  CHECK_STATUS(GEMMA4_ERROR_BAD_FORMAT, gemma4_grammar_json_schema("{", 1, NULL, &other));
  CHECK_OK(gemma4_grammar_regex("Hello my name is Ann( Lee)?", 27, &fixed));

  CHECK_OK(gemma4_model_tokenizer(model, &tokenizer));
  CHECK_OK(gemma4_tokenizer_vocab_size(tokenizer, &vocab));
  words = ((size_t)vocab + 31) / 32;
  mask = (uint32_t*)calloc(words, sizeof *mask);
  CHECK_OK(gemma4_matcher_create(fixed, tokenizer, &matcher));
  FETCH_TEXT(text, sizeof text, gemma4_matcher_forced_text(matcher, b_, c_, n_));
  CHECK(strcmp(text, "Hello my name is Ann") == 0);
  CHECK_OK(gemma4_matcher_forced_tokens(matcher, ids, 4096, &n));
  CHECK(n >= 1);
  CHECK_OK(gemma4_matcher_mask(matcher, mask, words));
  CHECK((mask[ids[0] / 32] >> ids[0] % 32 & 1) == 1);
  CHECK_REFUSED(gemma4_matcher_mask(matcher, mask, words - 1));
  CHECK_OK(gemma4_matcher_accept(matcher, ids[0], &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_matcher_copy(matcher, &copy));
  CHECK_OK(gemma4_matcher_rollback(matcher, 1));
  CHECK_OK(gemma4_matcher_length(matcher, &n));
  CHECK(n == 0);
  CHECK_OK(gemma4_matcher_length(copy, &n));
  CHECK(n == 1);
  CHECK_REFUSED(gemma4_matcher_rollback(matcher, 1));
  CHECK_OK(gemma4_matcher_accept_text(matcher, "Hello my name is Ann", 20, &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_matcher_may_stop(matcher, &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_matcher_finished(matcher, &value));
  CHECK(value == 0);
  CHECK_OK(gemma4_matcher_accept_text(matcher, " moon", 5, &value));
  CHECK(value == 0);
  CHECK_OK(gemma4_matcher_accept_text(matcher, " Lee", 4, &value));
  CHECK_OK(gemma4_matcher_finished(matcher, &value));
  CHECK(value == 1);
  CHECK_OK(gemma4_grammar_destroy(fixed)); /* the matchers keep it */
  CHECK_OK(gemma4_tokenizer_destroy(tokenizer));
  CHECK_OK(gemma4_matcher_finished(matcher, &value));
  CHECK_OK(gemma4_matcher_destroy(copy));
  CHECK_OK(gemma4_matcher_destroy(matcher));
  CHECK_OK(gemma4_grammar_destroy(grammar));
  free(mask);
}
