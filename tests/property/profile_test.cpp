// Session::set_profile: what a step costs, part by part.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <string>

#include "support/random_models.h"

using namespace gemma4;

namespace {

OpCost total(const Profile& profile) {
  OpCost sum;
  for (const OpCost& cost : profile.ops) {
    sum.calls += cost.calls;
    sum.seconds += cost.seconds;
    sum.bytes += cost.bytes;
    sum.operations += cost.operations;
  }
  return sum;
}

/// Parameters of the matrices that a decode step multiplies with, every expert included.
std::uint64_t matrix_parameters(const Model& model) {
  std::uint64_t sum = 0, head = 0;
  const std::vector<std::string> ignored = model.ignored_tensors();
  for (const TensorInfo& t : model.tensors()) {
    if (std::find(ignored.begin(), ignored.end(), t.name) != ignored.end()) continue;
    if (t.shape.size() < 2 || t.name.find("embed_tokens_per_layer") != std::string::npos) continue;
    std::uint64_t n = 1;
    for (const std::int64_t extent : t.shape) n *= static_cast<std::uint64_t>(extent);
    if (t.name == "embed_tokens.weight" || t.name == "lm_head.weight") head = n;
    else sum += n;
  }
  return sum + head;
}

}  // namespace

TEST_CASE("a profile adds up to the step") {
  for (const test::RandomModel& m : test::random_models_and_rounded_mixtures()) {
    CAPTURE(m.name);
    Session session(m.model, test::sized(64, 16)), plain(m.model, test::sized(64, 16));
    Profile profile;
    session.set_profile(&profile);
    const Span<const float> with = session.decode(5), without = plain.decode(5);
    CHECK(std::equal(with.begin(), with.end(), without.begin()));

    const auto layers = static_cast<std::uint64_t>(m.model.config().num_hidden_layers);
    CHECK(profile[Op::embed].calls == 1);
    CHECK(profile[Op::head].calls == 1);
    CHECK(profile[Op::attention].calls == layers);
    CHECK(profile[Op::down].calls == layers);
    CHECK(profile[Op::experts].calls == (m.model.config().enable_moe_block ? layers : 0));
    const std::uint64_t products = total(profile).operations - profile[Op::attention].operations;
    if (m.model.config().enable_moe_block) {
      CHECK(products < 2 * matrix_parameters(m.model));  // only the chosen experts
    } else {
      CHECK(products == 2 * matrix_parameters(m.model));
    }
    // One row that sees one key in every layer: a product with the key, one with the value.
    std::uint64_t query_width = 0;
    for (const LayerConfig& layer : m.model.config().layers) {
      query_width += static_cast<std::uint64_t>(m.model.config().num_attention_heads * layer.head_dim);
    }
    CHECK(profile[Op::attention].operations == 4 * query_width);

    session.set_profile(nullptr);
    const Profile before = profile;
    session.decode(6);
    CHECK(total(profile).calls == total(before).calls);
  }
}

TEST_CASE("rows nobody asked for cost fewer operations") {
  const Model model = test::load_random("e2b-f32", 1);
  std::vector<TokenId> tokens(12);
  std::iota(tokens.begin(), tokens.end(), 1);
  const auto operations = [&](Want want) {
    Session session(model, test::sized(64, 16));
    Profile profile;
    session.set_profile(&profile);
    PrefillOptions options;
    options.want = want;
    session.prefill(tokens, options);
    return total(profile).operations - profile[Op::head].operations;
  };
  CHECK(operations(Want::nothing) < operations(Want::last_logits));
  CHECK(operations(Want::last_logits) < operations(Want::all_logits));
}
