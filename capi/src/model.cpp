// gemma4_c/model.h: loading.
#include <utility>

#include "objects.h"

namespace gemma4::capi {
namespace {

struct ModelOptionsObject : Object {
  using Handle = gemma4_model_options;
  static constexpr char kName[] = "gemma4_model_options";
  struct Values {
    ModelOptions model;
    gemma4_byte_progress progress = nullptr;
    void* progress_data = nullptr;
    std::optional<CancelToken> cancel;
  };
  Values options;
};

using Options = Claim<ModelOptionsObject>;

Runner runner_of(gemma4_runner runner, void* user_data) {
  return [runner, user_data](int count, const std::function<void(int)>& part) {
    const gemma4_task task = [](void* data, int32_t index) {
      (*static_cast<const std::function<void(int)>*>(data))(index);
    };
    const int32_t result = runner(user_data, task, const_cast<std::function<void(int)>*>(&part), count);
    if (result != 0) throw Error(ErrorCode::internal, "the runner returned " + std::to_string(result));
  };
}

/// The options behind a handle, with its progress function and its cancel token as one.
ModelOptions load_options(const gemma4_model_options* options, const std::string& name) {
  auto values = options_of<ModelOptionsObject>(options);
  if (!values.cancel && values.progress == nullptr) return values.model;
  if (values.cancel && values.cancel->cancelled()) {
    throw Error(ErrorCode::cancelled, name + ": cancelled before it was loaded");
  }
  const auto report = progress_of(values.progress, values.progress_data);
  values.model.progress = [report, cancel = values.cancel](std::uint64_t done, std::uint64_t total) {
    if (cancel && cancel->cancelled()) throw Error(ErrorCode::cancelled, "cancelled while loading");
    if (report) report(done, total);
  };
  return values.model;
}

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;

gemma4_status gemma4_model_options_create(gemma4_model_options** out_options) {
  return guard([&] { capi::create<capi::ModelOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_model_options_destroy(gemma4_model_options* options) {
  return capi::destroy<capi::ModelOptionsObject>(options);
}

gemma4_status gemma4_model_options_set_compute(gemma4_model_options* options, int32_t compute) {
  return guard([&] {
    capi::Options(options)->options.model.compute =
        capi::one_of<gemma4::Compute>(compute, GEMMA4_COMPUTE_BF16, "compute");
  });
}

gemma4_status gemma4_model_options_set_threads(gemma4_model_options* options, int32_t threads) {
  return guard([&] { capi::Options(options)->options.model.threads = capi::threads_of(threads, true); });
}

gemma4_status gemma4_model_options_set_runner(gemma4_model_options* options, gemma4_runner runner, void* user_data,
                                              int32_t threads) {
  return guard([&] {
    const capi::Options to(options);
    if (runner == nullptr) {
      to->options.model.runner = {};
      return;
    }
    to->options.model.threads = capi::threads_of(threads, false);
    to->options.model.runner = capi::runner_of(runner, user_data);
  });
}

gemma4_status gemma4_model_options_set_mmap(gemma4_model_options* options, int32_t use_mmap) {
  return guard([&] { capi::Options(options)->options.model.use_mmap = use_mmap != 0; });
}

gemma4_status gemma4_model_options_set_progress(gemma4_model_options* options, gemma4_byte_progress progress,
                                                void* user_data) {
  return guard([&] {
    const capi::Options to(options);
    to->options.progress = progress;
    to->options.progress_data = user_data;
  });
}

gemma4_status gemma4_model_options_set_cancel(gemma4_model_options* options, const gemma4_cancel_token* token) {
  return guard([&] { capi::Options(options)->options.cancel = capi::cancel_of(token); });
}

gemma4_status gemma4_model_load(const char* path, size_t path_length, const gemma4_model_options* options,
                                gemma4_model** out_model) {
  return guard([&] {
    capi::required(out_model, "out_model") = nullptr;
    const std::string name = capi::path(path, path_length, "path");
    const gemma4::ModelOptions values = capi::load_options(options, name);
    capi::create<capi::ModelObject>(out_model, "out_model", gemma4::Model::load(name, values));
  });
}

gemma4_status gemma4_model_load_memory(const void* data, size_t size, const gemma4_model_options* options,
                                       gemma4_model** out_model) {
  return guard([&] {
    capi::required(out_model, "out_model") = nullptr;
    const auto bytes = capi::array(static_cast<const std::uint8_t*>(data), size, "data");
    const gemma4::ModelOptions values = capi::load_options(options, "GGUF in memory");
    capi::create<capi::ModelObject>(out_model, "out_model", gemma4::Model::load(bytes, values));
  });
}

gemma4_status gemma4_model_load_fd(int32_t fd, const gemma4_model_options* options, gemma4_model** out_model) {
  return guard([&] {
    capi::required(out_model, "out_model") = nullptr;
    const gemma4::ModelOptions values = capi::load_options(options, "file descriptor " + std::to_string(fd));
    capi::create<capi::ModelObject>(out_model, "out_model", gemma4::Model::load_fd(fd, values));
  });
}

gemma4_status gemma4_model_destroy(gemma4_model* model) { return capi::destroy<capi::ModelObject>(model); }
