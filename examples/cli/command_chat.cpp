// gemma4 chat: a conversation at the terminal, or a scripted one on standard input.
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <optional>

#include "commands.h"
#include "common.h"
#include "conversation.h"
#include "gemma4/error.h"
#include "interrupt.h"
#include "sampling_arguments.h"
#include "thought_filter.h"

namespace cli {
namespace {

struct Arguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling;
  std::string system;
  bool think = false;
  int max_tokens = -1;
};

const char* const kHelp =
    "/reset  forget the conversation\n"
    "/stats  tokens held and speed of the last answer\n"
    "/help   this list\n"
    "/quit   leave (also Ctrl-D)\n"
    "Ctrl-C stops an answer; at the prompt it leaves.\n";

// Lines of standard input, with an eye on Ctrl-C while it waits (std::getline would retry or fail for good).
class LineReader {
 public:
  /// Nothing at the end of the input and after Ctrl-C.
  std::optional<std::string> next(const Interrupt& interrupt) {
    while (true) {
      const std::size_t end = buffer_.find('\n');
      if (end != std::string::npos) return take(end, end + 1);
      if (interrupt.happened()) return std::nullopt;
      struct pollfd input = {STDIN_FILENO, POLLIN, 0};
      // The timeout is for a signal that comes between the check and the wait.
      if (::poll(&input, 1, 200) <= 0) continue;
      char chunk[4096];
      const ssize_t n = ::read(STDIN_FILENO, chunk, sizeof chunk);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return buffer_.empty() ? std::nullopt : take(buffer_.size(), buffer_.size());
      buffer_.append(chunk, static_cast<std::size_t>(n));
    }
  }

 private:
  std::optional<std::string> take(std::size_t length, std::size_t consumed) {
    std::string line = buffer_.substr(0, length);
    buffer_.erase(0, consumed);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    return line;
  }
  std::string buffer_;
};

// Writes an answer as it comes: thoughts dimmed on a terminal where they were asked for, else not at all.
class AnswerPrinter {
 public:
  AnswerPrinter(bool show_thoughts, bool terminal) : show_thoughts_(show_thoughts), terminal_(terminal) {}

  void push(const std::string& piece) {
    filter_.push(piece, [this](std::string_view text, bool thought) {
      if (thought && !show_thoughts_) return;
      if (thought != dimmed_) switch_to(thought);
      std::fwrite(text.data(), 1, text.size(), stdout);
      ends_line_ = text.back() == '\n';
    });
    std::fflush(stdout);
  }
  void finish() {
    if (dimmed_) switch_to(false);
    if (!ends_line_) std::printf("\n");
    std::fflush(stdout);
  }

 private:
  void switch_to(bool thought) {
    if (!thought && !ends_line_) std::printf("\n");
    if (terminal_) std::printf(thought ? "\033[2m" : "\033[0m");
    dimmed_ = thought;
  }

  ThoughtFilter filter_;
  bool show_thoughts_, terminal_;
  bool dimmed_ = false;
  bool ends_line_ = false;
};

class Chat {
 public:
  explicit Chat(const Arguments& arguments)
      : arguments_(arguments),
        model_(arguments.model.load()),
        session_(arguments.session.open(model_)),
        sampler_(arguments.sampling.options(model_)),
        conversation_(session_, sampler_, arguments.system, arguments.think) {}

  void run() {
    if (interactive_) std::printf("Type a message, or /help.\n");
    while (const std::optional<std::string> line = read_line()) {
      if (*line == "/quit") return;
      if (*line == "/help") {
        std::printf("%s", kHelp);
      } else if (*line == "/reset") {
        conversation_.reset();
        std::printf("(forgotten)\n");
      } else if (*line == "/stats") {
        print_stats();
      } else if (line->rfind('/', 0) == 0) {
        std::printf("(no such command; /help lists them)\n");
      } else if (line->find_first_not_of(" \t") != std::string::npos) {
        answer(*line);
      }
      std::fflush(stdout);
    }
    if (interactive_) std::printf("\n");
  }

 private:
  std::optional<std::string> read_line() {
    if (interactive_) {
      std::printf("> ");
      std::fflush(stdout);
    }
    interrupt_.renew();
    return lines_.next(interrupt_);
  }

  void answer(const std::string& text) {
    interrupt_.renew();
    Progress progress("reading");
    AnswerPrinter printer(arguments_.think, isatty(STDOUT_FILENO) != 0);
    gemma4::GenerateOptions options;
    options.max_tokens = arguments_.max_tokens;
    options.show_special = true;
    options.cancel = interrupt_.token();
    options.prefill_progress = [&progress](std::size_t done, std::size_t total) { progress.show(done, total); };
    try {
      last_ = conversation_.send(text, options, [&](const gemma4::Piece& piece) {
        progress.clear();
        printer.push(piece.text);
        return gemma4::StreamAction::proceed;
      });
    } catch (const gemma4::Error& error) {
      if (error.code() != gemma4::ErrorCode::context_full) throw;
      progress.clear();
      std::printf("(the context is full: %s; /reset starts over)\n", error.what());
      return;
    }
    progress.clear();
    printer.finish();
    if (last_.reason == gemma4::StopReason::cancelled) std::printf("(stopped)\n");
    if (last_.reason == gemma4::StopReason::context_full) {
      std::printf("(the context of %zu tokens is full; /reset starts over)\n", session_.context_length());
    }
  }

  void print_stats() const {
    std::printf("(%zu of %zu tokens held; last answer: %zu tokens, %.1f tokens/s; %s of cache and work space)\n",
                conversation_.size(), session_.context_length(), last_.token_ids.size(),
                last_.decode_seconds > 0.0 ? static_cast<double>(last_.token_ids.size()) / last_.decode_seconds : 0.0,
                format_bytes(session_.memory_bytes()).c_str());
  }

  const Arguments& arguments_;
  gemma4::Model model_;
  gemma4::Session session_;
  gemma4::Sampler sampler_;
  Conversation conversation_;
  Interrupt interrupt_;
  LineReader lines_;
  gemma4::GenerateResult last_;
  const bool interactive_ = isatty(STDIN_FILENO) != 0;
};

}  // namespace

void add_chat(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("chat", "Hold a conversation");
  const auto arguments = std::make_shared<Arguments>();
  arguments->model.add_to(*command);
  arguments->session.add_to(*command);
  command->add_option("--system", arguments->system, "Instructions for the whole conversation");
  command->add_flag("--think", arguments->think, "Let the model think first, and show its thoughts");
  command->add_option("-n,--max-tokens", arguments->max_tokens, "Most tokens of an answer; -1: no limit")
      ->check(CLI::Range(-1, 1 << 30));
  arguments->sampling.add_to(*command);
  command->callback([arguments] { Chat(*arguments).run(); });
}

}  // namespace cli
