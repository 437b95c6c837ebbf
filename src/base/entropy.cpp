#include "base/entropy.h"

#include <exception>
#include <random>

#if defined(__linux__) || defined(__APPLE__)
#include <sys/random.h>
#include <unistd.h>
#endif

#include "base/check.h"

namespace gemma4::base {

std::uint64_t random_bits() {
#if defined(__linux__) || defined(__APPLE__)
  std::uint64_t bits = 0;
  if (getentropy(&bits, sizeof bits) == 0) return bits;
#endif
  try {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
  } catch (const std::exception& error) {
    fail(ErrorCode::io, "the system has no random numbers to give: ", error.what());
  }
}

}  // namespace gemma4::base
