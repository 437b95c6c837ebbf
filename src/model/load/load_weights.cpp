#include "model/load/load_weights.h"

#include <cmath>
#include <string_view>
#include <utility>

#include "base/bf16.h"
#include "base/check.h"
#include "weights/tensor_ledger.h"

namespace gemma4::model {
namespace {

/// sqrt(width) as the reference computes it: rounded to bf16 where the table has 16 bits (text.md, section 3). Blocks
/// stand for F32 values, so theirs is not rounded.
float embedding_scale(int width, formats::DataType dtype) {
  const float root = std::sqrt(static_cast<float>(width));
  const bool narrow = dtype == formats::DataType::f16 || dtype == formats::DataType::bf16;
  return narrow ? base::round_to_bf16(root) : root;
}

class Loader {
 public:
  Loader(const weights::Checkpoint& checkpoint, const ModelConfig& config, const kernels::KernelTable& kernels)
      : config_(config), kernels_(kernels), ledger_(checkpoint) {}

  DecoderWeights load(const ModelOptions& options, std::uint64_t total_bytes) {
    DecoderWeights w;
    const auto report = [&](std::size_t layers_done) {
      if (options.progress) options.progress(total_bytes * layers_done / config_.layers.size(), total_bytes);
    };
    report(0);
    w.embed_tokens = table("embed_tokens.weight", config_.vocab_size, config_.hidden_size);
    w.embed_scale = embedding_scale(config_.hidden_size, w.embed_tokens.dtype);
    // A head of its own wins, also in a checkpoint that says its embeddings are tied (as the reference does).
    const bool own_head = !config_.tie_word_embeddings || ledger_.has("lm_head.weight");
    w.lm_head = own_head ? linear("lm_head.weight", config_.vocab_size, config_.hidden_size) : numbered(w.embed_tokens);
    w.norm = vector("norm.weight", config_.hidden_size);
    if (config_.hidden_size_per_layer_input != 0) per_layer_tables(w);
    w.layers.resize(config_.layers.size());
    for (std::size_t l = 0; l < w.layers.size(); ++l) {
      layer(w, static_cast<int>(l));
      report(l + 1);
    }
    w.owned = std::move(owned_);
    return w;
  }

  std::vector<std::string> finish() const { return ledger_.finish(config_); }

 private:
  static Matrix view(const weights::TensorView& tensor, int n, int k) {
    return {tensor.data, tensor.dtype, static_cast<std::size_t>(n), static_cast<std::size_t>(k)};
  }

  /// Rows to look up.
  Matrix table(const std::string& name, int n, int k) { return view(ledger_.take(name, {n, k}), n, k); }

  /// A matrix to multiply with, and the factor that some files have beside it.
  Matrix matrix(const std::string& name, int n, int k) {
    Matrix m = table(name, n, k);
    m.scale = scales_of(name, 1)[0];
    return m;
  }

  Linear numbered(Matrix m) noexcept { return {m, n_linears_++}; }
  Linear linear(const std::string& name, int n, int k) { return numbered(matrix(name, n, k)); }

  /// The `count` factors of a weight: NVFP4 files have them, one per expert.
  Vector scales_of(std::string name, int count) {
    constexpr std::string_view kWeight = ".weight";
    if (name.ends_with(kWeight)) name.resize(name.size() - kWeight.size());
    name += ".scale";
    return ledger_.has(name) ? vector(name, count) : Vector(static_cast<std::size_t>(count), 1.0F);
  }

  /// A small tensor as F32.
  Vector vector(const std::string& name, int n) {
    Vector values(static_cast<std::size_t>(n));
    matmul::widen(kernels_, view(ledger_.take(name, {n}), 1, n), 0, 0, values.size(), values.data());
    return values;
  }

  /// One matrix per expert out of [experts, rows, k]; rows [first, first + count) of each.
  std::vector<Linear> expert_rows(const std::string& name, int rows, int k, int first, int count) {
    const weights::TensorView tensor = ledger_.take(name, {config_.num_experts, rows, k});
    const Vector scales = scales_of(name, config_.num_experts);
    std::vector<Linear> experts;
    for (int e = 0; e < config_.num_experts; ++e) {
      const auto begin = static_cast<std::size_t>(e) * static_cast<std::size_t>(rows) + static_cast<std::size_t>(first);
      Matrix expert = view(tensor, rows, k).rows(begin, static_cast<std::size_t>(count));
      expert.scale = scales[static_cast<std::size_t>(e)];
      experts.push_back(numbered(expert));
    }
    return experts;
  }

  void per_layer_tables(DecoderWeights& w) {
    const int width = config_.hidden_size_per_layer_input;
    const int all = config_.num_hidden_layers * width;
    w.embed_tokens_per_layer = table("embed_tokens_per_layer.weight", config_.vocab_size_per_layer_input, all);
    w.per_layer_embed_scale = embedding_scale(width, w.embed_tokens_per_layer.dtype);
    w.per_layer_model_projection = linear("per_layer_model_projection.weight", all, config_.hidden_size);
    w.per_layer_projection_norm = vector("per_layer_projection_norm.weight", width);
  }

