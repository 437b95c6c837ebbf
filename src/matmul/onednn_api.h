// oneDNN's C functions, found when the library is first asked for a product: never linked.
//
// Its symbols carry no version, so in a process that has another oneDNN a linked call could end there. Here the library
// is opened privately instead (dlopen: local, and bound to its own symbols first), and where there is none our own
// kernels do the work. Only its C interface is used: the C++ header's inline functions would be weak symbols of ours,
// and a program with a oneDNN of its own might get them.
#pragma once

#ifdef GEMMA4_WITH_ONEDNN

#include <oneapi/dnnl/dnnl.h>

namespace gemma4::matmul {

#define GEMMA4_ONEDNN_COMMON(X)                                                                         \
  X(version)                                                                                            \
  X(engine_create) X(engine_destroy) X(stream_create) X(stream_destroy) X(stream_wait) X(memory_create) \
      X(memory_destroy) X(memory_desc_get_size) X(primitive_attr_create) X(primitive_attr_destroy)      \
          X(primitive_attr_set_scratchpad_mode) X(primitive_desc_destroy) X(primitive_desc_query_md)    \
              X(primitive_create) X(primitive_destroy) X(primitive_execute)
#if DNNL_VERSION_MAJOR >= 3
#define GEMMA4_ONEDNN_FUNCTIONS(X) \
  GEMMA4_ONEDNN_COMMON(X) X(memory_desc_create_with_strides) X(memory_desc_destroy) X(matmul_primitive_desc_create)
#else
#define GEMMA4_ONEDNN_FUNCTIONS(X) \
  GEMMA4_ONEDNN_COMMON(X) X(memory_desc_init_by_strides) X(matmul_desc_init) X(primitive_desc_create)
#endif

/// Pointers to the functions of one library: `engine_create` is dnnl_engine_create.
struct OneDnnApi {
#define GEMMA4_ONEDNN_MEMBER(name) decltype(&dnnl_##name) name = nullptr;
  GEMMA4_ONEDNN_FUNCTIONS(GEMMA4_ONEDNN_MEMBER)
#undef GEMMA4_ONEDNN_MEMBER
  /// Of the OpenMP that it runs on; null where it does not.
  int (*omp_get_max_threads)() = nullptr;
  void (*omp_set_num_threads)(int) = nullptr;
};

/// The system's oneDNN of the major version this was compiled for; null when there is none. Opened once, and kept.
const OneDnnApi* onednn_api() noexcept;

}  // namespace gemma4::matmul

#endif
