// quantize() as a whole: what it writes loads and computes what the source does; what it refuses leaves nothing behind.
#include "gemma4/quantize.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "formats/gguf.h"
#include "formats/gguf_writer.h"
#include "formats/safetensors.h"
#include "support/file_writers.h"
#include "support/random_models.h"
#include "support/test_model.h"
#include "support/tokenizer_fixture.h"

namespace gemma4::test {
namespace {

namespace fs = std::filesystem;

/// Plain tokens in every one of these vocabularies. (The places of media are embedded otherwise from a multimodal
/// folder, which names them, than from a GGUF, which does not.)
std::vector<TokenId> prompt() {
  Random random(7);
  std::vector<TokenId> ids(40);
  for (TokenId& id : ids) id = static_cast<TokenId>(random.between(40, 360));
  return ids;
}

Values logits_of(const std::string& path, Compute compute = Compute::automatic) {
  ModelOptions options;
  options.threads = 1;
  options.compute = compute;
  return fresh_logits(Model::load(path, options), prompt());
}

float largest(Span<const float> values) {
  float result = 0;
  for (const float value : values) result = std::max(result, std::abs(value));
  return result;
}

/// Every row of the prompt's logits, in F32 arithmetic.
Values all_logits_of(const std::string& path, int& vocab_size) {
  ModelOptions options;
  options.threads = 1;
  options.compute = Compute::f32;
  const Model model = Model::load(path, options);
  vocab_size = model.config().vocab_size;
  Session session(model, sized(64, 64));
  return values(session.prefill(prompt(), wanting(Want::all_logits)));
}

/// The median row's largest difference, in units of its largest logit. (Of a mixture, some rows' experts are others once weights
/// are rounded: such a row is off by what it says.)
double median_error(Span<const float> got, Span<const float> expected, int vocab_size) {
  std::vector<double> errors;
  for (std::size_t i = 0; i < prompt().size(); ++i) {
    const Span<const float> exact = row(expected, i, vocab_size);
    errors.push_back(difference(row(got, i, vocab_size), exact) / largest(exact));
  }
  std::nth_element(errors.begin(), errors.begin() + errors.size() / 2, errors.end());
  return errors[errors.size() / 2];
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Everything in the folder, without the folder's name.
std::vector<std::string> listing(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

constexpr const char* kCases[] = {"e2b", "e4b", "dense", "moe", "odd", "bare"};

}  // namespace

TEST_CASE("quantize: the same types give the same logits, bit for bit") {
  const TempFolder folder;
  for (const std::string shape : kCases) {
    for (const std::string type : {"f32", "bf16"}) {
      const std::string source = checkpoint_folder(shape + "-" + type);
      CAPTURE(source);
      const std::string file = folder.path() + "/" + shape + "-" + type + ".gguf";
      const QuantizeResult result = quantize(source, file, type);
      CHECK(result.file_bytes == fs::file_size(file));
      const Values expected = logits_of(source);
      CHECK(same_bits(logits_of(file), expected));
      // and from that file, and from a split one
      quantize(file, file + ".again", type);
      CHECK(same_bits(logits_of(file + ".again"), expected));
      quantize(source + "-00001-of-00002.gguf", file + ".joined", type);
      CHECK(same_bits(logits_of(file + ".joined"), expected));
    }
  }
}

TEST_CASE("quantize: config, tokenizer and sampling defaults survive") {
  const TempFolder folder;
  for (const std::string shape : kCases) {
    CAPTURE(shape);
    const std::string source = checkpoint_folder(shape + "-bf16"), file = folder.path() + "/x.gguf";
    const QuantizeResult result = quantize(source, file, "bf16");
    const Model a = Model::load(source), b = Model::load(file);
    CHECK(a.config().rope_full.rope_theta == b.config().rope_full.rope_theta);
    CHECK(a.config().eos_token_ids == b.config().eos_token_ids);
    CHECK(a.config().bos_token_id == b.config().bos_token_id);
    CHECK(a.config().pad_token_id == b.config().pad_token_id);
    CHECK(a.config().final_logit_softcapping == b.config().final_logit_softcapping);
    CHECK(a.sampler_defaults().top_k == b.sampler_defaults().top_k);
    CHECK(a.sampler_defaults().top_p == b.sampler_defaults().top_p);
    CHECK(a.tokenizer().vocab_size() == b.tokenizer().vocab_size());
    for (const char* text :
         {"Hello world, how are you?", "<|turn>user\n\n\nd\xC3\xA9j\xC3\xA0 vu  <turn|>", "\xE2\x82\xAC"}) {
      for (const bool special : {false, true}) {
        CHECK(a.tokenizer().encode(text, true, special) == b.tokenizer().encode(text, true, special));
      }
    }
    const bool multimodal = shape == "e2b" || shape == "dense";
    CHECK(result.dropped.empty() == !multimodal);
  }
}

TEST_CASE("quantize: added tokens are found in the new file as in the old one") {
  const TempFolder folder;
  const std::string source = folder.path() + "/model", file = folder.path() + "/x.gguf";
  fs::copy(checkpoint_folder("dense-bf16"), source, fs::copy_options::recursive);
  std::string json = bytes_of(source + "/tokenizer.json");
  const Tokenizer plain = Tokenizer::load(source);
  std::string entries;
  const std::string space = "\xE2\x96\x81";
  const std::vector<std::pair<std::string, const char*>> added = {
      {space + "the", R"("normalized":true,"special":false)"},
      {"world", R"("normalized":true,"single_word":true,"special":false)"},
      {"ll", R"("normalized":false,"lstrip":true,"rstrip":true,"special":false)"},
      {"\n\n", R"("normalized":false,"special":false)"},
      {"user", R"("normalized":false,"special":true)"},
      {"ing", R"("normalized":false,"special":false)"}};
  for (const auto& [text, options] : added) {
    REQUIRE(plain.token_to_id(text) >= 0);
    entries += "{\"id\":" + std::to_string(plain.token_to_id(text)) + ",\"content\":" + json_string(text) + "," +
               options + "},";
  }
  const std::string begin = "\"added_tokens\": [";
  REQUIRE(json.find(begin) != std::string::npos);
  json.insert(json.find(begin) + begin.size(), entries);
  std::ofstream(source + "/tokenizer.json", std::ios::binary) << json;
  quantize(source, file, "q8_0");
  quantize(file, file + ".again", "q4_0");
  const Tokenizer before = Tokenizer::load(source);
  Random random(3);
  const std::vector<std::string> parts = {" the", space + "the", "the",  "world", " world", "worlds", "\n", "\n\n",
                                          "ll",   "  ",          "user", "ing",   "e",      ".",      "\t"};
  for (const std::string& path : {file, file + ".again"}) {
    const Tokenizer after = Tokenizer::load(path);
    for (int round = 0; round < 500; ++round) {
      std::string text;
      for (int i = 0; i < 6; ++i) text += parts[static_cast<std::size_t>(random.between(0, 14))];
      CAPTURE(text);
      CHECK(before.encode(text) == after.encode(text));
      CHECK(before.encode(text, true, true) == after.encode(text, true, true));
    }
    for (TokenId id = 0; id < before.vocab_size(); ++id) CHECK(before.is_special(id) == after.is_special(id));
  }
  CHECK(before.encode(" the") != plain.encode("the"));
}

TEST_CASE("GGUF with the tokenizer keys of Ollama's converter gives the same logits") {
  const TempFolder folder;
  const std::string usual = folder.path() + "/usual.gguf", other = folder.path() + "/other.gguf";
  quantize(nano_model_path(), usual, "q8_0");
  const auto file = formats::GgufFile::open(usual);
  for (const bool with_types : {true, false}) {
    formats::GgufHead head;
    for (const auto& [name, value] : file->metadata()) {
      if (name == "tokenizer.ggml.model") {
        head.add_string(name, "llama");
        head.add_string("tokenizer.ggml.pre", "gemma4");
      } else if (name != "tokenizer.ggml.token_type" || with_types) {
        head.add_value(name, value);
      }
    }
    for (const auto& tensor : file->tensors()) head.add_tensor(tensor.name, tensor.type, tensor.shape);
    std::ofstream out(other, std::ios::binary);
    const auto put = [&](const void* data, std::size_t size) {
      out.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    };
    const std::vector<std::uint8_t> bytes = head.head();
    put(bytes.data(), bytes.size());
    for (const auto& tensor : file->tensors()) {
      put(tensor.data, static_cast<std::size_t>(tensor.bytes));
      put(std::string(32, '\0').data(), static_cast<std::size_t>(formats::GgufHead::padding(tensor.bytes)));
    }
    out.close();
    const Model a = Model::load(usual), b = Model::load(other);
    const char* const text = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n";
    CHECK(a.tokenizer().encode(text, false, true) == b.tokenizer().encode(text, false, true));
    CHECK(same_bits(logits_of(other), logits_of(usual)));
  }
}

TEST_CASE("quantize: smaller types come near the source's logits") {
  struct Case {
    const char* type;
    double error;  // of the median row, 1.5 to 3 times what is seen; of most types these narrow rows fall back to others
  };
  const TempFolder folder;
  const std::string file = folder.path() + "/x.gguf";
  for (const std::string& source : {checkpoint_folder("e2b-bf16"), checkpoint_folder("moe-f32"), nano_model_path()}) {
    int vocab_size = 0;
    const Values expected = all_logits_of(source, vocab_size);
    for (const Case& c : {Case{"f16", 5e-3},
                          {"q8_0", 0.03},
                          {"q6_k", 0.06},
                          {"q5_k_m", 0.15},
                          {"q4_k_m", 0.25},
                          {"q4_k_s", 0.25},
                          {"q4_0", 0.35},
                          {"iq4_xs", 0.3},
                          {"q3_k", 0.4},
                          {"q2_k", 0.6}}) {
      CAPTURE(source);
      CAPTURE(std::string(c.type));
      quantize(source, file, c.type);
      const double error = median_error(all_logits_of(file, vocab_size), expected, vocab_size);
      CHECK(error <= c.error);
    }
  }
}

TEST_CASE("quantize: any GGUF is a source, thread counts make no difference") {
  const TempFolder folder;
  const std::string q8 = folder.path() + "/q8.gguf", one = folder.path() + "/one.gguf",
                    three = folder.path() + "/three.gguf";
  quantize(nano_model_path(), q8, "Q8_0");
  QuantizeOptions options;
  options.threads = 1;
  quantize(q8, one, "q4_k_m", options);
  options.threads = 3;
  quantize(q8, three, "q4_k_m", options);
  CHECK(bytes_of(one) == bytes_of(three));
  CHECK(largest(logits_of(one)) > 0);
  quantize(one, three, "f32");  // back to plain numbers: the same values
  const Values a = logits_of(one, Compute::f32), b = logits_of(three, Compute::f32);
  CHECK(difference(a, b) <= 5e-5);
}

TEST_CASE("quantize: tensor types by pattern") {
  const TempFolder folder;
  QuantizeOptions options;
  options.tensor_types = {{"attn_v", "q8_0"}, {"blk.0.ffn_*", "F16"}, {"token_embd", "q5_k"}};
  const QuantizeResult result = quantize(nano_model_path(), folder.path() + "/x.gguf", "q4_0", options);
  const auto type = [&](const std::string& name) {
    for (const QuantizedTensor& tensor : result.tensors) {
      if (tensor.name == name) return tensor.to;
    }
    return std::string("absent");
  };
  CHECK(type("blk.1.attn_v.weight") == "Q8_0");
  CHECK(type("blk.0.ffn_up.weight") == "F16");
  CHECK(type("blk.0.ffn_norm.weight") == "F32");
  CHECK(type("blk.1.ffn_up.weight") == "Q4_0");
  CHECK(type("per_layer_token_embd.weight") == "Q5_K");  // the pattern is looked for anywhere in the name
  CHECK(type("token_embd.weight") == "Q5_K");
  CHECK(type("blk.1.proj.weight") == "Q4_0");
  CHECK(type("per_layer_model_proj.weight") == "BF16");
  options.tensor_types = {{"attn_w", "q8_0"}};
  CHECK_ERROR(quantize(nano_model_path(), folder.path() + "/y.gguf", "q4_0", options), "invalid_argument", "attn_w");
  options.tensor_types = {{"attn_v", "q7"}};
  CHECK_ERROR(quantize(nano_model_path(), folder.path() + "/y.gguf", "q4_0", options), "invalid_argument", "q7",
              "Q6_K");
  options.tensor_types = {{"attn_(q|v)", "q8_0"}};
  CHECK_ERROR(quantize(nano_model_path(), folder.path() + "/y.gguf", "q4_0", options), "invalid_argument",
              "attn_(q|v)");
  CHECK(listing(folder.path()) == std::vector<std::string>{"x.gguf"});
}

TEST_CASE("quantize: an importance matrix changes its tensors and is recorded") {
  const TempFolder folder;
  const std::string plain = folder.path() + "/plain.gguf", weighted = folder.path() + "/weighted.gguf";
  std::vector<float> sums(256, 1.0F);
  for (std::size_t i = 0; i < sums.size(); i += 5) sums[i] = 100.0F;
  const auto matrix = [&](const std::vector<float>& values) {
    GgufWriter file;
    file.string("general.type", "imatrix").u32("imatrix.chunk_count", 3).strings("imatrix.datasets", {"stories"});
    file.tensor("blk.0.attn_q.weight.in_sum2", {static_cast<std::int64_t>(values.size()), 1}, 0, f32_bytes(values));
    file.tensor("blk.0.attn_q.weight.counts", {1, 1}, 0, f32_bytes({2}));
    return folder.write("imatrix.gguf", file.bytes());
  };
  QuantizeOptions options;
  quantize(nano_model_path(), plain, "q4_k_m");
  options.imatrix = matrix(sums);
  quantize(nano_model_path(), weighted, "q4_k_m", options);
  const auto a = formats::GgufFile::open(plain), b = formats::GgufFile::open(weighted);
  CHECK(b->find_int("quantize.imatrix.entries_count", 0, 100) == 1);
  CHECK(b->find_int("quantize.imatrix.chunks_count", 0, 100) == 3);
  CHECK(b->find_string("quantize.imatrix.dataset") == "stories");
  REQUIRE(a->tensors().size() == b->tensors().size());
  for (std::size_t i = 0; i < a->tensors().size(); ++i) {
    const formats::TensorEntry &x = a->tensors()[i], &y = b->tensors()[i];
    CAPTURE(x.name);
    CHECK((std::memcmp(x.data, y.data, x.bytes) != 0) == (x.name == "blk.0.attn_q.weight"));
  }
  options.imatrix = matrix({1, 2, 3});
  CHECK_ERROR(quantize(nano_model_path(), weighted, "q4_k_m", options), "bad_format", "blk.0.attn_q.weight", "256");
}

TEST_CASE("quantize: refusals name what is wrong and leave nothing behind") {
  const TempFolder folder;
  const std::string out = folder.path() + "/x.gguf";
  CHECK_ERROR(quantize(nano_model_path(), out, "q4"), "invalid_argument", "\"q4\"", "Q4_K_M");
  CHECK_ERROR(quantize(folder.path() + "/none", out, "q8_0"), "not_found", "none");
  CHECK_ERROR(quantize(nano_model_path(), folder.path() + "/no/x.gguf", "q8_0"), "io", "no/x.gguf");
  CHECK_ERROR(quantize(nano_model_path(), folder.path(), "q8_0"), "io", "folder");
  QuantizeOptions options;
  options.threads = 0;
  CHECK_ERROR(quantize(nano_model_path(), out, "q8_0", options), "invalid_argument", "threads");
  options.threads = -1;
  options.imatrix = folder.path() + "/none.imatrix";
  CHECK_ERROR(quantize(nano_model_path(), out, "q8_0", options), "not_found", "none.imatrix");
  CHECK(listing(folder.path()).empty());

  quantize(nano_model_path(), out, "q8_0");
  const std::string before = bytes_of(out);
  CHECK_ERROR(quantize(out, out, "q4_0"), "invalid_argument", "x.gguf");
  fs::create_hard_link(out, folder.path() + "/same.gguf");
  CHECK_ERROR(quantize(out, folder.path() + "/same.gguf", "q4_0"), "invalid_argument", "same.gguf");
  CHECK(bytes_of(out) == before);

  const std::string model = folder.path() + "/model";
  fs::copy(nano_model_path(), model, fs::copy_options::recursive);
  for (const std::string name : {"model.safetensors", "config.json", "tokenizer.json", "generation_config.json"}) {
    const std::string own = bytes_of(model + "/" + name);
    CHECK_ERROR(quantize(model, model + "/" + name, "q4_0"), "invalid_argument", name, "made from");
    CHECK(bytes_of(model + "/" + name) == own);
  }
  CHECK_NOTHROW(quantize(model, model + "/model.gguf", "q4_0"));
}

TEST_CASE("quantize: a weight that is not finite is refused by name") {
  const TempFolder folder;
  const std::string source = folder.path() + "/model", out = folder.path() + "/x.gguf";
  fs::copy(nano_model_path(), source);
  std::size_t offset = 0;
  {
    const auto file = formats::SafetensorsFile::open(source + "/model.safetensors", true);
    for (const formats::TensorEntry& entry : file.tensors()) {
      if (entry.name.find("layers.3.mlp.up_proj") == std::string::npos) continue;
      offset = static_cast<std::size_t>(entry.data - file.file()->data()) + 2 * (5 * 256 + 9);  // row 5, column 9
    }
  }
  REQUIRE(offset != 0);
  fs::permissions(source + "/model.safetensors", fs::perms::owner_all, fs::perm_options::add);
  for (const std::uint16_t bits : {std::uint16_t{0x7F80}, std::uint16_t{0x7FC0}, std::uint16_t{0xFF80}}) {
    std::fstream file(source + "/model.safetensors", std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(reinterpret_cast<const char*>(&bits), sizeof bits);
    file.close();
    CHECK_ERROR(quantize(source, out, "q4_k_m"), "bad_checkpoint", "layers.3.mlp.up_proj", "row 5, column 9");
  }
  const std::uint16_t large = 0x4B00;  // 8388608 as bf16
  std::fstream file(source + "/model.safetensors", std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(reinterpret_cast<const char*>(&large), sizeof large);
  file.close();
  CHECK_ERROR(quantize(source, out, "f16"), "bad_checkpoint", "layers.3.mlp.up_proj", "F16", "8.38861e+06");
  CHECK(listing(folder.path()) == std::vector<std::string>{"model"});
}

TEST_CASE("quantize: cancelled or killed midway, the old file stays") {
  const TempFolder folder;
  const std::string out = folder.path() + "/x.gguf";
  folder.write("x.gguf", "old");
  QuantizeOptions options;
  const CancelToken token;
  options.cancel = token;
  options.progress = [&](const QuantizeProgress& at) {
    if (at.done > at.total / 2) token.cancel();
  };
  CHECK_ERROR(quantize(nano_model_path(), out, "q8_0", options), "cancelled");
  CHECK(bytes_of(out) == "old");
  CHECK(listing(folder.path()) == std::vector<std::string>{"x.gguf"});

  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    QuantizeOptions dying;
    dying.threads = 1;
    dying.progress = [](const QuantizeProgress& at) {
      if (at.done > at.total / 2) ::raise(SIGKILL);
    };
    try {
      quantize(nano_model_path(), out, "q8_0", dying);
    } catch (...) {
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(bytes_of(out) == "old");
}

TEST_CASE("quantize: progress runs from 0 to the end") {
  const TempFolder folder;
  QuantizeOptions options;
  std::uint64_t last = 0, total = 0;
  std::size_t calls = 0;
  options.progress = [&](const QuantizeProgress& at) {
    CHECK(at.done >= last);
    if (calls++ == 0) CHECK(at.done == 0);
    last = at.done;
    total = at.total;
    CHECK(!at.tensor.name.empty());
  };
  const QuantizeResult result = quantize(nano_model_path(), folder.path() + "/x.gguf", "q8_0", options);
  CHECK(calls >= result.tensors.size());
  CHECK(last < total);
}

}  // namespace gemma4::test
