#include "model/mlp.h"

#include <array>

namespace gemma4::model {

void mlp(const Context& c, const MlpWeights& w, float* dst, std::size_t n) {
  const std::size_t width = w.gate_proj.n;
  const std::array<matmul::Product, 2> products = {matmul::Product{&w.gate_proj, c.ws.gate.data(), width},
                                                   matmul::Product{&w.up_proj, c.ws.up.data(), width}};
  c.matmul.multiply(c.ws.normed.data(), c.hidden_size(), n, {products.data(), products.size()}, c.activations(n));
  c.for_rows(n, [&](std::size_t i) {
    float* gate = c.ws.gate.data() + i * width;
    c.kernels.gelu_mul(gate, c.ws.up.data() + i * width, gate, width);
  });
  c.watch.lap(Op::gate_up, n, {&w.gate_proj, &w.up_proj});
  c.matmul.multiply(c.ws.gate.data(), width, n, w.down_proj, dst, c.hidden_size(), c.activations(n));
  c.watch.lap(Op::down, n, {&w.down_proj});
}

}  // namespace gemma4::model
