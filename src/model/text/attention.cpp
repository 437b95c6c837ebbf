#include "model/text/attention.h"

#include "model/graph/attend.h"

namespace gemma4::model {
namespace {

bool is_sliding(const LayerConfig& layer) noexcept { return layer.attention_type == AttentionType::sliding; }

graph::Rotation rotation(const Pass& pass, const LayerConfig& layer) noexcept {
  return is_sliding(layer) ? pass.ws.rope_sliding.view() : pass.ws.rope_full.view();
}

}  // namespace

void project(const Pass& pass, const LayerConfig& layer, const AttentionWeights& w, Projections wanted) {
  const Linear* const q = wanted.queries ? &w.q_proj : nullptr;
  const Linear* const k = wanted.keys_values ? &w.k_proj : nullptr;
  const Linear* const v = wanted.keys_values && layer.has_v_proj ? &w.v_proj : nullptr;
  pass.kit.multiply(pass.normed(),
                    {{q, pass.ws.q.first(pass.n, w.q_proj.n())},
                     {k, pass.ws.k.first(pass.n, w.k_proj.n())},
                     {v, pass.ws.v.first(pass.n, w.v_proj.n())}},
                    graph::Activations::fine);
  pass.kit.watch.lap(Op::qkv, pass.n, {q, k, v});
}

void store_keys_values(const Pass& pass, std::size_t index, const AttentionWeights& w) {
  const LayerConfig& layer = pass.config.layers[index];
  const kernels::KernelTable& kernels = pass.kit.kernels;
  const RowPlaces& places = pass.ws.places;
  const graph::Rotation rotary = rotation(pass, layer);
  const auto head_dim = static_cast<std::size_t>(layer.head_dim);
  const std::size_t width = static_cast<std::size_t>(layer.num_key_value_heads) * head_dim;
  const graph::Rows keys = pass.ws.k.first(pass.n, width), values = pass.ws.v.first(pass.n, width);
  pass.kit.for_rows(pass.n, [&](std::size_t i) {
    const graph::KvView& kv = pass.ws.sequences[static_cast<std::size_t>(places.sequence[i])].kv[index];
    const std::size_t slot = kv.slot(static_cast<std::size_t>(places.position[i]));
    for (std::size_t h = 0; h < kv.heads; ++h) {
      float* k = keys.row(i) + h * head_dim;
      float* v = values.row(i) + h * head_dim;
      kernels.rms_norm(layer.has_v_proj ? v : k, nullptr, v, head_dim, pass.eps());
      kernels.from_f32(v, kv.dtype, kv.values + kv.offset(h, slot), head_dim);
      kernels.norm_rope(k, w.k_norm.data(), rotary.cos_row(i), rotary.sin_row(i), k, head_dim, rotary.pairs, pass.eps());
      kernels.store_key(k, kv.dtype, kv.keys + kv.key_offset(h, slot), head_dim);
    }
  });
  pass.kit.watch.lap(Op::norm);
}

void attention(const Pass& pass, std::size_t index, const AttentionWeights& w) {
  const LayerConfig& layer = pass.config.layers[index];
  const RowPlaces& places = pass.ws.places;
  graph::Attention a;
  a.heads = static_cast<std::size_t>(pass.config.num_attention_heads);
  a.head_dim = static_cast<std::size_t>(layer.head_dim);
  a.layer = index;
  a.queries = pass.ws.q.first(pass.n, a.heads * a.head_dim);
  a.q_norm = &w.q_norm;
  a.eps = pass.eps();
  a.rotation = rotation(pass, layer);
  a.visible = {is_sliding(layer) ? places.visible_sliding.data() : places.visible_full.data(), pass.n};
  a.sequences = pass.ws.sequences;
  a.scratch = pass.ws.attention;
  a.dst = pass.ws.attended.first(pass.n, a.heads * a.head_dim);
  graph::attend(pass.kit, a);
  pass.kit.multiply(a.dst, w.o_proj, pass.branch(), graph::Activations::fine);
  pass.kit.watch.lap(Op::o_proj, pass.n, {&w.o_proj});
}

}  // namespace gemma4::model
