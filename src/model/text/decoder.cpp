#include "model/text/decoder.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "model/graph/rope.h"
#include "model/text/layer.h"

namespace gemma4::model {
namespace {

bool cancelled(const Step& step) noexcept { return step.cancel != nullptr && step.cancel->cancelled(); }

std::size_t count_rows(const Step& step) noexcept {
  std::size_t n = 0;
  for (const SequenceStep& sequence : step.sequences) n += sequence.rows.size();
  return n;
}

}  // namespace

Decoder::Decoder(const ModelConfig& config, DecoderWeights weights, const kernels::KernelTable& kernels,
                 const base::ThreadPool& pool)
    : config_(config),
      weights_(std::move(weights)),
      kernels_(kernels),
      pool_(pool),
      inverse_{graph::inverse_frequencies(config.rope_sliding, config.head_dim),
               graph::inverse_frequencies(config.rope_full, config.global_head_dim)} {}

matmul::MatMul Decoder::make_products(Compute compute) const {
  const bool in_blocks = !weights_.layers.empty() && !weights_.layers[0].mlp.gate_proj.matrix.is_float();
  matmul::MatMul matmul(kernels_, pool_, compute, in_blocks);
  auto widest = static_cast<std::size_t>(config_.hidden_size);
  for (const LayerConfig& layer : config_.layers) {
    widest = std::max({widest, static_cast<std::size_t>(layer.intermediate_size),
                       static_cast<std::size_t>(config_.num_attention_heads * layer.head_dim)});
  }
  matmul.reserve(kernels::kGemvRows, widest);
  matmul.reserve(static_cast<std::size_t>(config_.top_k_experts), static_cast<std::size_t>(config_.moe_intermediate_size));
  return matmul;
}

void Decoder::embed(const Pass& pass, const Step& step) const {
  const graph::Rows x = pass.x();
  const Matrix& table = weights_.embed_tokens;
  std::size_t first = 0;
  for (const SequenceStep& sequence : step.sequences) {
    pass.kit.for_rows(sequence.rows.size(), [&](std::size_t i) {
      float* const row = x.row(first + i);
      if (const float* const given = sequence.rows[i].embedding) {
        std::memcpy(row, given, x.width * sizeof(float));
        return;
      }
      matmul::widen(kernels_, table, static_cast<std::size_t>(pass.ws.places.token[first + i]), 0, x.width, row);
      kernels_.scale(row, weights_.embed_scale, x.width);
    });
    first += sequence.rows.size();
  }
}

bool Decoder::forward(const Step& step, StepMemory memory) const {
  graph::Stopwatch watch(step.profile);
  const graph::Kit kit{kernels_, pool_, memory.matmul, watch, step.arithmetic};
  Workspace& ws = memory.workspace;
  Pass pass{kit, config_, ws, count_rows(step)};
  const auto layers = static_cast<std::size_t>(config_.num_hidden_layers);
  const auto last_owner = static_cast<std::size_t>(config_.first_kv_shared_layer() - 1);
  const std::size_t layers_for_all = step.skip_shared_layers ? last_owner : layers;
  const auto tap = [&](int index, graph::ConstRows rows) {
    if (step.probe != nullptr) (*step.probe)(index, rows.data, rows.n, rows.width);
  };

  const Span<const std::int32_t> kept(ws.kept.data(), place_rows(pass, step, inverse_));
  const std::size_t begun_by_all = std::min(layers_for_all + 1, layers);
  const std::size_t work = pass.n * begun_by_all + kept.size() * (layers - begun_by_all);
  std::size_t done = 0;  // of the work: rows times layers
  const auto run = [&](std::size_t l, const StepInputs& inputs, bool stored) {
    layer(pass, l, weights_.layers[l], inputs, stored);
    tap(static_cast<int>(l), pass.x());
    if (!stored) done += pass.n;
    if (step.progress == nullptr || l + 1 == layers) return;
    (*step.progress)(done, work);
    watch.skip();
  };

  embed(pass, step);
  watch.lap(Op::embed, pass.n * weights_.embed_tokens.row_bytes());
  tap(-1, pass.x());
  const StepInputs inputs(pass, weights_, layers_for_all, kept);

  for (std::size_t l = 0; l < layers_for_all; ++l) {
    if (cancelled(step)) return false;
    run(l, inputs, false);
  }
  if (step.skip_shared_layers) {
    if (cancelled(step)) return false;
    store_only(pass, last_owner, weights_.layers[last_owner]);
    done += pass.n;
  }
  drop_other_rows(pass, kept);
  if (pass.n == 0) return true;
  for (std::size_t l = layers_for_all; l < layers; ++l) {
    if (cancelled(step)) return false;
    run(l, inputs, l == last_owner);
  }

  kit.norm(pass.x(), weights_.norm, pass.eps(), pass.normed());
  watch.lap(Op::norm);
  tap(config_.num_hidden_layers, pass.normed());
  return true;
}

bool Decoder::logits(graph::ConstRows hidden, matmul::Arithmetic arithmetic, matmul::MatMul& matmul, float* dst,
                     Profile* profile) const {
  graph::Stopwatch watch(profile);
  const graph::Kit kit{kernels_, pool_, matmul, watch, arithmetic};
  const graph::Rows logits(dst, hidden.n, static_cast<std::size_t>(config_.vocab_size));
  kit.multiply(hidden, weights_.lm_head, logits, graph::Activations::fine);
  const float cap = config_.final_logit_softcapping.value_or(0.0F);
  std::atomic<bool> finite{true};
  for (std::size_t i = 0; i < logits.n; ++i) {
    pool_.parallel_for(logits.width, 16384, [&](std::size_t begin, std::size_t end, int) {
      if (!kernels_.soft_cap(logits.row(i) + begin, cap, end - begin)) finite = false;
    });
  }
  watch.lap(Op::head, logits.n, {&weights_.lm_head});
  return finite;
}

bool all_finite(Span<const float> values) noexcept {
  return std::all_of(values.begin(), values.end(), [](float value) { return value - value == 0.0F; });
}

}  // namespace gemma4::model
