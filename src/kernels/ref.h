// The scalar twin of every kernel, accumulating in double: the tests' yardstick, and a table like any other.
#pragma once

#include "kernels/kernels.h"

namespace gemma4::kernels {

/// Plain loops, f64 sums. Contracts as in KernelTable.
extern const KernelTable kReferenceTable;

}  // namespace gemma4::kernels
