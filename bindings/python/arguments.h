// What the bind_*.cpp files share: arguments from Python, results to NumPy, and the rule of one thread per object.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
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

/// UTF-8 of a str, valid as long as the str. A lone surrogate, which UTF-8 has not, is Error invalid_argument that says
/// where.
std::string_view to_utf8(py::handle text, const std::string& where);

/// A value of a wrong type within JSON: in Python an Error, and a TypeError too (bind_error.cpp).
class JsonTypeError : public Error {
 public:
  explicit JsonTypeError(const std::string& what) : Error(ErrorCode::invalid_argument, what) {}
};

/// JSON from Python: None, bool, int, float, str, bytes of UTF-8, lists, tuples, and mappings with keys of str. Anything
/// else is a JsonTypeError; text that is not UTF-8, NaN, infinities, containers that hold themselves and nesting beyond
/// Json::kMaxDepth are Error invalid_argument. Both say where, below `path`.
Json to_json(py::handle value, const std::string& path);
py::object from_json(const Json& value);

/// to_dict() and to_json() of a value that the library has a to_json() for.
template <class T>
void becomes_json(py::class_<T>& type) {
  type.def("to_dict", [](const T& self) { return from_json(to_json(self)); }, "As a dict that the json module writes.");
  type.def("to_json", [](const T& self) { return to_json(self).dump(); }, "As JSON text.");
}

/// Tools: as to_json, with a schema made of every function among them (gemma4/_tools.py).
Json to_tools(const py::object& tools);

/// The JSON schema of a Pydantic model (or what has model_json_schema() like one), a dataclass or a TypedDict, as a
/// dict; of anything else None.
py::object class_schema(const py::object& kind);

/// A JSON schema as text: a str or bytes as it is, class_schema()'s, or anything else as to_json() reads it.
std::string to_schema(const py::object& schema);

/// "f32", "f16", "bf16" or None.
std::optional<DType> to_kv_dtype(const std::optional<std::string>& name);

/// At least 0; -1 for None, no limit.
int to_max_tokens(const py::object& max_tokens);

/// One text or several; None: none.
std::vector<std::string> to_texts(py::handle texts, const std::string& name);

/// One stop string or several.
std::vector<std::string> to_stop(const py::object& stop);

/// What a progress argument asks for: a callable, or None. True: a bar; None for `automatic` work: a bar where this is a
/// notebook; False: nothing. `label` is what the bar says.
py::object to_progress(const py::object& progress, const char* label, bool automatic = false);

/// The arguments of Session and of Model.memory_plan().
SessionOptions session_options(const py::object& context_length, const py::object& prefill_chunk,
                               const std::optional<std::string>& kv_dtype, const py::object& checkpoint_bytes);

/// A model that is neither closed nor left behind by a fork, as a copy that shares it: another thread may close `model`
/// meanwhile.
Model open(const Model& model);
/// Every model that is loaded, for open() to know those of the parent.
void remember(const Model& model);
/// How many forks lie between this process and the one that imported the module.
int forks();

/// A copy as float32 [columns], or [rows, columns] where `rows` is given.
py::array_t<float> to_numpy(Span<const float> values, std::optional<std::size_t> rows = std::nullopt);

/// The same without a copy: the array keeps the memory alive.
py::array_t<float> to_numpy(std::shared_ptr<float> values, std::size_t rows, std::size_t columns);

/// Releases the GIL while it lives. At the end of the process threads of Python's must not come back from here to an
/// interpreter that is gone: the exit hook (released.cpp) cancels what runs, waits for it, and lets nothing else begin.
class Released {
 public:
  /// Throws Error cancelled once the interpreter is exiting. `cancel`, where there is one, must outlive it.
  explicit Released(const CancelToken* cancel = nullptr);
  ~Released();
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;

 private:
  const CancelToken* cancel_;
  PyThreadState* state_ = nullptr;
};

/// C++ objects that one thread at a time may use, shared between Python objects.
template <class T>
struct Guarded {
  explicit Guarded(T&& v, const char* name) : value(std::move(v)), what(name) {}
  T value;  // moved from, once closed
  const char* what;
  std::atomic<bool> busy{false};
  std::atomic<bool> closed{false};
  const int made = forks();

  /// For what may be asked while another thread uses it.
  const T& open() const {
    if (closed) throw Error(ErrorCode::invalid_argument, std::string(what) + ": closed; make a new one");
    if (made != forks() && !std::is_same_v<T, Sampler>) {
      throw Error(ErrorCode::unsupported, std::string(what) + ": made before this process forked; load the model here, and make it anew");
    }
    return value;
  }
};

