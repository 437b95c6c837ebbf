#include "kernels/dispatch.h"

#ifdef GEMMA4_HAVE_ISA_AVX2
#include <cpuid.h>
#endif

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/check.h"

namespace gemma4::kernels {

extern const KernelTable kTable_baseline;
#ifdef GEMMA4_HAVE_ISA_AVX2  // x86-64
extern const KernelTable kTable_avx2, kTable_avx2_vnni, kTable_avx512, kTable_avx512_vnni_bf16;
#endif

namespace {

#ifdef GEMMA4_HAVE_ISA_AVX2
/// CPUID leaf 7, sub-leaf 1, EAX bit 4; __builtin_cpu_supports of g++ 12 does not know the name.
bool has_avx_vnni() noexcept {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & (1U << 4)) != 0;
}
#endif

std::vector<TableEntry> list_tables() {
  std::vector<TableEntry> entries;
  entries.push_back({"baseline", &kTable_baseline, true});
#ifdef GEMMA4_HAVE_ISA_AVX2
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512cd");
  entries.push_back({"avx2", &kTable_avx2, avx2});
  entries.push_back({"avx2_vnni", &kTable_avx2_vnni, avx2 && has_avx_vnni()});
  entries.push_back({"avx512", &kTable_avx512, avx512});
  entries.push_back({"avx512_vnni_bf16", &kTable_avx512_vnni_bf16,
                     avx512 && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16") &&
                         __builtin_cpu_supports("avx512vbmi")});
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
