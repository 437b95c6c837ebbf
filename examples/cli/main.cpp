// gemma4: load a Gemma 4 model, talk to it, look into it, measure it.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <set>
#include <string>
#include <string_view>

#include "commands.h"
#include "common.h"
#include "gemma4/error.h"
#include "gemma4/host.h"
#include "gemma4/version.h"
#include "interrupt.h"

namespace {

constexpr int kInputError = 1;
constexpr int kUsageError = 2;

int report(const char* message, int status) {
  std::fflush(stdout);
  std::fprintf(stderr, "gemma4: error: %s\n", message);
  return status;
}

/// The library's warnings on standard error, each once.
void show_warnings() {
  const auto shown = std::make_shared<std::set<std::string, std::less<>>>();
  const auto mutex = std::make_shared<std::mutex>();
  const auto show = [shown, mutex](gemma4::LogLevel, std::string_view line) {
    const std::lock_guard<std::mutex> lock(*mutex);
    if (!shown->emplace(line).second) return;
    std::fprintf(stderr, "gemma4: warning: %.*s\n", static_cast<int>(line.size()), line.data());
  };
  gemma4::set_log(show, gemma4::LogLevel::warning);
}

int run(int argc, char** argv) {
  show_warnings();
  CLI::App app("Runs Google's Gemma 4 models on the CPU.", "gemma4");
  app.set_version_flag("--version", GEMMA4_VERSION);
  app.require_subcommand(1);
  app.option_defaults()->always_capture_default();
  cli::add_generate(app);
  cli::add_chat(app);
  cli::add_info(app);
  cli::add_tokenize(app);
  cli::add_logits(app);
  cli::add_perplexity(app);
  cli::add_quantize(app);
  cli::add_bench(app);
  const auto named = [argv](const CLI::App* command) { return command->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands(named).empty()) {
    throw cli::UsageError("no command \"" + std::string(argv[1]) + "\"; --help lists them");
  }
  try {
    app.parse(argc, argv);  // runs the command
    return cli::exit_status;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return app.exit(error);  // --help
    std::fprintf(stderr, "gemma4: error: %s\nRun with --help for the options.\n", error.what());
    return kUsageError;
  }
}

/// A file must not get the number of standard output, so that what is printed would land in it.
void occupy_standard_files() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) static_cast<void>(open("/dev/null", O_RDONLY));
  }
}

int run_and_flush(int argc, char** argv) {
  const int status = run(argc, argv);
  cli::flush_output();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_files();
  try {
    return run_and_flush(argc, argv);
  } catch (const cli::UsageError& error) {
    return report(error.what(), kUsageError);
  } catch (const gemma4::Error& error) {
    if (error.code() == gemma4::ErrorCode::cancelled) return cli::Interrupt::status();
    // What is wrong with an argument is usage; with a file or a text it is input.
    return report(error.what(), error.code() == gemma4::ErrorCode::invalid_argument ? kUsageError : kInputError);
  } catch (const std::bad_alloc&) {
    return report("out of memory", kInputError);
  } catch (const std::exception& error) {
    return report(error.what(), kInputError);
  }
}
