// gemma4_dequantize TYPE: blocks from stdin to F32 on stdout. gemma4_dequantize: lists "id name elements bytes computable".
// For tests/parity/ggml_blocks.py.
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "formats/data_type.h"
#include "blocks/dequantize.h"

int main(int argc, char** argv) {
  using namespace gemma4;
  for (std::uint32_t id = 0; id < 256; ++id) {
    const auto type = formats::data_type_from_ggml(id);
    if (!type) continue;
    const formats::DataTypeInfo& layout = formats::info(*type);
    if (argc < 2) {
      std::printf("%u %s %d %d %d\n", id, layout.name, layout.block_elements, layout.block_bytes,
                  blocks::can_dequantize(*type) ? 1 : 0);
    } else if (std::strcmp(argv[1], layout.name) == 0) {
      std::string bytes;
      char part[4096];
      while (const std::size_t n = std::fread(part, 1, sizeof part, stdin)) bytes.append(part, n);
      std::vector<float> values(bytes.size() / layout.block_bytes * layout.block_elements);
      blocks::dequantize(*type, bytes.data(), values.data(), values.size());
      return std::fwrite(values.data(), sizeof(float), values.size(), stdout) == values.size() ? 0 : 1;
    }
  }
  return argc < 2 ? 0 : 1;
}
