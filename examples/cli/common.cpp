#include "common.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "gemma4/error.h"

namespace cli {

int exit_status = 0;

CLI::Option* ModelArguments::add_to(CLI::App& command) {
  CLI::Option* const model =
      command.add_option("MODEL", path, "Folder of a checkpoint (config.json, *.safetensors), or a GGUF file");
  model->required();
  command.add_option("--threads", threads, "Threads; -1: one per physical core")->check(CLI::Range(-1, 4096));
  command.add_option("--compute", compute, "auto, f32 (KV cache too) or bf16 (faster prefill, less exact)")
      ->check(CLI::IsMember({"auto", "f32", "bf16"}));
  command.add_flag("--no-mmap", no_mmap, "Read the weights into memory instead of mapping the file");
  return model;
}

gemma4::Model ModelArguments::load() const {
  gemma4::ModelOptions options;
  options.threads = threads;
  for (const gemma4::Compute choice : {gemma4::Compute::automatic, gemma4::Compute::f32, gemma4::Compute::bf16}) {
    if (compute == gemma4::to_string(choice)) options.compute = choice;
  }
  options.use_mmap = !no_mmap;
  Progress progress("loading");
  options.progress = [&progress](std::uint64_t done, std::uint64_t total) { progress.show(done, total); };
  return gemma4::Model::load(path, options);
}

void SessionArguments::add_to(CLI::App& command) {
  command
      .add_option("--context", context_length,
                  "Tokens the session can hold, at most the model's max_position_embeddings; default: " +
                      std::to_string(kDefault))
      ->check(CLI::PositiveNumber);
}

gemma4::SessionOptions SessionArguments::options(const gemma4::Model& model) const {
  gemma4::SessionOptions options;
  const int most = model.config().max_position_embeddings;
  if (context_length && *context_length > most) {
    std::fprintf(stderr, "gemma4: warning: --context %d: lowered to the model's max_position_embeddings, %d\n",
                 *context_length, most);
  }
  options.context_length = std::min(context_length.value_or(kDefault), most);
  return options;
}

gemma4::Session SessionArguments::open(const gemma4::Model& model) const {
  return gemma4::Session(model, options(model));
}

void TextArguments::add_to(CLI::App& command) {
  auto* const from_text = command.add_option_function<std::string>(
      "-p,--prompt",
      [this](const std::string& value) {
        text = value;
        has_text = true;
      },
      "The text");
  command.add_option("-f,--file", file, "File with the text (-: standard input)")->excludes(from_text);
}

std::string TextArguments::read() const {
  if (has_text) return text;
  if (!file.empty()) return read_file(file);
  if (isatty(STDIN_FILENO)) throw UsageError("expected a text: -p TEXT, -f FILE, or standard input");
  return read_file("-");
}

void flush_output() {
  errno = 0;
  const bool fits = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (fits) return;
  const std::string reason = errno != 0 ? std::string(": ") + std::strerror(errno) : "";
  throw gemma4::Error(gemma4::ErrorCode::io, "standard output cannot be written" + reason);
}

std::string read_file(const std::string& path) {
  const bool standard = path == "-";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(nullptr, &std::fclose);
  std::FILE* file = stdin;
  if (!standard) {
    opened.reset(std::fopen(path.c_str(), "rb"));
    if (!opened) {
      const auto code = errno == ENOENT ? gemma4::ErrorCode::not_found : gemma4::ErrorCode::io;
      throw gemma4::Error(code, path + ": " + std::strerror(errno));
    }
    file = opened.get();
  }
  std::string text;
  char buffer[65536];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
  if (std::ferror(file)) {
    throw gemma4::Error(gemma4::ErrorCode::io, (standard ? "standard input" : path) + ": " + std::strerror(errno));
  }
  return text;
}

Progress::Progress(std::string label) : label_(std::move(label)), enabled_(isatty(STDERR_FILENO) != 0), start_(now()) {}

void Progress::show(std::uint64_t done, std::uint64_t total) {
  if (!enabled_ || total == 0 || now() - start_ < 0.33) return;
  const int percent = static_cast<int>(static_cast<double>(done) * 100.0 / static_cast<double>(total));
  if (percent == shown_) return;
  shown_ = percent;
  std::fprintf(stderr, "\r%s %3d %%", label_.c_str(), percent);
  std::fflush(stderr);
}

void Progress::clear() {
  if (shown_ < 0) return;
  std::fprintf(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = -1;
}

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

std::string format_bytes(std::uint64_t bytes) {
  const char* const units[] = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000.0 && unit + 1 < std::size(units)) {
    value /= 1000.0;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.2f %s", value, units[unit]);
  return text;
}

std::string json_string(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace cli
