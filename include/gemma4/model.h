// Model: weights, config and tokenizer, loaded once, immutable, shared by sessions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gemma4/config.h"
#include "gemma4/message.h"
#include "gemma4/options.h"
#include "gemma4/tokenizer.h"
#include "gemma4/types.h"

namespace gemma4 {

namespace model {
class LoadedModel;
}

/// Bytes of a loaded model by part, as `gemma4 info` prints them.
struct ModelPart {
  std::string name;         ///< "token embedding", "per-layer embedding", "attention", "mlp", "experts", "norms", ...
  std::uint64_t bytes = 0;  ///< In the file's own types.
  std::uint64_t parameters = 0;  ///< Weights, not blocks.
};

/// One tensor of the checkpoint, for `gemma4 info`.
struct TensorInfo {
  std::string name;  ///< HF spelling without prefix: "layers.0.self_attn.q_proj.weight".
  std::string dtype;  ///< As the file's format spells it: "BF16", "Q4_K".
  std::vector<std::int64_t> shape;  ///< HF order: [out_features, in_features].
};

/// What Model::verify found in one tensor.
struct TensorProblem {
  std::string name;   ///< As TensorInfo::name.
  std::string dtype;
  std::uint64_t elements = 0;
  std::uint64_t non_finite = 0;  ///< How many of its values are NaN or infinite; in a block type, by their scales.
  std::uint64_t first = 0;       ///< Index of the first of them.
};

/// A Gemma 4 text decoder. All methods are const and may be called from any thread. Copies share the weights; sessions
/// keep their model alive. The weights stay in their file's element type and are read from the mapped file.
class Model {
 public:
  /// Loads an HF checkpoint folder (config.json, *.safetensors, tokenizer.json), a GGUF file (of a split one, the
  /// first), or a folder that holds one GGUF model. Throws Error: not_found, io, bad_format, bad_config, bad_checkpoint, unsupported, invalid_argument.
  static Model load(const std::string& path, const ModelOptions& options = {});

  /// Loads a GGUF file, not a split one, that lies in memory as a whole. Weights are read from there: the bytes must stay,
  /// and stay as they are, until the model, its copies, and the sessions and chats made of it are gone. `owner`, which may be
  /// null, is kept until then. Where ModelOptions::use_mmap is off they are copied, and needed during the call only. At
  /// addresses that are multiples of 32 nothing has to be copied. Throws Error: bad_format, bad_config, bad_checkpoint,
  /// unsupported, invalid_argument, out_of_memory; "GGUF in memory" stands for the file's name.
  static Model load(Span<const std::uint8_t> gguf, const ModelOptions& options = {},
                    std::shared_ptr<const void> owner = nullptr);
  /// Loads a GGUF file, not a split one, from an open file descriptor, whatever its position. The descriptor stays the
  /// caller's, who may close it once this returns. Throws Error: io (no such descriptor, not a regular file, not open for
  /// reading), and as above; "file descriptor N" stands for the file's name.
  static Model load_fd(int fd, const ModelOptions& options = {});

  /// Hyper-parameters and tokenizer; valid as long as this Model or a copy of it.
  const ModelConfig& config() const noexcept;
  const Tokenizer& tokenizer() const noexcept;
  /// temperature, top_k, top_p and suppress as generation_config.json or the GGUF metadata give them. (There top_k -1
  /// means all, as 0 does; a value outside its range fails the load, naming the file and the key.)
  const SamplerOptions& sampler_defaults() const noexcept;
  /// The form of the chat template that the model wants (chat_template() says more). Throws Error: io, bad_format.
  ChatForm chat_form() const;

  /// Threads of the pool.
  int threads() const noexcept;
  /// As asked for; Compute::f32 also where the weights are F32.
  Compute compute() const noexcept;
  /// The instruction set its kernels were chosen for: "avx512", "avx2", "baseline".
  const char* isa() const noexcept;

  /// Bytes and parameters by part, and every tensor of the file, in file order.
  std::vector<ModelPart> parts() const;
  std::vector<TensorInfo> tensors() const;
  /// Tensors of the checkpoint that a text decoder does not use (vision and audio towers, dead K/V of shared layers).
  std::vector<std::string> ignored_tensors() const;
  /// Reads every weight through, which loading does not: tensors with values that are not finite, in file order.
  /// @param progress  bytes read, bytes in all; may be empty. Called on the calling thread.
  std::vector<TensorProblem> verify(const std::function<void(std::uint64_t, std::uint64_t)>& progress = {}) const;

  /// For the library's own use.
  explicit Model(std::shared_ptr<const model::LoadedModel> impl);
  const std::shared_ptr<const model::LoadedModel>& impl() const noexcept { return impl_; }

 private:
  std::shared_ptr<const model::LoadedModel> impl_;
  Tokenizer tokenizer_;
};

}  // namespace gemma4
