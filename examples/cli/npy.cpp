#include "npy.h"

#include <bit>
#include <charconv>
#include <filesystem>
#include <string_view>

#include "gemma4/error.h"

namespace cli {

namespace {

constexpr std::string_view kMagic("\x93NUMPY\x01\x00", 8);
constexpr std::size_t kPrefix = 10;  // magic and length of the header

}  // namespace

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

NpyWriter::NpyWriter(const std::string& path, const std::vector<std::int64_t>& shape) : out_(path) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t n : shape) header += std::to_string(n) + ",";
  header += "), }";
  // Magic and length take 10 bytes; header, padding and newline fill up to a multiple of 64.
  header.append(63 - (kPrefix + header.size()) % 64, ' ');
  header += '\n';
  std::string head(kMagic);
  head += static_cast<char>(header.size() & 0xFF);
  head += static_cast<char>(header.size() >> 8);
  head += header;
  out_.write({reinterpret_cast<const std::uint8_t*>(head.data()), head.size()});
}

void NpyWriter::write(gemma4::Span<const float> values) {
  out_.write({reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(float)});
}

void NpyWriter::close() { out_.commit(); }

bool NpyReader::is_npy(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string magic(kMagic.size(), '\0');
  in.read(magic.data(), static_cast<std::streamsize>(magic.size()));
  return in && magic == kMagic;
}

NpyReader::NpyReader(const std::string& path) : path_(path), in_(path, std::ios::binary) {
  const auto fail = [&](const char* what) {
    throw gemma4::Error(gemma4::ErrorCode::bad_format, path_ + ": expected a float32 array of two dimensions: " + what);
  };
  if (!in_) throw gemma4::Error(gemma4::ErrorCode::not_found, path_ + ": cannot be read");
  std::string prefix(kPrefix, '\0');
  in_.read(prefix.data(), static_cast<std::streamsize>(prefix.size()));
  if (!in_ || prefix.substr(0, kMagic.size()) != kMagic) fail("no .npy file of version 1.0");
  const std::size_t length = static_cast<unsigned char>(prefix[8]) + 256U * static_cast<unsigned char>(prefix[9]);
  std::string header(length, '\0');
  in_.read(header.data(), static_cast<std::streamsize>(length));
  if (!in_) fail("it ends in its header");
  if (header.find("'<f4'") == std::string::npos || header.find("'fortran_order': False") == std::string::npos) {
    fail("another type or order");
  }
  const std::size_t open = header.find("'shape': (");
  if (open == std::string::npos) fail("no shape");
  const char* at = header.data() + open + std::string_view("'shape': (").size();
  const char* const end = header.data() + header.size();
  for (std::size_t* dimension : {&rows_, &columns_}) {
    while (at < end && (*at == ' ' || *at == ',')) ++at;
    const auto [rest, error] = std::from_chars(at, end, *dimension);
    if (error != std::errc()) fail("another number of dimensions");
    at = rest;
  }
  while (at < end && (*at == ' ' || *at == ',')) ++at;
  if (at == end || *at != ')') fail("another number of dimensions");
  const std::uintmax_t expected = kPrefix + length + std::uintmax_t{4} * rows_ * columns_;
  if (std::filesystem::file_size(path_) != expected) fail("another length than its shape says");
}

gemma4::Span<const float> NpyReader::read(std::size_t n) {
  if (n > rows_ - next_) {
    throw gemma4::Error(gemma4::ErrorCode::bad_format,
                        path_ + ": expected more than its " + std::to_string(rows_) + " rows");
  }
  next_ += n;
  values_.resize(n * columns_);
  in_.read(reinterpret_cast<char*>(values_.data()), static_cast<std::streamsize>(values_.size() * sizeof(float)));
  if (!in_) throw gemma4::Error(gemma4::ErrorCode::io, path_ + ": cannot be read");
  return values_;
}

}  // namespace cli
