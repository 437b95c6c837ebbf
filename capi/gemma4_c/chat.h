// Chats: a conversation with a model, its thoughts, its calls of tools. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_CHAT_H
#define GEMMA4_C_CHAT_H

#include "generate.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Options of gemma4_chat_create. One thread at a time.
typedef struct gemma4_chat_options gemma4_chat_options;
/// Options of one reply. One thread at a time.
typedef struct gemma4_send_options gemma4_send_options;
/// A history of messages, and a session kept in step with it. One thread at a time; different chats of a model may run
/// in different threads.
typedef struct gemma4_chat gemma4_chat;
/// A reply that is being written, pulled event by event. One thread at a time.
typedef struct gemma4_chat_stream gemma4_chat_stream;
/// A reply. Any thread.
typedef struct gemma4_reply gemma4_reply;

/// The forms of the chat template: where the model is not to think, the large one (12B, 26B-A4B, 31B) writes an empty
/// thought first, the small one (E2B, E4B) does not.
enum { GEMMA4_CHAT_FORM_OF_MODEL = -1, GEMMA4_CHAT_FORM_LARGE = 0, GEMMA4_CHAT_FORM_SMALL = 1 };

/// Which tools a reply may call.
enum {
  GEMMA4_TOOL_CHOICE_AUTO = 0,      ///< The model chooses.
  GEMMA4_TOOL_CHOICE_NONE = 1,      ///< None.
  GEMMA4_TOOL_CHOICE_REQUIRED = 2,  ///< The reply, after its thought, is a call.
  GEMMA4_TOOL_CHOICE_NAMED = 3      ///< A call of the tool that is named.
};

/// Kinds of events.
enum {
  GEMMA4_EVENT_CONTENT = 0,            ///< More of the answer's text.
  GEMMA4_EVENT_REASONING = 1,          ///< More of the thought's text.
  GEMMA4_EVENT_TOOL_CALL_STARTED = 2,  ///< The text is the name of a tool whose arguments are still being written.
  GEMMA4_EVENT_TOOL_CALL = 3  ///< The text is {"id", "name", "arguments"} as JSON ("id" null where there is none).
};

/// Why a reply ended, as chat APIs say it.
enum {
  GEMMA4_FINISH_STOP = 0,
  GEMMA4_FINISH_TOOL_CALLS = 1,  ///< The model wants tools called.
  GEMMA4_FINISH_LENGTH = 2,      ///< max_tokens, or the context is full.
  GEMMA4_FINISH_CANCELLED = 3,
  GEMMA4_FINISH_LOOP = 4  ///< It repeated itself without end.
};

/// `index` counts the reply's calls from 0. GEMMA4_CANCEL cancels the reply.
typedef int32_t (*gemma4_event_callback)(void* user_data, int32_t type, const char* text, size_t text_length,
                                         size_t index);

GEMMA4_API gemma4_status gemma4_chat_options_create(gemma4_chat_options** out_options);
GEMMA4_API gemma4_status gemma4_chat_options_destroy(gemma4_chat_options* options);
/// What every conversation begins with, as a message of the system; NULL with 0: nothing. Where the first message that is
/// sent is one of the system, that takes its place.
GEMMA4_API gemma4_status gemma4_chat_options_set_system(gemma4_chat_options* options, const char* text,
                                                        size_t text_length);
/// Functions the model may call: a JSON array of {"type":"function","function":{"name","description","parameters"}}, or
/// of the functions alone; NULL with 0: none. "inputSchema" and "input_schema" are other names of "parameters". What reads
/// as a call of another function is text. Errors: bad_format.
GEMMA4_API gemma4_status gemma4_chat_options_set_tools(gemma4_chat_options* options, const char* json,
                                                       size_t json_length);
/// 0: calls are not held to the tools' names and schemas while they are written; what can be repaired is. Else a tool
/// whose schema nothing can be held to is held to its name alone, and gemma4_reply_warning says why.
GEMMA4_API gemma4_status gemma4_chat_options_set_hold_calls(gemma4_chat_options* options, int32_t hold_calls);
/// Whether the model thinks before it answers, and for how many tokens at most (-1: no limit). Off by default.
GEMMA4_API gemma4_status gemma4_chat_options_set_thinking(gemma4_chat_options* options, int32_t enabled,
                                                          int32_t budget);
