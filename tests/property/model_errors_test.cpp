// Bad input at the level of Model and Session: an Error with a code and a message that helps, and never anything else.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <limits>

#include "formats/safetensors.h"
#include "matmul/dense.h"
#include "session/session.h"
#include "support/file_writers.h"
#include "support/random_models.h"

using namespace gemma4;
using namespace gemma4::test;
namespace fs = std::filesystem;

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A copy of a checkpoint folder, to be damaged.
class Damaged {
 public:
  explicit Damaged(const std::string& name = "odd-f32") {
    for (const auto& entry : fs::directory_iterator(checkpoint_folder(name))) fs::copy(entry.path(), folder_.path());
    const auto file = formats::SafetensorsFile::open(path("model.safetensors"));
    for (const formats::TensorEntry& t : file.tensors()) {
      tensors.push_back({t.name, formats::to_string(t.type), t.shape, std::string(reinterpret_cast<const char*>(t.data), t.bytes)});
    }
  }

  struct Tensor {
    std::string name, dtype;
    std::vector<std::int64_t> shape;
    std::string data;
  };
  std::vector<Tensor> tensors;
  /// The first tensor whose name ends so.
  Tensor& tensor(const std::string& end) {
    for (Tensor& t : tensors) {
      if (t.name.size() >= end.size() && t.name.compare(t.name.size() - end.size(), end.size(), end) == 0) return t;
    }
    throw std::runtime_error("no tensor " + end);
  }
  /// F32 elements of a tensor become `value`.
  void fill(const std::string& name, std::size_t begin, std::size_t count, float value) {
    Tensor& t = tensor(name);
    for (std::size_t i = begin; i < begin + count; ++i) std::memcpy(t.data.data() + i * sizeof value, &value, sizeof value);
  }

  std::string path(const std::string& file) const { return folder_.path() + "/" + file; }
  void write(const std::string& file, const std::string& bytes) const { folder_.write(file, bytes); }
  /// "key": value in config.json, whatever it was.
  void config(const std::string& key, const std::string& value) const {
    std::string json = read_file(path("config.json"));
    const std::string quoted = "\"" + key + "\": ";
    std::size_t found = 0;
    for (std::size_t at = 0; (at = json.find(quoted, at)) != std::string::npos; ++found) {
      at += quoted.size();
      const std::size_t end = json[at] == '[' ? json.find(']', at) + 1 : json.find_first_of(",\n", at);
      json.replace(at, end - at, value);
    }
    REQUIRE_MESSAGE(found != 0, key);
    write("config.json", json);
  }
  Model load() const {
    SafetensorsWriter writer;
    for (const Tensor& t : tensors) writer.add(t.name, t.dtype, t.shape, t.data);
    write("model.safetensors", writer.bytes());
    return load_as_is();
  }
  Model load_as_is() const {
    ModelOptions options;
    options.threads = 2;
    return Model::load(folder_.path(), options);
  }

 private:
  TempFolder folder_;
};

Model load_with(int threads) {
  ModelOptions options;
  options.threads = threads;
  return Model::load(checkpoint_folder("odd-f32"), options);
}

}  // namespace

TEST_CASE("tokens that are no tokens, and too many of them: refused before anything is computed") {
  const RandomModel& m = random_model("odd-f32");
  const std::string vocab = std::to_string(m.model.config().vocab_size);
  const auto past = static_cast<TokenId>(m.model.config().vocab_size);
  Session session(m.model, sized(20, 4)), twin(m.model, sized(20, 4));
  const std::vector<TokenId> tokens = Random(1).tokens(m.model, 15);
  session.prefill(tokens);
  const Values before = values(twin.prefill(tokens));
  bool computed = false;
  session.impl()->set_probe([&](int, const float*, std::size_t, std::size_t) { computed = true; });
  for (const TokenId bad : {TokenId{-1}, past, std::numeric_limits<TokenId>::max(), std::numeric_limits<TokenId>::min()}) {
    CHECK_ERROR(session.prefill(std::vector<TokenId>{1, 2, bad}), "token_out_of_range", "token 2", "[0, " + vocab + ")", std::to_string(bad));
    CHECK_ERROR(session.decode(bad), "token_out_of_range", "[0, " + vocab + ")", std::to_string(bad));
  }
  CHECK_ERROR(session.prefill(std::vector<TokenId>{1, 2, 3, 4, 5, 6}), "context_full", "context_length is 20", "holds 15", "6 more");
  CHECK_ERROR(session.prefill(std::vector<TokenId>(1000, 1)), "context_full", "1000 more");
  CHECK_ERROR(session.prefill(std::vector<TokenId>{}), "invalid_argument", "at least one token");
  for (const std::vector<int>& rows : {std::vector<int>{-1}, {3}, {0, 0}, {2, 1}, {0, 1, 2, 3}}) {
    PrefillOptions options = wanting(Want::rows);
    options.rows = rows;
    CHECK_ERROR(session.prefill(std::vector<TokenId>{1, 2, 3}, options), "invalid_argument", "rows", "[0, 3)");
  }
  CHECK_ERROR(session.truncate(16), "invalid_argument", "truncate", "15", "16");
  CHECK_FALSE(computed);
  CHECK(session.position() == 15);
  CHECK(same_bits(session.impl()->last_logits(), before));
  CHECK(same_bits(values(session.prefill(std::vector<TokenId>{1, 2, 3, 4})), twin.prefill(std::vector<TokenId>{1, 2, 3, 4})));
  session.decode(5);
  CHECK_ERROR(session.decode(5), "context_full", "context_length is 20", "1 more");
}

