// gemma4_c/base.h: versions, features, cancel tokens.
#include <algorithm>

#include "objects.h"

namespace capi = gemma4::capi;
using capi::guard;

const char* gemma4_status_name(gemma4_status status) {
  if (status == GEMMA4_OK) return "ok";
  if (status < GEMMA4_OK || status > GEMMA4_ERROR_INTERNAL) return "unknown";
  return gemma4::to_string(static_cast<gemma4::ErrorCode>(status));
}

const char* gemma4_version(void) { return GEMMA4_VERSION; }

gemma4_status gemma4_version_numbers(int32_t* out_major, int32_t* out_minor, int32_t* out_patch) {
  if (out_major != nullptr) *out_major = GEMMA4_VERSION_MAJOR;
  if (out_minor != nullptr) *out_minor = GEMMA4_VERSION_MINOR;
  if (out_patch != nullptr) *out_patch = GEMMA4_VERSION_PATCH;
  return GEMMA4_OK;
}

gemma4_status gemma4_build_info(char* buffer, size_t capacity, size_t* out_length) {
  return guard([&] {
    gemma4::Json isas = gemma4::Json::array();
    for (const std::string& isa : gemma4::available_isas()) isas.push_back(isa);
    gemma4::Json info = gemma4::Json::object();
    info.set("version", GEMMA4_VERSION);
#if defined(__clang__)
    info.set("compiler", "clang " __clang_version__);
#else
    info.set("compiler", "g++ " __VERSION__);
#endif
#ifdef NDEBUG
    info.set("build_type", "release");
#else
    info.set("build_type", "debug");
#endif
    info.set("isas", std::move(isas));
    info.set("onednn", gemma4::has_onednn());
    capi::write_text(info.dump(), buffer, capacity, out_length);
  });
}

gemma4_status gemma4_has_feature(const char* name, size_t name_length, int32_t* out_present) {
  return guard([&] {
    static constexpr std::string_view kAlways[] = {"chat", "tools",    "thinking", "grammar",   "json_schema", "regex",
                                                   "gbnf", "quantize", "runner",   "allocator", "log"};
    const std::string_view wanted = capi::text(name, name_length, "name");
    int32_t& present = capi::required(out_present, "out_present");
    present = std::find(std::begin(kAlways), std::end(kAlways), wanted) != std::end(kAlways);
    if (wanted == "onednn") present = gemma4::has_onednn();
    for (const std::string& isa : gemma4::available_isas()) present |= isa == wanted ? 1 : 0;
  });
}

gemma4_status gemma4_cancel_token_create(gemma4_cancel_token** out_token) {
  return guard([&] { capi::create<capi::CancelTokenObject>(out_token, "out_token"); });
}

gemma4_status gemma4_cancel_token_cancel(gemma4_cancel_token* token) {
  return guard([&] { capi::shared<capi::CancelTokenObject>(token)->token.cancel(); });
}

gemma4_status gemma4_cancel_token_is_cancelled(const gemma4_cancel_token* token, int32_t* out_cancelled) {
  return guard([&] {
    capi::required(out_cancelled, "out_cancelled") = capi::shared<capi::CancelTokenObject>(token)->token.cancelled();
  });
}

gemma4_status gemma4_cancel_token_destroy(gemma4_cancel_token* token) {
  return capi::destroy<capi::CancelTokenObject>(token);
}
