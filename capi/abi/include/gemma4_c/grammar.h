// Grammars: JSON Schema, regular expressions and GBNF, for texts and for generations. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_GRAMMAR_H
#define GEMMA4_C_GRAMMAR_H

#include "tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How a JSON Schema becomes a grammar. One thread at a time.
typedef struct gemma4_json_schema_options gemma4_json_schema_options;
/// A compiled grammar: a set of texts. Any thread.
typedef struct gemma4_grammar gemma4_grammar;
/// A grammar over a tokenizer's vocabulary: which tokens may come next. One thread at a time.
typedef struct gemma4_matcher gemma4_matcher;

/// Where a JSON text may have white space.
enum {
  GEMMA4_WHITESPACE_COMPACT = 0,  ///< Nowhere: {"a":1,"b":[2,3]}
  GEMMA4_WHITESPACE_BOUNDED = 1   ///< A space, or a newline and up to 20 spaces, behind { [ , : and before } ].
};

GEMMA4_API gemma4_status gemma4_json_schema_options_create(gemma4_json_schema_options** out_options);
GEMMA4_API gemma4_status gemma4_json_schema_options_destroy(gemma4_json_schema_options* options);
/// A GEMMA4_WHITESPACE_... number; by default compact.
GEMMA4_API gemma4_status gemma4_json_schema_options_set_whitespace(gemma4_json_schema_options* options,
                                                                   int32_t whitespace);
/// 1: objects that list their members have no others, where the schema does not speak of others and combines no schemas
/// (allOf, oneOf, not, if ...); what most schemas for answers mean.
GEMMA4_API gemma4_status gemma4_json_schema_options_set_closed_objects(gemma4_json_schema_options* options,
                                                                       int32_t closed);

/// The JSON texts of the instances of a schema (README.md, "Grammars", lists what is supported). `options` may be NULL.
/// Errors, with the path into the schema: bad_format, unsupported (a keyword that cannot be held to, by name; a limit),
/// invalid_argument (a schema without an instance). Destroy with gemma4_grammar_destroy.
GEMMA4_API gemma4_status gemma4_grammar_json_schema(const char* schema, size_t schema_length,
                                                    const gemma4_json_schema_options* options,
                                                    gemma4_grammar** out_grammar);
/// The texts that a regular expression matches from end to end. Errors: bad_format, unsupported.
GEMMA4_API gemma4_status gemma4_grammar_regex(const char* pattern, size_t pattern_length, gemma4_grammar** out_grammar);
/// The texts of the rule `root` of a grammar in llama.cpp's GBNF notation. Errors: bad_format, unsupported,
/// invalid_argument.
GEMMA4_API gemma4_status gemma4_grammar_gbnf(const char* text, size_t text_length, gemma4_grammar** out_grammar);
GEMMA4_API gemma4_status gemma4_grammar_destroy(gemma4_grammar* grammar);

/// 1 when the text, whole, is one of the grammar's. Errors: unsupported when a limit is reached on the way.
GEMMA4_API gemma4_status gemma4_grammar_accepts(const gemma4_grammar* grammar, const char* text, size_t text_length,
                                                int32_t* out_accepts);
/// 1 when it is the beginning of one, or all of it.
GEMMA4_API gemma4_status gemma4_grammar_accepts_prefix(const gemma4_grammar* grammar, const char* text,
                                                       size_t text_length, int32_t* out_accepts);

/// At the beginning of the grammar's texts. Destroy with gemma4_matcher_destroy.
GEMMA4_API gemma4_status gemma4_matcher_create(const gemma4_grammar* grammar, const gemma4_tokenizer* tokenizer,
                                               gemma4_matcher** out_matcher);
GEMMA4_API gemma4_status gemma4_matcher_destroy(gemma4_matcher* matcher);
/// A second matcher in the same state.
GEMMA4_API gemma4_status gemma4_matcher_copy(const gemma4_matcher* matcher, gemma4_matcher** out_matcher);
/// Writes the tokens that may come next: bit (id % 32) of mask[id / 32]. n_words is (vocab_size + 31) / 32 or more;
/// bits that stand for no token are 0. Errors: unsupported when a limit is reached.
GEMMA4_API gemma4_status gemma4_matcher_mask(gemma4_matcher* matcher, uint32_t* mask, size_t n_words);
/// One token more. *out_accepted 0: it may not come here, and nothing has changed.
GEMMA4_API gemma4_status gemma4_matcher_accept(gemma4_matcher* matcher, int32_t token, int32_t* out_accepted);
/// Text instead of a token; counts as one for gemma4_matcher_rollback.
GEMMA4_API gemma4_status gemma4_matcher_accept_text(gemma4_matcher* matcher, const char* text, size_t text_length,
                                                    int32_t* out_accepted);
/// 1 when the tokens so far are complete: the answer may end here.
GEMMA4_API gemma4_status gemma4_matcher_may_stop(gemma4_matcher* matcher, int32_t* out_may_stop);
/// 1 when they are complete and nothing can follow.
GEMMA4_API gemma4_status gemma4_matcher_finished(gemma4_matcher* matcher, int32_t* out_finished);
/// Tokens that must come next, an array; empty when there is a choice, or where it is not known.
GEMMA4_API gemma4_status gemma4_matcher_forced_tokens(gemma4_matcher* matcher, int32_t* tokens, size_t capacity,
                                                      size_t* out_count);
/// The text that must come next; "" when there is a choice.
GEMMA4_API gemma4_status gemma4_matcher_forced_text(gemma4_matcher* matcher, char* buffer, size_t capacity,
                                                    size_t* out_length);
/// Takes the last n accepted tokens back. Errors: invalid_argument when there are fewer.
GEMMA4_API gemma4_status gemma4_matcher_rollback(gemma4_matcher* matcher, size_t n_tokens);
/// Tokens accepted so far.
GEMMA4_API gemma4_status gemma4_matcher_length(const gemma4_matcher* matcher, size_t* out_tokens);

#ifdef __cplusplus
}
#endif

#endif
