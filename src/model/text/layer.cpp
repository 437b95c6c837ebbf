#include "model/text/layer.h"

#include "model/text/attention.h"
#include "model/text/mlp.h"
#include "model/text/moe.h"

namespace gemma4::model {
namespace {

/// x += rms(mlp(z)) * post_feedforward_layernorm. With experts, the dense block and they run side by side on x, each
/// under a norm of its own, then comes one norm over their sum.
void feed_forward(const Pass& pass, const LayerWeights& w) {
  const graph::Kit& kit = pass.kit;
  kit.norm(pass.x(), w.pre_feedforward_layernorm, pass.eps(), pass.normed());
  kit.watch.lap(Op::norm);
  mlp(pass, w.mlp, pass.normed(), pass.branch());
  if (w.moe) {
    kit.norm(pass.branch(), w.moe->post_feedforward_layernorm_1, pass.eps(), pass.normed());
    kit.watch.lap(Op::norm);
    const graph::Rows sum = pass.ws.moe.sum.first(pass.n);
    experts(pass, *w.moe, pass.x(), pass.branch(), sum);
    kit.add_normed(sum, w.moe->post_feedforward_layernorm_2, pass.eps(), pass.normed());
    kit.add_normed(pass.normed(), w.post_feedforward_layernorm, pass.eps(), pass.x());
  } else {
    kit.add_normed(pass.branch(), w.post_feedforward_layernorm, pass.eps(), pass.x());
  }
  kit.watch.lap(Op::norm);
}

}  // namespace

void layer(const Pass& pass, std::size_t index, const LayerWeights& w, const StepInputs& inputs, bool stored) {
  const graph::Kit& kit = pass.kit;
  const LayerConfig& config = pass.config.layers[index];
  const bool stores = config.kv_source == static_cast<int>(index) && !stored;

  kit.norm(pass.x(), w.input_layernorm, pass.eps(), pass.normed());
  kit.watch.lap(Op::norm);
  project(pass, config, w.attention, {true, stores});
  if (stores) store_keys_values(pass, index, w.attention);
  attention(pass, index, w.attention);
  kit.add_normed(pass.branch(), w.post_attention_layernorm, pass.eps(), pass.x());
  kit.watch.lap(Op::norm);

  feed_forward(pass, w);

  if (pass.config.hidden_size_per_layer_input != 0) {
    add_per_layer_input(pass, w.per_layer_input, index, inputs, pass.x(), pass.branch());
  }
  if (w.layer_scalar != 1.0F) kit.scale(pass.x(), w.layer_scalar);
  kit.watch.lap(Op::norm);
}

void store_only(const Pass& pass, std::size_t index, const LayerWeights& w) {
  pass.kit.norm(pass.x(), w.input_layernorm, pass.eps(), pass.normed());
  pass.kit.watch.lap(Op::norm);
  project(pass, pass.config.layers[index], w.attention, {false, true});
  store_keys_values(pass, index, w.attention);
}

}  // namespace gemma4::model
