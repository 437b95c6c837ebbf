// Times the tokenizer: loading, encoding 10 MB whole and line by line, decoding whole and streamed. Best of several.
//   tokenizer_bench TOKENIZER... -- TEXT...
// TOKENIZER: a tokenizer.json, a folder with one, or a GGUF file (one table row each; the first one encodes).
// TEXT: files whose content, repeated, makes the 10 MB.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "gemma4/error.h"
#include "gemma4/tokenizer.h"

namespace {

constexpr std::size_t kTextBytes = 10'000'000;
constexpr int kRounds = 7;

/// Wall time of the fastest of several rounds.
template <class Fn>
double best_seconds(Fn&& fn) {
  double best = 1e30;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    fn();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

std::string read_files(char** begin, char** end) {
  std::string text;
  for (; begin != end; ++begin) {
    std::ifstream file(*begin, std::ios::binary);
    if (!file) throw gemma4::Error(gemma4::ErrorCode::not_found, std::string(*begin) + ": cannot be read");
    text.append(std::istreambuf_iterator<char>(file), {});
  }
  return text;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

/// One row: the time of `fn`, which returns the tokens it handled, over `bytes` of text.
template <class Fn>
void print_rate(const char* what, std::size_t bytes, Fn&& fn) {
  std::size_t tokens = 0;
  const double seconds = best_seconds([&] { tokens = fn(); });
  std::printf("%-28s %8.1f MB/s %8.2f Mtok/s %9.1f ms\n", what, static_cast<double>(bytes) / seconds / 1e6,
              static_cast<double>(tokens) / seconds / 1e6, seconds * 1e3);
}

void bench(char** tokenizers, char** separator, char** end) {
  for (char** path = tokenizers; path != separator; ++path) {
    const double seconds = best_seconds([&] { gemma4::Tokenizer::load(*path); });
    std::printf("load %-50s %9.1f ms\n", *path, seconds * 1e3);
  }
  if (separator == end || separator + 1 == end) return;
  const gemma4::Tokenizer tokenizer = gemma4::Tokenizer::load(*tokenizers);
  const std::string unit = read_files(separator + 1, end);
  if (unit.empty()) return;
  std::string text;
  while (text.size() < kTextBytes) text += unit;
  text.resize(kTextBytes);  // may cut a character: the tokenizer copes

  std::vector<gemma4::TokenId> ids;
  const auto encode = [&](std::string_view whole) { return (ids = tokenizer.encode(whole)).size(); };
  const std::vector<std::string_view> lines = lines_of(text);
  const auto encode_lines = [&](bool parse_special) {
    std::size_t n = 0;
    for (const std::string_view line : lines) n += tokenizer.encode(line, false, parse_special).size();
    return n;
  };
  print_rate("encode, by line", text.size(), [&] { return encode_lines(false); });
  print_rate("encode, by line, specials", text.size(), [&] { return encode_lines(true); });
  print_rate("encode, whole", text.size(), [&] { return encode(text); });

  std::string decoded = tokenizer.decode(ids);
  const std::size_t decoded_size = decoded.size();
  print_rate("decode, whole", decoded_size, [&] { return decoded = tokenizer.decode(ids), ids.size(); });
  print_rate("decode, streamed", decoded_size, [&] {
    gemma4::TokenDecoder decoder(tokenizer);
    decoded.clear();
    for (const gemma4::TokenId id : ids) decoded += decoder.push(id);
    decoded += decoder.finish();
    return ids.size();
  });

  const std::string repeated(std::size_t{1} << 20, 'a');
  std::string letters;
  for (std::uint32_t x = 1; letters.size() < repeated.size(); x = x * 1664525U + 1013904223U) {
    letters.push_back(static_cast<char>('a' + (x >> 24) % 26));
  }
  print_rate("encode, 1 MiB of one letter", repeated.size(), [&] { return encode(repeated); });
  print_rate("encode, 1 MiB of letters", letters.size(), [&] { return encode(letters); });
}

}  // namespace

int main(int argc, char** argv) {
  char** const end = argv + argc;
  char** const separator = std::find_if(argv, end, [](const char* arg) { return std::strcmp(arg, "--") == 0; });
  if (argc < 2 || separator == argv + 1) {
    std::fprintf(stderr, "usage: tokenizer_bench TOKENIZER... -- TEXT...\n");
    return 2;
  }
  try {
    bench(argv + 1, separator, end);
  } catch (const gemma4::Error& error) {
    std::fprintf(stderr, "%s: %s\n", gemma4::to_string(error.code()), error.what());
    return 1;
  }
  return 0;
}
