#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "model/config/config.h"
#include "model/graph/rope.h"
#include "sampling/sampler.h"
#include "support/file_writers.h"
#include "unit/config_builders.h"

using namespace gemma4::test;
using gemma4::AttentionType;
using gemma4::ModelConfig;
using gemma4::SamplerOptions;
using gemma4::weights::Checkpoint;

namespace {

/// The model of config_builders.h as a GGUF file: base() and layers() are all of it.
struct Gguf {
  GgufWriter writer;
  Gguf() { writer.string("general.architecture", "gemma4"); }
  Gguf& base() {
    writer.u32("gemma4.block_count", 5)
        .u32("gemma4.context_length", 256)
        .u32("gemma4.embedding_length", 32)
        .u32("gemma4.attention.head_count", 4);
    writer.u32("gemma4.attention.key_length", 16)
        .u32("gemma4.attention.value_length", 16)
        .u32("gemma4.attention.key_length_swa", 8);
    writer.f32("gemma4.attention.layer_norm_rms_epsilon", 1e-6F)
        .u32("gemma4.attention.sliding_window", 7)
        .u32("gemma4.attention.shared_kv_layers", 2);
    writer.u32("gemma4.embedding_length_per_layer_input", 4)
        .f32("gemma4.rope.freq_base", 1e6F)
        .f32("gemma4.rope.freq_base_swa", 1e4F);
    writer.u32("gemma4.vocab_size", 100);
    return *this;
  }
  Gguf& layers() {
    writer.i32s("gemma4.feed_forward_length", {48, 48, 48, 96, 96}).u32("gemma4.attention.head_count_kv", 2);
    writer.bools("gemma4.attention.sliding_window_pattern", {true, false, true, true, false});
    for (const char* name : {"blk.0.attn_v.weight", "blk.1.attn_v.weight", "blk.2.attn_v.weight"})
      writer.tensor(name, {1}, 0, raw(1.0F));
    writer.tensor("per_layer_token_embd.weight", {1, 100}, 0, std::string(400, '\0'));
    return *this;
  }
  std::shared_ptr<const Checkpoint> open() const {
    const TempFolder folder;
    return Checkpoint::open(folder.write("m.gguf", writer.bytes()));
  }
  ModelConfig parse() const { return gemma4::model::parse_config(*open()); }
};

}  // namespace

TEST_CASE("config: GGUF says the same as config.json") { check_same(parse_with({}), Gguf().base().layers().parse()); }

TEST_CASE("config: GGUF, scalars and arrays") {
  Gguf gguf;
  gguf.base();
  gguf.writer.u32("gemma4.feed_forward_length", 48).i32s("gemma4.attention.head_count_kv", {2, 1, 2, 2, 1});
  gguf.writer.i32s("gemma4.attention.sliding_window_pattern", {1, 0, 1, 1, 0}).f32("gemma4.final_logit_softcapping", 0);
  gguf.writer.u32("gemma4.expert_count", 8)
      .u32("gemma4.expert_used_count", 2)
      .u32("gemma4.expert_feed_forward_length", 12);
  gguf.writer.strings("tokenizer.ggml.tokens", std::vector<std::string>(90, "x"));
  gguf.writer.u32("tokenizer.ggml.bos_token_id", 2)
      .u32("tokenizer.ggml.eos_token_id", 1)
      .u32("tokenizer.ggml.eot_token_id", 6)
      .u32("tokenizer.ggml.padding_token_id", 0);
  gguf.writer.i32s("tokenizer.ggml.suppress_tokens", {8, 9}).tensor("output.weight", {1}, 0, raw(1.0F));
  const ModelConfig config = gguf.parse();
  CHECK(config.attention_k_eq_v);
  CHECK(config.num_key_value_heads == 2);
  CHECK(config.num_global_key_value_heads == 1);
  CHECK(config.layers[4].num_key_value_heads == 1);
  CHECK_FALSE(config.layers[4].has_v_proj);
  CHECK(config.layers[3].has_v_proj);
  CHECK_FALSE(config.use_double_wide_mlp);
  CHECK_FALSE(config.final_logit_softcapping);
  CHECK(config.vocab_size == 90);  // the tokens count, not the key
  CHECK(config.num_experts == 8);
  CHECK_FALSE(config.tie_word_embeddings);
  CHECK(config.eos_token_ids == std::vector<gemma4::TokenId>{1, 6});
  CHECK(config.suppress_token_ids == std::vector<gemma4::TokenId>{8, 9});
}

