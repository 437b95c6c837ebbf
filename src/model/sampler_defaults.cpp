#include <algorithm>
#include <limits>

#include "base/check.h"
#include "model/config.h"

namespace gemma4::model {
namespace {

using formats::GgufFile;
using formats::JsonDocument;

void check_range(const std::string& source, const char* name, double value, double min, double max) {
  GEMMA4_CHECK(value >= min && value <= max, ErrorCode::bad_config, source, ": ", name, ": expected ", min, " to ", max,
               ", got ", value);
}

void from_json(const JsonDocument& document, SamplerOptions& options) {
  const formats::JsonValue root = document.root();
  const auto real = [&](const char* key, float& target, double min, double max) {
    const auto value = root.find(key);
    if (!value || value->is_null()) return;
    check_range(document.name(), key, value->as_double(), min, max);
    target = static_cast<float>(value->as_double());
  };
  constexpr double kLarge = 1e6;
  real("temperature", options.temperature, 0, kLarge);
  real("top_p", options.top_p, 0, 1);
  real("min_p", options.min_p, 0, 1);
  real("typical_p", options.typical_p, 0, 1);
  real("repetition_penalty", options.repetition_penalty, 1e-6, kLarge);
  if (const auto value = root.find("top_k"); value && !value->is_null()) {
    check_range(document.name(), "top_k", static_cast<double>(value->as_int()), 0, std::numeric_limits<int>::max());
    options.top_k = static_cast<int>(value->as_int());
  }
  if (const auto sample = root.find("do_sample"); sample && !sample->is_null() && !sample->as_bool())
    options.temperature = 0.0F;
}

void from_gguf(const GgufFile& file, SamplerOptions& options) {
  const auto real = [&](const char* key, float& target, double min, double max) {
    const auto value = file.find_float(key);
    if (!value) return;
    check_range(file.path(), key, *value, min, max);
    target = static_cast<float>(*value);
  };
  constexpr double kLarge = 1e6;
  real("general.sampling.temp", options.temperature, 0, kLarge);
  real("general.sampling.top_p", options.top_p, 0, 1);
  real("general.sampling.min_p", options.min_p, 0, 1);
  real("general.sampling.penalty_repeat", options.repetition_penalty, 1e-6, kLarge);
  if (const auto top_k = file.find_int("general.sampling.top_k", -1, std::numeric_limits<int>::max())) {
    options.top_k = static_cast<int>(std::max<std::int64_t>(*top_k, 0));  // llama.cpp: 0 and less mean all
  }
}

}  // namespace

SamplerOptions parse_sampler_defaults(const weights::Checkpoint& checkpoint, const ModelConfig& config) {
  SamplerOptions options;
  if (checkpoint.gguf() != nullptr) {
    from_gguf(*checkpoint.gguf(), options);
  } else if (checkpoint.generation_config_json() != nullptr) {
    from_json(*checkpoint.generation_config_json(), options);
  }
  options.suppress = config.suppress_token_ids;
  return options;
}

}  // namespace gemma4::model
