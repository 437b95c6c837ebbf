// sampler.h: Sampler, with the fields of SamplerOptions as keyword arguments.
#include <charconv>

#include "arguments.h"

namespace gemma4::python {

namespace {

template <class T>
T number(const py::handle& value, const char* name) {
  try {
    return value.cast<T>();
  } catch (const py::cast_error&) {
    throw py::type_error(std::string(name) + ": expected a number, got " + std::string(py::repr(value)));
  }
}

/// None: one is drawn.
std::optional<std::uint64_t> seed(const py::handle& value) {
  if (value.is_none()) return std::nullopt;
  const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!index) throw py::error_already_set();
  const unsigned long long result = PyLong_AsUnsignedLongLong(index.ptr());
  if (PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    throw Error(ErrorCode::invalid_argument, "seed: expected 0 <= seed < 2^64 or None, got " + std::string(py::str(value)));
  }
  return result;
}

/// An id, or its decimal digits: the keys of JSON objects are text.
TokenId bias_token(const py::handle& key) {
  if (!py::isinstance<py::str>(key)) return to_token(key);
  const std::string digits(to_utf8(key, "logit_bias: a key"));
  const bool decimal = digits.find_first_not_of("0123456789") == std::string::npos && !digits.empty();
  if (!decimal) {
    throw Error(ErrorCode::invalid_argument, "logit_bias: expected token ids, got the key \"" + digits + "\"");
  }
  TokenId token = 0;
  if (std::from_chars(digits.data(), digits.data() + digits.size(), token).ec != std::errc()) {
    throw Error(ErrorCode::token_out_of_range, "logit_bias: token id " + digits + ": expected 0 <= id < vocab_size");
  }
  return token;
}

/// {token: bias}, or pairs.
std::vector<std::pair<TokenId, float>> logit_bias(const py::handle& value) {
  std::vector<std::pair<TokenId, float>> out;
  const py::object pairs =
      py::isinstance<py::dict>(value) ? value.attr("items")() : py::reinterpret_borrow<py::object>(value);
  for (const py::handle item : pairs) {
    const auto pair = py::cast<py::tuple>(item);
    if (pair.size() != 2) throw py::type_error("logit_bias: expected a dict of token id to number");
    out.emplace_back(bias_token(pair[0]), number<float>(pair[1], "logit_bias"));
  }
  return out;
}

/// One keyword argument into its field; false when there is no such field.
bool assign(SamplerOptions& options, const std::string& name, const py::handle& value) {
  const char* n = name.c_str();
  const auto set = [](auto& field, auto&& v) {
    field = std::forward<decltype(v)>(v);
    return true;
  };
  if (name == "suppress") return set(options.suppress, to_tokens(value));
  if (name == "logit_bias") return set(options.logit_bias, logit_bias(value));
  if (name == "repetition_penalty") return set(options.repetition_penalty, number<float>(value, n));
  if (name == "presence_penalty") return set(options.presence_penalty, number<float>(value, n));
  if (name == "frequency_penalty") return set(options.frequency_penalty, number<float>(value, n));
  if (name == "penalty_last_n") return set(options.penalty_last_n, to_int(value, n));
  if (name == "dry_multiplier") return set(options.dry_multiplier, number<float>(value, n));
  if (name == "dry_base") return set(options.dry_base, number<float>(value, n));
  if (name == "dry_allowed_length") return set(options.dry_allowed_length, to_int(value, n));
  if (name == "dry_penalty_last_n") return set(options.dry_penalty_last_n, to_int(value, n));
  if (name == "dry_sequence_breakers") return set(options.dry_sequence_breakers, to_texts(value, n));
  if (name == "no_repeat_ngram_size") return set(options.no_repeat_ngram_size, to_int(value, n));
  if (name == "temperature") return set(options.temperature, number<float>(value, n));
  if (name == "top_k") return set(options.top_k, to_int(value, n));
  if (name == "typical_p") return set(options.typical_p, number<float>(value, n));
  if (name == "top_p") return set(options.top_p, number<float>(value, n));
  if (name == "min_p") return set(options.min_p, number<float>(value, n));
  if (name == "xtc_probability") return set(options.xtc_probability, number<float>(value, n));
  if (name == "xtc_threshold") return set(options.xtc_threshold, number<float>(value, n));
  if (name == "seed") return set(options.seed, seed(value));
  if (name == "logprobs") return set(options.logprobs, number<bool>(value, n));
  if (name == "top_logprobs") return set(options.top_logprobs, to_int(value, n));
  return false;
}

SampledToken sample(Guarded<Sampler>& self, const py::array& logits) {
  using Floats = py::array_t<float, py::array::c_style>;
  if (!Floats::check_(logits) || logits.ndim() != 1) {
    throw py::type_error("logits: expected a contiguous float32 array of one dimension");
  }
  const Floats floats(logits);
  const Span<const float> values(floats.data(), static_cast<std::size_t>(floats.size()));
  const Claim sampler(self);
  const Released released;
  return sampler->sample(values);
}

}  // namespace

SamplerOptions sampler_options(SamplerOptions base, const py::kwargs& changes, const char* function) {
  for (const auto& [key, value] : changes) {
    const auto name = py::cast<std::string>(key);
    if (!assign(base, name, value)) {
      throw py::type_error(std::string(function) + "() got an unexpected keyword argument '" + name + "'");
    }
  }
  return base;
}

