// The one exception type of the library, and its codes.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace gemma4 {

/// What went wrong, in a form a program can act on. Values are part of the ABI: never renumbered, only added to.
enum class ErrorCode : std::int32_t {
  invalid_argument = 1,  ///< An argument outside its documented range (zero threads, an unknown option value).
  not_found = 2,         ///< A file or folder that does not exist, or a needed file missing from a model folder.
  io = 3,                ///< The operating system refused to open, map or read a file.
  bad_format = 4,        ///< A file that breaks its own format (truncated, overlapping offsets, malformed JSON).
  bad_config = 5,        ///< Hyper-parameters that are missing, contradictory or out of range.
  bad_checkpoint = 6,    ///< A tensor that is missing, unknown, or of another shape or type than the config implies.
  unsupported = 7,       ///< Valid input that this build cannot run; the message names it.
  token_out_of_range = 8,  ///< A token id below 0 or at or above vocab_size.
  context_full = 9,        ///< More tokens than the session's context_length holds.
  out_of_memory = 10,      ///< Memory could not be reserved; nothing was changed.
  non_finite = 11,         ///< A step produced NaN or infinite logits.
  cancelled = 12,          ///< The CancelToken given to this call was cancelled.
  internal = 13,           ///< A broken invariant of the library itself; please report it.
};

/// The code's name as spelled above ("bad_format"); static storage, never null.
const char* to_string(ErrorCode code) noexcept;

/// Thrown by every function of the library that can fail. `what()` says what was expected, what came, and where.
/// Ordinary endings of a generation are values (StopReason), not exceptions.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace gemma4
