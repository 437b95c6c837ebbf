// Ctrl-C and what else asks the program to end: while an Interrupt lives, they cancel a token instead.
#pragma once

#include <signal.h>

#include <deque>
#include <utility>
#include <vector>

#include "gemma4/types.h"

namespace cli {

/// One at a time. SIGINT cancels token().
class Interrupt {
 public:
  enum class On { interrupt, any_end };  ///< SIGINT alone; SIGTERM and SIGHUP, too: for who has a file to clean up.
  explicit Interrupt(On on = On::interrupt);
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  const gemma4::CancelToken& token() const noexcept { return tokens_.back(); }
  bool happened() const noexcept { return token().cancelled(); }
  /// The exit status of a program that ended early because of a signal: 128 and the latest one's number.
  static int status() noexcept;
  /// A fresh token for what comes next.
  void renew();

 private:
  std::deque<gemma4::CancelToken> tokens_;  // the old ones stay: the handler may be looking at one
  std::vector<std::pair<int, struct sigaction>> before_;
};

}  // namespace cli