py::dict to_dict(const SamplerOptions& options) {
  py::dict bias;
  for (const auto& [token, value] : options.logit_bias) bias[py::int_(token)] = value;
  py::dict out;
  out["suppress"] = options.suppress;
  out["logit_bias"] = bias;
#define GEMMA4_FIELD(name) out[#name] = options.name
  GEMMA4_FIELD(repetition_penalty);
  GEMMA4_FIELD(presence_penalty);
  GEMMA4_FIELD(frequency_penalty);
  GEMMA4_FIELD(penalty_last_n);
  GEMMA4_FIELD(dry_multiplier);
  GEMMA4_FIELD(dry_base);
  GEMMA4_FIELD(dry_allowed_length);
  GEMMA4_FIELD(dry_penalty_last_n);
  GEMMA4_FIELD(dry_sequence_breakers);
  GEMMA4_FIELD(no_repeat_ngram_size);
  GEMMA4_FIELD(temperature);
  GEMMA4_FIELD(top_k);
  GEMMA4_FIELD(typical_p);
  GEMMA4_FIELD(top_p);
  GEMMA4_FIELD(min_p);
  GEMMA4_FIELD(xtc_probability);
  GEMMA4_FIELD(xtc_threshold);
  GEMMA4_FIELD(seed);
  GEMMA4_FIELD(logprobs);
  GEMMA4_FIELD(top_logprobs);
#undef GEMMA4_FIELD
  return out;
}

void bind_sampler(py::module_& module) {
  py::class_<Guarded<Sampler>, SharedSampler> type(module, "Sampler",
                                                   "Chooses tokens from logits; knows no model. One thread at a time.");
  type.def(py::init(
               [](const py::kwargs& arguments) { return share(Sampler(sampler_options({}, arguments, "Sampler"))); }),
           "Keyword arguments, applied in this order: suppress=(), logit_bias={}, repetition_penalty=1.0,\n"
           "presence_penalty=0.0, frequency_penalty=0.0, penalty_last_n=64, dry_multiplier=0.0, dry_base=1.75,\n"
           "dry_allowed_length=2, dry_penalty_last_n=-1, dry_sequence_breakers=(\"\\n\", \":\", '\"', \"*\"),\n"
           "no_repeat_ngram_size=0, temperature=1.0, top_k=0, typical_p=1.0, top_p=1.0, min_p=0.0, xtc_probability=0.0,\n"
           "xtc_threshold=0.1; then seed=None, logprobs=False, top_logprobs=0. temperature=0 takes the best token, as does\n"
           "top_p=0.\n"
           "dry_multiplier above 0 makes tokens that would go on with a repetition less likely, the longer it is the more;\n"
           "repetitions end at the breakers, which need a tokenizer (set_tokenizer; generate(), Chat and Model.sampler() see to\n"
           "it). no_repeat_ngram_size: no run of so many tokens comes twice, unless a grammar leaves nothing else.\n"
           "xtc_probability: how often the likeliest tokens are dropped, all but the least likely of those at or above\n"
           "xtc_threshold.\n"
           "seed: None draws one from the system; Sampler.seed tells it. logit_bias: keys are ids, or their digits as JSON\n"
           "has them.\n"
           "Model.sampler() starts from the model's own defaults instead.")
      .def("sample", &sample, py::arg("logits"), "Draws from float32 [vocab_size] logits and counts the token as seen.")
      .def(
          "set_tokenizer",
          [](Guarded<Sampler>& self, const Tokenizer& tokenizer) { Claim(self)->set_tokenizer(tokenizer); },
          py::arg("tokenizer"),
          "Says what tokens say, for dry_sequence_breakers. Only sample() on a Sampler of one's own needs it.")
      .def(
          "observe",
          [](Guarded<Sampler>& self, const py::object& ids) {
            const std::vector<TokenId> tokens = to_tokens(ids);
            Claim(self)->observe(tokens);
          },
          py::arg("ids"), "Counts tokens as seen, for the penalties, DRY and the n-grams.")
      .def(
          "reset", [](Guarded<Sampler>& self) { Claim(self)->reset(); },
          "Forgets what was seen and restarts from the seed: the same draws come again.")
      .def("__copy__", [](Guarded<Sampler>& self) { return share(Sampler(*Claim(self))); })
      .def("__deepcopy__", [](Guarded<Sampler>& self, const py::object&) { return share(Sampler(*Claim(self))); },
           py::arg("memo"))
      .def_property_readonly(
          "options", [](const Guarded<Sampler>& self) { return to_dict(self.value.options()); },
          "The arguments it was made with, as a dict.")
      .def_property_readonly(
          "seed", [](const Guarded<Sampler>& self) { return self.value.seed(); },
          "The seed that is used, given or drawn: given to another Sampler, it repeats this one's draws.")
      .def("__repr__", [](const Guarded<Sampler>& self) {
        const SamplerOptions& options = self.value.options();
        return py::str("<gemma4.Sampler temperature={}, top_k={}, top_p={}, seed={}>")
            .format(options.temperature, options.top_k, options.top_p, self.value.seed());
      });
  refuse_copies(type, "Sampler", "Sampler(**sampler.options) makes one like it", false);
}

}  // namespace gemma4::python
