// A small random model as a GGUF file whose matrices are of any one element type: rows of 256 and 512, every kind of
// layer part (sliding and full attention, KV sharing, experts, per-layer inputs).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bf16.h"
#include "support/file_writers.h"
#include "support/random_blocks.h"
#include "support/tokenizer_fixture.h"
#include "blocks/dequantize.h"

namespace gemma4::test {

/// Random blocks whose values have about this standard deviation.
inline std::string blocks_of_size(const BlockType& t, std::size_t elements, float size, SplitMix& random) {
  const formats::DataTypeInfo& layout = formats::info(t.type);
  const std::size_t n = elements / layout.block_elements;
  std::string blocks = random_bytes(t, n, random);
  // A minimum that centres the codes, in units of the scale. In K types it is subtracted.
  static const std::map<formats::DataType, float> kMinimum = {
      {formats::DataType::q4_1, -7.5F}, {formats::DataType::q5_1, -15.5F}, {formats::DataType::q2_k, 1.5F},
      {formats::DataType::q4_k, 7.5F},  {formats::DataType::q5_k, 15.5F}};
  const auto minimum = kMinimum.find(t.type);
  const auto set_scales = [&](float scale) {
    const std::uint16_t bits = base::float_to_f16(scale);
    const std::uint16_t min = minimum == kMinimum.end() ? 0 : base::float_to_f16(scale * minimum->second);
    for (std::size_t k = 0; k < n; ++k) {
      char* const block = blocks.data() + k * layout.block_bytes;
      set_block_scales(t, bits, min, block);
      // Scales of their own kinds, by powers of two: 2^-8 for values up to 12 and a size of 1/16.
      const int shift = static_cast<int>(std::lround(std::log2(16 * size)));
      if (t.type == formats::DataType::mxfp4) block[0] = static_cast<char>(120 + shift);
      if (t.type == formats::DataType::nvfp4) {
        for (int i = 0; i < 4; ++i) block[i] = static_cast<char>((block[i] & 7) + 8 * (1 + shift));
      }
    }
  };
  set_scales(1.0F / 64);
  std::vector<float> values(elements);
  blocks::dequantize(t.type, blocks.data(), values.data(), elements);
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  set_scales(size / 64 / static_cast<float>(std::sqrt(squares / static_cast<double>(elements))));
  return blocks;
}

/// The tensors of the model, by GGUF name; `write` makes a file of them.
class BlockModel {
 public:
  struct Tensor {
    std::string name;
    std::vector<std::int64_t> dims;  ///< GGUF order: fastest first.
    formats::DataType type;
    std::uint32_t id;
    std::string data;
  };
  std::vector<Tensor> tensors;

  /// Every matrix, and the norms before attention, of type `t`.
  explicit BlockModel(const BlockType& t, std::uint64_t seed = 1) : random_(seed) {
    const TestVocabulary vocabulary = small_vocabulary();
    const auto vocab = static_cast<std::int64_t>(vocabulary.tokens.size());
    matrix(t, "token_embd.weight", {kHidden, vocab}, 0.1F);
    matrix(t, "per_layer_token_embd.weight", {kPerLayer * kLayers, vocab});
    matrix(t, "per_layer_model_proj.weight", {kHidden, kPerLayer * kLayers});
    vector("per_layer_proj_norm.weight", kPerLayer);
    vector("output_norm.weight", kHidden);
    for (std::int64_t l = 0; l < kLayers; ++l) layer(t, "blk." + std::to_string(l) + ".", l);
  }

  Tensor& tensor(const std::string& name) {
    const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
    if (found == tensors.end()) throw std::runtime_error("no tensor " + name);
    return *found;
  }

  /// The same model with every tensor widened to F32.
  BlockModel widened() const {
    BlockModel result = *this;
    for (Tensor& t : result.tensors) {
      std::size_t elements = 1;
      for (const std::int64_t dim : t.dims) elements *= static_cast<std::size_t>(dim);
      std::vector<float> values(elements);
      blocks::dequantize(t.type, t.data.data(), values.data(), elements);
      t.data = f32_bytes(values);
      t.type = formats::DataType::f32;
      t.id = 0;
    }
    return result;
  }

