// Where tests find the bundled model.
#pragma once

#include <string>

namespace gemma4::test {

/// The folder of gemma4-nano. GEMMA4_SOURCE_DIR is defined by tests/CMakeLists.txt.
inline std::string nano_model_path() { return std::string(GEMMA4_SOURCE_DIR) + "/examples/nano/model"; }

}  // namespace gemma4::test
