// gemma4 info: what a checkpoint is and how it would run here.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "commands.h"
#include "common.h"

namespace cli {
namespace {

struct Arguments {
  ModelArguments model;
  bool tensors = false;
  bool verify = false;
};

template <class... Values>
void row(const char* name, const char* format, Values... values) {
  std::printf("  %-28s ", name);
  std::printf(format, values...);
  std::printf("\n");
}

void row(const char* name, const std::string& value) { row(name, "%s", value.c_str()); }

std::string join(const std::vector<gemma4::TokenId>& ids) {
  std::string text;
  for (const gemma4::TokenId id : ids) text += (text.empty() ? "" : " ") + std::to_string(id);
  return text.empty() ? "none" : text;
}

// "sliding x5, full x1, ..." in the order of the layers.
std::string layer_types(const gemma4::ModelConfig& config) {
  std::string text;
  for (std::size_t i = 0; i < config.layers.size();) {
    const gemma4::AttentionType type = config.layers[i].attention_type;
    std::size_t n = 0;
    while (i < config.layers.size() && config.layers[i].attention_type == type) ++i, ++n;
    const bool sliding = type == gemma4::AttentionType::sliding;
    text += (text.empty() ? "" : " ") + std::string(sliding ? "s" : "F") + (n > 1 ? std::to_string(n) : "");
  }
  return text + "   (s sliding, F full)";
}

void print_config(const gemma4::ModelConfig& c) {
  std::printf("config\n");
  row("model_type", c.model_type);
  row("vocab_size", "%d", c.vocab_size);
  row("hidden_size", "%d", c.hidden_size);
  row("intermediate_size", "%d%s", c.intermediate_size, c.use_double_wide_mlp ? " (doubled on KV-shared layers)" : "");
  row("num_hidden_layers", "%d", c.num_hidden_layers);
  row("layer_types", layer_types(c));
  row("num_attention_heads", "%d", c.num_attention_heads);
  row("num_key_value_heads", "%d sliding, %d full", c.num_key_value_heads, c.num_global_key_value_heads);
  row("head_dim", "%d sliding, %d full", c.head_dim, c.global_head_dim);
  row("sliding_window", "%d", c.sliding_window);
  row("max_position_embeddings", "%d", c.max_position_embeddings);
  row("rope_theta", "%g sliding, %g full", c.rope_sliding.rope_theta, c.rope_full.rope_theta);
  row("partial_rotary_factor", "%g sliding, %g full", c.rope_sliding.partial_rotary_factor,
      c.rope_full.partial_rotary_factor);
  row("num_kv_shared_layers", "%d", c.num_kv_shared_layers);
  row("attention_k_eq_v", c.attention_k_eq_v ? "yes" : "no");
  row("hidden_size_per_layer_input", "%d", c.hidden_size_per_layer_input);
  if (c.enable_moe_block) {
    row("experts", "%d, %d per token, moe_intermediate_size %d", c.num_experts, c.top_k_experts,
        c.moe_intermediate_size);
  }
  if (c.final_logit_softcapping) row("final_logit_softcapping", "%g", static_cast<double>(*c.final_logit_softcapping));
  row("rms_norm_eps", "%g", static_cast<double>(c.rms_norm_eps));
  row("tie_word_embeddings", c.tie_word_embeddings ? "yes" : "no");
  row("bos, pad, eos token ids", "%d, %d, %s", c.bos_token_id, c.pad_token_id, join(c.eos_token_ids).c_str());
}

void print_parts(const gemma4::Model& model) {
  std::printf("\nbytes by part\n");
  std::uint64_t bytes = 0, parameters = 0;
  const auto line = [](const char* name, std::uint64_t b, std::uint64_t p) {
    std::printf("  %-28s %16llu  %10s  %14llu parameters\n", name, static_cast<unsigned long long>(b),
                format_bytes(b).c_str(), static_cast<unsigned long long>(p));
  };
  for (const gemma4::ModelPart& part : model.parts()) {
    line(part.name.c_str(), part.bytes, part.parameters);
    bytes += part.bytes;
    parameters += part.parameters;
  }
  line("total", bytes, parameters);
}

void print_tensors(const gemma4::Model& model, bool each) {
  const std::vector<gemma4::TensorInfo> tensors = model.tensors();
  std::map<std::string, int> by_type;
  for (const gemma4::TensorInfo& tensor : tensors) ++by_type[tensor.dtype];
  std::printf("\ntensors\n");
  for (const auto& [type, count] : by_type) row(type.c_str(), "%d", count);
  row("not used by a text decoder", "%zu", model.ignored_tensors().size());
  if (!each) return;
  std::printf("\n");
  for (const gemma4::TensorInfo& tensor : tensors) {
    std::string shape;
    for (const std::int64_t n : tensor.shape) shape += (shape.empty() ? "" : ", ") + std::to_string(n);
    std::printf("  %-60s %-6s [%s]\n", tensor.name.c_str(), tensor.dtype.c_str(), shape.c_str());
  }
  for (const std::string& name : model.ignored_tensors()) std::printf("  %-60s not used\n", name.c_str());
}

/// Says what is wrong with the weights and sets the exit status.
void verify(const gemma4::Model& model) {
  const double start = now();
  std::uint64_t bytes = 0;
  std::vector<gemma4::TensorProblem> problems;
  {
    Progress progress("reading the weights");
    problems = model.verify([&](std::uint64_t done, std::uint64_t total) {
      bytes = total;
      progress.show(done, total);
    });
  }
  std::printf("\nverify\n");
  for (const gemma4::TensorProblem& problem : problems) {
    row(problem.name.c_str(), "%s: %llu of %llu values are not finite, the first at %llu", problem.dtype.c_str(),
        static_cast<unsigned long long>(problem.non_finite), static_cast<unsigned long long>(problem.elements),
        static_cast<unsigned long long>(problem.first));
  }
  row("read", "%s in %.1f s", format_bytes(bytes).c_str(), now() - start);
  row("tensors not finite", "%zu", problems.size());
  if (!problems.empty()) exit_status = 1;
}

void run(const Arguments& arguments) {
  const double start = now();
  const gemma4::Model model = arguments.model.load();
  const double seconds = now() - start;
  print_config(model.config());

  const gemma4::SamplerOptions& sampling = model.sampler_defaults();
  std::printf("\nsampling defaults\n");
  row("temperature, top_k, top_p", "%g, %d, %g", static_cast<double>(sampling.temperature), sampling.top_k,
      static_cast<double>(sampling.top_p));
  row("suppress", join(sampling.suppress));

  std::printf("\nhere\n");
  row("kernels", model.isa());
  row("threads", "%d", model.threads());
  row("compute", gemma4::to_string(model.compute()));
  row("load time", "%.3f s", seconds);
  print_parts(model);
  print_tensors(model, arguments.tensors);
  if (arguments.verify) verify(model);
}

}  // namespace

void add_info(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("info", "Show a model's config, tensor types and sizes");
  const auto arguments = std::make_shared<Arguments>();
  arguments->model.add_to(*command);
  command->add_flag("--tensors", arguments->tensors, "List every tensor");
  command->add_flag("--verify", arguments->verify, "Read every weight through; status 1 when one is not finite");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace cli
