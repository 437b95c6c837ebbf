// Every block type to F32: golden vectors of ggml, code books, and codes that give the same values.
#include "blocks/dequantize.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "support/random_blocks.h"
#include "support/sha256.h"
#include "blocks/codebooks.h"
#include "blocks/codes.h"

namespace gemma4::test {
namespace {

using formats::DataType;

std::vector<float> dequantized(DataType type, const std::string& blocks) {
  const formats::DataTypeInfo& layout = formats::info(type);
  std::vector<float> values(blocks.size() / layout.block_bytes * layout.block_elements);
  blocks::dequantize(type, blocks.data(), values.data(), values.size());
  return values;
}

// What ggml@d99724f2 makes of 1024 elements of each type. Hashes are the first 16 digits of SHA-256, -0 counted as +0.
struct Golden {
  DataType type;
  const char *input, *output;
  double sum;
  float first[4];
};
const Golden kGoldens[] = {
    {DataType::q4_0, "d6b0985816bfa99d", "eeb1ada1add15a59", -77.0008545, {-0.5F, 0.1875F, -0.5F, -0.0625F}},
    {DataType::q4_1, "495d99c7e077ad3c", "b44df279a602baf0", 691.402954, {0.03125F, 0.34375F, 0.90625F, 0.90625F}},
    {DataType::q5_0, "a3b4af690c04b2b2", "c8ce9330adf03449", -48.2174072, {0.4375F, -0.375F, 0.875F, -0.5F}},
    {DataType::q5_1, "74e26deffb5cbfb3", "fba2ef2987e49462", 1517.12207, {0.96875F, 1.03125F, 1.15625F, 1.28125F}},
    {DataType::q8_0, "6c0c986f2694e7ed", "393a124fa77b47c7", -236.368591, {-4.5625F, 2.0625F, 6.1875F, 2}},
    {DataType::q2_k, "efc42942eb0e65a2", "184cc2d8ea862a96", 980.916626, {0.28125F, 0.40625F, 0.40625F, 0.40625F}},
    {DataType::q3_k, "09e600933e0ada96", "dbd17aaa6db4b250", -187.589294, {1.1875F, -1.1875F, 3.5625F, 0}},
    {DataType::q4_k, "8caf7fb016f474c3", "b3323ce49b3f75be", 19795.8699, {12.9375F, 1.25F, 2.3125F, 5.5F}},
    {DataType::q5_k, "08bbbc02dd97366b", "421986e13f018e3c", 35797.3505, {27.4375F, 72.0625F, 1.1875F, 27.4375F}},
    {DataType::q6_k, "f1e4a5d6912f8d0a", "805415d14cc53674", -949.84375, {108.75F, 123.25F, -29, 188.5F}},
    {DataType::iq2_xxs, "7a566eacae82ee5d", "d7d8ce67d7f1b9b5", 12.0782852,
     {-10.4140625F, 10.4140625F, 1.9375F, 10.4140625F}},
    {DataType::iq2_xs, "7acdc89d01bc18d7", "351533254f0ab76c", -126.823158,
     {1.8125F, 5.6640625F, 1.8125F, -5.6640625F}},
    {DataType::iq2_s, "ca0ac54d0f8b822b", "9cb2e563101a420e", 121.389992, {4.4921875F, 1.4375F, -1.4375F, 4.4921875F}},
    {DataType::iq3_xxs, "f5d43e4ae8d1fe7e", "9120465ba8fa0c89", -96.8777161,
     {-8.71875F, -3.9375F, -2.8125F, -0.5625F}},
    {DataType::iq3_s, "ee6e7e06ed528784", "97e1793ca7e280c8", 447.61145, {2.0625F, 1.3125F, -1.6875F, 0.9375F}},
    {DataType::iq1_s, "50606b46fb15e62e", "efc3cfbfba7f7e48", 0.448730469,
     {-0.1640625F, -0.1640625F, 0.2109375F, 0.2109375F}},
    {DataType::iq1_m, "9493a5b3b17ebcc1", "0d8fd60c1ba5f85d", -35.2570801,
     {-0.1171875F, -0.1171875F, 0.8203125F, -1.0546875F}},
    {DataType::iq4_nl, "6f530d71c76b130d", "365ba24ac87aceb0", -760.552673, {2.375F, 1.5625F, 3.3125F, -4.0625F}},
    {DataType::iq4_xs, "856495d3335ce89c", "0f7ba4c6bd3d04ec", -7736.99536, {-129.375F, -99.375F, 121.875F, -24.375F}},
    {DataType::tq1_0, "be7ab8735bb6d587", "639ca0ed1bb049d2", -2.73864746, {0, 0.0625F, 0.0625F, 0.0625F}},
    {DataType::tq2_0, "7aa4f50b23554eea", "2ea967690d1a5c98", 31.7366943, {0.0625F, 0.125F, -0.0625F, -0.0625F}},
    {DataType::mxfp4, "b56845b1fce3726b", "54f11ff8c7823dee", -27.0976562, {0.015625F, 0, 0.046875F, -0.015625F}},
    {DataType::nvfp4, "543ef0156cbd4378", "0c2e6a63413964ce", 6224.22168, {0, -0.515625F, 1.375F, 0.6875F}},
    {DataType::q1_0, "294343801e8bafae", "a45695e39c273aa7", -0.426147461, {0.0625F, 0.0625F, 0.0625F, 0.0625F}},
    {DataType::q2_0, "c341a61c4bca045b", "a937221bcea3c626", 44.6113892, {0.125F, 0, -0.0625F, 0.0625F}},
};

/// 1024 elements of seeded bytes with sensible scales, as the goldens have them.
std::string golden_input(const BlockType& t) {
  SplitMix random(1000 + t.id);
  const formats::DataTypeInfo& layout = formats::info(t.type);
  std::string bytes = random_bytes(t, 1024U / layout.block_elements, random);
  for (std::size_t k = 0; k < 1024U / layout.block_elements; ++k) {
    const auto scale = static_cast<std::uint16_t>(0x2C00 + 37 * k), min = static_cast<std::uint16_t>(0xA800 + 29 * k);
    char* const block = bytes.data() + k * layout.block_bytes;
    set_block_scales(t, scale, min, block);
    if (t.type == DataType::mxfp4) block[0] = static_cast<char>(120 + k % 8);
  }
  return bytes;
}

std::string prefix_of_hash(const void* data, std::size_t bytes) {
  return sha256({static_cast<const char*>(data), bytes}).substr(0, 16);
}

}  // namespace

TEST_CASE("sha256: the standard's examples") {
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(std::string(1000, 'a')) == "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

TEST_CASE("dequantize: golden vectors of every block type") {
  REQUIRE(std::size(kGoldens) == block_types().size());
  for (const Golden& golden : kGoldens) {
    CAPTURE(formats::to_string(golden.type));
    const auto& types = block_types();
    const auto t =
        std::find_if(types.begin(), types.end(), [&](const BlockType& b) { return b.type == golden.type; });
    REQUIRE(t != types.end());
    REQUIRE(formats::data_type_from_ggml(t->id) == golden.type);
    const std::string input = golden_input(*t);
    CHECK(prefix_of_hash(input.data(), input.size()) == golden.input);

    std::vector<float> output = dequantized(golden.type, input);
    REQUIRE(output.size() == 1024);
    double sum = 0;
    for (float& value : output) sum += static_cast<double>(value += 0.0F);  // -0 becomes +0
    CHECK(prefix_of_hash(output.data(), output.size() * sizeof(float)) == golden.output);
    CHECK(sum == doctest::Approx(golden.sum).epsilon(1e-8));
    for (std::size_t i = 0; i < 4; ++i) CHECK(output[i] == golden.first[i]);
  }
}

TEST_CASE("dequantize: the code books are the published ones") {
  const auto unpacked = [](const std::uint16_t* grid, std::size_t n, int bits, const auto& value) {
    std::string bytes;
    for (std::size_t i = 0; i < n; ++i) {
      for (int j = 0; j < (bits == 2 ? 8 : 4); ++j) {
        bytes += static_cast<char>(value(grid[i] >> (bits * j) & ((1 << bits) - 1)));
      }
    }
    return sha256(bytes);
  };
  const auto iq2 = [](int c) { return blocks::kIq2Values[c]; };
  CHECK(unpacked(blocks::kIq2XxsGrid, 256, 2, iq2) ==
        "05826b5d3e472a3a78f196be62ac78acf81df0f909626e12ab9fa2a5d490dd54");
  CHECK(unpacked(blocks::kIq2XsGrid, 512, 2, iq2) ==
        "06e47aaca60b4dc1d9b5a3f34540437058a6b142b4d7a59d5ded769b4d1bf1de");
  CHECK(unpacked(blocks::kIq2SGrid, 1024, 2, iq2) ==
        "e1aa1473412b0552c2174c30ef22ab4073f6a181b85a17056e8249bd2932fd88");
  CHECK(unpacked(blocks::kIq3XxsGrid, 256, 3, [](int c) { return blocks::kIq3XxsValues[c]; }) ==
        "46e35f5a997efdee6c99ce57854c8a0d4f0ff8ca57e5e8a60c0793ea580acf5d");
  CHECK(unpacked(blocks::kIq3SGrid, 512, 3, [](int c) { return 2 * c + 1; }) ==
        "bd1af4945a1717c65610b0284e4628b9a1ba3b306fae3a06f6e5f597356e349f");
  CHECK(unpacked(blocks::kIq1SGrid, 2048, 2, [](int c) { return c - 1; }) ==
        "07540ffc1aeaf6ad4d97e96b0fcc765aae39671d4ae4a27bbd0e796fde167c6a");
  CHECK(sha256({reinterpret_cast<const char*>(blocks::kIq4Values), 16}) ==
        "61aa47540aa024b5d6ddaa839b84ffe59f3d5a349af5c6c7ffcb5e0474b46163");
  CHECK(sha256({reinterpret_cast<const char*>(blocks::kFp4Values), 16}) ==
        "adf76b672d47eb7fc0afd4db132d548d59d3190aa0ad118fdbf569d5fd478f97");
}

TEST_CASE("dequantize: which types it knows") {
  for (const BlockType& t : block_types()) CHECK(blocks::can_dequantize(t.type));
  for (const DataType type : {DataType::f32, DataType::f16, DataType::bf16}) CHECK(blocks::can_dequantize(type));
  for (const DataType type : {DataType::q8_1, DataType::q8_k, DataType::f64, DataType::i8, DataType::f8_e4m3}) {
    CHECK_FALSE(blocks::can_dequantize(type));
  }
}

TEST_CASE("dequantize: plain types, at odd addresses, too") {
  const std::uint16_t halves[] = {0x3C00, 0xC000, 0x0001, 0x7C00, 0x8000};
  char bytes[1 + sizeof halves];
  std::memcpy(bytes + 1, halves, sizeof halves);
  float values[5];
  blocks::dequantize(DataType::f16, bytes + 1, values, 5);
  CHECK(values[0] == 1.0F);
  CHECK(values[1] == -2.0F);
  CHECK(values[2] == 0x1p-24F);
  CHECK(values[3] == std::numeric_limits<float>::infinity());
  CHECK((values[4] == 0 && std::signbit(values[4])));
  blocks::dequantize(DataType::bf16, bytes + 1, values, 2);
  CHECK(values[1] == -2.0F);
  const float f32 = 3.25F;
  std::memcpy(bytes + 1, &f32, sizeof f32);
  blocks::dequantize(DataType::f32, bytes + 1, values, 1);
  CHECK(values[0] == 3.25F);
}

TEST_CASE("dequantize: blocks at any address, and any number of them") {
  for (const BlockType& t : block_types()) {
    CAPTURE(formats::to_string(t.type));
    SplitMix random(t.id);
    const std::size_t size = formats::info(t.type).block_bytes, elements = formats::info(t.type).block_elements;
    std::string blocks = random_bytes(t, 37, random);
    for (std::size_t k = 0; k < 37; ++k) set_block_scales(t, 0x2C00, 0x2800, blocks.data() + k * size);
    const std::vector<float> all = dequantized(t.type, blocks);
    for (const std::size_t k : {0, 1, 35}) {
      std::string odd = "?" + blocks.substr(k * size, 2 * size);
      std::vector<float> two(2 * elements);
      blocks::dequantize(t.type, odd.data() + 1, two.data(), two.size());
      CHECK(std::memcmp(two.data(), all.data() + k * elements, two.size() * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("codes: scale * (code - zero), or + min, is what dequantize gives") {
  for (const BlockType& t : block_types()) {
    CAPTURE(formats::to_string(t.type));
    const blocks::CodeFormat* const format = blocks::code_format(t.type);
    REQUIRE(format != nullptr);
    CHECK((format->group == 16 || format->group == 32));
    CHECK((!format->has_min || format->zero == 0));
    SplitMix random(77 + t.id);
    const std::size_t size = formats::info(t.type).block_bytes, elements = formats::info(t.type).block_elements;
    const std::size_t n_blocks = 2048 / elements;
    std::string blocks = random_bytes(t, n_blocks, random);
    for (std::size_t k = 0; k < n_blocks; ++k) {
      const auto scale = static_cast<std::uint16_t>(random.next() % 0x7C00 | (random.next() & 0x8000));
      set_block_scales(t, scale, static_cast<std::uint16_t>(random.next() % 0x7C00), blocks.data() + k * size);
    }
    const std::vector<float> expected = dequantized(t.type, blocks);
    int largest_code = 0;
    for (const std::size_t first : {0, 1, 7, 13}) {
      std::vector<blocks::Codes32> codes(2048 / 32 - first - first / 2);
      blocks::unpack_codes(t.type, blocks.data(), first, codes.size(), codes.data());
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const blocks::Codes32& c = codes[i];
        const float* const values = expected.data() + 32 * (first + i);
        double largest = 0;
        for (int j = 0; j < 32; ++j) largest = std::max(largest, static_cast<double>(std::abs(values[j])));
        double worst = 0;
        for (int j = 0; j < 32; ++j) {
          largest_code = std::max<int>(largest_code, c.code[j]);
          const double value = static_cast<double>(c.scale[j / 16]) * (c.code[j] - format->zero) + c.min[j / 16];
          worst = std::max(worst, std::abs(value - values[j]));
        }
        CHECK(worst <= 1e-6 * largest);
        if (format->group == 32) CHECK((c.scale[0] == c.scale[1] && c.min[0] == c.min[1]));
        if (!format->has_min) CHECK((c.min[0] == 0 && c.min[1] == 0));
      }
    }
    CHECK(largest_code == format->max_code);
  }
}

}  // namespace gemma4::test
