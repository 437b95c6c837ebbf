#include "interrupt.h"

#include <atomic>

namespace cli {
namespace {

// A signal handler may touch lock-free atomics only; CancelToken::cancel() is a store to one.
std::atomic<const gemma4::CancelToken*> current = nullptr;
static_assert(std::atomic<const gemma4::CancelToken*>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

std::atomic<int> latest = SIGINT;

extern "C" void on_interrupt(int signal) {
  latest.store(signal);
  if (const gemma4::CancelToken* token = current.load()) token->cancel();
}

}  // namespace

Interrupt::Interrupt(On on) {
  renew();
  struct sigaction action = {};
  action.sa_handler = &on_interrupt;
  sigemptyset(&action.sa_mask);
  const std::vector<int> all = {SIGINT, SIGTERM, SIGHUP};
  for (const int signal : on == On::any_end ? all : std::vector<int>{SIGINT}) {
    struct sigaction before = {};
    sigaction(signal, nullptr, &before);
    if (signal != SIGINT && before.sa_handler == SIG_IGN) continue;  // nohup
    sigaction(signal, &action, nullptr);
    before_.emplace_back(signal, before);
  }
}

Interrupt::~Interrupt() {
  for (const auto& [signal, before] : before_) sigaction(signal, &before, nullptr);
  current.store(nullptr);
}

int Interrupt::status() noexcept { return 128 + latest.load(); }

void Interrupt::renew() { current.store(&tokens_.emplace_back()); }

}  // namespace cli
