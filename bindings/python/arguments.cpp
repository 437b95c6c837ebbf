#include "arguments.h"

#include <algorithm>
#include <limits>

namespace gemma4::python {

std::string to_path(const py::object& path) {
  PyObject* bytes = nullptr;
  if (PyUnicode_FSConverter(path.ptr(), &bytes) == 0) throw py::error_already_set();
  return py::reinterpret_steal<py::bytes>(bytes);
}

namespace {

[[noreturn]] void not_a_token(py::handle id) {
  throw Error(ErrorCode::token_out_of_range,
              "token id " + std::string(py::str(id)) + ": expected 0 <= id < vocab_size");
}

TokenId narrow(long long value, py::handle id) {
  if (value < std::numeric_limits<TokenId>::min() || value > std::numeric_limits<TokenId>::max()) not_a_token(id);
  return static_cast<TokenId>(value);
}

/// The value of anything with __index__; nothing when 64 bits do not hold it.
std::optional<long long> index(py::handle value) {
  const auto number = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!number) throw py::error_already_set();
  int overflow = 0;
  const long long result = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0) return std::nullopt;
  if (result == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return result;
}

std::vector<TokenId> tokens_of_array(const py::array& array) {
  const char kind = array.dtype().kind();
  // NumPy makes an empty list an array of floats.
  if (array.size() != 0 && kind != 'i' && kind != 'u') throw py::type_error("token ids: expected an array of integers");
  if (array.ndim() != 1) throw py::type_error("token ids: expected an array of one dimension");
  const auto wide = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>::ensure(array);
  if (!wide) throw py::error_already_set();
  std::vector<TokenId> tokens(static_cast<std::size_t>(wide.size()));
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = narrow(wide.data()[i], py::int_(wide.data()[i]));
  }
  return tokens;
}

}  // namespace

TokenId to_token(py::handle id) {
  const std::optional<long long> value = index(id);
  if (!value) not_a_token(id);
  return narrow(*value, id);
}

std::vector<TokenId> to_tokens(py::handle ids) {
  if (py::isinstance<py::str>(ids) || py::isinstance<py::bytes>(ids)) {
    throw py::type_error("token ids: expected integers, got text; Tokenizer.encode makes ids of it");
  }
  if (py::isinstance<py::array>(ids)) return tokens_of_array(py::reinterpret_borrow<py::array>(ids));
  std::vector<TokenId> tokens;
  for (const py::handle id : py::iter(ids)) tokens.push_back(to_token(id));
  return tokens;
}

std::string_view to_utf8(py::handle text, const std::string& where) {
  py::ssize_t size = 0;
  const char* const data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (data != nullptr) return {data, static_cast<std::size_t>(size)};
  PyErr_Clear();
  throw Error(ErrorCode::invalid_argument, where + ": expected text that UTF-8 can hold, got a lone surrogate");
}

std::int64_t to_integer(py::handle value, const char* name) {
  const std::optional<long long> result = index(value);
  if (!result)
    throw Error(ErrorCode::invalid_argument, std::string(name) + ": " + std::string(py::str(value)) + " is too large");
  return *result;
}

int to_int(py::handle value, const char* name) {
  const std::int64_t result = to_integer(value, name);
  if (result < std::numeric_limits<int>::min() || result > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::invalid_argument, std::string(name) + ": " + std::to_string(result) + " is too large");
  }
  return static_cast<int>(result);
}

std::optional<DType> to_kv_dtype(const std::optional<std::string>& name) {
  if (!name) return std::nullopt;
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    if (*name == to_string(dtype)) return dtype;
  }
  throw Error(ErrorCode::invalid_argument,
              "kv_dtype: expected \"f32\", \"f16\", \"bf16\" or None, got \"" + *name + "\"");
}

int to_max_tokens(const py::object& max_tokens) {
  if (max_tokens.is_none()) return -1;
  const int most = to_int(max_tokens, "max_tokens");
  if (most < 0) throw Error(ErrorCode::invalid_argument, "max_tokens: expected at least 0, or None for no limit");
  return most;
}

std::vector<std::string> to_texts(py::handle texts, const std::string& name) {
  if (texts.is_none()) return {};
  if (py::isinstance<py::str>(texts)) return {std::string(to_utf8(texts, name))};
  std::vector<std::string> out;
  for (const py::handle text : texts) {
    if (!py::isinstance<py::str>(text)) throw py::type_error(name + ": expected strings");
    out.emplace_back(to_utf8(text, name + "[" + std::to_string(out.size()) + "]"));
  }
  return out;
}

std::vector<std::string> to_stop(const py::object& stop) { return to_texts(stop, "stop"); }

py::array_t<float> to_numpy(Span<const float> values, std::optional<std::size_t> rows) {
  std::vector<py::ssize_t> shape;
  if (rows) shape.push_back(static_cast<py::ssize_t>(*rows));
  shape.push_back(static_cast<py::ssize_t>(rows && *rows != 0 ? values.size() / *rows : values.size()));
  py::array_t<float> out(shape);
  std::copy(values.begin(), values.end(), out.mutable_data());
  return out;
}

py::array_t<float> to_numpy(std::shared_ptr<float> values, std::size_t rows, std::size_t columns) {
  auto owner = std::make_unique<std::shared_ptr<float>>(std::move(values));
  float* const data = owner->get();
  const py::capsule base(owner.get(), [](void* pointer) { delete static_cast<std::shared_ptr<float>*>(pointer); });
  owner.release();
  return py::array_t<float>({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(columns)}, data, base);
}

py::object to_progress(const py::object& progress, const char* label, bool automatic) {
  if (progress.is_none() && !automatic) return progress;
  if (!progress.is_none() && !py::isinstance<py::bool_>(progress)) {
    if (PyCallable_Check(progress.ptr()) == 0) throw py::type_error("progress: expected a callable, True, False or None");
    return progress;
  }
  return py::module_::import("gemma4._show").attr("progress_bar")(progress, label);
}

}  // namespace gemma4::python
