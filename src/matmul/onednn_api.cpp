#include "matmul/onednn_api.h"

#ifdef GEMMA4_WITH_ONEDNN

#include <dlfcn.h>

namespace gemma4::matmul {
namespace {

#define GEMMA4_TEXT_OF(x) #x
#define GEMMA4_TEXT(x) GEMMA4_TEXT_OF(x)
constexpr const char* kLibrary = "libdnnl.so." GEMMA4_TEXT(DNNL_VERSION_MAJOR);
#undef GEMMA4_TEXT
#undef GEMMA4_TEXT_OF

constexpr int kOldest2 = 6;  // the least 2.x with what is used here

#if defined(RTLD_DEEPBIND) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr int kOwnSymbolsFirst = RTLD_DEEPBIND;  // which the sanitizers refuse
#else
constexpr int kOwnSymbolsFirst = 0;
#endif

template <class Function>
bool find(void* library, const char* name, Function& function) noexcept {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

bool load(OneDnnApi& api) noexcept {
  void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | kOwnSymbolsFirst);
  if (library == nullptr) return false;
  bool complete = true;
#define GEMMA4_ONEDNN_FIND(name) complete = find(library, "dnnl_" #name, api.name) && complete;
  GEMMA4_ONEDNN_FUNCTIONS(GEMMA4_ONEDNN_FIND)
#undef GEMMA4_ONEDNN_FIND
  if (complete) {
    const dnnl_version_t* version = api.version();
    complete = version->major == DNNL_VERSION_MAJOR && (version->major > 2 || version->minor >= kOldest2);
  }
  if (!complete) {
    ::dlclose(library);
    return false;
  }
  // Among what the library itself needs, so that it is its own OpenMP, whatever else the process has.
  if (!find(library, "omp_get_max_threads", api.omp_get_max_threads) ||
      !find(library, "omp_set_num_threads", api.omp_set_num_threads)) {
    api.omp_get_max_threads = nullptr;
  }
  return true;
}

}  // namespace

const OneDnnApi* onednn_api() noexcept {
  static OneDnnApi api;
  static const bool loaded = load(api);
  return loaded ? &api : nullptr;
}

}  // namespace gemma4::matmul

#endif
