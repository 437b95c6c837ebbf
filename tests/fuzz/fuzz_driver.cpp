// A mutating driver for the fuzz targets, for compilers without libFuzzer: seeded, so that every finding comes again.
//
// usage: TARGET [--runs N] [--seed S] [FILE ...]    With files: runs them as they are, and nothing else.
//
// Equal seeds make equal inputs. With GEMMA4_FUZZ_KEEP set, each input is written to fuzz_input.bin before it runs, so
// that after a crash the culprit is there.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string_view>

#include "fuzz_target.h"

namespace gemma4::fuzz {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "fuzz: broken promise: %s\n", what);
  std::abort();
}

namespace {

/// std::uniform_int_distribution differs between libraries; findings must not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(engine_() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

constexpr std::uint64_t kNumbers[] = {0,
                                      1,
                                      2,
                                      7,
                                      8,
                                      31,
                                      32,
                                      63,
                                      64,
                                      127,
                                      128,
                                      255,
                                      256,
                                      4095,
                                      65535,
                                      65536,
                                      0x7FFFFFFF,
                                      0x80000000,
                                      0xFFFFFFFF,
                                      0x100000000,
                                      0x7FFFFFFFFFFFFFFF,
                                      0x8000000000000000,
                                      0xFFFFFFFFFFFFFFF0,
                                      0xFFFFFFFFFFFFFFFF};
constexpr std::string_view kWords[] = {"0",
                                       "-1",
                                       "1e999",
                                       "NaN",
                                       "null",
                                       "true",
                                       "[]",
                                       "{}",
                                       "\"",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       ",",
                                       ":",
                                       "\\u0000",
                                       "1.5",
                                       "9223372036854775808",
                                       "\"full_attention\"",
                                       "\"sliding_attention\"",
                                       "\"proportional\"",
                                       "\xFF"};

void mutate(std::string& bytes, const std::vector<std::string>& seeds, Random& random) {
  const std::size_t at = random.below(bytes.size());
  const std::size_t length = 1 + random.below(random.one_in(4) ? 256 : 8);
  switch (random.below(10)) {
    case 0:
      if (!bytes.empty())
        bytes[at] = static_cast<char>(static_cast<unsigned char>(bytes[at]) ^ (1U << random.below(8)));
      break;
    case 1:
      if (!bytes.empty()) bytes[at] = static_cast<char>(random.bits());
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.erase(at, length);
      break;
    case 4:
      bytes.insert(at, bytes.substr(random.below(bytes.size()), length));
      break;
    case 5:
      bytes.insert(at, length, static_cast<char>(random.bits()));
      break;
    case 6: {  // a number where one may stand
      const std::uint64_t number =
          kNumbers[random.below(std::size(kNumbers))] + (random.one_in(4) ? random.below(3) - 1 : 0);
      const std::size_t width = std::size_t{1} << random.below(4);
      if (bytes.size() >= width) std::memcpy(&bytes[random.below(bytes.size() - width + 1)], &number, width);
      break;
    }
    case 7: {  // a word instead of a number or a word
      const std::string_view word = kWords[random.below(std::size(kWords))];
      std::size_t end = at;
      while (end < bytes.size() && std::strchr(",:[]{}", bytes[end]) == nullptr) ++end;
      bytes.replace(at, random.one_in(2) ? end - at : 0, word);
      break;
    }
    case 8: {  // the end of another seed
      const std::string& other = seeds[random.below(seeds.size())];
      bytes = bytes.substr(0, at) + other.substr(random.below(other.size()));
      break;
    }
    default:  // small numbers, as lengths and counts are
      if (!bytes.empty()) bytes[at] = static_cast<char>(random.below(16));
  }
}

/// In memory of exactly this size, so that a sanitizer sees the first byte read beyond it.
void run(const std::string& bytes) {
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[bytes.size()]);
  if (!bytes.empty()) std::memcpy(exact.get(), bytes.data(), bytes.size());
  LLVMFuzzerTestOneInput(exact.get(), bytes.size());
}

}  // namespace
}  // namespace gemma4::fuzz

int main(int argc, char** argv) {
  std::uint64_t runs = 20000, seed = 1;
  bool replayed = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--runs") == 0 && i + 1 < argc) {
      runs = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else {
      std::ifstream file(argv[i], std::ios::binary);
      gemma4::fuzz::run(std::string(std::istreambuf_iterator<char>(file), {}));
      replayed = true;
    }
  }
  if (replayed) return 0;

  const bool keep = std::getenv("GEMMA4_FUZZ_KEEP") != nullptr;
  const std::vector<std::string> seeds = gemma4::fuzz::seeds();
  for (const std::string& input : seeds) gemma4::fuzz::run(input);
  gemma4::fuzz::Random random(seed);
  for (std::uint64_t i = 0; i < runs; ++i) {
    std::string input = seeds[random.below(seeds.size())];
    for (std::size_t n = 1 + random.below(6); n != 0; --n) gemma4::fuzz::mutate(input, seeds, random);
    if (keep) std::ofstream("fuzz_input.bin", std::ios::binary) << input;
    gemma4::fuzz::run(input);
  }
  std::printf("%llu inputs from seed %llu, no finding\n", static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(seed));
  return 0;
}
