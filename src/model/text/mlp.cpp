#include "model/text/mlp.h"

namespace gemma4::model {

void mlp(const Pass& pass, const MlpWeights& w, graph::ConstRows z, graph::Rows dst) {
  const graph::Rows gate = pass.ws.gate.first(pass.n, w.gate_proj.n()), up = pass.ws.up.first(pass.n, w.up_proj.n());
  pass.kit.multiply(z, {{&w.gate_proj, gate}, {&w.up_proj, up}}, pass.feed_forward());
  pass.kit.gelu_mul(gate, up);
  pass.kit.watch.lap(Op::gate_up, pass.n, {&w.gate_proj, &w.up_proj});
  pass.kit.multiply(gate, w.down_proj, dst, pass.feed_forward());
  pass.kit.watch.lap(Op::down, pass.n, {&w.down_proj});
}

}  // namespace gemma4::model
