// Models: load once, immutable, shared by sessions and chats. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_MODEL_H
#define GEMMA4_C_MODEL_H

#include "base.h"
#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Options of gemma4_model_load. One thread at a time.
typedef struct gemma4_model_options gemma4_model_options;
/// A Gemma 4 text decoder. Any thread.
typedef struct gemma4_model gemma4_model;
/// Options of a session (session.h).
typedef struct gemma4_session_options gemma4_session_options;

/// How exactly a model computes (C++'s gemma4::Compute).
enum {
  GEMMA4_COMPUTE_AUTO = 0,  ///< F32 activations, the KV cache in f16; all in F32 where the weights are F32.
  GEMMA4_COMPUTE_F32 = 1,   ///< The KV cache in F32 too.
  GEMMA4_COMPUTE_BF16 = 2   ///< bf16 products in prefill where weights and CPU have them: faster, less exact.
};

/// done of total bytes have been looked at; GEMMA4_CANCEL ends the call with GEMMA4_ERROR_CANCELLED.
typedef int32_t (*gemma4_byte_progress)(void* user_data, uint64_t done, uint64_t total);

GEMMA4_API gemma4_status gemma4_model_options_create(gemma4_model_options** out_options);
GEMMA4_API gemma4_status gemma4_model_options_destroy(gemma4_model_options* options);
/// A GEMMA4_COMPUTE_... number.
GEMMA4_API gemma4_status gemma4_model_options_set_compute(gemma4_model_options* options, int32_t compute);
/// Threads that work on a step, the calling one included, 1 to 1024; -1, the default: one per physical core.
GEMMA4_API gemma4_status gemma4_model_options_set_threads(gemma4_model_options* options, int32_t threads);
/// The host's threads instead of the library's own: work is cut into `threads` parts (1 to 1024) that `runner` runs.
/// NULL: the library's own. The results are those of as many threads of its own, bit for bit.
GEMMA4_API gemma4_status gemma4_model_options_set_runner(gemma4_model_options* options, gemma4_runner runner,
                                                         void* user_data, int32_t threads);
/// 0: weights are read into memory instead of mapped, for files that may be cut short while in use (a mapped file that
/// shrinks ends the process with SIGBUS).
GEMMA4_API gemma4_status gemma4_model_options_set_mmap(gemma4_model_options* options, int32_t use_mmap);
/// Called while loading; NULL: nothing is.
GEMMA4_API gemma4_status gemma4_model_options_set_progress(gemma4_model_options* options, gemma4_byte_progress progress,
                                                           void* user_data);
/// Ends loading with GEMMA4_ERROR_CANCELLED; NULL: none.
GEMMA4_API gemma4_status gemma4_model_options_set_cancel(gemma4_model_options* options,
                                                         const gemma4_cancel_token* token);

/// Loads a Hugging Face folder (config.json, *.safetensors, tokenizer.json) or a GGUF file (of a split one, the first).
/// `options` may be NULL. Errors: not_found, io, bad_format, bad_config, bad_checkpoint, unsupported, out_of_memory,
/// cancelled. Destroy with gemma4_model_destroy.
GEMMA4_API gemma4_status gemma4_model_load(const char* path, size_t path_length, const gemma4_model_options* options,
                                           gemma4_model** out_model);
/// The same of a GGUF file, not a split one, that lies in memory as a whole. It is read in place: the bytes must stay, and
/// stay as they are, until the model and all sessions, chats and tokenizers made of it are destroyed; after
/// gemma4_model_options_set_mmap(options, 0) they are copied, and needed during the call only.
GEMMA4_API gemma4_status gemma4_model_load_memory(const void* data, size_t size, const gemma4_model_options* options,
                                                  gemma4_model** out_model);
/// The same of a GGUF file, not a split one, that is open for reading, from its beginning, wherever the descriptor stands.
/// The descriptor stays the caller's, who may close it afterwards.
GEMMA4_API gemma4_status gemma4_model_load_fd(int32_t fd, const gemma4_model_options* options, gemma4_model** out_model);
GEMMA4_API gemma4_status gemma4_model_destroy(gemma4_model* model);

GEMMA4_API gemma4_status gemma4_model_vocab_size(const gemma4_model* model, int32_t* out_vocab_size);
GEMMA4_API gemma4_status gemma4_model_hidden_size(const gemma4_model* model, int32_t* out_hidden_size);
/// The most tokens the model was made for (max_position_embeddings).
GEMMA4_API gemma4_status gemma4_model_max_context_length(const gemma4_model* model, int32_t* out_tokens);
GEMMA4_API gemma4_status gemma4_model_threads(const gemma4_model* model, int32_t* out_threads);
/// The tokens that end an answer, an array.
GEMMA4_API gemma4_status gemma4_model_end_tokens(const gemma4_model* model, int32_t* tokens, size_t capacity,
                                                 size_t* out_count);
/// A JSON object: the hyper-parameters as config.json spells them, "isa", "threads", "compute", "parameters", "bytes",
/// and "parts" [{"name", "bytes", "parameters"}]. Members may be added.
GEMMA4_API gemma4_status gemma4_model_info(const gemma4_model* model, char* buffer, size_t capacity,
                                           size_t* out_length);
/// A JSON array of the tensors: [{"name", "dtype", "shape"}], in file order.
GEMMA4_API gemma4_status gemma4_model_tensors(const gemma4_model* model, char* buffer, size_t capacity,
                                              size_t* out_length);
/// Reads every weight through, which loading does not. *out_problems is set to the number of tensors with values that
/// are not finite. `progress` may be NULL. Errors: non_finite when there are such tensors, naming the first; cancelled.
GEMMA4_API gemma4_status gemma4_model_verify(const gemma4_model* model, gemma4_byte_progress progress, void* user_data,
                                             uint64_t* out_problems);

/// What a model and a session of it take, in bytes.
enum {
  GEMMA4_MEMORY_WEIGHTS = 1,      ///< In the file's types; mapped, they are the system's cache and can be dropped.
  GEMMA4_MEMORY_KV_CACHE = 2,     ///< Committed when the session is made.
  GEMMA4_MEMORY_WORK = 3,         ///< Activations: once per model, committed when its first session is made.
  GEMMA4_MEMORY_CHECKPOINTS = 4,  ///< At most, where gemma4_session_checkpoint is used (chats do).
  GEMMA4_MEMORY_TOTAL = 5,        ///< Weights, cache, work and state.
  GEMMA4_MEMORY_STATE = 6         ///< Logits and history of the session: committed when it is made.
};

/// The memory plan: the bytes of a part, a GEMMA4_MEMORY_... number, for a session of these options (NULL: defaults),
/// without making one. Errors: invalid_argument, as gemma4_session_create.
GEMMA4_API gemma4_status gemma4_model_memory(const gemma4_model* model, const gemma4_session_options* options,
                                             int32_t part, uint64_t* out_bytes);

#ifdef __cplusplus
}
#endif

#endif
