// The sampling that a model's files ask for. Keys: HF GenerationConfig; llama.cpp general.sampling.*.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "base/check.h"
#include "base/log.h"
#include "base/sampler_ranges.h"
#include "model/config/config.h"

namespace gemma4::model {
namespace {

using formats::GgufFile;
using formats::JsonDocument;
using formats::JsonValue;
namespace ranges = base::sampler_ranges;

/// A number of either kind of file; nothing where the file does not say.
using Number = std::optional<double>;

class Reader {
 public:
  explicit Reader(const std::string& file) : file_(file) {}

  void real(const char* key, const Number& value, float& target, const base::Range& range) const {
    if (!value) return;
    check(key, range.contains(*value), range.text, *value);
    target = static_cast<float>(*value);
  }
  void count(const char* key, const Number& value, int& target, const base::Range& range) const {
    if (!value) return;
    check(key, range.contains(*value) && *value == std::floor(*value), range.text, *value);
    target = static_cast<int>(*value);
  }
  /// -1, as 0, means all; more than an int holds means all, too.
  void top_k(const char* key, const Number& value, int& target) const {
    if (!value) return;
    check(key, *value >= -1 && *value == std::floor(*value), "-1 or 0 (all) or a count", *value);
    target = *value > ranges::top_k.most ? 0 : std::max(static_cast<int>(*value), 0);
  }

 private:
  void check(const char* key, bool fits, const char* expected, double got) const {
    GEMMA4_CHECK(fits, ErrorCode::bad_config, file_, ": ", key, ": expected ", expected, ", got ", got);
  }

  const std::string& file_;
};

/// Says which keys the reference would follow and this library does not.
void warn_of_others(const JsonDocument& document) {
  for (const char* key : {"epsilon_cutoff", "eta_cutoff", "top_h", "encoder_repetition_penalty", "encoder_no_repeat_ngram_size",
                          "bad_words_ids", "begin_suppress_tokens", "sequence_bias"}) {
    const auto value = document.root().find(key);
    if (!value || value->is_null()) continue;
    const bool is_off = (value->type() == JsonValue::Type::integer || value->type() == JsonValue::Type::real) &&
                        (value->as_double() == 0 || value->as_double() == 1);
    if (!is_off) base::log(LogLevel::warning, document.name(), ": ", key, " is passed over");
  }
}

void from_json(const JsonDocument& document, SamplerOptions& options) {
  const JsonValue root = document.root();
  const Reader reader(document.name());
  const auto number = [&](const char* key) -> Number {
    const auto value = root.find(key);
    if (!value || value->is_null()) return std::nullopt;
    return value->as_double();
  };
  reader.real("temperature", number("temperature"), options.temperature, ranges::temperature);
  reader.real("top_p", number("top_p"), options.top_p, ranges::top_p);
  reader.real("min_p", number("min_p"), options.min_p, ranges::min_p);
  reader.real("typical_p", number("typical_p"), options.typical_p, ranges::typical_p);
  reader.real("repetition_penalty", number("repetition_penalty"), options.repetition_penalty,
              ranges::repetition_penalty);
  if (options.repetition_penalty != 1.0F) options.penalty_last_n = -1;  // the reference looks at the whole text
  reader.count("no_repeat_ngram_size", number("no_repeat_ngram_size"), options.no_repeat_ngram_size,
               ranges::no_repeat_ngram_size);
  reader.top_k("top_k", number("top_k"), options.top_k);
  if (const auto sample = root.find("do_sample"); sample && !sample->is_null() && !sample->as_bool()) {
    options.temperature = 0.0F;
  }
  warn_of_others(document);
}

void from_gguf(const GgufFile& file, SamplerOptions& options) {
  const Reader reader(file.path());
  const auto number = [&](const char* key) -> Number {
    const formats::GgufValue* const value = file.find(key);
    if (value == nullptr) return std::nullopt;
    if (value->type == formats::GgufType::f32 || value->type == formats::GgufType::f64) return file.find_float(key);
    constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    return static_cast<double>(*file.find_int(key, kLeast, kMost));
  };
  reader.real("general.sampling.temp", number("general.sampling.temp"), options.temperature, ranges::temperature);
  reader.real("general.sampling.top_p", number("general.sampling.top_p"), options.top_p, ranges::top_p);
  reader.real("general.sampling.min_p", number("general.sampling.min_p"), options.min_p, ranges::min_p);
  reader.real("general.sampling.xtc_probability", number("general.sampling.xtc_probability"), options.xtc_probability,
              ranges::xtc_probability);
  reader.real("general.sampling.xtc_threshold", number("general.sampling.xtc_threshold"), options.xtc_threshold,
              ranges::xtc_threshold);
  reader.real("general.sampling.penalty_repeat", number("general.sampling.penalty_repeat"), options.repetition_penalty,
              ranges::repetition_penalty);
  reader.top_k("general.sampling.top_k", number("general.sampling.top_k"), options.top_k);
  const char* const window = "general.sampling.penalty_last_n";
  if (const auto n = file.find_int(window, -1, std::numeric_limits<int>::max())) {
    options.penalty_last_n = static_cast<int>(*n);
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
