// Which kernel table this process uses: the best one the CPU has, or the one GEMMA4_FORCE_ISA names.
#pragma once

#include <vector>

#include "kernels/kernels.h"

namespace gemma4::kernels {

/// A table of this build and whether this CPU can run it.
struct TableEntry {
  const char* name;
  const KernelTable* table;
  bool supported;
};

/// Every table of this build, worst first.
const std::vector<TableEntry>& tables();

/// The best supported table, or the one the environment variable GEMMA4_FORCE_ISA names.
/// Throws Error invalid_argument for an unknown name, unsupported for one this CPU cannot run.
const KernelTable& select_table();

}  // namespace gemma4::kernels
