#include "model/moe.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gemma4::model {
namespace {

/// The top_k experts of a row and their weights, by descending probability. logits [experts] become probabilities.
void choose(float* logits, std::size_t experts, std::size_t top_k, const Vector& per_expert_scale, std::int32_t* index,
            float* weight) noexcept {
  const float max = *std::max_element(logits, logits + experts);
  for (std::size_t e = 0; e < experts; ++e) logits[e] = std::exp(logits[e] - max);  // the softmax's divisor cancels below
  float total = 0.0F;
  for (std::size_t j = 0; j < top_k; ++j) {
    std::size_t best = 0;
    for (std::size_t e = 1; e < experts; ++e) {
      if (logits[e] > logits[best]) best = e;
    }
    index[j] = static_cast<std::int32_t>(best);
    weight[j] = logits[best];
    total += logits[best];
    logits[best] = -1.0F;
  }
  for (std::size_t j = 0; j < top_k; ++j) {
    weight[j] = weight[j] / total * per_expert_scale[static_cast<std::size_t>(index[j])];
  }
}

void route(const Context& c, const MoeWeights& w, std::size_t n) {
  const std::size_t d = c.hidden_size();
  const auto experts = static_cast<std::size_t>(c.config.num_experts);
  const auto top_k = static_cast<std::size_t>(c.config.top_k_experts);
  const float root = 1.0F / std::sqrt(static_cast<float>(d));
  c.for_rows(n, [&](std::size_t i) {
    float* row = c.ws.branch.data() + i * d;
    c.kernels.rms_norm(c.ws.x.data() + i * d, w.router_scale.data(), row, d, c.config.rms_norm_eps);
    c.kernels.scale(row, root, d);
  });
  c.matmul.multiply(c.ws.branch.data(), d, n, w.router_proj, c.ws.router_logits.data(), experts);
  c.for_rows(n, [&](std::size_t i) {
    choose(c.ws.router_logits.data() + i * experts, experts, top_k, w.per_expert_scale,
           c.ws.expert_index.data() + i * top_k, c.ws.expert_weight.data() + i * top_k);
  });
  c.watch.lap(Op::router, n, {&w.router_proj});
}

/// The chosen experts' weights, each read once.
void lap_experts(const Context& c, const MoeWeights& w) noexcept {
  if (!c.watch.running()) return;
  std::uint64_t bytes = 0, operations = 0;
  for (std::size_t e = 0; e < w.gate.size(); ++e) {
    const auto rows = static_cast<std::uint64_t>(c.ws.expert_begin[e + 1] - c.ws.expert_begin[e]);
    if (rows == 0) continue;
    for (const Matrix* m : {&w.gate[e], &w.up[e], &w.down[e]}) {
      bytes += m->bytes();
      operations += 2 * rows * m->n * m->k;
    }
  }
  c.watch.lap(Op::experts, bytes, operations);
}

/// Places the choices so that each expert's rows are contiguous, in token order.
void group_by_expert(const Context& c, std::size_t choices) noexcept {
  std::vector<std::int32_t>& begin = c.ws.expert_begin;
  std::fill(begin.begin(), begin.end(), 0);
  for (std::size_t i = 0; i < choices; ++i) ++begin[static_cast<std::size_t>(c.ws.expert_index[i]) + 1];
  for (std::size_t e = 1; e < begin.size(); ++e) begin[e] += begin[e - 1];
  for (std::size_t i = 0; i < choices; ++i) {
    c.ws.expert_place[i] = begin[static_cast<std::size_t>(c.ws.expert_index[i])]++;
  }
  for (std::size_t e = begin.size() - 1; e > 0; --e) begin[e] = begin[e - 1];  // undo the advance
  begin[0] = 0;
}

/// fn(expert, first row, rows) for each expert that some token chose.
template <class Fn>
void for_chosen(const Workspace& ws, Fn&& fn) {
  for (std::size_t e = 0; e + 1 < ws.expert_begin.size(); ++e) {
    const auto begin = static_cast<std::size_t>(ws.expert_begin[e]), end = static_cast<std::size_t>(ws.expert_begin[e + 1]);
    if (begin != end) fn(e, begin, end - begin);
  }
}

}  // namespace

void experts(const Context& c, const MoeWeights& w, std::size_t n) {
  const std::size_t d = c.hidden_size();
  const auto top_k = static_cast<std::size_t>(c.config.top_k_experts);
  const auto width = static_cast<std::size_t>(c.config.moe_intermediate_size);
  Workspace& ws = c.ws;
  route(c, w, n);
  group_by_expert(c, n * top_k);
  c.for_rows(n, [&](std::size_t i) {
    float* z = ws.branch.data() + i * d;
    c.kernels.rms_norm(ws.x.data() + i * d, w.pre_feedforward_layernorm_2.data(), z, d, c.config.rms_norm_eps);
    if (n == 1) return;  // all experts read that row
    for (std::size_t j = 0; j < top_k; ++j) {
      const auto place = static_cast<std::size_t>(ws.expert_place[i * top_k + j]);
      std::memcpy(ws.expert_in.data() + place * d, z, d * sizeof(float));
    }
  });

  // All experts' products in one go, so that their weights are cut evenly between the threads.
  std::vector<matmul::Product>& products = ws.expert_products;
  products.clear();
  for_chosen(ws, [&](std::size_t e, std::size_t begin, std::size_t count) {
    const std::size_t first_row = n == 1 ? 0 : begin;
    products.push_back({&w.gate[e], ws.expert_gate.data() + begin * width, width, first_row, count});
    products.push_back({&w.up[e], ws.expert_up.data() + begin * width, width, first_row, count});
  });
  const float* in = n == 1 ? ws.branch.data() : ws.expert_in.data();
  c.matmul.multiply(in, d, n == 1 ? 1 : n * top_k, {products.data(), products.size()}, c.activations(n));
  const auto gelu = [&](std::size_t i) {
    float* gate = ws.expert_gate.data() + i * width;
    c.kernels.gelu_mul(gate, ws.expert_up.data() + i * width, gate, width);
  };
  if (n == 1) {
    for (std::size_t i = 0; i < top_k; ++i) gelu(i);  // less work than waking a thread
  } else {
    c.for_rows(n * top_k, gelu);
  }
  products.clear();
  for_chosen(ws, [&](std::size_t e, std::size_t begin, std::size_t count) {
    products.push_back({&w.down[e], ws.expert_out.data() + begin * d, d, begin, count});
  });
  c.matmul.multiply(ws.expert_gate.data(), width, n * top_k, {products.data(), products.size()}, c.activations(n));
  c.for_rows(n, [&](std::size_t i) {
    float* sum = ws.expert_sum.data() + i * d;
    std::memset(sum, 0, d * sizeof(float));
    for (std::size_t j = 0; j < top_k; ++j) {
      const auto place = static_cast<std::size_t>(ws.expert_place[i * top_k + j]);
      c.kernels.add_scaled(ws.expert_out.data() + place * d, ws.expert_weight[i * top_k + j], sum, d);
    }
  });
  lap_experts(c, w);
}

}  // namespace gemma4::model
