#include "model/decoder.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "model/attention.h"
#include "model/mlp.h"
#include "model/moe.h"
#include "model/per_layer_input.h"
#include "model/rope.h"

namespace gemma4::model {
namespace {

/// Moves the kept rows of a [rows, width] buffer to its front.
void keep_rows(float* data, std::size_t width, Span<const std::int32_t> keep) noexcept {
  if (width == 0) return;  // no pair turns
  for (std::size_t i = 0; i < keep.size(); ++i) {
    const auto from = static_cast<std::size_t>(keep[i]);
    if (from != i) std::memcpy(data + i * width, data + from * width, width * sizeof(float));
  }
}

/// From here on the step consists of the kept rows alone.
void drop_other_rows(const Context& c, Span<const std::int32_t> keep) noexcept {
  keep_rows(c.ws.x.data(), c.hidden_size(), keep);
  keep_rows(c.ws.normed.data(), c.hidden_size(), keep);
  for (RotaryRows* rope : {&c.ws.rope_sliding, &c.ws.rope_full}) {
    keep_rows(rope->cos.data(), rope->pairs, keep);
    keep_rows(rope->sin.data(), rope->pairs, keep);
  }
  for (std::size_t i = 0; i < keep.size(); ++i) c.ws.positions[i] = c.ws.positions[static_cast<std::size_t>(keep[i])];
}

/// The per-layer inputs of a step: all rows for the layers that all rows run, then the kept rows for the rest.
class StepInputs {
 public:
  StepInputs(const Context& c, const DecoderWeights& w, const Step& step, int layers_for_all)
      : width_(static_cast<std::size_t>(c.config.hidden_size_per_layer_input)),
        layers_for_all_(static_cast<std::size_t>(layers_for_all)),
        layers_(static_cast<std::size_t>(c.config.num_hidden_layers)) {
    if (width_ == 0) return;
    all_ = c.ws.per_layer_inputs.data();
    kept_ = all_ + step.tokens.size() * layers_for_all_ * width_;
    per_layer_inputs(c, w, {c.ws.ids.data(), step.tokens.size()}, c.ws.x.data(), 0, layers_for_all, all_);
    if (layers_for_all_ == layers_ || step.keep.empty()) return;
    // The kept rows' embeddings and ids, side by side; ws.normed is free until the first layer.
    std::memcpy(c.ws.normed.data(), c.ws.x.data(), step.tokens.size() * c.hidden_size() * sizeof(float));
    keep_rows(c.ws.normed.data(), c.hidden_size(), step.keep);
    for (std::size_t i = 0; i < step.keep.size(); ++i) c.ws.kept_ids[i] = c.ws.ids[static_cast<std::size_t>(step.keep[i])];
    per_layer_inputs(c, w, {c.ws.kept_ids.data(), step.keep.size()}, c.ws.normed.data(), layers_for_all,
                     c.config.num_hidden_layers, kept_);
  }

  const float* row(std::size_t layer, std::size_t i) const noexcept {
    if (layer < layers_for_all_) return all_ + (i * layers_for_all_ + layer) * width_;
    return kept_ + (i * (layers_ - layers_for_all_) + layer - layers_for_all_) * width_;
  }

