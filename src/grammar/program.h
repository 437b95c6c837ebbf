// Program: what a Grammar points to: its rules, and the engine that runs them.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_set>

#include "grammar/masks.h"

namespace gemma4::grammar {

/// A text as far as it has been read: the frames after 0, 1, ... tokens.
using History = std::vector<Frames>;

/// Rules, the machine that runs them and the masks it has made; whoever uses it holds `mutex`.
///
/// What is worked out on the way is kept while it is small: beyond kMaxMemory more than the rules take (kMaxTerms of
/// that for terms, so that what one step clears up or moves is little), all is forgotten but what the histories need,
/// which is some 200 bytes a token.
class Engine {
 public:
  explicit Engine(std::unique_ptr<Rules> made);

  std::mutex mutex;
  const std::unique_ptr<Rules> rules;
  Machine machine;
  Masks masks;

  /// Before each use. `history` is what forgetting keeps and renumbers, until leave().
  void enter(History* history) { histories_.insert(history); }
  void leave(History* history) { histories_.erase(history); }
  void tidy() {
    if (memory_bytes() > next_ || rules->terms.memory_bytes() > next_terms_) forget();
  }
  void forget();
  std::size_t memory_bytes() const noexcept { return machine.memory_bytes() + masks.memory_bytes(); }

  static constexpr std::size_t kMaxMemory = std::size_t{48} << 20;
  static constexpr std::size_t kMaxTerms = std::size_t{12} << 20;

 private:
  std::unordered_set<History*> histories_;
  void wait();
  std::size_t next_ = 0, next_terms_ = 0;  // when to forget
};

class Program {
 public:
  /// finish()ed rules.
  explicit Program(std::unique_ptr<Rules> rules) : engine_(std::make_shared<Engine>(std::move(rules))) {}

  const std::shared_ptr<Engine>& engine() const noexcept { return engine_; }
  /// Throws Error cancelled when `cancel` says so; here and below it may be null.
  bool accepts(std::string_view text, bool prefix, const CancelToken* cancel = nullptr) const;

 private:
  const std::shared_ptr<Engine> engine_;
};

std::shared_ptr<const Program> compile_json_schema(std::string_view schema, bool bounded_space,
                                                   const CancelToken* cancel = nullptr);
std::shared_ptr<const Program> compile_regex(std::string_view pattern, const CancelToken* cancel = nullptr);
std::shared_ptr<const Program> compile_gbnf(std::string_view text, const CancelToken* cancel = nullptr);

}  // namespace gemma4::grammar