/// 1: the thoughts of earlier turns that called tools stay in the prompt.
GEMMA4_API gemma4_status gemma4_chat_options_set_preserve_thinking(gemma4_chat_options* options, int32_t preserve);
/// A GEMMA4_CHAT_FORM_... number.
GEMMA4_API gemma4_status gemma4_chat_options_set_form(gemma4_chat_options* options, int32_t form);
/// Of its session. NULL: defaults.
GEMMA4_API gemma4_status gemma4_chat_options_set_session(gemma4_chat_options* options,
                                                         const gemma4_session_options* session_options);
/// Of its sampler. NULL: the model's.
GEMMA4_API gemma4_status gemma4_chat_options_set_sampler(gemma4_chat_options* options,
                                                         const gemma4_sampler_options* sampler_options);
/// A reply ends when it repeats itself for so many tokens, by default 192; 0: never.
GEMMA4_API gemma4_status gemma4_chat_options_set_loop_tokens(gemma4_chat_options* options, int32_t tokens);

/// `options` may be NULL. Errors: invalid_argument (tools that cannot be declared, with the path), unsupported (a
/// tokenizer without Gemma 4's markup), out_of_memory. Destroy with gemma4_chat_destroy.
GEMMA4_API gemma4_status gemma4_chat_create(const gemma4_model* model, const gemma4_chat_options* options,
                                            gemma4_chat** out_chat);
GEMMA4_API gemma4_status gemma4_chat_destroy(gemma4_chat* chat);

GEMMA4_API gemma4_status gemma4_send_options_create(gemma4_send_options** out_options);
GEMMA4_API gemma4_status gemma4_send_options_destroy(gemma4_send_options* options);
/// Most tokens of the reply, its thought included; -1, the default: until the context is full.
GEMMA4_API gemma4_status gemma4_send_options_set_max_tokens(gemma4_send_options* options, int32_t max_tokens);
/// One more text that ends the reply's content. Errors: invalid_argument where it is empty or not valid UTF-8.
GEMMA4_API gemma4_status gemma4_send_options_add_stop(gemma4_send_options* options, const char* text,
                                                      size_t text_length);
/// A GEMMA4_TOOL_CHOICE_... number; the name counts for GEMMA4_TOOL_CHOICE_NAMED, else NULL with 0.
GEMMA4_API gemma4_status gemma4_send_options_set_tool_choice(gemma4_send_options* options, int32_t choice,
                                                             const char* name, size_t name_length);
/// Most calls of the reply, by default 16.
GEMMA4_API gemma4_status gemma4_send_options_set_max_calls(gemma4_send_options* options, int32_t max_calls);
/// What the answer behind the thought is one of. NULL: anything.
GEMMA4_API gemma4_status gemma4_send_options_set_response_format(gemma4_send_options* options,
                                                                 const gemma4_grammar* grammar);
/// Ends the reply with GEMMA4_FINISH_CANCELLED, and a status of GEMMA4_OK. NULL: none.
GEMMA4_API gemma4_status gemma4_send_options_set_cancel(gemma4_send_options* options, const gemma4_cancel_token* token);
/// Called while what is new is read, as gemma4_prefill_options_set_progress says. NULL: nothing is.
GEMMA4_API gemma4_status gemma4_send_options_set_progress(gemma4_send_options* options, gemma4_token_progress progress,
                                                          void* user_data);

/// Adds messages to the conversation and lets the model reply, with `callback` (which may be NULL) on every event.
/// `messages`: a JSON array of chat completions messages, or one of them: {"role", "content", "tool_calls",
/// "tool_call_id", "name", "reasoning"}. `options` may be NULL. *out_reply, which may be NULL, is then the reply:
/// destroy it. After calls, send one message {"role":"tool","tool_call_id":...,"content":...} for each; where a user speaks
/// instead, calls without a result leave the conversation (gemma4_reply_warning). Arguments of calls are objects, or
/// the text of one. Errors:
/// bad_format and invalid_argument (with the path into the messages), context_full, unsupported (media), non_finite:
/// the conversation is then as it was.
GEMMA4_API gemma4_status gemma4_chat_send(gemma4_chat* chat, const char* messages, size_t messages_length,
                                          const gemma4_send_options* options, gemma4_event_callback callback,
                                          void* user_data, gemma4_reply** out_reply);
