// The rules follow llama-quantize, so that files are what users of these names expect; that they are sensible for this
// library, too, is measured in examples/nano/README.md. Source: ggml-org/llama.cpp src/llama-quant.cpp.
#include "quantize/recipe.h"

#include "base/check.h"

namespace gemma4::quantization {
namespace {

using formats::DataType;

char upper(char c) noexcept { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (upper(a[i]) != upper(b[i])) return false;
  }
  return true;
}

/// The layers whose values and down projections matter most: the first and last eighth, and every third between.
bool is_sensitive(const TensorFacts& tensor) noexcept {
  const int eighth = tensor.layers / 8;
  return tensor.layer < eighth || tensor.layer >= 7 * tensor.layers / 8 || (tensor.layer - eighth) % 3 == 2;
}

bool is_one_of(std::string_view name, std::string_view part) noexcept {
  return name.find(part) != std::string_view::npos;
}

/// Values of attention and down projections, of the layers that the mix raises.
DataType raised(const Recipe& recipe, const TensorFacts& tensor) noexcept {
  const bool values = is_one_of(tensor.name, "attn_v."), down = is_one_of(tensor.name, "ffn_down");
  const bool output = is_one_of(tensor.name, "attn_output.");
  const int n = tensor.layers;
  switch (recipe.mix) {
    case Mix::none:
      return recipe.base;
    case Mix::small:  // Q4_K_S; Q5_K_S has none
      if (values && tensor.layer < 4) return DataType::q5_k;
      return down && tensor.layer < n / 8 ? DataType::q5_k : recipe.base;
    case Mix::medium:
      return (values || down) && is_sensitive(tensor) ? DataType::q6_k : recipe.base;
    case Mix::q2_k:
      if (values) return DataType::q4_k;
      return down || output ? DataType::q3_k : recipe.base;
    case Mix::q3_k_small:
      return recipe.base;
    case Mix::q3_k_medium:
      if (values) return tensor.layer < 2 ? DataType::q5_k : DataType::q4_k;
      if (down) return tensor.layer < n / 16 ? DataType::q5_k : is_sensitive(tensor) ? DataType::q4_k : recipe.base;
      return output ? DataType::q4_k : recipe.base;
  }
  return recipe.base;
}

/// `pattern` from its start against all of `name`.
bool matches_whole(std::string_view pattern, std::string_view name) noexcept {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++p, ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

const std::vector<Recipe>& recipes() {
  static const std::vector<Recipe> list = {
      {"F32", DataType::f32, Mix::none, 0},
      {"F16", DataType::f16, Mix::none, 1},
      {"BF16", DataType::bf16, Mix::none, 32},
      {"Q8_0", DataType::q8_0, Mix::none, 7},
      {"Q6_K", DataType::q6_k, Mix::none, 18},
      {"Q5_K_M", DataType::q5_k, Mix::medium, 17},
      {"Q5_K_S", DataType::q5_k, Mix::none, 16},
      {"Q5_K", DataType::q5_k, Mix::medium, 17},
      {"Q4_K_M", DataType::q4_k, Mix::medium, 15},
      {"Q4_K_S", DataType::q4_k, Mix::small, 14},
      {"Q4_K", DataType::q4_k, Mix::medium, 15},
      {"Q4_0", DataType::q4_0, Mix::none, 2},
      {"Q4_1", DataType::q4_1, Mix::none, 3},
      {"Q5_0", DataType::q5_0, Mix::none, 8},
      {"Q5_1", DataType::q5_1, Mix::none, 9},
      {"IQ4_NL", DataType::iq4_nl, Mix::none, 25},
      {"IQ4_XS", DataType::iq4_xs, Mix::none, 30},
      {"Q3_K_M", DataType::q3_k, Mix::q3_k_medium, 12},
      {"Q3_K_S", DataType::q3_k, Mix::q3_k_small, 11},
      {"Q3_K", DataType::q3_k, Mix::q3_k_medium, 12},
      {"Q2_K", DataType::q2_k, Mix::q2_k, 10},
  };
  return list;
}

const Recipe& find_recipe(std::string_view name) {
  std::string known;
  for (const Recipe& recipe : recipes()) {
    if (same_name(name, recipe.name)) return recipe;
    known += (known.empty() ? "" : ", ") + std::string(recipe.name);
  }
  base::fail(ErrorCode::invalid_argument, "type \"", name, "\": expected one of ", known);
}

const std::vector<DataType>& tensor_types() {
  static const std::vector<DataType> list = {DataType::f32,  DataType::f16,    DataType::bf16,  DataType::q8_0,
                                             DataType::q6_k, DataType::q5_k,   DataType::q4_k,  DataType::q3_k,
                                             DataType::q2_k, DataType::q4_0,   DataType::q4_1,  DataType::q5_0,
                                             DataType::q5_1, DataType::iq4_nl, DataType::iq4_xs};
  return list;
}

DataType find_tensor_type(std::string_view name) {
  std::string known;
  for (const DataType type : tensor_types()) {
    if (same_name(name, formats::to_string(type))) return type;
    known += (known.empty() ? "" : ", ") + std::string(formats::to_string(type));
  }
  base::fail(ErrorCode::invalid_argument, "tensor type \"", name, "\": expected one of ", known);
}

bool is_quantizable(const TensorFacts& tensor) noexcept {
  return tensor.dimensions >= 2 && tensor.name.ends_with(".weight") && !is_one_of(tensor.name, "_norm") &&
         !is_one_of(tensor.name, "ffn_gate_inp.") && !is_one_of(tensor.name, "per_layer_model_proj.");
}

DataType choose_type(const Recipe& recipe, const TensorFacts& tensor) noexcept {
  if (tensor.dimensions < 2 || is_one_of(tensor.name, "ffn_gate_inp.")) return DataType::f32;
  const bool plain = formats::info(recipe.base).block_elements == 1;
  if (!is_quantizable(tensor)) {
    if (plain) return recipe.base;
    return formats::info(tensor.type).block_elements == 1 ? tensor.type : DataType::f16;
  }
  if (plain) return recipe.base;
  if (tensor.is_head && recipe.base != DataType::q8_0) return fitting_type(DataType::q6_k, tensor.row);
  return fitting_type(raised(recipe, tensor), tensor.row);
}

DataType fitting_type(DataType wanted, std::int64_t row) noexcept {
  if (row % formats::info(wanted).block_elements == 0) return wanted;
  if (row % 32 != 0) return DataType::f16;
  switch (wanted) {
    case DataType::q2_k:
    case DataType::q3_k:
      return DataType::q4_0;
    case DataType::q4_k:
      return DataType::q5_0;
    case DataType::q5_k:
      return DataType::q5_1;
    case DataType::iq4_xs:
      return DataType::iq4_nl;
    default:
      return DataType::q8_0;
  }
}

bool matches(std::string_view pattern, std::string_view name) {
  return matches_whole("*" + std::string(pattern) + "*", name);
}

}  // namespace gemma4::quantization
