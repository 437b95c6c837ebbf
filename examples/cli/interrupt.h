// Ctrl-C: while an Interrupt lives, it cancels a token instead of ending the program.
#pragma once

#include <signal.h>

#include <deque>

#include "gemma4/types.h"

namespace cli {

/// One at a time. SIGINT cancels token().
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  const gemma4::CancelToken& token() const noexcept { return tokens_.back(); }
  bool happened() const noexcept { return token().cancelled(); }
  /// A fresh token for what comes next.
  void renew();

 private:
  std::deque<gemma4::CancelToken> tokens_;  // the old ones stay: the handler may be looking at one
  struct sigaction before_ = {};
};

}  // namespace cli