  void layer(DecoderWeights& all, int index) {
    const LayerConfig& c = config_.layers[static_cast<std::size_t>(index)];
    LayerWeights& w = all.layers[static_cast<std::size_t>(index)];
    const std::string prefix = "layers." + std::to_string(index) + ".";
    const int d = config_.hidden_size;
    w.input_layernorm = vector(prefix + "input_layernorm.weight", d);
    w.post_attention_layernorm = vector(prefix + "post_attention_layernorm.weight", d);
    w.pre_feedforward_layernorm = vector(prefix + "pre_feedforward_layernorm.weight", d);
    w.post_feedforward_layernorm = vector(prefix + "post_feedforward_layernorm.weight", d);
    attention(w.attention, c, prefix + "self_attn.", c.kv_source == index);
    w.mlp = {linear(prefix + "mlp.gate_proj.weight", c.intermediate_size, d),
             linear(prefix + "mlp.up_proj.weight", c.intermediate_size, d),
             linear(prefix + "mlp.down_proj.weight", d, c.intermediate_size)};
    if (config_.enable_moe_block) w.moe = moe(prefix);
    if (const int width = config_.hidden_size_per_layer_input; width != 0) {
      w.per_layer_input = {linear(prefix + "per_layer_input_gate.weight", width, d),
                           linear(prefix + "per_layer_projection.weight", d, width),
                           vector(prefix + "post_per_layer_input_norm.weight", d)};
    }
    if (ledger_.has(prefix + "layer_scalar")) w.layer_scalar = vector(prefix + "layer_scalar", 1)[0];
  }

  void attention(AttentionWeights& w, const LayerConfig& c, const std::string& prefix, bool owns_cache) {
    const int d = config_.hidden_size;
    const int q_width = config_.num_attention_heads * c.head_dim, kv_width = c.num_key_value_heads * c.head_dim;
    w.q_proj = linear(prefix + "q_proj.weight", q_width, d);
    w.o_proj = linear(prefix + "o_proj.weight", d, q_width);
    w.q_norm = vector(prefix + "q_norm.weight", c.head_dim);
    if (!owns_cache) return;
    w.k_proj = linear(prefix + "k_proj.weight", kv_width, d);
    w.k_norm = vector(prefix + "k_norm.weight", c.head_dim);
    if (c.has_v_proj) w.v_proj = linear(prefix + "v_proj.weight", kv_width, d);
  }

  std::unique_ptr<MoeWeights> moe(const std::string& prefix) {
    auto w = std::make_unique<MoeWeights>();
    const int d = config_.hidden_size, count = config_.num_experts, width = config_.moe_intermediate_size;
    w->router_scale = vector(prefix + "router.scale", d);
    w->per_expert_scale = vector(prefix + "router.per_expert_scale", count);
    w->router_proj = f32_linear(prefix + "router.proj.weight", count, d);
    if (ledger_.has(prefix + "experts.gate_up_proj")) {
      w->gate = expert_rows(prefix + "experts.gate_up_proj", 2 * width, d, 0, width);
      w->up = expert_rows(prefix + "experts.gate_up_proj", 2 * width, d, width, width);
    } else {
      w->gate = expert_rows(prefix + "experts.gate_proj", width, d, 0, width);
      w->up = expert_rows(prefix + "experts.up_proj", width, d, 0, width);
    }
    // The factors of down_proj are router.per_expert_scale: GGUF has one name for both.
    w->down = expert_rows(prefix + "experts.down_proj", d, width, 0, d);
    w->post_feedforward_layernorm_1 = vector(prefix + "post_feedforward_layernorm_1.weight", d);
    w->pre_feedforward_layernorm_2 = vector(prefix + "pre_feedforward_layernorm_2.weight", d);
    w->post_feedforward_layernorm_2 = vector(prefix + "post_feedforward_layernorm_2.weight", d);
    return w;
  }

  /// The router is small and decides between experts: always F32, so that every format chooses alike.
  Linear f32_linear(const std::string& name, int n, int k) {
    Matrix m = matrix(name, n, k);
    if (m.dtype == formats::DataType::f32) return numbered(m);
    base::AlignedBuffer<std::uint8_t> copy(m.n * m.k * sizeof(float), name.c_str());
    matmul::widen(kernels_, m, 0, 0, m.n * m.k, reinterpret_cast<float*>(copy.data()));
    m.data = copy.data();
    m.dtype = formats::DataType::f32;
    owned_.push_back(std::move(copy));
    return numbered(m);
  }

  const ModelConfig& config_;
  const kernels::KernelTable& kernels_;
  weights::TensorLedger ledger_;
  std::vector<base::AlignedBuffer<std::uint8_t>> owned_;
  std::uint32_t n_linears_ = 0;
};

}  // namespace

LoadedWeights load_weights(std::shared_ptr<const weights::Checkpoint> checkpoint, const ModelConfig& config,
                           const kernels::KernelTable& kernels, const ModelOptions& options) {
  Loader loader(*checkpoint, config, kernels);
  LoadedWeights loaded;
  loaded.weights = loader.load(options, checkpoint->tensor_bytes());
  loaded.ignored = loader.finish();
  loaded.weights.files = std::move(checkpoint);
  return loaded;
}

}  // namespace gemma4::model