TEST_CASE("options outside their range") {
  for (const int threads : {0, -2, std::numeric_limits<int>::min()}) {
    CHECK_ERROR(load_with(threads), "invalid_argument", "threads", "at least 1", std::to_string(threads));
  }
  CHECK_ERROR(load_with(1 << 20), "invalid_argument", "threads", "1048576");
  const Model& model = random_model("odd-f32").model;
  CHECK_ERROR(Session(model, sized(0, 4)), "invalid_argument", "context_length", "at least 1", "got 0");
  CHECK_ERROR(Session(model, sized(-5, 4)), "invalid_argument", "context_length", "got -5");
  CHECK_ERROR(Session(model, sized(8, 0)), "invalid_argument", "prefill_chunk", "got 0");
  constexpr int kHuge = std::numeric_limits<int>::max();
  CHECK_ERROR(Session(model, sized(kHuge, 4)), "out_of_memory", "KV cache", "MiB");
  CHECK_ERROR(Session(model, sized(kHuge, kHuge)), "out_of_memory", "MiB");
  CHECK(Session(model, sized(4, kHuge)).context_length() == 4);

  const char* const before = std::getenv("GEMMA4_FORCE_ISA");
  const std::string forced = before == nullptr ? "" : before;
  ::setenv("GEMMA4_FORCE_ISA", "z80", 1);
  CHECK_ERROR(load_with(1), "invalid_argument", "GEMMA4_FORCE_ISA=z80", "expected one of baseline");
  ::setenv("GEMMA4_FORCE_ISA", "baseline", 1);
  CHECK(load_with(1).isa() == std::string("baseline"));
  if (forced.empty()) {
    ::unsetenv("GEMMA4_FORCE_ISA");
  } else {
    ::setenv("GEMMA4_FORCE_ISA", forced.c_str(), 1);
  }
}

TEST_CASE("weights that are not finite: Error non_finite, and the session is usable") {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  for (const float poison : {kNan, kInf, -kInf}) {
    Damaged everywhere;
    everywhere.fill("layers.3.mlp.down_proj.weight", 5, 1, poison);
    const Model model = everywhere.load();
    Session session(model, sized(40, 8));
    CHECK_ERROR(session.prefill(std::vector<TokenId>{1, 2, 3}), "non_finite", "position 0");
    CHECK_ERROR(session.prefill(std::vector<TokenId>{1, 2, 3}, wanting(Want::hidden_states)), "non_finite", "position 0");
    CHECK_ERROR(session.decode(1), "non_finite", "position 0");
    CHECK(session.position() == 0);
    CHECK(session.impl()->last_logits().empty());
  }
  // Poison that one token brings.
  constexpr TokenId kBad = 17;
  Damaged damaged;
  const auto width = static_cast<std::size_t>(damaged.tensor("embed_tokens_per_layer.weight").shape[1]);
  damaged.fill("embed_tokens_per_layer.weight", kBad * width, width, kNan);
  const RandomModel m{"odd-f32 with a bad token", damaged.load()};
  Session session(m.model, sized(60, 8));
  std::vector<TokenId> tokens(30, 3);
  session.prefill(tokens);
  CHECK_ERROR(session.decode(kBad), "non_finite", "position 30");
  CHECK_ERROR(session.prefill(std::vector<TokenId>{1, kBad, 3}), "non_finite", "position 30");
  CHECK(session.position() == 30);
  // In the second of three chunks whose logits nobody wants.
  std::vector<TokenId> more(24, 4);
  more[9] = kBad;
  CHECK_ERROR(session.prefill(more), "non_finite", "position 38");
  REQUIRE(session.position() == 38);
  tokens.insert(tokens.end(), 8, 4);
  tokens.insert(tokens.end(), 10, 5);
  CHECK(close(m, values(session.prefill(std::vector<TokenId>(10, 5))), fresh_logits(m.model, tokens)));
}

