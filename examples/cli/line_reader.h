// Lines of standard input, with an eye on Ctrl-C while it waits (std::getline would retry or fail for good).
#pragma once

#include <optional>
#include <string>

#include "interrupt.h"

namespace cli {

class LineReader {
 public:
  /// Nothing at the end of the input and after Ctrl-C.
  std::optional<std::string> next(const Interrupt& interrupt);

 private:
  std::optional<std::string> take(std::size_t length, std::size_t consumed);
  std::string buffer_;
};

}  // namespace cli
