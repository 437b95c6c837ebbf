// Names of the public enumerations.
#include "gemma4/error.h"
#include "gemma4/options.h"
#include "gemma4/profile.h"
#include "gemma4/types.h"

namespace gemma4 {

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::io: return "io";
    case ErrorCode::bad_format: return "bad_format";
    case ErrorCode::bad_config: return "bad_config";
    case ErrorCode::bad_checkpoint: return "bad_checkpoint";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::token_out_of_range: return "token_out_of_range";
    case ErrorCode::context_full: return "context_full";
    case ErrorCode::out_of_memory: return "out_of_memory";
    case ErrorCode::non_finite: return "non_finite";
    case ErrorCode::cancelled: return "cancelled";
    case ErrorCode::internal: return "internal";
  }
  return "unknown";
}

const char* to_string(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32: return "f32";
    case DType::f16: return "f16";
    case DType::bf16: return "bf16";
  }
  return "unknown";
}

const char* to_string(Compute compute) noexcept {
  switch (compute) {
    case Compute::automatic: return "auto";
    case Compute::f32: return "f32";
    case Compute::bf16: return "bf16";
  }
  return "unknown";
}

const char* to_string(Op op) noexcept {
  switch (op) {
    case Op::embed: return "embed";
    case Op::norm: return "norm";
    case Op::qkv: return "qkv";
    case Op::attention: return "attention";
    case Op::o_proj: return "o_proj";
    case Op::gate_up: return "gate_up";
    case Op::down: return "down";
    case Op::router: return "router";
    case Op::experts: return "experts";
    case Op::per_layer: return "per_layer";
    case Op::head: return "head";
  }
  return "unknown";
}

const char* to_string(StopReason reason) noexcept {
  switch (reason) {
    case StopReason::end_of_turn: return "end_of_turn";
    case StopReason::stop_sequence: return "stop_sequence";
    case StopReason::max_tokens: return "max_tokens";
    case StopReason::context_full: return "context_full";
    case StopReason::cancelled: return "cancelled";
    case StopReason::loop: return "loop";
  }
  return "unknown";
}

}  // namespace gemma4
