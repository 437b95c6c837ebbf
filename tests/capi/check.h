/* Checks for the C tests: they count, print what failed, and go on. Pure C99. */
#ifndef GEMMA4_TESTS_CHECK_H
#define GEMMA4_TESTS_CHECK_H

#include <gemma4_c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int checks_failed, checks_made; /* the test defines them */

#define CHECK(condition)                                             \
  do {                                                               \
    ++checks_made;                                                   \
    if (!(condition)) {                                              \
      ++checks_failed;                                               \
      printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    }                                                                \
  } while (0)

/* The status of a call is that one. */
#define CHECK_STATUS(expected, call)                                                                           \
  do {                                                                                                         \
    const gemma4_status check_status_ = (call);                                                                \
    ++checks_made;                                                                                             \
    if (check_status_ != (expected)) {                                                                         \
      ++checks_failed;                                                                                         \
      printf("%s:%d: %s: expected %s, got %s (%s)\n", __FILE__, __LINE__, #call, gemma4_status_name(expected), \
             gemma4_status_name(check_status_), gemma4_last_error());                                          \
    }                                                                                                          \
  } while (0)
#define CHECK_OK(call) CHECK_STATUS(GEMMA4_OK, call)
#define CHECK_REFUSED(call) CHECK_STATUS(GEMMA4_ERROR_INVALID_ARGUMENT, call)

/* Text by asking, then fetching. */
#define FETCH_TEXT(into, size, call) /* a call that ends in (..., b_, c_, n_) */ \
  do {                                                                           \
    char* b_ = NULL;                                                             \
    size_t c_ = 0, length_ = 0, *n_ = &length_;                                  \
    CHECK_OK(call);                                                              \
    b_ = (into), c_ = (size);                                                    \
    (into)[0] = '\0';                                                            \
    CHECK(length_ < c_);                                                         \
    CHECK_OK(call);                                                              \
    CHECK(strlen(into) == length_);                                              \
  } while (0)

static inline int report(const char* name) {
  printf("%s: %d checks, %d failed\n", name, checks_made, checks_failed);
  return checks_failed == 0 ? 0 : 1;
}

#define PROMPT "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n"

#endif
