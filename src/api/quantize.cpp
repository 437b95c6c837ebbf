// Bodies of quantize().
#include "gemma4/quantize.h"

#include <filesystem>
#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/check.h"
#include "model/config/config.h"
#include "quantize/convert.h"

namespace gemma4 {
namespace {

/// A file may not be converted into itself, nor into a part of it.
void check_not_a_source(const weights::Checkpoint& checkpoint, const std::string& imatrix, const std::string& out) {
  std::vector<std::filesystem::path> sources = {imatrix};
  for (const auto& file : checkpoint.files()) sources.emplace_back(file->path());
  if (checkpoint.gguf() == nullptr) {
    for (const char* name : {"config.json", "generation_config.json", "model.safetensors.index.json", "tokenizer.json",
                             "tokenizer_config.json", "chat_template.jinja"}) {
      sources.push_back(std::filesystem::path(checkpoint.path()) / name);
    }
  }
  for (const std::filesystem::path& source : sources) {
    std::error_code error;
    GEMMA4_CHECK(!std::filesystem::equivalent(source, out, error), ErrorCode::invalid_argument, out,
                 ": the new file is one of those it is made from");
  }
}

}  // namespace

std::vector<std::string> quantize_recipes() {
  std::vector<std::string> names;
  for (const quantization::Recipe& recipe : quantization::recipes()) names.emplace_back(recipe.name);
  return names;
}

std::vector<std::string> quantize_tensor_types() {
  std::vector<std::string> names;
  for (const formats::DataType type : quantization::tensor_types()) names.emplace_back(formats::to_string(type));
  return names;
}

QuantizeResult quantize(const std::string& in, const std::string& out, const std::string& type,
                        const QuantizeOptions& options) try {
  GEMMA4_CHECK(options.threads >= 1 || options.threads == -1, ErrorCode::invalid_argument,
               "threads: expected at least 1, or -1 for one per physical core, got ", options.threads);
  const quantization::Recipe& recipe = quantization::find_recipe(type);
  const quantization::RowQuantizers& rows = quantization::select_row_quantizers();
  const auto checkpoint = weights::Checkpoint::open(in);
  check_not_a_source(*checkpoint, options.imatrix, out);
  const ModelConfig config = model::parse_config(*checkpoint);
  const SamplerOptions sampling = model::parse_sampler_defaults(*checkpoint, config);
  std::optional<quantization::ImportanceMatrix> importance;
  if (!options.imatrix.empty()) importance = quantization::ImportanceMatrix::load(options.imatrix);
  quantization::Plan plan =
      quantization::make_plan(*checkpoint, config, sampling, recipe, options, importance ? &*importance : nullptr);

  const base::ThreadPool pool(options.threads != -1 ? options.threads : base::physical_cores());
  base::OutputFile file(out);
  quantization::convert(plan, *checkpoint, options, rows, pool, file);
  file.commit();

  QuantizeResult result;
  for (quantization::PlannedTensor& tensor : plan.tensors) {
    if (tensor.source != nullptr) result.source_bytes += tensor.source->entry.bytes;
    result.tensors.push_back(std::move(tensor.info));
  }
  result.dropped = std::move(plan.dropped);
  result.file_bytes = file.size();
  return result;
} catch (const std::bad_alloc&) {
  base::fail(ErrorCode::out_of_memory, in, ": no memory to convert it");
}

}  // namespace gemma4
