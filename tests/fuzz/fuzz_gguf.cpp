// The GGUF parser and, through a file in memory, everything that reads a whole GGUF checkpoint but its tokenizer.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "formats/gguf.h"
#include "fuzz_target.h"
#include "model/config/config.h"
#include "support/file_writers.h"
#include "weights/checkpoint.h"

namespace {

using gemma4::formats::GgufPart;
using gemma4::formats::GgufStrings;
using gemma4::formats::GgufType;
using gemma4::formats::TensorEntry;
using gemma4::fuzz::require;

void parse(const std::uint8_t* data, std::size_t size) {
  const GgufPart part = gemma4::formats::parse_gguf({data, size}, "fuzz");
  std::uint64_t touched = 0;
  for (const TensorEntry& tensor : part.tensors) {
    if (tensor.bytes != 0) touched += tensor.data[0] + tensor.data[tensor.bytes - 1];
  }
  for (const auto& [key, value] : part.metadata) {
    require(value.begin <= value.end && value.end <= data + size, "values lie inside the file");
    if (value.type != GgufType::array || value.element_type != GgufType::string) continue;
    std::uint64_t count = 0;
    for (const std::string_view text : GgufStrings(value.begin, value.end, static_cast<std::size_t>(value.count))) {
      touched += text.empty() ? 0 : static_cast<unsigned char>(text.back());
      ++count;
    }
    require(count == value.count, "an array has as many strings as it says");
  }
  require(touched <= 510 * size, "bytes were read, and the compiler may not leave that out");
}

void open(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  require(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memfd works");
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  try {
    const auto checkpoint = gemma4::weights::Checkpoint::open(path);
    const gemma4::ModelConfig config = gemma4::model::parse_config(*checkpoint);
    require(config.layers.size() == static_cast<std::size_t>(config.num_hidden_layers), "a config has all its layers");
    gemma4::model::parse_sampler_defaults(*checkpoint, config);
  } catch (const gemma4::Error&) {
  }
  ::close(fd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    parse(data, size);
  } catch (const gemma4::Error&) {
    return 0;
  }
  open(data, size);
  return 0;
}

std::vector<std::string> gemma4::fuzz::seeds() {
  test::GgufWriter config, small;
  config.string("general.architecture", "gemma4")
      .u32("gemma4.block_count", 3)
      .u32("gemma4.context_length", 256)
      .u32("gemma4.embedding_length", 32);
  config.u32("gemma4.attention.head_count", 4)
      .u32("gemma4.attention.key_length", 16)
      .u32("gemma4.attention.key_length_swa", 8);
  config.f32("gemma4.attention.layer_norm_rms_epsilon", 1e-6F)
      .u32("gemma4.attention.sliding_window", 7)
      .u32("gemma4.attention.shared_kv_layers", 1);
  config.f32("gemma4.rope.freq_base", 1e6F)
      .i32s("gemma4.feed_forward_length", {48, 48, 96})
      .u32("gemma4.attention.head_count_kv", 2);
  config.bools("gemma4.attention.sliding_window_pattern", {true, false, false})
      .strings("tokenizer.ggml.tokens", {"a", "b", "<eos>"});
  config.u32("tokenizer.ggml.eos_token_id", 2).u32("general.alignment", 32).f32("general.sampling.temp", 1);
  config.tensor("blk.1.attn_v.weight", {2, 2}, 0, std::string(16, 'x'))
      .tensor("rope_freqs.weight", {8}, 0, test::f32_bytes({1, 1, 1e30F, 1e30F, 1e30F, 1e30F, 1e30F, 1e30F}));
  small.version = 2;
  small.strings("words", {"a", "", "bc"})
      .u16("n", 3)
      .key("b", 7, "\1")
      .tensor("q", {32, 2}, 2, std::string(36, 'q'))
      .tensor("h", {4}, 30, "abcdefgh");
  return {config.bytes(), small.bytes(), test::GgufWriter().bytes()};
}