/// The same for one user's message that is plain text. Errors: invalid_argument for what is not UTF-8.
GEMMA4_API gemma4_status gemma4_chat_send_text(gemma4_chat* chat, const char* text, size_t text_length,
                                               const gemma4_send_options* options, gemma4_event_callback callback,
                                               void* user_data, gemma4_reply** out_reply);

/// gemma4_chat_send, to be pulled with gemma4_chat_stream_next. The chat is in use until the reply is over or the
/// stream is destroyed (which cancels it): other calls on it are refused.
GEMMA4_API gemma4_status gemma4_chat_stream_create(gemma4_chat* chat, const char* messages, size_t messages_length,
                                                   const gemma4_send_options* options, gemma4_chat_stream** out_stream);
GEMMA4_API gemma4_status gemma4_chat_stream_destroy(gemma4_chat_stream* stream);
/// *out_more 1: there is an event more; 0: the reply is over.
GEMMA4_API gemma4_status gemma4_chat_stream_next(gemma4_chat_stream* stream, int32_t* out_more);
/// The last event: its kind, and the index of its call. Errors: invalid_argument where there is none.
GEMMA4_API gemma4_status gemma4_chat_stream_event(const gemma4_chat_stream* stream, int32_t* out_type,
                                                  size_t* out_index);
GEMMA4_API gemma4_status gemma4_chat_stream_event_text(const gemma4_chat_stream* stream, char* buffer, size_t capacity,
                                                       size_t* out_length);
/// Of the last event, content or reasoning, where the chat's sampler has log-probabilities on: the tokens that its text
/// completes, and their natural logs under the raw logits. Arrays of one length.
GEMMA4_API gemma4_status gemma4_chat_stream_event_tokens(const gemma4_chat_stream* stream, int32_t* tokens,
                                                         size_t capacity, size_t* out_count);
GEMMA4_API gemma4_status gemma4_chat_stream_event_logprobs(const gemma4_chat_stream* stream, float* logprobs,
                                                           size_t capacity, size_t* out_count);
/// The reply, once it is over. Errors: invalid_argument before.
GEMMA4_API gemma4_status gemma4_chat_stream_reply(const gemma4_chat_stream* stream, gemma4_reply** out_reply);

/// The conversation so far, a JSON array of messages as gemma4_chat_send takes them.
GEMMA4_API gemma4_status gemma4_chat_messages(const gemma4_chat* chat, char* buffer, size_t capacity,
                                              size_t* out_length);
/// Forgets the conversation, and restarts the sampler.
GEMMA4_API gemma4_status gemma4_chat_reset(gemma4_chat* chat);
/// Tokens held, and how many can be. Each may be NULL.
GEMMA4_API gemma4_status gemma4_chat_position(const gemma4_chat* chat, size_t* out_position,
                                              size_t* out_context_length);
/// The tokens held, an array.
GEMMA4_API gemma4_status gemma4_chat_tokens(const gemma4_chat* chat, int32_t* tokens, size_t capacity,
                                            size_t* out_count);
/// Where the model's own chat template is not the one that is used; else "".
GEMMA4_API gemma4_status gemma4_chat_warning(const gemma4_chat* chat, char* buffer, size_t capacity,
                                             size_t* out_length);
/// Bytes of KV cache and work space that it has committed.
GEMMA4_API gemma4_status gemma4_chat_memory_bytes(const gemma4_chat* chat, uint64_t* out_bytes);
/// The seed of its sampler, given or drawn: given to another chat's, it repeats this one's replies.
GEMMA4_API gemma4_status gemma4_chat_seed(const gemma4_chat* chat, uint64_t* out_seed);

GEMMA4_API gemma4_status gemma4_reply_destroy(gemma4_reply* reply);
GEMMA4_API gemma4_status gemma4_reply_text(const gemma4_reply* reply, char* buffer, size_t capacity,
                                           size_t* out_length);
/// The thought; "" when thinking is off.
GEMMA4_API gemma4_status gemma4_reply_reasoning(const gemma4_reply* reply, char* buffer, size_t capacity,
                                                size_t* out_length);
/// A JSON array of {"id", "name", "arguments"}; "[]" for none.
GEMMA4_API gemma4_status gemma4_reply_tool_calls(const gemma4_reply* reply, char* buffer, size_t capacity,
                                                 size_t* out_length);
/// The stop text that ended it; "" for none.
GEMMA4_API gemma4_status gemma4_reply_stop_text(const gemma4_reply* reply, char* buffer, size_t capacity,
                                                size_t* out_length);
