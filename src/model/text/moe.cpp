#include "model/text/moe.h"

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

void route(const Pass& pass, const MoeWeights& w, graph::ConstRows x, graph::Rows scratch) {
  const auto top_k = static_cast<std::size_t>(pass.config.top_k_experts);
  const float root = 1.0F / std::sqrt(static_cast<float>(x.width));
  MoeWorkspace& moe = pass.ws.moe;
  const graph::Rows logits = moe.router_logits.first(pass.n);
  pass.kit.norm(x, w.router_scale, pass.eps(), scratch);
  pass.kit.scale(scratch, root);
  pass.kit.multiply(scratch, w.router_proj, logits, graph::Activations::fine);
  pass.kit.for_rows(pass.n, [&](std::size_t i) {
    choose(logits.row(i), logits.width, top_k, w.per_expert_scale, moe.index.data() + i * top_k,
           moe.weight.data() + i * top_k);
  });
  pass.kit.watch.lap(Op::router, pass.n, {&w.router_proj});
}

/// The chosen experts' weights, each read once.
void lap_experts(const Pass& pass, const MoeWeights& w) noexcept {
  if (!pass.kit.watch.running()) return;
  const std::vector<std::int32_t>& begin = pass.ws.moe.begin;
  std::uint64_t bytes = 0, operations = 0;
  for (std::size_t e = 0; e < w.gate.size(); ++e) {
    const auto rows = static_cast<std::uint64_t>(begin[e + 1] - begin[e]);
    if (rows == 0) continue;
    for (const Linear* linear : {&w.gate[e], &w.up[e], &w.down[e]}) {
      bytes += linear->matrix.bytes();
      operations += 2 * rows * linear->n() * linear->k();
    }
  }
  pass.kit.watch.lap(Op::experts, bytes, operations);
}

/// Places the choices so that each expert's rows are contiguous, in token order.
void group_by_expert(MoeWorkspace& moe, std::size_t choices) noexcept {
  std::vector<std::int32_t>& begin = moe.begin;
  std::fill(begin.begin(), begin.end(), 0);
  for (std::size_t i = 0; i < choices; ++i) ++begin[static_cast<std::size_t>(moe.index[i]) + 1];
  for (std::size_t e = 1; e < begin.size(); ++e) begin[e] += begin[e - 1];
  for (std::size_t i = 0; i < choices; ++i) moe.place[i] = begin[static_cast<std::size_t>(moe.index[i])]++;
  for (std::size_t e = begin.size() - 1; e > 0; --e) begin[e] = begin[e - 1];  // undo the advance
  begin[0] = 0;
}

/// fn(expert, first row, rows) for each expert that some token chose.
template <class Fn>
void for_chosen(const MoeWorkspace& moe, Fn&& fn) {
  for (std::size_t e = 0; e + 1 < moe.begin.size(); ++e) {
    const auto begin = static_cast<std::size_t>(moe.begin[e]), end = static_cast<std::size_t>(moe.begin[e + 1]);
    if (begin != end) fn(e, begin, end - begin);
  }
}

/// The products of all experts in one go, so that their weights are cut evenly between the threads.
void multiply(const Pass& pass, graph::ConstRows src) {
  const std::vector<matmul::Product>& products = pass.ws.moe.products;
  pass.kit.matmul.multiply(src.data, src.width, src.n, {products.data(), products.size()}, pass.feed_forward(),
                           pass.kit.arithmetic);
}

}  // namespace

void experts(const Pass& pass, const MoeWeights& w, graph::ConstRows x, graph::Rows scratch, graph::Rows sum) {
  const std::size_t n = pass.n, d = x.width;
  const auto top_k = static_cast<std::size_t>(pass.config.top_k_experts);
  MoeWorkspace& moe = pass.ws.moe;
  route(pass, w, x, scratch);
  group_by_expert(moe, n * top_k);

  const graph::Rows z = scratch, gathered = moe.in.first(n * top_k);
  pass.kit.for_rows(n, [&](std::size_t i) {
    pass.kit.kernels.rms_norm(x.row(i), w.pre_feedforward_layernorm_2.data(), z.row(i), d, pass.eps());
    if (n == 1) return;  // all experts read that row
    for (std::size_t j = 0; j < top_k; ++j) {
      std::memcpy(gathered.row(static_cast<std::size_t>(moe.place[i * top_k + j])), z.row(i), d * sizeof(float));
    }
  });

  const graph::Rows gate = moe.gate.first(n * top_k), up = moe.up.first(n * top_k), out = moe.out.first(n * top_k);
  moe.products.clear();
  for_chosen(moe, [&](std::size_t e, std::size_t begin, std::size_t count) {
    const std::size_t first_row = n == 1 ? 0 : begin;
    moe.products.push_back({&w.gate[e].matrix, gate.row(begin), gate.width, first_row, count});
    moe.products.push_back({&w.up[e].matrix, up.row(begin), up.width, first_row, count});
  });
  multiply(pass, n == 1 ? z : gathered);
  if (n == 1) {  // less work than waking a thread
    for (std::size_t i = 0; i < top_k; ++i) pass.kit.kernels.gelu_mul(gate.row(i), up.row(i), gate.row(i), gate.width);
  } else {
    pass.kit.gelu_mul(gate, up);
  }
  moe.products.clear();
  for_chosen(moe, [&](std::size_t e, std::size_t begin, std::size_t count) {
    moe.products.push_back({&w.down[e].matrix, out.row(begin), d, begin, count});
  });
  multiply(pass, gate);
  pass.kit.for_rows(n, [&](std::size_t i) {
    std::memset(sum.row(i), 0, d * sizeof(float));
    for (std::size_t j = 0; j < top_k; ++j) {
      const auto place = static_cast<std::size_t>(moe.place[i * top_k + j]);
      pass.kit.kernels.add_scaled(out.row(place), moe.weight[i * top_k + j], sum.row(i), d);
    }
  });
  lap_experts(pass, w);
}

}  // namespace gemma4::model
