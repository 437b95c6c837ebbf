#include "kernels/dispatch.h"

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/check.h"

namespace gemma4::kernels {

extern const KernelTable kTable_baseline;
#ifdef GEMMA4_HAVE_ISA_AVX2
extern const KernelTable kTable_avx2;
#endif
#ifdef GEMMA4_HAVE_ISA_AVX512
extern const KernelTable kTable_avx512;
#endif

namespace {

std::vector<TableEntry> list_tables() {
  std::vector<TableEntry> entries;
  entries.push_back({"baseline", &kTable_baseline, true});
#ifdef GEMMA4_HAVE_ISA_AVX2
  entries.push_back({"avx2", &kTable_avx2,
                     __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")});
#endif
#ifdef GEMMA4_HAVE_ISA_AVX512
  entries.push_back({"avx512", &kTable_avx512,
                     __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                         __builtin_cpu_supports("avx512cd")});
#endif
  return entries;
}

}  // namespace

const std::vector<TableEntry>& tables() {
  static const std::vector<TableEntry> entries = list_tables();
  return entries;
}

const KernelTable& select_table() {
  const char* forced = std::getenv("GEMMA4_FORCE_ISA");
  const KernelTable* best = nullptr;
  std::string known;
  for (const TableEntry& entry : tables()) {
    known += std::string(known.empty() ? "" : ", ") + entry.name;
    if (forced != nullptr && *forced != '\0') {
      if (std::string_view(forced) != entry.name) continue;
      GEMMA4_CHECK(entry.supported, ErrorCode::unsupported, "GEMMA4_FORCE_ISA=", forced, ": this CPU lacks it");
    }
    if (entry.supported) best = entry.table;
  }
  GEMMA4_CHECK(best != nullptr, ErrorCode::invalid_argument, "GEMMA4_FORCE_ISA=", forced, ": expected one of ", known);
  return *best;
}

}  // namespace gemma4::kernels
