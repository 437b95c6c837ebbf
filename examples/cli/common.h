// What the commands share: loading a model, reading text, showing progress, failing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include "gemma4/model.h"
#include "gemma4/session.h"

namespace CLI {
class App;
class Option;
}

namespace cli {

/// The program's exit status when nothing is thrown; a command sets it (130 after Ctrl-C).
extern int exit_status;

/// Arguments that contradict each other: exit status 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// MODEL, --threads, --compute, --no-mmap.
struct ModelArguments {
  std::string path;
  int threads = -1;
  std::string compute = "auto";
  bool no_mmap = false;

  /// Returns MODEL, which is required.
  CLI::Option* add_to(CLI::App& command);
  /// Loads, with progress on stderr when it is a terminal.
  gemma4::Model load() const;
};

/// --context. The session has at most the positions the model was made for; a warning says so to who asked for more.
struct SessionArguments {
  static constexpr int kDefault = 4096;
  std::optional<int> context_length;

  void add_to(CLI::App& command);
  gemma4::SessionOptions options(const gemma4::Model& model) const;
  gemma4::Session open(const gemma4::Model& model) const;
};

/// -p TEXT, -f FILE, or standard input.
struct TextArguments {
  std::string text;
  std::string file;
  bool has_text = false;

  void add_to(CLI::App& command);
  /// Throws UsageError when there is neither and standard input is a terminal.
  std::string read() const;
};

/// Sends on what was printed. Throws Error io when standard output does not take it, or has not taken all before.
void flush_output();

/// A whole file, or standard input for "-". Throws Error not_found or io.
std::string read_file(const std::string& path);

/// "label  42 %" on stderr, rewritten in place; nothing when stderr is no terminal, or before a third of a second has
/// passed. Gone when it is destroyed.
class Progress {
 public:
  explicit Progress(std::string label);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }
  void show(std::uint64_t done, std::uint64_t total);
  void clear();

 private:
  std::string label_;
  bool enabled_;
  double start_;
  int shown_ = -1;
};

/// Seconds since some moment in the past.
double now();

/// "5.20 MB" (powers of 1000).
std::string format_bytes(std::uint64_t bytes);

/// The text as a JSON string, with its quotes.
std::string json_string(const std::string& text);

}  // namespace cli