TEST_CASE("files that are missing or are no files") {
  CHECK_ERROR(Model::load("/no/such/model"), "not_found", "/no/such/model");
  CHECK_ERROR(Model::load(""), "not_found");
  for (const char* file : {"config.json", "tokenizer.json", "model.safetensors"}) {
    const Damaged d;
    fs::remove(d.path(file));
    CHECK_ERROR(d.load_as_is(), "not_found", file);
    fs::create_directory(d.path(file));
    CHECK_ERROR(d.load_as_is(), "io", file, "regular file");
    fs::remove(d.path(file));
    d.write(file, "");
    CHECK_ERROR(d.load_as_is(), "bad_format", file);
    d.write(file, "not what it should be");
    CHECK_ERROR(d.load_as_is(), "bad_format", file);
  }
  const Damaged d;
  fs::remove(d.path("generation_config.json"));
  CHECK(d.load_as_is().sampler_defaults().temperature == 1.0F);
  CHECK_ERROR(Model::load(d.path("config.json")), "bad_format", "config.json", "GGUF");
}

TEST_CASE("tensors the config does not mean") {
  const auto damaged = [](auto&& damage) {
    Damaged d;
    damage(d);
    return d.load();
  };
  CHECK_ERROR(damaged([](Damaged& d) { d.tensor("layers.2.mlp.up_proj.weight").name = "model.vision_tower.gone"; }), "bad_checkpoint",
              "layers.2.mlp.up_proj.weight", "missing", "[72, 80]");
  CHECK_ERROR(damaged([](Damaged& d) { d.tensors.push_back({"model.layers.1.extra.weight", "F32", {1}, std::string(4, '\0')}); }),
              "bad_checkpoint", "model.layers.1.extra.weight", "no place");
  CHECK_ERROR(damaged([](Damaged& d) { std::swap(d.tensor("layers.0.mlp.down_proj.weight").shape[0], d.tensor("layers.0.mlp.down_proj.weight").shape[1]); }),
              "bad_checkpoint", "layers.0.mlp.down_proj.weight", "expected shape [80, 72]", "got [72, 80]");
  CHECK_ERROR(damaged([](Damaged& d) {
    Damaged::Tensor& t = d.tensor("layers.1.self_attn.q_proj.weight");
    t.dtype = "I8";
    t.data.resize(t.data.size() / 4);
  }), "unsupported", "layers.1.self_attn.q_proj.weight", "I8", "BF16");
  CHECK_ERROR(damaged([](Damaged& d) { d.tensor("layers.1.self_attn.q_proj.weight").dtype = "Q99"; }), "bad_format", "Q99");
  const Damaged whole;
  const std::string bytes = read_file(whole.path("model.safetensors"));
  for (const std::size_t length : {std::size_t{7}, std::size_t{100}, bytes.size() / 2, bytes.size() - 1}) {
    whole.write("model.safetensors", bytes.substr(0, length));
    CHECK_ERROR(whole.load_as_is(), "bad_format", "model.safetensors", "safetensors");
  }
}

TEST_CASE("configs no model can have") {
  const auto error = [](const std::string& key, const std::string& value) {
    const Damaged d;
    d.config(key, value);
    return error_of([&] { d.load_as_is(); });
  };
  const auto check = [&](const char* key, const char* value, const char* code) {
    const std::string got = error(key, value);
    CHECK_MESSAGE(got.rfind(std::string(code) + ": ", 0) == 0, key, " = ", value, " gave ", got);
    CHECK_MESSAGE(got.find("config.json") != std::string::npos, got);
  };
  for (const char* key : {"rms_norm_eps", "final_logit_softcapping", "rope_theta", "hidden_size"}) {
    for (const char* value : {"NaN", "Infinity", "-Infinity"}) check(key, value, "bad_format");  // no JSON
    check(key, "-1", "bad_config");
    check(key, "0", "bad_config");
    check(key, "\"many\"", "bad_format");
  }
  check("rms_norm_eps", "1e999", "bad_format");
  check("final_logit_softcapping", "1e300", "bad_config");
  for (const char* key : {"vocab_size", "head_dim", "num_attention_heads", "num_hidden_layers", "sliding_window", "num_experts", "top_k_experts"}) {
    check(key, "0", "bad_config");
    check(key, "-3", "bad_config");
    check(key, "99999999999", "bad_config");
  }
  check("num_kv_shared_layers", "9", "bad_config");
  check("head_dim", "31", "bad_config");
  check("partial_rotary_factor", "1.5", "bad_config");
  check("layer_types", "[\"full_attention\"]", "bad_config");
  check("hidden_activation", "\"silu\"", "unsupported");
  check("model_type", "\"gemma3\"", "unsupported");
  CHECK(error("hidden_activation", "\"silu\"").find("gelu_pytorch_tanh") != std::string::npos);
  CHECK(error("hidden_size", "84").find("expected shape") != std::string::npos);
}