TEST_CASE("config: GGUF, a period instead of a pattern") {
  Gguf gguf;
  gguf.base();
  gguf.writer.u32("gemma4.feed_forward_length", 48)
      .u32("gemma4.attention.head_count_kv", 2)
      .u32("gemma4.attention.sliding_window_pattern", 2);
  gguf.writer.tensor("blk.1.attn_v.weight", {1}, 0, raw(1.0F));
  const ModelConfig config = gguf.parse();
  CHECK(config.layers[0].attention_type == AttentionType::sliding);
  CHECK(config.layers[1].attention_type == AttentionType::full);
  CHECK(config.layers[4].attention_type == AttentionType::sliding);
}

TEST_CASE("config: GGUF, the rotary factor comes from rope_freqs") {
  const auto with = [](std::vector<float> divisors) {
    Gguf gguf;
    gguf.base().layers();
    gguf.writer.tensor("rope_freqs.weight", {static_cast<std::int64_t>(divisors.size())}, 0, f32_bytes(divisors));
    return gguf.parse();
  };
  CHECK(with({1, 1, 1e30F, 1e30F, 1e30F, 1e30F, 1e30F, 1e30F}).rope_full.partial_rotary_factor == 0.25);
  CHECK(with(std::vector<float>(8, 1)).rope_full.partial_rotary_factor == 1.0);
  CHECK(with(std::vector<float>(8, 1e30F)).rope_full.partial_rotary_factor == 0.0);
  CHECK_ERROR(with({1, 2, 1, 1, 1, 1, 1, 1}), "unsupported", "rope_freqs.weight", "got 2 at index 1");
  CHECK_ERROR(with({1, 1e30F, 1, 1e30F, 1e30F, 1e30F, 1e30F, 1e30F}), "unsupported", "at index 2");
  CHECK_ERROR(with({NAN, 1, 1, 1, 1, 1, 1, 1}), "unsupported", "at index 0");
  CHECK_ERROR(with({1, 1}), "bad_checkpoint", "rope_freqs.weight", "[8]", "[2]");
  // every count of turning pairs survives the division, for every head size
  for (int pairs = 1; pairs <= 48; ++pairs) {
    for (int turning = 0; turning <= pairs; ++turning) {
      Gguf gguf;
      gguf.layers();
      gguf.writer.u32("gemma4.block_count", 5)
          .u32("gemma4.context_length", 256)
          .u32("gemma4.embedding_length", 32)
          .u32("gemma4.attention.head_count", 4);
      gguf.writer.u32("gemma4.attention.key_length", static_cast<std::uint32_t>(2 * pairs))
          .u32("gemma4.attention.shared_kv_layers", 2)
          .f32("gemma4.attention.layer_norm_rms_epsilon", 1e-6F);
      gguf.writer.u32("gemma4.attention.sliding_window", 7)
          .f32("gemma4.rope.freq_base", 1e6F)
          .u32("gemma4.vocab_size", 10);
      std::vector<float> divisors(static_cast<std::size_t>(pairs), 1e30F);
      std::fill_n(divisors.begin(), turning, 1.0F);
      gguf.writer.tensor("rope_freqs.weight", {pairs}, 0, f32_bytes(divisors));
      if (gemma4::graph::rotary_pairs(gguf.parse().rope_full, 2 * pairs) != static_cast<std::size_t>(turning))
        FAIL_CHECK(turning, " of ", pairs);
    }
    if (pairs >= 12) pairs += 8;
  }
}

