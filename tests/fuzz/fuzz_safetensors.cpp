#include "formats/safetensors.h"
#include "fuzz_target.h"
#include "support/file_writers.h"

using gemma4::formats::TensorEntry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    std::uint64_t total = 0;
    std::uint64_t touched = 0;
    for (const TensorEntry& tensor : gemma4::formats::parse_safetensors({data, size}, "fuzz")) {
      total += tensor.bytes;
      if (tensor.bytes != 0) touched += tensor.data[0] + tensor.data[tensor.bytes - 1];
    }
    gemma4::fuzz::require(total < size && touched <= 510 * size, "tensors lie inside the file");
  } catch (const gemma4::Error&) {
  }
  return 0;
}

std::vector<std::string> gemma4::fuzz::seeds() {
  test::SafetensorsWriter one, three;
  one.add("model.norm.weight", "F32", {2, 2}, std::string(16, 'x'));
  three.add("a", "BF16", {}, "ab");
  three.add("b", "I8", {3, 0}, "");
  three.add("model.layers.0.self_attn.q_proj.weight", "F4", {4, 2}, "abcd");
  return {one.bytes(), three.bytes(3), test::safetensors_file("{}", ""),
          test::safetensors_file(
              R"({"__metadata__":{"format":"pt"},"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})", "xy")};
}
