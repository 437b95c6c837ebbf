/* Stands in for a host's own oneDNN and OpenMP, loaded before everything else: whoever calls these has been captured.
 */
#include <stdio.h>
#include <stdlib.h>

#define TRAP(name)                                               \
  int name(void);                                                \
  int name(void) {                                               \
    fprintf(stderr, "captured by another library: " #name "\n"); \
    abort();                                                     \
  }

TRAP(dnnl_version)
TRAP(dnnl_engine_create)
TRAP(dnnl_engine_destroy)
TRAP(dnnl_stream_create)
TRAP(dnnl_stream_wait)
TRAP(dnnl_memory_create)
TRAP(dnnl_memory_desc_init_by_strides)
TRAP(dnnl_memory_desc_get_size)
TRAP(dnnl_matmul_desc_init)
TRAP(dnnl_primitive_attr_create)
TRAP(dnnl_primitive_attr_clone)
TRAP(dnnl_primitive_desc_create)
TRAP(dnnl_primitive_desc_query_md)
TRAP(dnnl_primitive_create)
TRAP(dnnl_primitive_execute)
TRAP(omp_get_max_threads)
TRAP(omp_set_num_threads)
TRAP(omp_get_thread_num)
TRAP(omp_in_parallel)
TRAP(GOMP_parallel)
TRAP(GOMP_barrier)