TEST_CASE("config: GGUF, what is missing or wrong is named") {
  CHECK_ERROR(Gguf().parse(), "bad_config", "\"gemma4.block_count\" is missing");
  Gguf other;
  other.writer = GgufWriter();
  CHECK_ERROR(other.parse(), "bad_config", "general.architecture");
  other.writer.string("general.architecture", "llama");
  CHECK_ERROR(other.parse(), "unsupported", "general.architecture", "\"llama\"");
  CHECK_ERROR(Gguf().base().parse(), "bad_config", "gemma4.feed_forward_length");

  const auto with = [](auto change) {
    Gguf gguf;
    gguf.base();
    change(gguf.writer);
    gguf.layers();
    return gguf.parse();
  };
  CHECK_ERROR(with([](GgufWriter& w) { w.string("gemma4.rope.scaling.type", "yarn"); }), "unsupported", "\"yarn\"");
  CHECK_ERROR(with([](GgufWriter& w) { w.u32("gemma4.attention.value_length_swa", 9); }), "unsupported",
              "value_length_swa", "expected 8", "got 9");
  CHECK_ERROR(with([](GgufWriter& w) { w.u32("gemma4.rope.dimension_count", 4); }), "unsupported",
              "rope.dimension_count", "got 4");
  CHECK_ERROR(with([](GgufWriter& w) { w.f32("gemma4.final_logit_softcapping", NAN); }), "bad_config",
              "final_logit_softcapping", "finite", "nan");
  CHECK_ERROR(with([](GgufWriter& w) { w.u32("gemma4.expert_count", 8); }), "bad_config",
              "gemma4.expert_used_count\" is missing");
  CHECK_ERROR(with([](GgufWriter& w) { w.u32("tokenizer.ggml.eos_token_id", 100); }), "bad_config",
              "tokenizer.ggml.eos_token_id: expected a token id", "got 100");
  CHECK_ERROR(with([](GgufWriter& w) { w.i32s("tokenizer.ggml.eos_token_ids", {1, 100}); }), "bad_config",
              "tokenizer.ggml.eos_token_ids", "got 100");
  CHECK_ERROR(with([](GgufWriter& w) { w.string("gemma4.expert_count", "8"); }), "bad_format", "gemma4.expert_count",
              "expected an integer, got string");

  Gguf huge;
  huge.writer.u32("gemma4.block_count", 4000000000U);
  CHECK_ERROR(huge.parse(), "bad_config", "block_count", "4000000000");
  Gguf short_array;
  short_array.base().writer.i32s("gemma4.feed_forward_length", {48, 48});
  CHECK_ERROR(short_array.parse(), "bad_config", "feed_forward_length", "expected 5 elements", "got 2");
  Gguf negative;
  negative.base().writer.i32s("gemma4.feed_forward_length", {48, 48, -48, 48, 48});
  CHECK_ERROR(negative.parse(), "bad_config", "feed_forward_length", "-48");
}

TEST_CASE("config: GGUF, attn_v of all full layers or of none") {
  Gguf gguf;
  gguf.base();
  gguf.writer.u32("gemma4.feed_forward_length", 48).u32("gemma4.attention.head_count_kv", 2);
  gguf.writer.bools("gemma4.attention.sliding_window_pattern", {true, false, false, true, false})
      .tensor("blk.1.attn_v.weight", {1}, 0, raw(1.0F));
  CHECK_ERROR(gguf.parse(), "bad_checkpoint", "\"blk.2.attn_v.weight\" is missing", "\"blk.1.attn_v.weight\"");
}

TEST_CASE("sampler defaults: GGUF") {
  Gguf gguf;
  gguf.base().layers();
  gguf.writer.f32("general.sampling.temp", 0.7F)
      .f32("general.sampling.top_p", 0.9F)
      .i32("general.sampling.top_k", 20)
      .f32("general.sampling.xtc_probability", 0.25F)
      .f32("general.sampling.xtc_threshold", 0.2F)
      .i32s("tokenizer.ggml.suppress_tokens", {3});
  const auto checkpoint = gguf.open();
  const SamplerOptions options =
      gemma4::model::parse_sampler_defaults(*checkpoint, gemma4::model::parse_config(*checkpoint));
  CHECK(options.temperature == 0.7F);
  CHECK(options.top_p == 0.9F);
  CHECK(options.top_k == 20);
  CHECK(options.xtc_probability == 0.25F);
  CHECK(options.xtc_threshold == 0.2F);
  CHECK(options.suppress == std::vector<gemma4::TokenId>{3});
  Gguf edge;
  edge.base().layers();
  edge.writer.f32("general.sampling.top_p", 0.0F)
      .i32("general.sampling.top_k", -1)
      .i32("general.sampling.temp", 1)
      .f32("general.sampling.penalty_repeat", 1.5F)
      .i32("general.sampling.penalty_last_n", 256);
  const auto edge_checkpoint = edge.open();
  const SamplerOptions at_edge =
      gemma4::model::parse_sampler_defaults(*edge_checkpoint, gemma4::model::parse_config(*edge_checkpoint));
  CHECK(at_edge.top_p == 0.0F);
  CHECK(at_edge.top_k == 0);
  CHECK(at_edge.temperature == 1.0F);
  CHECK(at_edge.penalty_last_n == 256);
  CHECK_NOTHROW(gemma4::sampling::validate(at_edge));
  Gguf bad;
  bad.base().layers();
  bad.writer.f32("general.sampling.temp", NAN);
  const auto bad_checkpoint = bad.open();
  CHECK_ERROR(gemma4::model::parse_sampler_defaults(*bad_checkpoint, gemma4::model::parse_config(*bad_checkpoint)),
              "bad_config", "general.sampling.temp", "nan");
}
