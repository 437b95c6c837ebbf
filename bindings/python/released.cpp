// Released, and the hook that ends its users before the interpreter ends.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "arguments.h"

namespace gemma4::python {

namespace {

/// Lives as long as the process: threads may come back late.
struct Away {
  std::mutex mutex;
  std::condition_variable back;
  std::vector<const CancelToken*> running;  // null: cannot be cancelled
  std::optional<std::thread::id> exiting;  // the thread that ends the process
  const pid_t process = getpid();
};

Away& away() {
  static Away* const instance = new Away;
  return *instance;
}

constexpr std::chrono::seconds kPatience{10};

void wait_for_all() {
  Away& a = away();
  const py::gil_scoped_release release;
  if (getpid() != a.process) return;  // a child that forked: the threads are not there
  std::unique_lock lock(a.mutex);
  a.exiting = std::this_thread::get_id();
  for (const CancelToken* const cancel : a.running) {
    if (cancel != nullptr) cancel->cancel();
  }
  a.back.wait_for(lock, kPatience, [&a] { return a.running.empty(); });
}

}  // namespace

Released::Released(const CancelToken* cancel) : cancel_(cancel) {
  Away& a = away();
  {
    const std::lock_guard lock(a.mutex);
    if (a.exiting && *a.exiting != std::this_thread::get_id())
      throw Error(ErrorCode::cancelled, "the interpreter is exiting");
    a.running.push_back(cancel_);
  }
  state_ = PyEval_SaveThread();
}

Released::~Released() {
  PyEval_RestoreThread(state_);
  Away& a = away();
  const std::lock_guard lock(a.mutex);
  a.running.erase(std::find(a.running.begin(), a.running.end(), cancel_));
  if (a.running.empty()) a.back.notify_all();
}

void bind_exit() {
  away();
  py::module_::import("atexit").attr("register")(py::cpp_function(&wait_for_all));
}

}  // namespace gemma4::python
