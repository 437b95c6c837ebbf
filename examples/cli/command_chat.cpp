// gemma4 chat: a conversation at the terminal, or a scripted one on standard input.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>

#include "commands.h"
#include "common.h"
#include "gemma4/chat.h"
#include "gemma4/error.h"
#include "gemma4/grammar.h"
#include "interrupt.h"
#include "line_reader.h"
#include "sampling_arguments.h"

namespace cli {
namespace {

struct Arguments {
  ModelArguments model;
  SessionArguments session;
  SamplingArguments sampling;
  std::string system;
  std::string tools;
  std::string schema;
  gemma4::Thinking thinking;
  int max_tokens = -1;
};

const char* const kHelp =
    "/reset  forget the conversation\n"
    "/stats  tokens held and speed of the last answer\n"
    "/help   this list\n"
    "/quit   leave (also Ctrl-D)\n"
    "Ctrl-C stops an answer; at the prompt it leaves.\n"
    "Where the model calls a tool, the next line is the tool's result: JSON, or else text.\n";

// Writes an answer as it comes: thoughts dimmed on a terminal, calls in brackets.
class AnswerPrinter {
 public:
  explicit AnswerPrinter(bool terminal) : terminal_(terminal) {}

  void push(const gemma4::ChatEvent& event) {
    switch (event.type) {
      case gemma4::ChatEvent::Type::content:
      case gemma4::ChatEvent::Type::reasoning:
        write(event.text, event.type == gemma4::ChatEvent::Type::reasoning);
        break;
      case gemma4::ChatEvent::Type::tool_call:
        if (!ends_line_) write("\n", dimmed_);
        write("[" + event.call.name + " " + event.call.arguments.dump() + "]\n", false);
        break;
      case gemma4::ChatEvent::Type::tool_call_started:
        break;
    }
    flush_output();
  }
  void finish() {
    if (dimmed_) switch_to(false);
    if (!ends_line_) std::printf("\n");
    std::fflush(stdout);
  }

 private:
  void write(const std::string& text, bool thought) {
    if (thought != dimmed_) switch_to(thought);
    std::fwrite(text.data(), 1, text.size(), stdout);
    ends_line_ = text.back() == '\n';
  }
  void switch_to(bool thought) {
    if (!thought && !ends_line_) std::printf("\n");
    if (terminal_) std::printf(thought ? "\033[2m" : "\033[0m");
    dimmed_ = thought;
  }

  bool terminal_;
  bool dimmed_ = false;
  bool ends_line_ = false;
};

gemma4::ChatOptions chat_options(const Arguments& arguments, const gemma4::Model& model) {
  gemma4::ChatOptions options;
  options.system = arguments.system;
  if (!arguments.tools.empty()) options.tools = gemma4::Json::parse_file(arguments.tools);
  options.thinking = arguments.thinking;
  options.session = arguments.session.options(model);
  options.sampler = arguments.sampling.options(model);
  return options;
}

// What answers are held to; null: nothing.
std::shared_ptr<const gemma4::Grammar> answer_format(const std::string& path) {
  if (path.empty()) return nullptr;
  try {
    gemma4::JsonSchemaOptions options;
    options.closed_objects = true;  // what a schema for an answer means
    return std::make_shared<const gemma4::Grammar>(gemma4::json_schema(read_file(path), options));
  } catch (const gemma4::Error& error) {
    throw gemma4::Error(error.code(), path + ": " + error.what());
  }
}

class Conversation {
 public:
  explicit Conversation(const Arguments& arguments)
      : arguments_(arguments),
        format_(answer_format(arguments.schema)),
        model_(arguments.model.load()),
        chat_(model_, chat_options(arguments, model_)) {
    if (!chat_.warning().empty()) std::fprintf(stderr, "gemma4: %s\n", chat_.warning().c_str());
  }

  void run() {
    if (interactive_) std::printf("Type a message, or /help.\n");
    while (const std::optional<std::string> line = read_line("> ")) {
      if (*line == "/quit") return;
      if (*line == "/help") {
        std::printf("%s", kHelp);
      } else if (*line == "/reset") {
        chat_.reset();
        std::printf("(forgotten)\n");
      } else if (*line == "/stats") {
        print_stats();
      } else if (line->rfind('/', 0) == 0) {
        std::printf("(no such command; /help lists them)\n");
      } else if (line->find_first_not_of(" \t") != std::string::npos) {
        bool goes_on = answer({gemma4::Message::user(*line)});
        while (goes_on && !last_.tool_calls.empty()) goes_on = answer_calls();
      }
      flush_output();
    }
    if (interactive_) std::printf("\n");
  }

 private:
  std::optional<std::string> read_line(const std::string& prompt) {
    if (interactive_) {
      std::printf("%s", prompt.c_str());
      std::fflush(stdout);
    }
    interrupt_.renew();
    return lines_.next(interrupt_);
  }