 private:
  std::size_t width_, layers_for_all_, layers_;
  float* all_ = nullptr;
  float* kept_ = nullptr;
};

}  // namespace

Decoder::Decoder(const ModelConfig& config, DecoderWeights weights, const kernels::KernelTable& kernels,
                 const base::ThreadPool& pool, Compute compute)
    : config_(config),
      weights_(std::move(weights)),
      kernels_(kernels),
      pool_(pool),
      matmul_(kernels, pool, compute, !weights_.layers.empty() && !weights_.layers[0].mlp.gate_proj.is_float()),
      inverse_sliding_(inverse_frequencies(config.rope_sliding, config.head_dim)),
      inverse_full_(inverse_frequencies(config.rope_full, config.global_head_dim)) {
  std::size_t widest = 0;
  for (const LayerConfig& layer : config.layers) {
    widest = std::max({widest, static_cast<std::size_t>(layer.intermediate_size),
                       static_cast<std::size_t>(config.num_attention_heads * layer.head_dim)});
  }
  matmul_.reserve(kernels::kGemvRows, std::max(widest, static_cast<std::size_t>(config.hidden_size)));
  matmul_.reserve(static_cast<std::size_t>(config.top_k_experts), static_cast<std::size_t>(config.moe_intermediate_size));
}

void Decoder::embed(const Context& c, Span<const TokenId> tokens) const {
  const std::vector<TokenId>& placeholders = config_.placeholder_token_ids;
  std::replace_copy_if(tokens.begin(), tokens.end(), c.ws.ids.begin(), [&](TokenId id) {
    return std::find(placeholders.begin(), placeholders.end(), id) != placeholders.end();
  }, std::max(config_.pad_token_id, 0));
  const Matrix& table = weights_.embed_tokens;
  c.for_rows(tokens.size(), [&](std::size_t i) {
    float* row = c.ws.x.data() + i * c.hidden_size();
    matmul::widen(kernels_, table, static_cast<std::size_t>(c.ws.ids[i]), 0, c.hidden_size(), row);
    kernels_.scale(row, weights_.embed_scale, c.hidden_size());
  });
}

void Decoder::rotary(const Context& c, std::size_t position, std::size_t n) const {
  c.for_rows(n, [&](std::size_t i) {
    const auto p = static_cast<std::int64_t>(position + i);
    c.ws.positions[i] = p;
    RotaryRows& sliding = c.ws.rope_sliding;
    RotaryRows& full = c.ws.rope_full;
    rotary_row(inverse_sliding_, p, sliding.cos.data() + i * sliding.pairs, sliding.sin.data() + i * sliding.pairs);
    rotary_row(inverse_full_, p, full.cos.data() + i * full.pairs, full.sin.data() + i * full.pairs);
  });
}

void Decoder::feed_forward(const Context& c, const LayerWeights& w, std::size_t n) const {
  c.norm_rows(c.ws.x.data(), w.pre_feedforward_layernorm, c.ws.normed.data(), n);
  c.watch.lap(Op::norm);
  mlp(c, w.mlp, c.ws.branch.data(), n);
  if (w.moe) {
    // dense and experts, each under a norm of its own, then one norm over their sum
    c.norm_rows(c.ws.branch.data(), w.moe->post_feedforward_layernorm_1, c.ws.normed.data(), n);
    c.watch.lap(Op::norm);
    experts(c, *w.moe, n);
    c.add_normed_rows(c.ws.expert_sum.data(), w.moe->post_feedforward_layernorm_2, c.ws.normed.data(), n);
    c.add_normed_rows(c.ws.normed.data(), w.post_feedforward_layernorm, c.ws.x.data(), n);
  } else {
    c.add_normed_rows(c.ws.branch.data(), w.post_feedforward_layernorm, c.ws.x.data(), n);
  }
}

bool Decoder::forward(const Step& step, Span<const KvView> kv, Workspace& ws) const {
  Stopwatch watch(step.profile);
  const Context c{config_, kernels_, pool_, matmul_, ws, watch};
  const int layers = config_.num_hidden_layers;
  const int last_owner = config_.first_kv_shared_layer() - 1;
  std::size_t n = step.tokens.size();
  const auto tap = [&](int layer, const float* values) {
    if (step.probe != nullptr) (*step.probe)(layer, values, n, c.hidden_size());
  };

  embed(c, step.tokens);
  rotary(c, step.position, n);
  watch.lap(Op::embed, n * weights_.embed_tokens.row_bytes());
  tap(-1, ws.x.data());
  const int layers_for_all = step.skip_shared_layers ? last_owner : layers;
  const StepInputs inputs(c, weights_, step, layers_for_all);
  const int layers_begun_by_all = std::min(layers_for_all + 1, layers);
  const std::size_t work = n * static_cast<std::size_t>(layers_begun_by_all) +
                           step.keep.size() * static_cast<std::size_t>(layers - layers_begun_by_all);
  std::size_t done = 0;  // of the work: rows times layers

  for (int l = 0; l < layers; ++l) {
    if (step.cancel != nullptr && step.cancel->cancelled()) return false;
    done += n;
    const auto index = static_cast<std::size_t>(l);
    const LayerConfig& layer = config_.layers[index];
    const LayerWeights& w = weights_.layers[index];
    const RotaryRows& rope = layer.attention_type == AttentionType::sliding ? ws.rope_sliding : ws.rope_full;

    c.norm_rows(ws.x.data(), w.input_layernorm, ws.normed.data(), n);
    watch.lap(Op::norm);
    const bool owner = layer.kv_source == l;
    const bool dropping = l == last_owner && step.skip_shared_layers;
    if (owner || !dropping) project(c, layer, w.attention, {!dropping, owner}, n);
    if (owner) store_keys_values(c, layer, w.attention, rope, kv[index], n);
    if (dropping) {
      drop_other_rows(c, step.keep);
      n = step.keep.size();
      if (n == 0) return true;
      project(c, layer, w.attention, {true, false}, n);
    }
    attention(c, layer, w.attention, rope, kv[index], n);
    c.add_normed_rows(ws.branch.data(), w.post_attention_layernorm, ws.x.data(), n);
    watch.lap(Op::norm);
    feed_forward(c, w, n);
    if (config_.hidden_size_per_layer_input != 0) {
      watch.lap(Op::norm);
      add_per_layer_input(c, w.per_layer_input, n, [&](std::size_t i) { return inputs.row(index, i); });
    }
    if (w.layer_scalar != 1.0F) {
      c.for_rows(n, [&](std::size_t i) { kernels_.scale(ws.x.data() + i * c.hidden_size(), w.layer_scalar, c.hidden_size()); });
    }
    watch.lap(Op::norm);
    tap(l, ws.x.data());
    if (step.progress != nullptr && l + 1 < layers) {
      (*step.progress)(done, work);
      watch.skip();
    }
  }
  if (!step.skip_shared_layers) {
    keep_rows(ws.x.data(), c.hidden_size(), step.keep);
    n = step.keep.size();
  }
  c.norm_rows(ws.x.data(), weights_.norm, ws.normed.data(), n);
  watch.lap(Op::norm);
  tap(layers, ws.normed.data());
  return true;
}

bool Decoder::logits(const float* hidden, std::size_t n, float* dst, Profile* profile) const {
  Stopwatch watch(profile);
  const auto vocab = static_cast<std::size_t>(config_.vocab_size);
  const auto d = static_cast<std::size_t>(config_.hidden_size);
  matmul_.multiply(hidden, d, n, weights_.lm_head, dst, vocab, matmul::Activations::fine);
  const float cap = config_.final_logit_softcapping.value_or(0.0F);
  std::atomic<bool> finite{true};
  for (std::size_t i = 0; i < n; ++i) {
    pool_.parallel_for(vocab, 16384, [&](std::size_t begin, std::size_t end, int) {
      if (!kernels_.soft_cap(dst + i * vocab + begin, cap, end - begin)) finite = false;
    });
  }
  watch.lap(Op::head, n, {&weights_.lm_head});
  return finite;
}

bool Decoder::all_finite(const float* values, std::size_t n) const {
  for (std::size_t i = 0; i < n; ++i) {
    if (!(values[i] - values[i] == 0.0F)) return false;
  }
  return true;
}

}  // namespace gemma4::model
