// gemma4 generate: one answer, streamed to standard output.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "commands.h"
#include "common.h"
#include "gemma4/chat.h"
#include "gemma4/generate.h"
#include "interrupt.h"
#include "sampling_arguments.h"

namespace cli {
namespace {

struct Arguments {
  ModelArguments model;
  SessionArguments session;
  TextArguments text;
  SamplingArguments sampling;
  gemma4::GenerateOptions generate;
  bool raw = false;
  bool verbose = false;
};

std::vector<gemma4::TokenId> make_prompt(const Arguments& arguments, const gemma4::Model& model,
                                         const std::string& text) {
  const bool chats = model.tokenizer().token_to_id("<|turn>") >= 0;
  if (arguments.raw || !chats) return model.tokenizer().encode(text, true);
  return gemma4::encode_chat(model, {gemma4::Message::user(text)});
}

void run(const Arguments& arguments) {
  const std::string text = arguments.text.read();
  const bool is_asked = text.find_first_not_of(" \t\r\n") != std::string::npos || (arguments.raw && !text.empty());
  if (!is_asked && !arguments.text.has_text && arguments.text.file.empty()) {
    throw UsageError("expected a prompt: -p TEXT, -f FILE, or standard input, which is empty");
  }
  const gemma4::Model model = arguments.model.load();
  gemma4::Sampler sampler(arguments.sampling.options(model));
  gemma4::Session session = arguments.session.open(model);
  const std::vector<gemma4::TokenId> prompt = make_prompt(arguments, model, text);

  const Interrupt interrupt;
  Progress progress("reading the prompt");
  gemma4::GenerateOptions options = arguments.generate;
  options.cancel = interrupt.token();
  options.prefill_progress = [&progress](std::size_t done, std::size_t total) { progress.show(done, total); };
  const gemma4::GenerateResult result =
      gemma4::generate(session, prompt, sampler, options, [&progress](const gemma4::Piece& piece) {
        progress.clear();
        std::fwrite(piece.text.data(), 1, piece.text.size(), stdout);
        flush_output();
        return gemma4::StreamAction::proceed;
      });
  progress.clear();
  std::printf("\n");
  flush_output();
  if (interrupt.happened()) exit_status = 130;

  if (!arguments.verbose) return;
  const auto rate = [](std::size_t n, double seconds) {
    return seconds > 0.0 ? static_cast<double>(n) / seconds : 0.0;
  };
  std::fprintf(stderr, "prompt: %zu tokens in %.3f s (%.1f tokens/s)\n", prompt.size(), result.prefill_seconds,
               rate(prompt.size(), result.prefill_seconds));
  std::fprintf(stderr, "answer: %zu tokens in %.3f s (%.1f tokens/s), the first of them %.3f s after the start\n",
               result.token_ids.size(), result.decode_seconds, result.tokens_per_second, result.time_to_first_token);
  std::fprintf(stderr, "stopped: %s%s%s; seed %llu\n", gemma4::to_string(result.reason), result.stop.empty() ? "" : " ",
               result.stop.c_str(), static_cast<unsigned long long>(sampler.seed()));
}

}  // namespace

void add_generate(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("generate", "Answer one prompt");
  const auto arguments = std::make_shared<Arguments>();
  arguments->model.add_to(*command);
  arguments->text.add_to(*command);
  arguments->session.add_to(*command);
  command->add_flag("--raw", arguments->raw, "Continue the text instead of answering it as a user's message");
  command->add_option("-n,--max-tokens", arguments->generate.max_tokens, "Most tokens to generate; -1: no limit")
      ->check(CLI::Range(-1, 1 << 30));
  command->add_option("--stop", arguments->generate.stop, "Text that ends the answer; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--show-special", arguments->generate.show_special, "Show control tokens");
  command->add_flag("--verbose", arguments->verbose, "Timing and stop reason on standard error");
  arguments->sampling.add_to(*command);
  command->callback([arguments] { run(*arguments); });
}

}  // namespace cli
