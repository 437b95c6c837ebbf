// Bodies of gemma4/host.h that are not in base/.
#include "gemma4/host.h"

#include "kernels/dispatch.h"
#include "matmul/dense.h"

namespace gemma4 {

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const kernels::TableEntry& entry : kernels::tables()) {
    if (entry.supported) names.emplace_back(entry.name);
  }
  return names;
}

bool has_onednn() noexcept { return matmul::have_onednn(); }

}  // namespace gemma4
