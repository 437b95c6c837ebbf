// gemma4_c/quantize.h.
#include "objects.h"

namespace gemma4::capi {
namespace {

struct QuantizeOptionsObject : Object {
  using Handle = gemma4_quantize_options;
  static constexpr char kName[] = "gemma4_quantize_options";
  QuantizeOptions options;
};

using Options = Claim<QuantizeOptionsObject>;

}  // namespace
}  // namespace gemma4::capi

namespace capi = gemma4::capi;
using capi::guard;

gemma4_status gemma4_quantize_options_create(gemma4_quantize_options** out_options) {
  return guard([&] { capi::create<capi::QuantizeOptionsObject>(out_options, "out_options"); });
}

gemma4_status gemma4_quantize_options_destroy(gemma4_quantize_options* options) {
  return capi::destroy<capi::QuantizeOptionsObject>(options);
}

gemma4_status gemma4_quantize_options_add_tensor_type(gemma4_quantize_options* options, const char* pattern,
                                                      size_t pattern_length, const char* type, size_t type_length) {
  return guard([&] {
    std::string names(capi::text(pattern, pattern_length, "pattern")), as(capi::text(type, type_length, "type"));
    capi::Options(options)->options.tensor_types.emplace_back(std::move(names), std::move(as));
  });
}

gemma4_status gemma4_quantize_options_set_imatrix(gemma4_quantize_options* options, const char* path,
                                                  size_t path_length) {
  return guard([&] { capi::Options(options)->options.imatrix = capi::path(path, path_length, "path"); });
}

gemma4_status gemma4_quantize_options_set_threads(gemma4_quantize_options* options, int32_t threads) {
  return guard([&] { capi::Options(options)->options.threads = capi::threads_of(threads, true); });
}

gemma4_status gemma4_quantize_options_set_progress(gemma4_quantize_options* options, gemma4_byte_progress progress,
                                                   void* user_data) {
  return guard([&] {
    const capi::Options to(options);
    to->options.progress = {};
    if (progress == nullptr) return;
    to->options.progress = [report = capi::progress_of(progress, user_data)](const gemma4::QuantizeProgress& at) {
      report(at.done, at.total);
    };
  });
}

gemma4_status gemma4_quantize_options_set_cancel(gemma4_quantize_options* options, const gemma4_cancel_token* token) {
  return guard([&] { capi::Options(options)->options.cancel = capi::cancel_of(token); });
}

gemma4_status gemma4_quantize_types(char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] {
    gemma4::Json types = gemma4::Json::array();
    for (const std::string& recipe : gemma4::quantize_recipes()) types.push_back(recipe);
    capi::write_text(types.dump(), buffer, capacity, out_length);
  });
}

gemma4_status gemma4_quantize(const char* in, size_t in_length, const char* out, size_t out_length, const char* type,
                              size_t type_length, const gemma4_quantize_options* options, uint64_t* out_bytes) {
  return guard([&] {
    const std::string from = capi::path(in, in_length, "in"), to = capi::path(out, out_length, "out");
    const std::string as(capi::text(type, type_length, "type"));
    const auto result = gemma4::quantize(from, to, as, capi::options_of<capi::QuantizeOptionsObject>(options));
    if (out_bytes != nullptr) *out_bytes = result.file_bytes;
  });
}
