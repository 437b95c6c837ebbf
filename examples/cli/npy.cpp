#include "npy.h"

#include <bit>

#include "gemma4/error.h"

namespace cli {

static_assert(std::endian::native == std::endian::little, "values are written as they lie in memory");

NpyWriter::NpyWriter(const std::string& path, const std::vector<std::int64_t>& shape)
    : path_(path), out_(path, std::ios::binary) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const std::int64_t n : shape) header += std::to_string(n) + ",";
  header += "), }";
  // Magic and length take 10 bytes; header, padding and newline fill up to a multiple of 64.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  out_.write("\x93NUMPY\x01\x00", 8);
  const char length[2] = {static_cast<char>(header.size() & 0xFF), static_cast<char>(header.size() >> 8)};
  out_.write(length, 2);
  out_ << header;
}

void NpyWriter::write(gemma4::Span<const float> values) {
  out_.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
}

void NpyWriter::close() {
  out_.close();
  if (out_.fail()) throw gemma4::Error(gemma4::ErrorCode::io, path_ + ": cannot be written");
}

}  // namespace cli
