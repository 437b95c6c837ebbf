// Watch: Ctrl-C and progress functions while the library works without the GIL.
#include <chrono>

#include "arguments.h"

namespace gemma4::python {

namespace {

using Clock = std::chrono::steady_clock;

/// Between two looks for signals: each takes the GIL, for which other threads of Python's may let it wait for 5 ms.
constexpr std::chrono::milliseconds kEvery{50};

/// The one thread that Python handles signals in. With the GIL.
unsigned long main_thread() {
  static unsigned long id = 0;
  static int known_at = -1;  // a child that forked has another
  if (known_at != forks()) {
    id = py::module_::import("threading").attr("main_thread")().attr("ident").cast<unsigned long>();
    known_at = forks();
  }
  return id;
}

}  // namespace

/// What the token's question needs; lives as long as the token.
struct Watch::State {
  std::optional<CancelToken> given;
  std::optional<py::error_already_set> caught;
  const unsigned long main_id = main_thread();
  Clock::time_point due = Clock::now() + kEvery;

  /// From the working thread, without the GIL: true when the work shall end.
  bool ended() {
    if (given && given->cancelled()) return true;
    if (PyThread_get_thread_ident() != main_id || Clock::now() < due) return false;
    const py::gil_scoped_acquire gil;
    return !attempt([] {});
  }

  /// With the GIL: `work`, and a look for signals; keeps what they raise. False when something was raised.
  template <class Work>
  bool attempt(Work&& work) {
    if (caught) return false;
    due = Clock::now() + kEvery;
    try {
      work();
      check_signals();
    } catch (py::error_already_set& error) {
      caught.emplace(std::move(error));
    }
    return !caught;
  }
};

Watch::Watch(py::object progress, std::optional<CancelToken> cancel)
    : progress_(std::move(progress)),
      state_(std::make_shared<State>()),
      cancel_([state = state_] { return state->ended(); }) {
  state_->given = std::move(cancel);
}

std::function<void(std::size_t, std::size_t)> Watch::progress() {
  if (progress_.is_none()) return {};
  return [this](std::size_t done, std::size_t total) { step(done, total); };
}

void Watch::step(std::uint64_t done, std::uint64_t total) noexcept {
  const py::gil_scoped_acquire gil;
  const bool fine = state_->attempt([&] {
    if (!progress_.is_none()) progress_(done, total);
  });
  if (!fine) cancel_.cancel();
}

void Watch::rethrow() {
  if (!state_->caught) return;
  py::error_already_set error = std::move(*state_->caught);
  state_->caught.reset();
  throw error;
}

}  // namespace gemma4::python
