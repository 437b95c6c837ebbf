// Which element type each tensor gets.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "formats/data_type.h"

namespace gemma4::quantization {

/// Which tensors get more than the base type.
enum class Mix : std::uint8_t {
  none,    ///< None but the tied head.
  small,   ///< The first layers' values and down projections ("_S").
  medium,  ///< Those of the first and last layers and of every third between ("_M").
  q2_k,
  q3_k_small,
  q3_k_medium,
};

struct Recipe {
  const char* name;
  formats::DataType base;
  Mix mix;
  std::uint32_t file_type;  ///< general.file_type. Source: ggml-org/llama.cpp include/llama.h, enum llama_ftype.
};

/// In the order they are listed to users.
const std::vector<Recipe>& recipes();
/// In upper or lower case. Throws Error invalid_argument, which lists the known names.
const Recipe& find_recipe(std::string_view name);
/// The types a tensor may be written in, likewise.
const std::vector<formats::DataType>& tensor_types();
formats::DataType find_tensor_type(std::string_view name);

/// A tensor as the rules see it.
struct TensorFacts {
  std::string_view name;   ///< GGUF spelling.
  formats::DataType type;  ///< In the source.
  std::size_t dimensions = 0;
  std::int64_t row = 0;  ///< Elements of a row.
  int layer = -1;        ///< -1: none.
  int layers = 0;        ///< Of the model.
  bool is_head = false;  ///< output.weight, or token_embd.weight where there is none.
};

/// Whether the rules ever change the type: not of vectors, routers and the projection of the per-layer input.
bool is_quantizable(const TensorFacts& tensor) noexcept;
/// By the rules of the recipe.
formats::DataType choose_type(const Recipe& recipe, const TensorFacts& tensor) noexcept;
/// `wanted`, or the type that stands in for it where rows are no whole number of its blocks.
formats::DataType fitting_type(formats::DataType wanted, std::int64_t row) noexcept;

/// Whether `pattern` (* and ? as usual) occurs anywhere in `name`.
bool matches(std::string_view pattern, std::string_view name);

}  // namespace gemma4::quantization
