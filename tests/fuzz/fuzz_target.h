// What a fuzz target of this folder gives its driver: libFuzzer's entry point, and inputs to start from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Runs one parser on the bytes. Returns 0; an exception other than gemma4::Error, or a broken promise of the parser,
/// ends the process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace gemma4::fuzz {

/// Good inputs that mutations start from.
std::vector<std::string> seeds();

/// Ends the process with a message unless the condition holds: a finding.
void require(bool condition, const char* what);

}  // namespace gemma4::fuzz
