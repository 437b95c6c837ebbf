// What the bind_*.cpp files share: arguments from Python, results to NumPy, and the rule of one thread per object.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gemma4/gemma4.h"

namespace gemma4::python {

namespace py = pybind11;

/// A str, bytes or os.PathLike, in the file system's encoding.
std::string to_path(const py::object& path);

/// A token id from anything with __index__. What no TokenId can hold is Error token_out_of_range, not OverflowError.
TokenId to_token(py::handle id);

/// Token ids from a one-dimensional integer array or any iterable of integers. Text is a TypeError.
std::vector<TokenId> to_tokens(py::handle ids);

/// An integer argument; one that no 64-bit integer holds is Error invalid_argument.
std::int64_t to_integer(py::handle value, const char* name);

/// As to_integer, for arguments that C++ takes as int.
int to_int(py::handle value, const char* name);

/// JSON from Python: None, bool, int, float, str, bytes of UTF-8, lists, tuples, and mappings with keys of str. Anything
/// else is a TypeError; text that is not UTF-8, NaN, infinities and nesting beyond Json::kMaxDepth are Error
/// invalid_argument. Both say where, below `path`.
Json to_json(py::handle value, const std::string& path);
py::object from_json(const Json& value);

/// Tools: as to_json, with a schema made of every function among them (gemma4/_tools.py).
Json to_tools(const py::object& tools);

/// A JSON schema as text: a str or bytes as it is, anything else as the json module writes it.
std::string to_schema(const py::object& schema);

/// "f32", "f16", "bf16" or None.
std::optional<DType> to_kv_dtype(const std::optional<std::string>& name);

/// One stop string or several.
std::vector<std::string> to_stop(const py::object& stop);

/// A copy as float32 [columns], or [rows, columns] where `rows` is given.
py::array_t<float> to_numpy(Span<const float> values, std::optional<std::size_t> rows = std::nullopt);

/// C++ objects that one thread at a time may use, shared between Python objects.
template <class T>
struct Guarded {
  explicit Guarded(T&& v, const char* name) : value(std::move(v)), what(name) {}
  T value;
  const char* what;
  std::atomic<bool> busy{false};
};

/// Claims a Guarded for a call; a second thread gets an Error, not a data race.
template <class T>
class Claim {
 public:
  explicit Claim(Guarded<T>& guarded) : guarded_(guarded) {
    if (guarded_.busy.exchange(true, std::memory_order_acquire)) {
      throw Error(ErrorCode::invalid_argument,
                  std::string(guarded_.what) + ": in use by another thread; one thread at a time may use it");
    }
  }
  ~Claim() { guarded_.busy.store(false, std::memory_order_release); }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  T& operator*() const noexcept { return guarded_.value; }
  T* operator->() const noexcept { return &guarded_.value; }

 private:
  Guarded<T>& guarded_;
};

using SharedSession = std::shared_ptr<Guarded<Session>>;
using SharedSampler = std::shared_ptr<Guarded<Sampler>>;

inline SharedSession share(Session&& session) {
  return std::make_shared<Guarded<Session>>(std::move(session), "Session");
}
inline SharedSampler share(Sampler&& sampler) {
  return std::make_shared<Guarded<Sampler>>(std::move(sampler), "Sampler");
}

/// Looks after Python while long work runs without the GIL: between chunks it calls a progress function and looks for
/// Ctrl-C; an exception of either cancels the work and is raised once the library has returned.
class Watch {
 public:
  /// @param progress  called as progress(done, total); may be None.
  Watch(py::object progress, std::optional<CancelToken> cancel)
      : progress_(std::move(progress)), cancel_(cancel ? *cancel : CancelToken()) {}

  /// From the working thread, without the GIL.
  void step(std::uint64_t done, std::uint64_t total) noexcept;
  /// With the GIL: raises what step() caught.
  void rethrow();
  const CancelToken& cancel() const noexcept { return cancel_; }

 private:
  py::object progress_;
  CancelToken cancel_;
  std::optional<py::error_already_set> caught_;
};

/// Runs `work` without the GIL and then raises what `watch` caught, in preference to what the work threw.
template <class Work>
auto run(Watch& watch, Work&& work) {
  try {
    auto result = [&] {
      py::gil_scoped_release release;
      return work();
    }();
    watch.rethrow();
    return result;
  } catch (const Error&) {
    watch.rethrow();
    throw;
  }
}

/// `base` with the keyword arguments of `changes` applied; an unknown one is a TypeError of `function`.
SamplerOptions sampler_options(SamplerOptions base, const py::kwargs& changes, const char* function);
py::dict to_dict(const SamplerOptions& options);

void bind_error(py::module_& module);
void bind_types(py::module_& module);
void bind_config(py::module_& module);
void bind_tokenizer(py::module_& module);
void bind_model(py::module_& module);
void bind_sampler(py::module_& module);
void bind_session(py::module_& module);
void bind_generate(py::module_& module);
void bind_chat(py::module_& module);
void bind_grammar(py::module_& module);
void bind_reply(py::module_& module);

/// The Config object of bind_config.cpp.
py::object make_config(const ModelConfig& config);

}  // namespace gemma4::python
