// Ctrl-C: while an Interrupt lives, it cancels a token instead of ending the program.
#pragma once

#include <signal.h>

#include "gemma4/types.h"

namespace cli {

/// One at a time. SIGINT cancels token(), and interrupts a blocking read (EINTR).
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  const gemma4::CancelToken& token() const noexcept { return token_; }
  bool happened() const noexcept { return token_.cancelled(); }

 private:
  gemma4::CancelToken token_;
  struct sigaction before_ = {};
};

}  // namespace cli
