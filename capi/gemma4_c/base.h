// Statuses, the last error, version and features, cancel tokens. gemma4_c.h has the conventions.
#ifndef GEMMA4_C_BASE_H
#define GEMMA4_C_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define GEMMA4_API __attribute__((visibility("default")))
#else
#define GEMMA4_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// What a call returns: GEMMA4_OK or one of the errors. The numbers are those of C++'s gemma4::ErrorCode.
typedef int32_t gemma4_status;
enum {
  GEMMA4_OK = 0,
  GEMMA4_ERROR_INVALID_ARGUMENT = 1,  ///< An argument outside its range, NULL, a handle that is none, misuse.
  GEMMA4_ERROR_NOT_FOUND = 2,         ///< A file or folder that does not exist.
  GEMMA4_ERROR_IO = 3,                ///< The operating system refused to open, map, read or write a file.
  GEMMA4_ERROR_BAD_FORMAT = 4,        ///< A file or text that breaks its own format.
  GEMMA4_ERROR_BAD_CONFIG = 5,        ///< Hyper-parameters that are missing, contradictory or out of range.
  GEMMA4_ERROR_BAD_CHECKPOINT = 6,  ///< A tensor that is missing, unknown, or of another shape than the config implies.
  GEMMA4_ERROR_UNSUPPORTED = 7,     ///< Valid input that this build cannot run; a handle from before a fork().
  GEMMA4_ERROR_TOKEN_OUT_OF_RANGE = 8,  ///< A token id below 0 or at or above vocab_size.
  GEMMA4_ERROR_CONTEXT_FULL = 9,        ///< More tokens than the session's context_length holds.
  GEMMA4_ERROR_OUT_OF_MEMORY = 10,      ///< Memory could not be reserved.
  GEMMA4_ERROR_NON_FINITE = 11,         ///< A step produced NaN or infinite logits.
  GEMMA4_ERROR_CANCELLED = 12,          ///< A cancel token, or a callback, ended the call.
  GEMMA4_ERROR_INTERNAL = 13            ///< A broken invariant of the library itself; please report it.
};

/// What a callback returns.
enum {
  GEMMA4_PROCEED = 0,
  GEMMA4_CANCEL = 1  ///< End the work. (Numbers other than 0 count as this.)
};

/// What the last failed call of this thread had to say: what was expected, what came, where. UTF-8, never NULL, ""
/// before the first failure; valid until this thread's next call. A call that succeeds leaves it. Any thread.
GEMMA4_API const char* gemma4_last_error(void);

/// "ok", "invalid_argument", ...; "unknown" for other numbers. Static storage. Any thread.
GEMMA4_API const char* gemma4_status_name(gemma4_status status);

/// The version of the library that is loaded, "0.1.0". Static storage. Any thread.
GEMMA4_API const char* gemma4_version(void);

/// The same in numbers. Each output may be NULL. Any thread.
GEMMA4_API gemma4_status gemma4_version_numbers(int32_t* out_major, int32_t* out_minor, int32_t* out_patch);

/// What was built and what it found here, as a JSON object: "version", "compiler", "build_type", "isas" (those that
/// this CPU can run, best last), "onednn" (true when one was found). Members may be added. Any thread.
GEMMA4_API gemma4_status gemma4_build_info(char* buffer, size_t capacity, size_t* out_length);

/// 1 when the library can do what `name` stands for: "chat", "tools", "thinking", "grammar", "json_schema", "regex",
/// "gbnf", "quantize", "runner", "allocator", "log", "onednn" (found on this machine), or the name of an instruction
/// set that its kernels use and this CPU has ("avx2", "avx512", ...). 0 for names that it does not know. Any thread.
GEMMA4_API gemma4_status gemma4_has_feature(const char* name, size_t name_length, int32_t* out_present);

/// A flag that ends work from another thread. Every function of it: any thread, at any time; but no signal handler,
/// since handles are looked up under a lock. (Let a handler set a flag of your own, for a progress or piece callback to
/// read and return GEMMA4_CANCEL, or for a thread that calls gemma4_cancel_token_cancel.)
typedef struct gemma4_cancel_token gemma4_cancel_token;

GEMMA4_API gemma4_status gemma4_cancel_token_create(gemma4_cancel_token** out_token);
/// The work that was given the token ends within one layer of the model; what its call then returns is said there.
/// Cancelled tokens stay so: new work needs a new one.
GEMMA4_API gemma4_status gemma4_cancel_token_cancel(gemma4_cancel_token* token);
GEMMA4_API gemma4_status gemma4_cancel_token_is_cancelled(const gemma4_cancel_token* token, int32_t* out_cancelled);
GEMMA4_API gemma4_status gemma4_cancel_token_destroy(gemma4_cancel_token* token);

#ifdef __cplusplus
}
#endif

#endif