  std::string bytes() const {
    GgufWriter file;
    file.string("general.architecture", "gemma4");
    const auto u32 = [&](const char* key, std::int64_t value) {
      file.u32(std::string("gemma4.") + key, static_cast<std::uint32_t>(value));
    };
    u32("block_count", kLayers);
    u32("context_length", 512);
    u32("embedding_length", kHidden);
    u32("feed_forward_length", kWidth);
    u32("attention.head_count", kHeads);
    u32("attention.head_count_kv", kKvHeads);
    u32("attention.key_length", kFullHead);
    u32("attention.value_length", kFullHead);
    u32("attention.key_length_swa", kSlidingHead);
    u32("attention.value_length_swa", kSlidingHead);
    file.f32("gemma4.attention.layer_norm_rms_epsilon", 1e-6F);
    u32("attention.sliding_window", 16);
    file.bools("gemma4.attention.sliding_window_pattern", {true, false, true});
    u32("attention.shared_kv_layers", 1);
    u32("embedding_length_per_layer_input", kPerLayer);
    file.f32("gemma4.rope.freq_base", 1e6F).f32("gemma4.rope.freq_base_swa", 1e4F);
    u32("rope.dimension_count", kFullHead);
    u32("rope.dimension_count_swa", kSlidingHead);
    file.f32("gemma4.final_logit_softcapping", 30);
    u32("expert_count", kExperts);
    u32("expert_used_count", kExperts);
    u32("expert_feed_forward_length", kWidth);

    const TestVocabulary v = small_vocabulary();
    std::vector<std::int32_t> types;
    std::vector<std::string> merges;
    for (const std::string& token : v.tokens) {
      const bool special = std::find(v.special.begin(), v.special.end(), token) != v.special.end();
      types.push_back(special ? 3 : token.size() == 6 && token.substr(0, 3) == "<0x" ? 6 : 1);
    }
    for (const auto& [left, right] : v.merges) merges.push_back(left + " " + right);
    file.string("tokenizer.ggml.model", "gemma4").strings("tokenizer.ggml.tokens", v.tokens);
    file.i32s("tokenizer.ggml.token_type", types).strings("tokenizer.ggml.merges", merges);
    file.u32("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(v.id("<bos>")));
    file.u32("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(v.id("<eos>")));
    file.u32("tokenizer.ggml.padding_token_id", static_cast<std::uint32_t>(v.id("<pad>")));
    for (const Tensor& t : tensors) file.tensor(t.name, t.dims, t.id, t.data);
    return file.bytes();
  }

  void add_f32(const std::string& name, const std::vector<float>& values) {
    tensors.push_back({name, {static_cast<std::int64_t>(values.size())}, formats::DataType::f32, 0, f32_bytes(values)});
  }

 private:
  static constexpr std::int64_t kHidden = 256, kLayers = 3, kWidth = 256, kHeads = 4, kKvHeads = 2, kExperts = 2;
  static constexpr std::int64_t kSlidingHead = 64, kFullHead = 128, kPerLayer = 256;

  void matrix(const BlockType& t, const std::string& name, const std::vector<std::int64_t>& dims, float size = 0) {
    std::size_t elements = 1;
    for (const std::int64_t dim : dims) elements *= static_cast<std::size_t>(dim);
    if (size == 0) size = 1 / std::sqrt(static_cast<float>(dims[0]));
    tensors.push_back({name, dims, t.type, t.id, blocks_of_size(t, elements, size, random_)});
  }
  /// F32 around `size`.
  void vector(const std::string& name, std::int64_t n, float size = 1) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& value : values) value = size * (0.5F + static_cast<float>(random_.byte()) / 256);
    add_f32(name, values);
  }

  void layer(const BlockType& t, const std::string& p, std::int64_t index) {
    const bool sliding = index != 1, owns_cache = index < kLayers - 1;
    const std::int64_t head = sliding ? kSlidingHead : kFullHead;
    // Scores are not divided by sqrt(head): this gives them a deviation near 2, where norms near 1 make a chaotic net.
    const float score_norm = std::sqrt(2 / std::sqrt(static_cast<float>(head)));
    matrix(t, p + "attn_norm.weight", {kHidden}, 1);
    matrix(t, p + "attn_q.weight", {kHidden, kHeads * head});
    matrix(t, p + "attn_output.weight", {kHeads * head, kHidden});
    vector(p + "attn_q_norm.weight", head, score_norm);
    if (owns_cache) {
      matrix(t, p + "attn_k.weight", {kHidden, kKvHeads * head});
      matrix(t, p + "attn_v.weight", {kHidden, kKvHeads * head});
      vector(p + "attn_k_norm.weight", head, score_norm);
    }
    for (const char* norm : {"post_attention_norm", "ffn_norm", "post_ffw_norm", "post_ffw_norm_1", "pre_ffw_norm_2",
                             "post_ffw_norm_2", "post_norm"}) {
      vector(p + norm + ".weight", kHidden);
    }
    matrix(t, p + "ffn_gate.weight", {kHidden, kWidth});
    matrix(t, p + "ffn_up.weight", {kHidden, kWidth});
    matrix(t, p + "ffn_down.weight", {kWidth, kHidden});
    matrix(t, p + "ffn_gate_inp.weight", {kHidden, kExperts});
    vector(p + "ffn_gate_inp.scale", kHidden);
    vector(p + "ffn_down_exps.scale", kExperts);
    matrix(t, p + "ffn_gate_up_exps.weight", {kHidden, 2 * kWidth, kExperts});
    matrix(t, p + "ffn_down_exps.weight", {kWidth, kHidden, kExperts});
    matrix(t, p + "inp_gate.weight", {kHidden, kPerLayer});
    matrix(t, p + "proj.weight", {kPerLayer, kHidden});
    vector(p + "layer_output_scale.weight", 1);
  }

  SplitMix random_;
};

}  // namespace gemma4::test
