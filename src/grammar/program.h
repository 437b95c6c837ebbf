// Program: what a Grammar points to. How its rules are made, and the engine that runs them, made on first use and again
// when what it has worked out takes too much memory.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "grammar/masks.h"

namespace gemma4::grammar {

/// Rules, the machine that runs them and the masks it has made; whoever uses it holds `mutex`.
struct Engine {
  explicit Engine(std::unique_ptr<Rules> made) : rules(std::move(made)), machine(*rules), masks(machine) {}
  std::mutex mutex;
  std::unique_ptr<Rules> rules;
  Machine machine;
  Masks masks;
  std::size_t memory_bytes() const noexcept { return machine.memory_bytes() + masks.memory_bytes(); }
};

class Program {
 public:
  using Build = std::function<std::unique_ptr<Rules>()>;  ///< Makes the same rules every time; finish()ed.
  /// Throws what `build` throws.
  explicit Program(Build build);

  /// The engine for a new matcher: a fresh one when the last has grown beyond kRenewAt.
  std::shared_ptr<Engine> engine() const;
  bool accepts(std::string_view text, bool prefix) const;

  /// An engine above this serves the matchers that have it, and no new ones.
  static constexpr std::size_t kRenewAt = std::size_t{96} << 20;
  /// Beyond this a matcher's calls throw Error unsupported.
  static constexpr std::size_t kLimit = std::size_t{384} << 20;

 private:
  const Build build_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<Engine> engine_;
};

std::shared_ptr<const Program> compile_json_schema(std::string_view schema, bool bounded_space);
std::shared_ptr<const Program> compile_regex(std::string_view pattern);
std::shared_ptr<const Program> compile_gbnf(std::string_view text);

}  // namespace gemma4::grammar