TEST_CASE("a rotary factor of 0 is no error: no pair turns (dropping rows once copied nothing from nowhere)") {
  const Damaged d;
  d.config("partial_rotary_factor", "0");
  const RandomModel m{"odd-f32 without rotary pairs", d.load_as_is()};
  const std::vector<TokenId> tokens = Random(1).tokens(m.model, 20);
  Session session(m.model, sized(20, 6));
  CHECK(close(m, session.prefill(tokens), fresh_logits(m.model, tokens)));
}

TEST_CASE("GGUF metadata that is not finite") {
  const TempFolder folder;
  const std::string bytes = read_file(checkpoint_folder("odd-f32") + ".gguf");
  for (const std::string key : {"gemma4.attention.layer_norm_rms_epsilon", "gemma4.rope.freq_base", "gemma4.final_logit_softcapping"}) {
    for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1.0F}) {
      std::string damaged = bytes;
      const std::size_t at = damaged.find(key);
      REQUIRE(at != std::string::npos);
      damaged.replace(at + key.size() + 4, 4, raw(value));
      const std::string path = folder.write("model.gguf", damaged);
      CHECK_ERROR(Model::load(path), "bad_config", "model.gguf");
    }
  }
}

TEST_CASE("files cut short or with bits flipped load or throw Error, and nothing else") {
  const TempFolder folder;
  const std::string gguf = read_file(checkpoint_folder("odd-bf16") + ".gguf");
  const Damaged whole("odd-bf16");
  const std::string safetensors = read_file(whole.path("model.safetensors"));
  Random random(42);
  int loaded = 0, refused = 0;
  const auto attempt = [&](const std::string& path) {
    ModelOptions options;
    options.threads = 1;
    options.use_mmap = random.below(2) == 0;
    try {
      const Model model = Model::load(path, options);
      Session session(model, sized(8, 4));
      session.prefill(std::vector<TokenId>{1, 2, 3, 4, 5, 6});
      ++loaded;
    } catch (const Error& error) {
      CHECK(std::string(error.what()).size() > 10);
      CHECK(error.code() != ErrorCode::internal);
      ++refused;
    }
  };
  for (int round = 0; round < 200; ++round) {
    const bool is_gguf = round % 2 == 0;
    std::string bytes = is_gguf ? gguf : safetensors;
    // The head is where structure is; of the data, bits may be anything.
    const std::size_t head = std::min<std::size_t>(bytes.size(), is_gguf ? 40000 : 14000);
    if (random.below(3) == 0) {
      bytes.resize(random.below(random.below(2) == 0 ? head : bytes.size()));
    } else {
      for (std::size_t flips = random.between(1, 4); flips != 0; --flips) {
        const std::size_t at = random.below(random.below(8) == 0 ? bytes.size() : head);
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << random.below(8)));
      }
    }
    if (is_gguf) {
      attempt(folder.write("model.gguf", bytes));
    } else {
      whole.write("model.safetensors", bytes);
      attempt(fs::path(whole.path("")).parent_path().string());
    }
  }
  MESSAGE(loaded, " loaded, ", refused, " refused");
  CHECK(refused > 50);
}

TEST_CASE("a broken invariant of our own is an Error, too") {
  const auto dense = matmul::make_onednn_dense(1, false);
  if (dense == nullptr) {
    MESSAGE("partly skipped: this build has no oneDNN");
    return;
  }
  float x = 0;
  matmul::DenseTask task{DType::f32, &x, 1, &x, &x, 1, 4, 4, std::numeric_limits<std::int64_t>::max()};
  CHECK_ERROR(dense->run(task, 0), "internal", "oneDNN");
}
