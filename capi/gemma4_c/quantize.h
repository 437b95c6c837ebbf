// Quantising: a checkpoint to a GGUF file of smaller element types. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_QUANTIZE_H
#define GEMMA4_C_QUANTIZE_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Options of gemma4_quantize. One thread at a time.
typedef struct gemma4_quantize_options gemma4_quantize_options;

GEMMA4_API gemma4_status gemma4_quantize_options_create(gemma4_quantize_options** out_options);
GEMMA4_API gemma4_status gemma4_quantize_options_destroy(gemma4_quantize_options* options);
/// An element type for tensors by name, e.g. "attn_v" "Q6_K": looked for anywhere in the new file's names, * stands for
/// any text. The first that matches counts.
GEMMA4_API gemma4_status gemma4_quantize_options_add_tensor_type(gemma4_quantize_options* options, const char* pattern,
                                                                 size_t pattern_length, const char* type,
                                                                 size_t type_length);
/// An importance matrix as llama.cpp writes it. "": all inputs count alike.
GEMMA4_API gemma4_status gemma4_quantize_options_set_imatrix(gemma4_quantize_options* options, const char* path,
                                                             size_t path_length);
/// 1 to 1024; -1, the default: one per physical core. The file does not depend on it.
GEMMA4_API gemma4_status gemma4_quantize_options_set_threads(gemma4_quantize_options* options, int32_t threads);
/// Weights converted of weights in all. NULL: nothing is called.
GEMMA4_API gemma4_status gemma4_quantize_options_set_progress(gemma4_quantize_options* options,
                                                              gemma4_byte_progress progress, void* user_data);
/// NULL: none.
GEMMA4_API gemma4_status gemma4_quantize_options_set_cancel(gemma4_quantize_options* options,
                                                            const gemma4_cancel_token* token);

/// The names that gemma4_quantize takes as its type, a JSON array. Any thread.
GEMMA4_API gemma4_status gemma4_quantize_types(char* buffer, size_t capacity, size_t* out_length);
/// Writes the text decoder of `in` (a folder or a GGUF file) as the GGUF file `out`, which appears only when it is
/// complete. `options` may be NULL; *out_bytes, the file's size, may be NULL. Any thread. Errors: invalid_argument, io,
/// bad_checkpoint, cancelled, and those of gemma4_model_load.
GEMMA4_API gemma4_status gemma4_quantize(const char* in, size_t in_length, const char* out, size_t out_length,
                                         const char* type, size_t type_length, const gemma4_quantize_options* options,
                                         uint64_t* out_bytes);

#ifdef __cplusplus
}
#endif

#endif
