#include "weights/checkpoint.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "support/file_writers.h"
#include "weights/name_map.h"
#include "weights/tensor_ledger.h"

using gemma4::DType;
using gemma4::ModelConfig;
using gemma4::test::f32_bytes;
using gemma4::test::GgufWriter;
using gemma4::test::SafetensorsWriter;
using gemma4::test::TempFolder;
using gemma4::weights::canonical_from_gguf;
using gemma4::weights::canonical_from_hf;
using gemma4::weights::Checkpoint;
using gemma4::weights::ignore_reason;
using gemma4::weights::TensorLedger;

namespace {

std::string one_tensor(const std::string& name, const std::string& dtype = "F32") {
  SafetensorsWriter writer;
  writer.add(name, dtype, {2}, std::string(dtype == "F32" ? 8 : 2, '\1'));
  return writer.bytes();
}

/// A folder with config.json and an index over the given shards.
struct Sharded {
  TempFolder folder;
  void index(const std::string& weight_map) const {
    folder.write("config.json", "{}");
    folder.write("model.safetensors.index.json",
                 "{\"metadata\":{\"total_size\":1},\"weight_map\":{" + weight_map + "}}");
  }
};

}  // namespace

TEST_CASE("names: HF prefixes and spellings of the experts") {
  CHECK(canonical_from_hf("model.language_model.layers.3.self_attn.q_proj.weight") ==
        "layers.3.self_attn.q_proj.weight");
  CHECK(canonical_from_hf("model.layers.3.layer_scalar") == "layers.3.layer_scalar");
  CHECK(canonical_from_hf("language_model.model.norm.weight") == "norm.weight");
  CHECK(canonical_from_hf("language_model.lm_head.weight") == "lm_head.weight");
  CHECK(canonical_from_hf("lm_head.weight") == "lm_head.weight");
  CHECK(canonical_from_hf("model.vision_tower.x") == "vision_tower.x");
  CHECK(canonical_from_hf("model.layers.0.mlp.experts.gate_up_proj") == "layers.0.experts.gate_up_proj");
  CHECK(canonical_from_hf("model.layers.0.experts.down_proj") == "layers.0.experts.down_proj");
  CHECK(canonical_from_hf("model.layers.0.mlp.up_proj.weight") == "layers.0.mlp.up_proj.weight");
}

TEST_CASE("names: GGUF") {
  CHECK(canonical_from_gguf("token_embd.weight") == "embed_tokens.weight");
  CHECK(canonical_from_gguf("output.weight") == "lm_head.weight");
  CHECK(canonical_from_gguf("blk.12.attn_q.weight") == "layers.12.self_attn.q_proj.weight");
  CHECK(canonical_from_gguf("blk.0.post_norm.weight") == "layers.0.post_per_layer_input_norm.weight");
  CHECK(canonical_from_gguf("blk.0.post_ffw_norm.weight") == "layers.0.post_feedforward_layernorm.weight");
  CHECK(canonical_from_gguf("blk.0.post_attention_norm.weight") == "layers.0.post_attention_layernorm.weight");
  CHECK(canonical_from_gguf("blk.0.ffn_gate_inp.scale") == "layers.0.router.scale");
  CHECK(canonical_from_gguf("blk.0.ffn_gate_inp.per_expert_scale") == "layers.0.router.per_expert_scale");
  CHECK(canonical_from_gguf("blk.0.ffn_gate_exps.weight") == "layers.0.experts.gate_proj");
  CHECK(canonical_from_gguf("blk.0.layer_output_scale.weight") == "layers.0.layer_scalar");
  CHECK(canonical_from_gguf("blk.0.attn_q.scale") == "layers.0.self_attn.q_proj.scale");
  CHECK(canonical_from_gguf("blk.0.ffn_gate_up_exps.scale") == "layers.0.experts.gate_up_proj.scale");
  CHECK(canonical_from_gguf("blk.0.ffn_down_exps.scale") == "layers.0.router.per_expert_scale");
  CHECK(canonical_from_gguf("blk.0.ffn_down_exps.input_scale") == "layers.0.experts.down_proj.input_scale");
  for (const char* unknown :
       {"blk.0.nothing.scale", "scale", ".scale", "blk.x.attn_q.weight", "blk.-1.attn_q.weight", "blk.01.attn_q.weight", "blk.1",
        "blk.99999999999.attn_q.weight", "v.blk.0.attn_q.weight"}) {
    CHECK(canonical_from_gguf(unknown) == unknown);
  }
}