  // A line for each call; false when there is none left, or no answer.
  bool answer_calls() {
    std::vector<gemma4::Message> results;
    for (const gemma4::ToolCall& call : last_.tool_calls) {
      const std::optional<std::string> line = read_line(call.name + "> ");
      results.push_back(gemma4::Message::tool(*call.id, result_of(line.value_or("no result"))));
    }
    return answer(std::move(results));
  }

  static gemma4::Json result_of(const std::string& line) {
    try {
      const gemma4::Json value = gemma4::Json::parse(line);
      if (!value.is_array()) return value;  // an array would be parts of a message
    } catch (const gemma4::Error&) {
    }
    return line;
  }

  bool answer(std::vector<gemma4::Message> messages) {
    interrupt_.renew();
    Progress progress("reading");
    AnswerPrinter printer(isatty(STDOUT_FILENO) != 0);
    gemma4::SendOptions options;
    options.max_tokens = arguments_.max_tokens;
    options.response_format = format_;
    options.cancel = interrupt_.token();
    options.prefill_progress = [&progress](std::size_t done, std::size_t total) { progress.show(done, total); };
    try {
      last_ = chat_.send(std::move(messages), options, [&](const gemma4::ChatEvent& event) {
        progress.clear();
        printer.push(event);
        return gemma4::StreamAction::proceed;
      });
    } catch (const gemma4::Error& error) {
      progress.clear();
      if (error.code() == gemma4::ErrorCode::context_full) {
        std::printf("(the context is full: %s; /reset starts over)\n", error.what());
      } else if (error.code() == gemma4::ErrorCode::invalid_argument) {
        std::printf("(not sent: %s)\n", error.what());
      } else {
        throw;
      }
      return false;
    }
    progress.clear();
    printer.finish();
    switch (last_.stop_reason) {
      case gemma4::StopReason::cancelled:
        std::printf("(stopped)\n");
        return false;
      case gemma4::StopReason::loop:
        std::printf("(stopped: it repeats itself)\n");
        break;
      case gemma4::StopReason::context_full:
        std::printf("(the context of %zu tokens is full; /reset starts over)\n", chat_.context_length());
        break;
      default:
        break;
    }
    return true;
  }

  void print_stats() const {
    const gemma4::Usage& usage = last_.usage;
    std::printf("(%zu of %zu tokens held; last answer: %zu tokens, %.1f tokens/s, %zu of %zu before it reused; %s of "
                "cache)\n",
                chat_.position(), chat_.context_length(), usage.completion_tokens,
                usage.tokens_per_second(),
                usage.reused_tokens, usage.prompt_tokens, format_bytes(chat_.memory_bytes()).c_str());
  }

  const Arguments& arguments_;
  std::shared_ptr<const gemma4::Grammar> format_;
  gemma4::Model model_;
  gemma4::Chat chat_;
  Interrupt interrupt_;
  LineReader lines_;
  gemma4::Reply last_;
  const bool interactive_ = isatty(STDIN_FILENO) != 0;
};

// "on", "off" or a number of tokens; an empty string where it is one of them, as CLI11 wants it.
std::string read_thinking(const std::string& text, gemma4::Thinking& thinking) {
  if (text == "on" || text == "off") {
    thinking.enabled = text == "on";
    return {};
  }
  int budget = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), budget);
  if (error != std::errc() || end != text.data() + text.size() || budget < 1) {
    return "expected on, off or a number of tokens, got \"" + text + "\"";
  }
  thinking = gemma4::Thinking::up_to(budget);
  return {};
}

}  // namespace

void add_chat(CLI::App& app) {
  CLI::App* const command = app.add_subcommand("chat", "Hold a conversation");
  const auto arguments = std::make_shared<Arguments>();
  arguments->model.add_to(*command);
  arguments->session.add_to(*command);
  command->add_option("--system", arguments->system, "Instructions for the whole conversation");
  command->add_option("--tools", arguments->tools, "JSON file with an array of the functions the model may call");
  command->add_option("--schema", arguments->schema, "JSON file with the schema that every answer is held to");
  CLI::Option* const thinking = command->add_option_function<std::string>(
      "--thinking",
      [arguments](const std::string& text) {
        const std::string problem = read_thinking(text, arguments->thinking);
        if (!problem.empty()) throw CLI::ValidationError("--thinking", problem);
      },
      "Let the model think first, and show its thoughts: on, off, or the most tokens of a thought");
  command->add_flag_callback("--think", [arguments] { arguments->thinking.enabled = true; }, "The same as --thinking on")
      ->excludes(thinking);
  command->add_option("-n,--max-tokens", arguments->max_tokens, "Most tokens of an answer; -1: no limit")
      ->check(CLI::Range(-1, 1 << 30));
  arguments->sampling.add_to(*command);
  command->callback([arguments] { Conversation(*arguments).run(); });
}

}  // namespace cli
