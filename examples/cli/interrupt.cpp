#include "interrupt.h"

#include <atomic>

namespace cli {
namespace {

// A signal handler may touch lock-free atomics only; CancelToken::cancel() is a store to one.
std::atomic<const gemma4::CancelToken*> current = nullptr;
static_assert(std::atomic<const gemma4::CancelToken*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

extern "C" void on_interrupt(int) {
  if (const gemma4::CancelToken* token = current.load()) token->cancel();
}

}  // namespace

Interrupt::Interrupt() {
  renew();
  struct sigaction action = {};
  action.sa_handler = &on_interrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before_);
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &before_, nullptr);
  current.store(nullptr);
}

void Interrupt::renew() { current.store(&tokens_.emplace_back()); }

}  // namespace cli