TEST_CASE("names: what may stay unused") {
  ModelConfig config;
  config.num_hidden_layers = 4;
  config.num_kv_shared_layers = 2;
  CHECK(ignore_reason("vision_tower.encoder.x", config));
  CHECK(ignore_reason("embed_audio.embedding_projection.weight", config));
  CHECK(ignore_reason("rope_freqs.weight", config));
  CHECK(ignore_reason("layers.2.self_attn.k_proj.weight", config));
  CHECK(ignore_reason("layers.3.self_attn.k_norm.weight", config));
  CHECK(ignore_reason("layers.3.self_attn.v_proj.scale", config));
  CHECK(ignore_reason("layers.0.mlp.up_proj.input_scale", config));
  CHECK_FALSE(ignore_reason("layers.0.mlp.up_proj.scale", config));
  CHECK_FALSE(ignore_reason("layers.1.self_attn.k_proj.weight", config));
  CHECK_FALSE(ignore_reason("layers.4.self_attn.k_proj.weight", config));
  CHECK_FALSE(ignore_reason("layers.3.self_attn.q_proj.weight", config));
  CHECK(ignore_reason("lm_head.weight", config));
  config.tie_word_embeddings = false;
  CHECK_FALSE(ignore_reason("lm_head.weight", config));
}

TEST_CASE("checkpoint: a folder with one file") {
  const TempFolder folder;
  folder.write("config.json", "{\"a\":1}");
  folder.write("model.safetensors", one_tensor("model.norm.weight"));
  const auto checkpoint = Checkpoint::open(folder.path());
  CHECK(checkpoint->gguf() == nullptr);
  CHECK(checkpoint->config_json()->root().at("a").as_int() == 1);
  CHECK(checkpoint->generation_config_json() == nullptr);
  REQUIRE(checkpoint->find("norm.weight") != nullptr);
  CHECK(checkpoint->find("norm.weight")->entry.name == "model.norm.weight");
  CHECK(checkpoint->find("model.norm.weight") == nullptr);
  CHECK(checkpoint->tensor_bytes() == 8);
  folder.write("generation_config.json", "{}");
  CHECK(Checkpoint::open(folder.path(), false)->generation_config_json() != nullptr);
}

TEST_CASE("checkpoint: what is not one") {
  const TempFolder folder;
  CHECK_ERROR(Checkpoint::open(folder.path() + "/none"), "not_found", "none");
  CHECK_ERROR(Checkpoint::open(folder.path()), "not_found", "config.json");
  const std::string config = folder.write("config.json", "{}");
  CHECK_ERROR(Checkpoint::open(folder.path()), "not_found",
              "expected model.safetensors or model.safetensors.index.json");
  CHECK_ERROR(Checkpoint::open(config), "bad_format", "config.json", "expected a GGUF file", "folder");
  CHECK_ERROR(Checkpoint::open(folder.write("empty.gguf", "")), "bad_format", "expected a GGUF file");
  folder.write("model.safetensors", "");
  CHECK_ERROR(Checkpoint::open(folder.path()), "bad_format", "model.safetensors", "0 bytes");
  folder.write("generation_config.json", "{");
  CHECK_ERROR(Checkpoint::open(folder.path()), "bad_format", "generation_config.json");
  folder.write("config.json", "");
  CHECK_ERROR(Checkpoint::open(folder.path()), "bad_format", "config.json", "ends at byte 0");
}