/// Claims a Guarded for a call; a second thread gets an Error, not a data race.
template <class T>
class Claim {
 public:
  explicit Claim(Guarded<T>& guarded) : guarded_(guarded) {
    guarded_.open();  // with the GIL: nobody closes it between this and the next line
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

/// Frees what it holds; later calls are an Error. Nothing happens the second time.
template <class T>
void close(Guarded<T>& guarded) {
  if (guarded.closed || guarded.made != forks()) return;
  const Claim claim(guarded);
  guarded.closed = true;
  const T dropped = std::move(guarded.value);
}

using SharedSession = std::shared_ptr<Guarded<Session>>;
using SharedSampler = std::shared_ptr<Guarded<Sampler>>;

inline SharedSession share(Session&& session) {
  return std::make_shared<Guarded<Session>>(std::move(session), "Session");
}
inline SharedSampler share(Sampler&& sampler) {
  return std::make_shared<Guarded<Sampler>>(std::move(sampler), "Sampler");
}

/// Looks after Python while long work runs without the GIL: between the model's layers it looks for Ctrl-C, and it
/// calls a progress function; an exception of either ends the work and is raised once the library has returned.
class Watch {
 public:
  /// @param progress  called as progress(done, total); may be None.
  /// @param cancel    ends the work too, and is not touched.
  Watch(py::object progress, std::optional<CancelToken> cancel);

  /// For the library's options: this watch must outlive the work. Empty where there is no progress function.
  std::function<void(std::size_t, std::size_t)> progress();
  /// The same by hand, from the working thread, without the GIL; looks for Ctrl-C too.
  void step(std::uint64_t done, std::uint64_t total) noexcept;
  /// With the GIL: raises what was caught.
  void rethrow();
  /// What the work must be given. Looks for Ctrl-C whenever the library looks at it.
  const CancelToken& cancel() const noexcept { return cancel_; }

 private:
  struct State;
  py::object progress_;
  std::shared_ptr<State> state_;
  CancelToken cancel_;
};

/// Raises KeyboardInterrupt where Ctrl-C was pressed, and whatever else a signal's handler raises.
inline void check_signals() {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

/// Copying and pickling end in a TypeError that says what to do instead.
template <class Class>
void refuse_copies(Class& type, const char* name, const char* instead, bool copies = true) {
  const std::string why = std::string(name) + " cannot be copied: " + instead;
  const std::string pickles = std::string(name) + " cannot be pickled: " + instead;
  if (copies) {
    type.def("__copy__", [why](const py::object&) -> py::object { throw py::type_error(why); });
    type.def("__deepcopy__", [why](const py::object&, const py::object&) -> py::object { throw py::type_error(why); }, py::arg("memo"));
  }
  type.def("__reduce_ex__", [pickles](const py::object&, int) -> py::object { throw py::type_error(pickles); }, py::arg("protocol"));
}

/// Pickles and copies of a value are made of these fields.
template <class T, class... Fields>
void pickles(py::class_<T>& type, Fields T::*... fields) {
  const auto state_of = [](const auto& field) -> py::object {
    if constexpr (std::is_enum_v<std::decay_t<decltype(field)>>) {
      return py::int_(static_cast<int>(field));
    } else {
      return py::cast(field);
    }
  };
  const auto restore = [](auto& field, py::handle state) {
    using Field = std::decay_t<decltype(field)>;
    if constexpr (std::is_enum_v<Field>) {
      field = static_cast<Field>(state.cast<int>());
    } else {
      field = state.cast<Field>();
    }
  };
  type.def(py::pickle([=](const T& self) { return py::make_tuple(state_of(self.*fields)...); },
                      [=](const py::tuple& state) {
                        if (state.size() != sizeof...(fields)) throw py::value_error("a pickle of another version");
                        T value;
                        std::size_t i = 0;
                        (restore(value.*fields, state[i++]), ...);
                        return value;
                      }));
}

/// `with`: what __exit__ calls is close().
template <class Class>
void closes(Class& type) {
  type.def("__enter__", [](const py::object& self) { return self; });
  type.def("__exit__", [](const py::object& self, const py::args&) { self.attr("close")(); });
}

/// Runs `work` without the GIL and then raises what `watch` caught, in preference to what the work threw.
template <class Work>
auto run(Watch& watch, Work&& work) {
  try {
    auto result = [&] {
      const Released released(&watch.cancel());
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
void bind_memory_plan(py::module_& module);
/// Registers the exit hook of Released.
void bind_exit();
/// Registers what a child process does first.
void bind_fork();

/// The Config object of bind_config.cpp.
py::object make_config(const ModelConfig& config);

}  // namespace gemma4::python
