// gemma4 perplexity: how well the model predicts a text.
//
// The text is cut into windows of --context tokens, the first of which is always <bos> (a model without one starts each
// window with the text itself, whose first token is then not scored). Windows advance by --stride tokens of text, by
// default their whole length; where they overlap, only tokens not scored before are.
//
// With --kl the same tokens go through a second model, and the predictions are compared: mean and extremes of
// sum_i p_i log(p_i / q_i), p being the base's, and how often both find the same token most likely.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "commands.h"
#include "common.h"
#include "interrupt.h"
#include "divergence.h"
#include "gemma4/error.h"
#include "npy.h"

namespace cli {
namespace {

using gemma4::TokenId;

struct Arguments {
  ModelArguments model;
  TextArguments text;
  int context = 512;
  int stride = 0;
  std::string base;
  std::string save;
  bool lines = false;
  bool special = false;
};

/// A piece of a window: its tokens, and how many of them, from the end, have logits that count.
struct Piece {
  gemma4::Span<const TokenId> tokens;
  std::size_t scored = 0;
  bool first = false;  ///< Of its window.
};

/// The logits of one model, piece by piece.
class Predictor {
 public:
  Predictor(const gemma4::Model& model, int context, const gemma4::CancelToken& cancel)
      : session_(model, session_options(context)), cancel_(cancel) {}

  /// [piece.scored, vocab_size], valid until the next call.
  gemma4::Span<const float> run(const Piece& piece) {
    if (piece.first) session_.truncate(0);
    gemma4::PrefillOptions options;
    options.cancel = cancel_;
    const std::size_t before = piece.tokens.size() - piece.scored;
    if (before > 0) {
      options.want = gemma4::Want::nothing;
      session_.prefill(piece.tokens.subspan(0, before), options);
    }
    options.want = gemma4::Want::all_logits;
    return session_.prefill(piece.tokens.subspan(before), options);
  }

 private:
  static gemma4::SessionOptions session_options(int context) {
    gemma4::SessionOptions options;
    options.context_length = context;
    return options;
  }

  gemma4::Session session_;
  gemma4::CancelToken cancel_;
};

/// What a model is compared with: another model, or the logits of one that were saved.
class Base {
 public:
  Base(const Arguments& arguments, const gemma4::Model& model, std::size_t rows, const gemma4::CancelToken& cancel) {
    const auto vocab_size = static_cast<std::size_t>(model.config().vocab_size);
    std::size_t columns = 0;
    if (NpyReader::is_npy(arguments.base)) {
      saved_.emplace(arguments.base);
      columns = saved_->columns();
      if (saved_->rows() != rows) {
        throw gemma4::Error(gemma4::ErrorCode::bad_format,
                            arguments.base + ": expected logits of " + std::to_string(rows) + " tokens, got " +
                                std::to_string(saved_->rows()) + " (made with another text or context?)");
      }
    } else {
      ModelArguments other = arguments.model;
      other.path = arguments.base;
      const gemma4::Model base = other.load();
      columns = static_cast<std::size_t>(base.config().vocab_size);
      predictor_.emplace(base, arguments.context, cancel);
    }
    if (columns != vocab_size) {
      throw gemma4::Error(gemma4::ErrorCode::invalid_argument,
                          arguments.base + ": expected a vocabulary of " + std::to_string(vocab_size) +
                              ", as the model has, got " + std::to_string(columns));
    }
  }

  gemma4::Span<const float> run(const Piece& piece) {
    return saved_ ? saved_->read(piece.scored) : predictor_->run(piece);
  }

 private:
  std::optional<NpyReader> saved_;
  std::optional<Predictor> predictor_;
};

/// Scores windows of tokens.
class Measurement {
 public:
  /// @param rows  tokens that will be scored
  Measurement(const Arguments& arguments, const gemma4::Model& model, std::size_t rows,
              const gemma4::CancelToken& cancel)
      : predictor_(model, arguments.context, cancel), vocab_size_(static_cast<std::size_t>(model.config().vocab_size)) {
    // 64 MiB of logits at a time.
    piece_ = std::clamp<std::size_t>((std::size_t{64} << 20) / (4 * vocab_size_), 1, 512);
    if (!arguments.base.empty()) base_.emplace(arguments, model, rows, cancel);
    if (!arguments.save.empty()) {
      save_.emplace(arguments.save,
                    std::vector<std::int64_t>{static_cast<std::int64_t>(rows), static_cast<std::int64_t>(vocab_size_)});
    }
  }

  /// Scores window[first, end), each token given those before it; first >= 1.
  void score(gemma4::Span<const TokenId> window, std::size_t first) {
    std::size_t begin = 0;
    for (std::size_t i = first - 1; i + 1 < window.size(); i += piece_) {
      const std::size_t n = std::min(piece_, window.size() - 1 - i);
      piece({window.subspan(begin, i + n - begin), n, begin == 0}, window.subspan(i + 1, n));
      begin = i + n;
    }
    computed_ += window.size() - 1;
  }

  void finish() {
    if (save_) save_->close();
  }