TEST_CASE("checkpoint: shards") {
  const Sharded sharded;
  sharded.index(R"("model.a":"s1.safetensors","model.b":"s2.safetensors")");
  sharded.folder.write("s1.safetensors", one_tensor("model.a"));
  sharded.folder.write("s2.safetensors", one_tensor("model.b"));
  const auto checkpoint = Checkpoint::open(sharded.folder.path());
  CHECK(checkpoint->find("a") != nullptr);
  CHECK(checkpoint->find("b") != nullptr);

  sharded.folder.write("s2.safetensors", one_tensor("model.a"));
  CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "bad_checkpoint", "\"model.b\"", "expected in s2.safetensors",
              "in no shard");
  sharded.folder.write("s2.safetensors", one_tensor("model.c"));
  CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "bad_checkpoint", "\"model.b\"", "expected in s2.safetensors",
              "in no shard");
  sharded.index(R"("model.a":"s2.safetensors","model.c":"s1.safetensors")");
  CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "bad_checkpoint", "\"model.a\"",
              "expected in s2.safetensors, found in s1.safetensors");
  sharded.index(R"("model.a":"s3.safetensors")");
  CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "not_found", "s3.safetensors");
  sharded.index(R"("model.a":5)");
  CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "bad_format", "weight_map.model.a", "expected a string");
  sharded.index(R"("model.a":"s1.safetensors","model.a":"s2.safetensors")");
  CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "bad_format", "weight_map", "appears twice");
  sharded.folder.write("model.safetensors.index.json", "{}");
  CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "bad_format", "index.json", "weight_map");
}

TEST_CASE("checkpoint: an index may not lead out of its folder") {
  const Sharded sharded;
  for (const char* name : {"../x.safetensors", "/etc/passwd", "a/../../b.safetensors", "./../x", "a/..", "a/", "./",
                           "a\\\\b", "..", ".", "", "a\\u0000b"}) {
    CAPTURE(name);
    sharded.index(std::string("\"model.a\":\"") + name + "\"");
    CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "bad_format", "weight_map.model.a",
                "a file in the same folder");
  }
}

TEST_CASE("checkpoint: the index says which file's copy of a tensor counts") {
  const Sharded sharded;
  const auto with = [](const char* a, const char* b) {
    SafetensorsWriter writer;
    writer.add("model.a", "U8", {1}, a);
    writer.add("model.b", "U8", {1}, b);
    return writer.bytes();
  };
  sharded.folder.write("base.safetensors", with("1", "2"));
  sharded.folder.write("overlay.safetensors", with("3", "4"));
  const auto value = [&](const char* name) {
    const auto checkpoint = Checkpoint::open(sharded.folder.path());
    return static_cast<char>(*checkpoint->find(name)->entry.data);
  };
  sharded.index(R"("model.a":"overlay.safetensors","model.b":"base.safetensors")");
  CHECK(value("a") == '3');
  CHECK(value("b") == '2');
  sharded.index(R"("model.a":"base.safetensors","model.b":"overlay.safetensors")");
  CHECK(value("a") == '1');
  CHECK(value("b") == '4');
  // One that the index does not list must not stand in two files.
  sharded.index(R"("model.a":"base.safetensors","model.c":"overlay.safetensors")");
  CHECK_ERROR(Checkpoint::open(sharded.folder.path()), "bad_checkpoint", "\"model.b\" is in base.safetensors, too");
}

