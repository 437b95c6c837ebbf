// Where tests find the bundled model.
#pragma once

#include <filesystem>
#include <string>

namespace gemma4::test {

/// The folder of gemma4-nano. GEMMA4_SOURCE_DIR is defined by tests/CMakeLists.txt.
inline std::string nano_model_path() { return std::string(GEMMA4_SOURCE_DIR) + "/examples/nano/model"; }

/// False in a checkout whose nano model has not been trained yet.
inline bool has_nano_model() {
  return std::filesystem::exists(nano_model_path() + "/config.json") &&
         std::filesystem::exists(nano_model_path() + "/model.safetensors");
}

}  // namespace gemma4::test
