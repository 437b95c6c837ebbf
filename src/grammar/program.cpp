#include "grammar/program.h"

#include <string>

#include "base/check.h"
#include "grammar/regex_syntax.h"
#include "grammar/schema.h"

namespace gemma4::grammar {

Program::Program(Build build) : build_(std::move(build)), engine_(std::make_shared<Engine>(build_())) {}

std::shared_ptr<Engine> Program::engine() const {
  const std::lock_guard lock(mutex_);
  bool renew = false;
  {
    const std::lock_guard engine_lock(engine_->mutex);
    renew = engine_->memory_bytes() > kRenewAt;
  }
  if (renew) engine_ = std::make_shared<Engine>(build_());
  return engine_;
}

bool Program::accepts(std::string_view text, bool prefix) const {
  const std::shared_ptr<Engine> engine = this->engine();
  const std::lock_guard lock(engine->mutex);
  Machine& machine = engine->machine;
  Frames frames = machine.start();
  std::size_t steps = 0;
  for (const char c : text) {
    frames = machine.step(frames, static_cast<unsigned char>(c));
    if (frames.empty()) return false;
    if (++steps % 1024 == 0) {
      GEMMA4_CHECK(machine.memory_bytes() <= kLimit, ErrorCode::unsupported,
                   "grammar: expected a text whose reading takes at most ", kLimit >> 20, " MiB, got more");
    }
  }
  return prefix || machine.complete(frames);
}

std::shared_ptr<const Program> compile_json_schema(std::string_view schema, bool bounded_space) {
  return std::make_shared<const Program>([text = std::string(schema), bounded_space] {
    auto rules = std::make_unique<Rules>();
    rules->style.bounded_space = bounded_space;
    rules->set_root(rules->value(add_schema(*rules, text)));
    try {
      rules->finish();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_argument) throw;
      base::fail(error.code(), "json_schema: #: expected a schema with an instance, got one that refers to "
                 "itself without an end");
    }
    return rules;
  });
}

std::shared_ptr<const Program> compile_regex(std::string_view pattern) {
  return std::make_shared<const Program>([text = std::string(pattern)] {
    auto rules = std::make_unique<Rules>();
    rules->set_root(rules->term(parse_full(rules->terms, text, RegexDialect::python, "regex")));
    rules->finish();
    return rules;
  });
}

}  // namespace gemma4::grammar
