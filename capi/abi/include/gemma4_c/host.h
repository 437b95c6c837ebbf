// What a host may bring: memory, threads, a place for log lines. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_HOST_H
#define GEMMA4_C_HOST_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/// How grave a log line is.
enum { GEMMA4_LOG_DEBUG = 0, GEMMA4_LOG_INFO = 1, GEMMA4_LOG_WARNING = 2 };

/// One line, without its end. May be called from any thread, several at once.
typedef void (*gemma4_log_callback)(void* user_data, int32_t level, const char* text, size_t length);

/// Where the library's log lines go from now on, those of at least `level`; NULL: nowhere, as at the beginning. For the
/// whole process. When this returns no line is on its way to the callback before. Any thread, but not from a log
/// callback.
GEMMA4_API gemma4_status gemma4_set_log(gemma4_log_callback callback, void* user_data, int32_t level);

/// `bytes` of any content at a multiple of `alignment`, a power of two of at least 64; NULL when there are none, which
/// becomes GEMMA4_ERROR_OUT_OF_MEMORY. Called from any thread, several at once.
typedef void* (*gemma4_allocate)(void* user_data, size_t bytes, size_t alignment);
/// Takes a block back: what gemma4_allocate returned, and its bytes. Called from any thread, several at once.
typedef void (*gemma4_release)(void* user_data, void* block, size_t bytes);

/// From now on every block of 64 KiB or more that the library's own code takes comes from these functions: caches,
/// activations, weights that are read into memory, vocabularies, grammars, texts. Earlier blocks go back where they
/// came from. NULL for both: the system's allocator again. Not among them are mapped files, the stacks of threads, and
/// what the libraries of others take for themselves: oneDNN while it computes, simdjson while it reads a JSON file, the
/// C++ runtime when it is loaded. (A build with sanitizers leaves containers to them: there only caches, activations
/// and weights come from the hook.) For the whole process; any thread. Errors: invalid_argument when one of the two is
/// NULL.
GEMMA4_API gemma4_status gemma4_set_allocator(gemma4_allocate allocate, gemma4_release release, void* user_data);

/// One part of a piece of work: 0 <= index < count.
typedef void (*gemma4_task)(void* task_data, int32_t index);

/// Runs task(task_data, index) once for each index below `count`, in any order, on any threads, and returns when all
/// are done. Parts do not wait for each other: they may run one after the other. `count` is the number of threads that
/// gemma4_model_options_set_runner was given. Called by the thread that works with the model, one call at a time for
/// each model. A runner that leaves a part out, or whose result is not 0, ends the step that needed it with
/// GEMMA4_ERROR_INTERNAL.
typedef int32_t (*gemma4_runner)(void* user_data, gemma4_task task, void* task_data, int32_t count);

#ifdef __cplusplus
}
#endif

#endif
