// Models quantised to every element type of GGUF files: they load, and give the logits of the same weights in F32.
#include <doctest/doctest.h>

#include <limits>

#include "support/block_model.h"
#include "support/random_models.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

constexpr double kTolerance = 5e-5;         // F32 arithmetic: absolute, as in parity_test.cpp (1.0e-5 seen)
constexpr double kRoundedTolerance = 2e-3;  // activations of 16 bits: of the largest logit (5.7e-4 seen, over every kernel table)

Model load(const TempFolder& folder, const BlockModel& model, Compute compute) {
  ModelOptions options;
  options.threads = 2;
  options.compute = compute;
  return Model::load(folder.write("model.gguf", model.bytes()), options);
}

/// All logits of a prompt, then those of some steps; without the rounding of an F16 cache, which is larger than that of the
/// activations.
std::vector<Values> logits_of(const Model& model) {
  constexpr std::size_t kPrompt = 37, kSteps = 4;
  const std::vector<TokenId> tokens = Random(3).tokens(model, kPrompt + kSteps);
  SessionOptions options = sized(64, 24);
  options.kv_dtype = DType::f32;
  Session session(model, options);
  const Span<const TokenId> prompt(tokens.data(), kPrompt);
  std::vector<Values> result = {values(session.prefill(prompt, wanting(Want::all_logits)))};
  for (std::size_t i = kPrompt; i < tokens.size(); ++i) result.push_back(values(session.decode(tokens[i])));
  return result;
}

double largest(const Values& values) {
  double result = 0;
  for (const float value : values) result = std::max(result, static_cast<double>(std::abs(value)));
  return result;
}

const BlockType& type_named(const std::string& name) {
  for (const BlockType& t : block_types()) {
    if (name == formats::to_string(t.type)) return t;
  }
  throw std::runtime_error("no type " + name);
}

}  // namespace

TEST_CASE("every block type: logits of the quantised file are those of its values in F32") {
  for (const BlockType& t : block_types()) {
    CAPTURE(std::string(formats::to_string(t.type)));
    const TempFolder folder;
    const BlockModel model(t);
    const auto expected = logits_of(load(folder, model.widened(), Compute::f32));
    const auto exact = logits_of(load(folder, model, Compute::f32));
    const auto fast = logits_of(load(folder, model, Compute::automatic));
    REQUIRE(exact.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i);
      const double size = largest(expected[i]);
      CHECK(size > 1);
      CHECK(difference(exact[i], expected[i]) <= kTolerance);
      CHECK(difference(fast[i], expected[i]) <= kRoundedTolerance * size);
    }
  }
}

TEST_CASE("types that differ from tensor to tensor, as public files mix them") {
  const TempFolder folder;
  BlockModel mixed(type_named("Q4_K"));
  std::size_t next = 0;
  for (BlockModel::Tensor& tensor : mixed.tensors) {
    if (tensor.type != formats::DataType::q4_k) continue;
    const BlockType& t = block_types()[next++ % block_types().size()];
    tensor.data = BlockModel(t, next).tensor(tensor.name).data;
    tensor.type = t.type;
    tensor.id = t.id;
  }
  const auto expected = logits_of(load(folder, mixed.widened(), Compute::f32));
  const auto exact = logits_of(load(folder, mixed, Compute::f32));
  const auto fast = logits_of(load(folder, mixed, Compute::automatic));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(difference(exact[i], expected[i]) <= kTolerance);
    CHECK(difference(fast[i], expected[i]) <= kRoundedTolerance * largest(expected[i]));
  }
}

TEST_CASE("NVFP4: factors beside the weights multiply their products") {
  const TempFolder folder;
  BlockModel model(type_named("NVFP4"));
  BlockModel expected = model.widened();
  SplitMix random(9);
  const auto factor = [&] { return 0.5F + static_cast<float>(random.byte()) / 256; };
  const auto scale_part = [&](const std::string& name, std::size_t part, std::size_t parts, float by) {
    std::string& data = expected.tensor(name).data;
    for (std::size_t i = part * data.size() / parts; i < (part + 1) * data.size() / parts; i += sizeof(float)) {
      float value;
      std::memcpy(&value, data.data() + i, sizeof value);
      value *= by;
      std::memcpy(data.data() + i, &value, sizeof value);
    }
  };
  for (const std::string l : {"blk.0.", "blk.1.", "blk.2."}) {
    for (const std::string name : {"attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"}) {
      if (l == "blk.2." && (name == "attn_k" || name == "attn_v")) continue;
      const float by = factor();
      model.add_f32(l + name + ".scale", {by});
      model.add_f32(l + name + ".input_scale", {0.25F});
      scale_part(l + name + ".weight", 0, 1, by);
    }
    const float experts[] = {factor(), factor()};
    model.add_f32(l + "ffn_gate_up_exps.scale", {experts[0], experts[1]});
    for (std::size_t e = 0; e < 2; ++e) scale_part(l + "ffn_gate_up_exps.weight", e, 2, experts[e]);
  }
  const auto want = logits_of(load(folder, expected, Compute::f32));
  const auto exact = logits_of(load(folder, model, Compute::f32));
  const auto fast = logits_of(load(folder, model, Compute::automatic));
  for (std::size_t i = 0; i < want.size(); ++i) {
    CHECK(difference(exact[i], want[i]) <= kTolerance);
    CHECK(difference(fast[i], want[i]) <= kRoundedTolerance * largest(want[i]));
  }

  model.add_f32("token_embd.scale", {0.5F});
  CHECK_ERROR(load(folder, model, Compute::f32), "bad_checkpoint", "\"token_embd.scale\"", "no place");
}