TEST_CASE("checkpoint: an index may spell files with ./ and name files in folders below") {
  const Sharded sharded;
  std::filesystem::create_directories(sharded.folder.path() + "/sub/deep");
  sharded.folder.write("s1.safetensors", one_tensor("model.a"));
  sharded.folder.write("sub/deep/s2.safetensors", one_tensor("model.b"));
  sharded.index(R"("model.a":"./s1.safetensors","model.b":"sub/./deep//s2.safetensors")");
  auto checkpoint = Checkpoint::open(sharded.folder.path());
  CHECK(checkpoint->find("a") != nullptr);
  CHECK(checkpoint->find("b") != nullptr);
  CHECK(checkpoint->files().size() == 2);
  SafetensorsWriter both;
  both.add("model.a", "U8", {1}, "a");
  both.add("model.b", "U8", {1}, "b");
  sharded.folder.write("s1.safetensors", both.bytes());
  sharded.index(R"("model.a":"./s1.safetensors","model.b":"sub/../s1.safetensors")");
  checkpoint = Checkpoint::open(sharded.folder.path());  // one file, however it is spelt
  CHECK(checkpoint->files().size() == 1);
}

TEST_CASE("checkpoint: what stands where a file should is called by its name") {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9262000000\n";
  const std::string page = "\n<!DOCTYPE html><html><body>Sign in</body></html>";
  for (const char* file : {"config.json", "model.safetensors", "generation_config.json", "model.safetensors.index.json"}) {
    const TempFolder folder;
    folder.write("config.json", "{}");
    if (file != std::string("model.safetensors.index.json")) folder.write("model.safetensors", one_tensor("model.a"));
    folder.write(file, pointer);
    CHECK_ERROR(Checkpoint::open(folder.path()), "bad_format", file, "git-lfs pointer", "git lfs pull");
    folder.write(file, page);
    CHECK_ERROR(Checkpoint::open(folder.path()), "bad_format", file, "an HTML page");
  }
  const TempFolder folder;
  CHECK_ERROR(Checkpoint::open(folder.write("model.gguf", pointer)), "bad_format", "model.gguf", "git-lfs pointer");
  CHECK_ERROR(Checkpoint::open(folder.path()), "bad_format", "model.gguf", "git-lfs pointer");
  CHECK_ERROR(Checkpoint::open(folder.write("model.gguf", page)), "bad_format", "model.gguf", "an HTML page");
}

TEST_CASE("checkpoint: a folder that holds one GGUF model stands for it") {
  const auto gguf = [](const char* architecture, const char* type) {
    GgufWriter writer;
    writer.string("general.architecture", architecture).string("general.type", type);
    writer.tensor("output_norm.weight", {2}, 0, f32_bytes({1, 2}));
    return writer.bytes();
  };
  const TempFolder folder;
  const std::string model = folder.write("model-Q4_0.gguf", gguf("gemma4", "model"));
  CHECK(Checkpoint::open(folder.path())->path() == model);
  folder.write("config.json", "{}");  // as folders of GGUF files have, too
  folder.write("mmproj-F16.gguf", gguf("clip", "mmproj"));
  folder.write("mtp-Q8_0.gguf", gguf("gemma4-assistant", "model"));
  folder.write("imatrix.gguf", gguf("", "imatrix"));
  CHECK(Checkpoint::open(folder.path())->path() == model);
  folder.write("model-Q8_0.gguf", gguf("gemma4", "model"));
  CHECK_ERROR(Checkpoint::open(folder.path()), "not_found", "found 2", "model-Q4_0.gguf, model-Q8_0.gguf");
  folder.write("model.safetensors", one_tensor("model.norm.weight"));
  CHECK(Checkpoint::open(folder.path())->gguf() == nullptr);
}

TEST_CASE("checkpoint: two spellings of one tensor") {
  const TempFolder folder;
  folder.write("config.json", "{}");
  SafetensorsWriter writer;
  writer.add("model.norm.weight", "U8", {1}, "a");
  writer.add("model.language_model.norm.weight", "U8", {1}, "b");
  folder.write("model.safetensors", writer.bytes());
  CHECK_ERROR(Checkpoint::open(folder.path()), "bad_checkpoint", "\"model.norm.weight\"",
              "\"model.language_model.norm.weight\"");
}

TEST_CASE("checkpoint: tensors at odd addresses are aligned") {
  const TempFolder folder;
  folder.write("config.json", "{}");
  SafetensorsWriter writer;
  writer.add("model.byte", "U8", {1}, "a");
  writer.add("model.norm.weight", "F32", {2}, f32_bytes({1.5F, -2}));
  for (int padding = 0; padding < 8; ++padding) {
    CAPTURE(padding);
    folder.write("model.safetensors", writer.bytes(padding));
    for (const bool use_mmap : {true, false}) {
      const auto checkpoint = Checkpoint::open(folder.path(), use_mmap);
      TensorLedger ledger(*checkpoint);
      const auto view = ledger.take("norm.weight", {2});
      REQUIRE(reinterpret_cast<std::uintptr_t>(view.data) % 4 == 0);
      CHECK(static_cast<const float*>(view.data)[1] == -2);
    }
  }
}

TEST_CASE("checkpoint: a GGUF file, whatever it is called") {
  const TempFolder folder;
  GgufWriter writer;
  writer.string("general.architecture", "gemma4")
      .tensor("output_norm.weight", {2}, 0, f32_bytes({1, 2}))
      .tensor("rope_freqs.weight", {1}, 0, f32_bytes({1}));
  const auto checkpoint = Checkpoint::open(folder.write("model.bin", writer.bytes()));
  CHECK(checkpoint->gguf() != nullptr);
  CHECK(checkpoint->config_json() == nullptr);
  REQUIRE(checkpoint->find("norm.weight") != nullptr);
  CHECK(checkpoint->find("norm.weight")->entry.shape == std::vector<std::int64_t>{2});
}

TEST_CASE("ledger: shapes, types, missing and forgotten tensors") {
  const TempFolder folder;
  folder.write("config.json", "{}");
  SafetensorsWriter writer;
  writer.add("model.norm.weight", "BF16", {2}, std::string(4, '\0'));
  writer.add("model.layers.0.layer_scalar", "F32", {}, f32_bytes({0.5F}));
  writer.add("model.embed_tokens.weight", "I8", {2, 2}, std::string(4, '\0'));
  writer.add("model.vision_tower.x", "F64", {1}, std::string(8, '\0'));
  folder.write("model.safetensors", writer.bytes());
  const auto checkpoint = Checkpoint::open(folder.path());
  TensorLedger ledger(*checkpoint);
  ModelConfig config;
  config.num_hidden_layers = 1;

  const auto norm = ledger.take("norm.weight", {2});
  CHECK(norm.dtype == gemma4::formats::DataType::bf16);
  CHECK(norm.elements() == 2);
  CHECK(norm.bytes() == 4);
  CHECK_ERROR(ledger.take("norm.weight", {3}), "bad_checkpoint", "\"model.norm.weight\"", "expected shape [3]",
              "got [2]");
  CHECK_ERROR(ledger.take("norm.weight", {2, 1}), "bad_checkpoint", "expected shape [2, 1]");
  CHECK_ERROR(ledger.take("layers.0.input_layernorm.weight", {2}), "bad_checkpoint",
              "\"layers.0.input_layernorm.weight\" is missing", "[2]");
  CHECK_ERROR(ledger.take("embed_tokens.weight", {2, 2}), "unsupported", "\"model.embed_tokens.weight\"", "I8");
  CHECK_FALSE(ledger.take_if_present("layers.0.experts.gate_proj", {2}));
  CHECK(ledger.has("layers.0.layer_scalar"));
  CHECK_ERROR(ledger.finish(config), "bad_checkpoint", "\"model.layers.0.layer_scalar\"");
  CHECK(ledger.take("layers.0.layer_scalar", {1}).shape == std::vector<std::int64_t>{1});  // [] and [1] are the same
  CHECK_ERROR(ledger.finish(config), "bad_checkpoint", "\"model.embed_tokens.weight\" [2, 2]",
              "no place in the decoder");
}
