#include "grammar/program.h"

#include <string>

#include "base/check.h"
#include "grammar/regex_syntax.h"
#include "grammar/schema.h"

namespace gemma4::grammar {

Engine::Engine(std::unique_ptr<Rules> made)
    : rules(std::move(made)), machine(*rules), masks(machine) {
  wait();
}

void Engine::wait() {
  next_ = memory_bytes() + kMaxMemory;
  next_terms_ = rules->terms.memory_bytes() + kMaxTerms;
}

void Engine::forget() {
  std::vector<bool> keep;
  for (const History* history : histories_) {
    for (const Frames& frames : *history) {
      for (const FrameId id : frames) {
        if (keep.size() <= id) keep.resize(id + std::size_t{1024});
        keep[id] = true;
      }
    }
  }
  masks.forget();
  const std::vector<FrameId> numbers = machine.forget(std::move(keep));
  for (History* history : histories_) {
    for (Frames& frames : *history) {
      for (FrameId& id : frames) id = numbers[id];
    }
  }
  wait();
}

bool Program::accepts(std::string_view text, bool prefix, const CancelToken* cancel) const {
  constexpr std::size_t kBytes = 256, kLook = 16;
  const std::lock_guard lock(engine_->mutex);
  Machine& machine = engine_->machine;
  History now = {machine.start()};
  struct Use {
    Engine& engine;
    History& history;
    Use(Engine& e, History& h) : engine(e), history(h) {
      engine.enter(&history);
      engine.machine.set_exact(true);
      engine.machine.set_spelling(Machine::Spelling::any);
    }
    ~Use() { engine.leave(&history); }
  } const use(*engine_, now);
  Frames next;
  for (std::size_t i = 0; i < text.size(); ++i) {
    GEMMA4_CHECK(i % kLook != 0 || cancel == nullptr || !cancel->cancelled(), ErrorCode::cancelled,
                 "grammar: cancelled");
    machine.terms().begin_step();
    machine.step(now[0], static_cast<unsigned char>(text[i]), next);
    if (next.empty()) return false;
    now[0].swap(next);
    if (i % kBytes == 0) engine_->tidy();
  }
  return prefix || machine.complete(now[0]);
}

std::shared_ptr<const Program> compile_json_schema(std::string_view schema, bool bounded_space,
                                                   const CancelToken* cancel) {
  auto rules = std::make_unique<Rules>();
  rules->terms.set_cancel(cancel);
  rules->style.bounded_space = bounded_space;
  rules->set_root(rules->value(add_schema(*rules, schema)));
  try {
    rules->finish();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::invalid_argument) throw;
    base::fail(error.code(), "json_schema: #: expected a schema with an instance, got one that refers to "
               "itself without an end");
  }
  return std::make_shared<const Program>(std::move(rules));
}

std::shared_ptr<const Program> compile_regex(std::string_view pattern, const CancelToken* cancel) {
  auto rules = std::make_unique<Rules>();
  rules->terms.set_cancel(cancel);
  rules->set_root(rules->term(parse_full(rules->terms, pattern, RegexDialect::python, "regex")));
  rules->finish();
  return std::make_shared<const Program>(std::move(rules));
}

}  // namespace gemma4::grammar
