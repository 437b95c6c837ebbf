/* A system without oneDNN. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

void* dlopen(const char* name, int flags) {
  static void* (*real)(const char*, int) = NULL;
  if (name != NULL && strncmp(name, "libdnnl", 7) == 0) return NULL;
  if (real == NULL) *(void**)&real = dlsym(RTLD_NEXT, "dlopen");
  return real(name, flags);
}
