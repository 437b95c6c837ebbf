// gemma4 perplexity: how well the model predicts a text.
//
// The text is cut into windows of --context tokens, the first of which is always <bos> (a model without one starts each
// window with the text itself, whose first token is then not scored). Windows advance by --stride tokens of text, by
// default their whole length; where they overlap, only tokens not scored before are.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "commands.h"
#include "common.h"
#include "gemma4/error.h"

namespace cli {
namespace {

using gemma4::TokenId;

struct Arguments {
  ModelArguments model;
  TextArguments text;
  int context = 512;
  int stride = 0;
};

// -log softmax(logits)[token]
double surprise(gemma4::Span<const float> logits, TokenId token) {
  const double max = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  double sum = 0.0;
  for (const float x : logits) sum += std::exp(static_cast<double>(x) - max);
  return max + std::log(sum) - static_cast<double>(logits[static_cast<std::size_t>(token)]);
}

class Measurement {
 public:
  explicit Measurement(const gemma4::Model& model, int context)
      : session_(model, session_options(context)), vocab_size_(static_cast<std::size_t>(model.config().vocab_size)) {
    // 64 MiB of logits at a time.
    piece_ = std::clamp<std::size_t>((std::size_t{64} << 20) / (4 * vocab_size_), 1, 512);
  }

  // Scores window[first, end), each token given those before it; first >= 1.
  void score(gemma4::Span<const TokenId> window, std::size_t first) {
    session_.truncate(0);
    gemma4::PrefillOptions options;
    if (first > 1) {
      options.want = gemma4::Want::nothing;
      session_.prefill(window.subspan(0, first - 1), options);
    }
    options.want = gemma4::Want::all_logits;
    for (std::size_t i = first - 1; i + 1 < window.size(); i += piece_) {
      const std::size_t n = std::min(piece_, window.size() - 1 - i);
      const gemma4::Span<const float> logits = session_.prefill(window.subspan(i, n), options);
      for (std::size_t j = 0; j < n; ++j) {
        nll_ += surprise(logits.subspan(j * vocab_size_, vocab_size_), window[i + j + 1]);
      }
    }
    scored_ += window.size() - first;
    computed_ += window.size() - 1;
  }

  double mean_nll() const { return nll_ / static_cast<double>(scored_); }
  std::size_t scored() const { return scored_; }
  std::size_t computed() const { return computed_; }

 private:
  static gemma4::SessionOptions session_options(int context) {
    gemma4::SessionOptions options;
    options.context_length = context;
    return options;
  }

  gemma4::Session session_;
  std::size_t vocab_size_;
  std::size_t piece_ = 1;
  double nll_ = 0.0;
  std::size_t scored_ = 0;
  std::size_t computed_ = 0;
};

void run(const Arguments& arguments) {
  const std::string text = arguments.text.read();
  const gemma4::Model model = arguments.model.load();
  const std::vector<TokenId> ids = model.tokenizer().encode(text);
  const TokenId bos = model.tokenizer().bos_token();
  const std::size_t lead = bos >= 0 ? 1 : 0;
  const std::size_t length = static_cast<std::size_t>(arguments.context) - lead;  // tokens of text in a window
  const std::size_t stride = arguments.stride > 0 ? static_cast<std::size_t>(arguments.stride) : length;
  if (stride > length) {
    throw UsageError("--stride: expected at most " + std::to_string(length) + " (the context without <bos>), got " +
                     std::to_string(stride));
  }
  if (ids.size() + lead < 2)
    throw gemma4::Error(gemma4::ErrorCode::invalid_argument, "the text is too short to be scored");

  Measurement measurement(model, arguments.context);
  Progress progress("scoring");
  const double start = now();
  std::size_t scored_to = 0;
  for (std::size_t begin = 0; scored_to < ids.size(); begin += stride) {
    const std::size_t end = std::min(ids.size(), begin + length);
    std::vector<TokenId> window;
    if (lead > 0) window.push_back(bos);
    window.insert(window.end(), ids.begin() + static_cast<std::ptrdiff_t>(begin),
                  ids.begin() + static_cast<std::ptrdiff_t>(end));
    const std::size_t first = std::max<std::size_t>(1, scored_to - begin + lead);
    if (first < window.size()) measurement.score(window, first);
    scored_to = end;
    progress.show(end, ids.size());
  }
  progress.clear();
  const double seconds = now() - start;
  std::printf("tokens scored  %zu\n", measurement.scored());
  std::printf("mean NLL       %.6f\n", measurement.mean_nll());
  std::printf("perplexity     %.6f\n", std::exp(measurement.mean_nll()));
  std::fprintf(stderr, "%zu tokens computed in %.3f s (%.1f tokens/s)\n", measurement.computed(), seconds,
               static_cast<double>(measurement.computed()) / seconds);
}

}  // namespace

void add_perplexity(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("perplexity", "Measure how well the model predicts a text");
  const auto arguments = std::make_shared<Arguments>();
  arguments->model.add_to(*command);
  arguments->text.add_to(*command);
  command->add_option("--context", arguments->context, "Tokens of a window, <bos> included")
      ->check(CLI::Range(2, 1 << 24));
  command->add_option("--stride", arguments->stride, "Tokens of text by which windows advance; 0: no overlap")
      ->check(CLI::NonNegativeNumber);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace cli
