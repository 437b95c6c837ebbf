// The types of GGUF files against the gguf package: goldens/ggml_blocks.txt, written by ggml_blocks.py.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/sha256.h"
#include "blocks/dequantize.h"

namespace gemma4::test {
namespace {

std::string bytes_of_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace

TEST_CASE("ggml types: sizes and values of edge blocks are the gguf package's") {
  std::ifstream file(std::string(GEMMA4_SOURCE_DIR) + "/tests/parity/goldens/ggml_blocks.txt");
  REQUIRE(file);
  std::set<std::string> types, dequantised;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string kind, name;
    words >> kind >> name;
    CAPTURE(name);
    if (kind == "type") {
      unsigned id = 0, elements = 0, size = 0;
      words >> id >> elements >> size;
      const auto type = formats::data_type_from_ggml(id);
      REQUIRE(type);
      CHECK(formats::to_string(*type) == name);
      CHECK(formats::info(*type).block_elements == elements);
      CHECK(formats::info(*type).block_bytes == size);
      types.insert(name + " " + std::to_string(id));
      continue;
    }
    REQUIRE(kind == "block");
    std::string hex, hash;
    words >> hex >> hash;
    CAPTURE(hex);
    const auto type = [&] {
      for (std::uint32_t id = 0; id < 256; ++id) {
        const auto known = formats::data_type_from_ggml(id);
        if (known && formats::to_string(*known) == name) return *known;
      }
      return formats::DataType::boolean;
    }();
    REQUIRE(blocks::can_dequantize(type));
    const std::string block = bytes_of_hex(hex);
    REQUIRE(block.size() == formats::info(type).block_bytes);
    std::vector<float> values(formats::info(type).block_elements);
    blocks::dequantize(type, block.data(), values.data(), values.size());
    for (float& value : values) {
      if (std::isnan(value)) value = std::numeric_limits<float>::quiet_NaN();
    }
    CHECK(sha256({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)}) == hash);
    dequantised.insert(name);
  }
  CHECK(types.size() == 33);
  CHECK(dequantised.size() == 23);
}

}  // namespace gemma4::test