TEST_CASE("a scale that is not finite: Error non_finite from prefill and decode, whatever computes") {
  for (const char* name : {"Q4_0", "Q8_0", "Q4_K", "Q6_K", "IQ4_XS"}) {
    CAPTURE(name);
    const BlockType& t = type_named(name);
    for (const std::uint16_t bits : {std::uint16_t{0x7E00}, std::uint16_t{0x7C00}, std::uint16_t{0xFC00}}) {
      for (const Compute compute : {Compute::f32, Compute::automatic}) {
        const TempFolder folder;
        BlockModel broken(t);
        set_block_scales(t, bits, 0, broken.tensor("blk.0.attn_output.weight").data.data());
        const Model model = load(folder, broken, compute);
        Session session(model, sized(64, 64));
        const std::vector<TokenId> tokens = Random(1).tokens(model, 40);
        CHECK_ERROR(session.prefill(tokens), "non_finite", "position");
        CHECK_ERROR(session.decode(tokens[0]), "non_finite", "position 0");
        CHECK(session.position() == 0);
      }
    }
  }
}

TEST_CASE("verify: finds what is not finite, and where, in every block type") {
  for (const BlockType& t : block_types()) {
    if (t.type == formats::DataType::nvfp4) continue;  // its scales have no such value
    CAPTURE(std::string(formats::to_string(t.type)));
    const TempFolder folder;
    BlockModel model(t);
    CHECK(load(folder, model, Compute::f32).verify().empty());

    const formats::DataTypeInfo& layout = formats::info(t.type);
    BlockModel::Tensor& tensor = model.tensor("blk.1.attn_output.weight");  // 512 x 256
    char* const block = tensor.data.data() + 100 * 512 / layout.block_elements * layout.block_bytes;
    set_block_scales(t, 0x7C00, 0, block);
    if (t.type == formats::DataType::mxfp4) std::memset(block, 0xFF, 17);  // -12 * 2^127
    const std::vector<TensorProblem> problems = load(folder, model, Compute::f32).verify();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].name == "layers.1.self_attn.o_proj.weight");
    CHECK(problems[0].dtype == layout.name);
    CHECK(problems[0].elements == 512 * 256);
    CHECK(problems[0].non_finite > 0);
    CHECK(problems[0].non_finite <= layout.block_elements);
    CHECK(problems[0].first >= 100 * 512);
    CHECK(problems[0].first < 100 * 512 + layout.block_elements);
  }
  const TempFolder folder;
  BlockModel model(type_named("Q4_0"));
  std::vector<float> norm(256, 1.0F);
  norm[7] = norm[9] = std::numeric_limits<float>::quiet_NaN();
  model.tensor("output_norm.weight").data = f32_bytes(norm);
  std::uint64_t last = 0, all = 1;
  const auto problems = load(folder, model, Compute::f32).verify([&](std::uint64_t done, std::uint64_t total) {
    CHECK(done >= last);
    last = done;
    all = total;
  });
  CHECK(last == all);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].name == "norm.weight");
  CHECK(problems[0].non_finite == 2);
  CHECK(problems[0].first == 7);
}

TEST_CASE("block types that cannot be: the error names the tensor") {
  const TempFolder folder;
  const auto broken = [&](const char* name, auto&& change) {
    BlockModel model(type_named("Q4_K"));
    change(model.tensor(name));
    return load(folder, model, Compute::automatic);
  };
  const char* const name = "blk.1.ffn_down.weight";
  const auto with_id = [](std::uint32_t id) { return [id](BlockModel::Tensor& t) { t.id = id; }; };
  for (const std::uint32_t id : {4U, 5U, 31U, 36U, 38U, 43U, 133U, 1U << 31}) {
    CHECK_ERROR(broken(name, with_id(id)), "unsupported", name, "type " + std::to_string(id));
  }
  for (const std::uint32_t id : {9U, 15U}) {  // Q8_1, Q8_K: activations
    const auto activations = [id](BlockModel::Tensor& t) { t.id = id, t.data.resize(300000); };
    CHECK_ERROR(broken(name, activations), "unsupported", name, "Q8_");
  }
  CHECK_ERROR(broken(name, with_id(8)), "bad_format", "overlaps tensor", name);  // Q8_0 needs more bytes
  CHECK_ERROR(broken(name, [](BlockModel::Tensor& t) { t.dims = {128, 512}; }), "bad_format", name, "rows of 128",
              "Q4_K needs a multiple of 256");
  CHECK_ERROR(broken(name, [](BlockModel::Tensor& t) { t.dims = {512, 128}; }), "bad_checkpoint", name,
              "expected shape");

  std::string bytes = BlockModel(type_named("Q4_K")).bytes();
  bytes.resize(bytes.size() - 64);
  CHECK_ERROR(Model::load(folder.write("short.gguf", bytes)), "bad_format", "tensor \"", "past the end of the file");
}
