// Runs a plan: reads, converts and writes tensor after tensor, in pieces.
#pragma once

#include "base/output_file.h"
#include "base/thread_pool.h"
#include "quantize/plan.h"
#include "quantize/row_quantizers.h"

namespace gemma4::quantization {

/// Writes the plan's head and tensors to `out`. Holds the pool. Pages of the source are given back once they are read.
/// Throws Error: bad_checkpoint (a weight that is not finite or does not fit F16), io, cancelled, out_of_memory.
void convert(const Plan& plan, const weights::Checkpoint& checkpoint, const QuantizeOptions& options,
             const RowQuantizers& rows, const base::ThreadPool& pool, base::OutputFile& out);

}  // namespace gemma4::quantization