/// A GEMMA4_FINISH_... and a GEMMA4_STOP_... number. Each may be NULL.
GEMMA4_API gemma4_status gemma4_reply_reasons(const gemma4_reply* reply, int32_t* out_finish_reason,
                                              int32_t* out_stop_reason);
/// Tokens: of the whole prompt, those of it that were not computed again, chosen, of these in thoughts. Each may be
/// NULL.
GEMMA4_API gemma4_status gemma4_reply_usage(const gemma4_reply* reply, size_t* out_prompt_tokens,
                                            size_t* out_reused_tokens, size_t* out_completion_tokens,
                                            size_t* out_reasoning_tokens);
/// Seconds of reading and of writing. Each may be NULL.
GEMMA4_API gemma4_status gemma4_reply_seconds(const gemma4_reply* reply, double* out_prefill_seconds,
                                              double* out_decode_seconds);
/// As gemma4_generation_speed. Each may be NULL.
GEMMA4_API gemma4_status gemma4_reply_speed(const gemma4_reply* reply, double* out_time_to_first_token,
                                            double* out_tokens_per_second);

/// The tokens that the reply's text was made of, and their natural logs under the raw logits, where the chat's sampler has
/// log-probabilities on; else none. Arrays of one length.
GEMMA4_API gemma4_status gemma4_reply_tokens(const gemma4_reply* reply, int32_t* tokens, size_t capacity,
                                             size_t* out_count);
GEMMA4_API gemma4_status gemma4_reply_logprobs(const gemma4_reply* reply, float* logprobs, size_t capacity,
                                               size_t* out_count);
/// The most likely tokens in the place of token `index` of these, best first: two arrays of one capacity (both NULL to
/// ask). Errors: invalid_argument where there is no such token.
GEMMA4_API gemma4_status gemma4_reply_top_logprobs(const gemma4_reply* reply, size_t index, int32_t* tokens,
                                                   float* logprobs, size_t capacity, size_t* out_count);
/// What the host should know of this reply, in words: tools whose calls are not held to their schemas, calls without a
/// result that left the conversation. How many there are, and one of them. Errors: invalid_argument where there is no such
/// one.
GEMMA4_API gemma4_status gemma4_reply_warning_count(const gemma4_reply* reply, size_t* out_count);
GEMMA4_API gemma4_status gemma4_reply_warning(const gemma4_reply* reply, size_t index, char* buffer, size_t capacity,
                                              size_t* out_length);
/// All of it as a JSON object: {"text", "reasoning", "tool_calls", "finish_reason", "stop_reason", "stop", "usage",
/// "samples", "warnings"}.
GEMMA4_API gemma4_status gemma4_reply_json(const gemma4_reply* reply, char* buffer, size_t capacity,
                                           size_t* out_length);
/// As the message that joined the conversation, which gemma4_chat_send takes in a history.
GEMMA4_API gemma4_status gemma4_reply_message(const gemma4_reply* reply, char* buffer, size_t capacity,
                                              size_t* out_length);

/// The form of the chat template that a model wants, a GEMMA4_CHAT_FORM_... number. Any thread.
GEMMA4_API gemma4_status gemma4_model_chat_form(const gemma4_model* model, int32_t* out_form);

/// gemma4_chat_encode with the model's tokenizer; `form` may be GEMMA4_CHAT_FORM_OF_MODEL. Any thread.
GEMMA4_API gemma4_status gemma4_chat_encode_for_model(const gemma4_model* model, const char* messages,
                                                      size_t messages_length, const char* tools, size_t tools_length,
                                                      int32_t form, int32_t enable_thinking,
                                                      int32_t add_generation_prompt, int32_t* tokens, size_t capacity,
                                                      size_t* out_count);

/// The tokens of a conversation as the chat template writes it, an array, for hosts with a loop of their own: control
/// tokens stand only where the template has them. `tools` may be NULL with 0. `form`: large or small, as
/// gemma4_model_chat_form says; a tokenizer does not know it. Any thread.
GEMMA4_API gemma4_status gemma4_chat_encode(const gemma4_tokenizer* tokenizer, const char* messages,
                                            size_t messages_length, const char* tools, size_t tools_length,
                                            int32_t form, int32_t enable_thinking, int32_t add_generation_prompt,
                                            int32_t* tokens, size_t capacity, size_t* out_count);

#ifdef __cplusplus
}
#endif

#endif
