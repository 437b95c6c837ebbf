// Which type each tensor gets.
#include <doctest/doctest.h>

#include "quantize/recipe.h"
#include "support/file_writers.h"

namespace gemma4 {
namespace {

using formats::DataType;
using quantization::choose_type;
using quantization::find_recipe;
using quantization::TensorFacts;

TensorFacts matrix(std::string_view name, std::int64_t row = 1024, int layer = -1, bool is_head = false) {
  return {name, DataType::bf16, 2, row, layer, 32, is_head};
}

}  // namespace

TEST_CASE("recipes: names in any case, unknown ones with the list") {
  CHECK(find_recipe("q4_k_m").base == DataType::q4_k);
  CHECK(find_recipe("Q4_K").mix == quantization::Mix::medium);
  CHECK(quantization::find_tensor_type("iq4_xs") == DataType::iq4_xs);
  CHECK_ERROR(find_recipe("q9"), "invalid_argument", "\"q9\"", "Q8_0", "Q4_K_M", "Q2_K");
  CHECK_ERROR(quantization::find_tensor_type("q4_k_m"), "invalid_argument", "Q4_K", "IQ4_NL");
}

TEST_CASE("recipes: what is never quantised") {
  for (const char* name : {"q4_k_m", "q8_0", "q2_k", "q4_0"}) {
    CAPTURE(name);
    const auto& recipe = find_recipe(name);
    CHECK(choose_type(recipe, {"output_norm.weight", DataType::bf16, 1, 1024, -1, 32, false}) == DataType::f32);
    CHECK(choose_type(recipe, {"blk.0.ffn_gate_inp.scale", DataType::bf16, 1, 1024, 0, 32, false}) == DataType::f32);
    CHECK(choose_type(recipe, matrix("blk.0.ffn_gate_inp.weight", 1024, 0)) == DataType::f32);
    CHECK(choose_type(recipe, matrix("per_layer_model_proj.weight")) == DataType::bf16);
  }
  CHECK(choose_type(find_recipe("f32"), matrix("per_layer_model_proj.weight")) == DataType::f32);
  CHECK(choose_type(find_recipe("f16"), matrix("blk.0.ffn_gate_inp.weight", 1024, 0)) == DataType::f32);
  CHECK(choose_type(find_recipe("bf16"), matrix("token_embd.weight", 1024, -1, true)) == DataType::bf16);
}

TEST_CASE("recipes: the head, and rows that do not fit the blocks") {
  CHECK(choose_type(find_recipe("q4_k_m"), matrix("token_embd.weight", 1536, -1, true)) == DataType::q6_k);
  CHECK(choose_type(find_recipe("q4_0"), matrix("token_embd.weight", 1536, -1, true)) == DataType::q6_k);
  CHECK(choose_type(find_recipe("q4_k_m"), matrix("token_embd.weight", 160, -1, true)) == DataType::q8_0);
  CHECK(choose_type(find_recipe("q8_0"), matrix("token_embd.weight", 1536, -1, true)) == DataType::q8_0);
  CHECK(choose_type(find_recipe("q4_k_m"), matrix("token_embd.weight", 1536, -1, false)) == DataType::q4_k);
  using quantization::fitting_type;
  for (const auto& [wanted, got] : {std::pair{DataType::q2_k, DataType::q4_0},
                                    {DataType::q3_k, DataType::q4_0},
                                    {DataType::q4_k, DataType::q5_0},
                                    {DataType::q5_k, DataType::q5_1},
                                    {DataType::q6_k, DataType::q8_0},
                                    {DataType::iq4_xs, DataType::iq4_nl},
                                    {DataType::q4_0, DataType::q4_0}}) {
    CHECK(fitting_type(wanted, 704) == got);
    CHECK(fitting_type(wanted, 2816) == wanted);
    CHECK(fitting_type(wanted, 44) == DataType::f16);
  }
  CHECK(fitting_type(DataType::bf16, 44) == DataType::bf16);
}

TEST_CASE("recipes: Q4_K_M raises values and down projections of some layers") {
  const auto& recipe = find_recipe("q4_k_m");
  const auto type = [&](const char* name, int layer) { return choose_type(recipe, matrix(name, 1024, layer)); };
  for (const char* name : {"blk.0.attn_v.weight", "blk.0.ffn_down.weight", "blk.0.ffn_down_exps.weight"}) {
    for (const int layer : {0, 3, 28, 31, 6, 9, 27}) CHECK(type(name, layer) == DataType::q6_k);
    for (const int layer : {4, 5, 7, 8, 26}) CHECK(type(name, layer) == DataType::q4_k);
  }
  for (const char* name : {"blk.0.attn_q.weight", "blk.0.ffn_up.weight", "blk.0.attn_output.weight"}) {
    CHECK(type(name, 0) == DataType::q4_k);
  }
  CHECK(choose_type(recipe, matrix("blk.0.ffn_down.weight", 2112, 0)) == DataType::q8_0);
  CHECK(choose_type(recipe, matrix("blk.0.ffn_down.weight", 2112, 4)) == DataType::q5_0);
}

TEST_CASE("recipes: patterns") {
  using quantization::matches;
  CHECK(matches("attn_v", "blk.3.attn_v.weight"));
  CHECK(matches("blk.3.", "blk.3.attn_v.weight"));
  CHECK(matches("blk.*.ffn_*", "blk.13.ffn_down.weight"));
  CHECK(matches("blk.?.ffn", "blk.3.ffn_down.weight"));
  CHECK_FALSE(matches("blk.?.ffn", "blk.13.ffn_down.weight"));
  CHECK_FALSE(matches("attn_q", "blk.3.attn_v.weight"));
  CHECK(matches("*", "x"));
}

}  // namespace gemma4