  void print() const {
    const auto n = static_cast<double>(scored_);
    std::printf("tokens scored  %zu\n", scored_);
    std::printf("mean NLL       %.6f\n", nll_ / n);
    std::printf("perplexity     %.6f\n", std::exp(nll_ / n));
    if (!base_) return;
    std::printf("of the base    %.6f\n", std::exp(base_nll_ / n));
    std::printf("mean KL        %.6f +- %.6f\n", divergence_.mean(), divergence_.standard_error());
    std::printf("median KL      %.6f\n", divergence_.quantile(0.5));
    std::printf("99 %% KL        %.6f\n", divergence_.quantile(0.99));
    std::printf("largest KL     %.6f\n", divergence_.quantile(1.0));
    std::printf("same top       %.3f %%\n", 100.0 * divergence_.same_top());
  }

  std::size_t scored() const { return scored_; }
  std::size_t computed() const { return computed_; }

 private:
  void piece(const Piece& piece, gemma4::Span<const TokenId> next) {
    const gemma4::Span<const float> logits = predictor_.run(piece);
    if (save_) save_->write(logits);
    const gemma4::Span<const float> base = base_ ? base_->run(piece) : gemma4::Span<const float>();
    for (std::size_t j = 0; j < next.size(); ++j) {
      const auto row = logits.subspan(j * vocab_size_, vocab_size_);
      nll_ += surprise(row, next[j]);
      if (!base_) continue;
      const auto base_row = base.subspan(j * vocab_size_, vocab_size_);
      base_nll_ += surprise(base_row, next[j]);
      divergence_.add(base_row, row);
    }
    scored_ += next.size();
  }

  // -log softmax(logits)[token]
  static double surprise(gemma4::Span<const float> logits, TokenId token) {
    return log_sum(logits) - static_cast<double>(logits[static_cast<std::size_t>(token)]);
  }

  Predictor predictor_;
  std::optional<Base> base_;
  std::optional<NpyWriter> save_;
  Divergence divergence_;
  std::size_t vocab_size_;
  std::size_t piece_ = 1;
  double nll_ = 0.0, base_nll_ = 0.0;
  std::size_t scored_ = 0;
  std::size_t computed_ = 0;
};

/// Tokens that the model sees together; those before `first` are not scored.
struct Window {
  std::vector<TokenId> tokens;
  std::size_t first = 1;
};

/// Cuts a text's tokens into windows.
class Cutter {
 public:
  Cutter(const Arguments& arguments, TokenId bos) : bos_(bos), lead_(bos >= 0 ? 1 : 0) {
    length_ = static_cast<std::size_t>(arguments.context) - lead_;
    stride_ = arguments.stride > 0 ? static_cast<std::size_t>(arguments.stride) : length_;
    if (stride_ > length_) {
      throw UsageError("--stride: expected at most " + std::to_string(length_) + " (the context without <bos>), got " +
                       std::to_string(stride_));
    }
  }

  void cut(const std::vector<TokenId>& ids) {
    std::size_t scored_to = 0;
    for (std::size_t begin = 0; scored_to < ids.size(); begin += stride_) {
      const std::size_t end = std::min(ids.size(), begin + length_);
      Window window;
      if (lead_ > 0) window.tokens.push_back(bos_);
      window.tokens.insert(window.tokens.end(), ids.begin() + static_cast<std::ptrdiff_t>(begin),
                           ids.begin() + static_cast<std::ptrdiff_t>(end));
      window.first = std::max<std::size_t>(1, scored_to - begin + lead_);
      if (window.first < window.tokens.size()) {
        rows_ += window.tokens.size() - window.first;
        windows_.push_back(std::move(window));
      }
      scored_to = end;
    }
  }

  const std::vector<Window>& windows() const { return windows_; }
  std::size_t rows() const { return rows_; }  // tokens that will be scored

 private:
  TokenId bos_;
  std::size_t lead_, length_ = 0, stride_ = 0;  // length: tokens of text in a window
  std::vector<Window> windows_;
  std::size_t rows_ = 0;
};

void run(const Arguments& arguments) {
  const std::string text = arguments.text.read();
  const gemma4::Model model = arguments.model.load();
  const gemma4::Tokenizer& tokenizer = model.tokenizer();
  Cutter cutter(arguments, tokenizer.bos_token());
  const auto cut = [&](const std::string& part) { cutter.cut(tokenizer.encode(part, false, arguments.special)); };
  if (arguments.lines) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) cut(line);
  } else {
    cut(text);
  }
  if (cutter.rows() == 0)
    throw gemma4::Error(gemma4::ErrorCode::invalid_argument, "the text is too short to be scored");

  const Interrupt interrupt(Interrupt::On::any_end);
  Measurement measurement(arguments, model, cutter.rows(), interrupt.token());
  Progress progress("scoring");
  const double start = now();
  for (const Window& window : cutter.windows()) {
    measurement.score(window.tokens, window.first);
    progress.show(measurement.scored(), cutter.rows());
  }
  measurement.finish();
  progress.clear();
  const double seconds = now() - start;
  measurement.print();
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
  command->add_flag("--lines", arguments->lines, "Score every line by itself");
  command->add_flag("--special", arguments->special, "Let the text of control tokens become those tokens");
  command->add_option("--kl", arguments->base,
                      "Compare with BASE: a model of the same vocabulary, or a file of --save-logits");
  command->add_option("--save-logits", arguments->save, "Write the logits of every scored token to a .npy file");
  command->callback([arguments] { run(*arguments); });
}

}  // namespace cli
