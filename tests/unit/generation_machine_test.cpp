// The generation machine with plain answers, driven by a scripted model: no weights.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "generate/text_answer.h"
#include "support/scripted_model.h"

using namespace gemma4;
using namespace gemma4::test;
using generation::Machine;

namespace {

TokenId end_token() { return nano_tokenizer().token_to_id("<turn|>"); }

SamplerOptions greedy() {
  SamplerOptions options;
  options.temperature = 0.0F;
  return options;
}

struct Outcome {
  std::string text, stop;
  std::vector<TokenId> token_ids, fed;
  std::vector<SampledToken> samples;
  StopReason reason = StopReason::end_of_turn;
  std::size_t generated = 0, largest_step = 0;
};

struct Setup {
  GenerateOptions options;
  SamplerOptions sampler = greedy();
  std::size_t room = 1000;
  std::function<void(Machine&, std::size_t choices)> before;
};

Outcome run(std::vector<TokenId> script, const Setup& setup) {
  const std::vector<TokenId> ends = {end_token()};
  ScriptedModel model(std::move(script));
  sampling::SamplerState sampler(setup.sampler);
  generation::TextAnswer answer(nano_tokenizer().impl(), ends, setup.options, setup.sampler.logprobs);
  Machine machine(sampler, answer, ends, {setup.options.max_tokens, setup.room, model.vocab_size()});
  Outcome outcome;
  const auto take = [&] {
    Piece piece = answer.piece();
    outcome.text += piece.text;
    outcome.token_ids.insert(outcome.token_ids.end(), piece.token_ids.begin(), piece.token_ids.end());
    for (SampledToken& sample : piece.samples) outcome.samples.push_back(std::move(sample));
  };
  drive(machine, model, [&](std::size_t choices) {
    take();
    if (setup.before) setup.before(machine, choices);
  });
  take();
  CHECK(machine.unfed().empty());
  const std::size_t fed = model.fed().size();
  machine.take(model.logits());  // over: nothing happens
  machine.end(StopReason::cancelled);
  CHECK(model.fed().size() == fed);
  outcome.reason = machine.reason();
  outcome.stop = answer.stop();
  outcome.generated = machine.generated();
  outcome.fed = model.fed();
  outcome.largest_step = model.largest_step();
  return outcome;
}

std::vector<TokenId> ended(std::vector<TokenId> ids) {
  ids.push_back(end_token());
  return ids;
}

std::vector<TokenId> first(const std::vector<TokenId>& ids, std::size_t n) {
  return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min(n, ids.size()))};
}

const std::string kText = "Zwei Bären gehen über 3 Brücken \xF0\x9F\x90\xBB.";

}  // namespace

TEST_CASE("machine: every token but the last is fed, once and in order, and the text is what they spell") {
  for (const std::vector<TokenId>& ids : {tokens_of(kText), byte_tokens_of(kText)}) {
    const Outcome outcome = run(ended(ids), {});
    CHECK(outcome.text == kText);
    CHECK(outcome.token_ids == ids);
    CHECK(outcome.fed == ids);  // the end token is chosen after them all
    CHECK(outcome.reason == StopReason::end_of_turn);
    CHECK(outcome.generated == ids.size());
  }
}

TEST_CASE("machine: max_tokens, and a full context, at every point") {
  const std::vector<TokenId> ids = byte_tokens_of(kText);
  for (std::size_t n = 0; n <= ids.size() + 2; ++n) {
    Setup setup;
    setup.options.max_tokens = static_cast<int>(n);
    const Outcome outcome = run(ended(ids), setup);
    CHECK(outcome.token_ids == first(ids, n));
    CHECK(outcome.reason == (n <= ids.size() ? StopReason::max_tokens : StopReason::end_of_turn));
    CHECK(outcome.text == nano_tokenizer().decode(first(ids, n)));

    // A last token needs no room: it is never fed.
    Setup narrow;
    narrow.room = n;
    const Outcome full = run(ended(ids), narrow);
    CHECK(full.token_ids == first(ids, n + 1));
    CHECK(full.fed.size() <= n);
    CHECK(full.reason == (n < ids.size() ? StopReason::context_full : StopReason::end_of_turn));
  }
}

TEST_CASE("machine: cancelled at every point, it gives all that was chosen before") {
  const std::vector<TokenId> ids = tokens_of(kText);
  for (std::size_t n = 0; n <= ids.size(); ++n) {
    Setup setup;
    setup.options.stop = {"gehen ", "en quer", "Brücke!"};
    setup.before = [n](Machine& machine, std::size_t choices) {
      if (choices == n) machine.end(StopReason::cancelled);
    };
    const Outcome outcome = run(ended(ids), setup);
    const std::string text = nano_tokenizer().decode(first(ids, n));
    if (text.find("gehen ") == std::string::npos) {
      CHECK(outcome.reason == StopReason::cancelled);
      CHECK(outcome.token_ids == first(ids, n));
      CHECK(outcome.text == text);
    } else {
      CHECK(outcome.reason == StopReason::stop_sequence);
      CHECK(outcome.text == "Zwei Bären ");
    }
  }
}

TEST_CASE("machine: stop strings, wherever tokens cut them") {
  std::mt19937 random(5);
  const auto draw = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  std::size_t stopped = 0;
  for (int round = 0; round < 400; ++round) {
    std::string text;
    for (std::size_t n = 1 + draw(30); n > 0; --n) text += "ab "[draw(3)];
    std::vector<std::string> stops;
    for (std::size_t n = 1 + draw(3); n > 0; --n) {
      std::string stop;
      for (std::size_t m = 1 + draw(5); m > 0; --m) stop += "ab "[draw(3)];
      stops.push_back(stop);
    }
    // Of the first match to end, the longest.
    std::size_t end = std::string::npos, length = 0;
    for (const std::string& stop : stops) {
      const std::size_t at = text.find(stop);
      if (at == std::string::npos) continue;
      if (at + stop.size() < end || (at + stop.size() == end && stop.size() > length)) {
        end = at + stop.size();
        length = stop.size();
      }
    }
    for (const std::vector<TokenId>& ids : {tokens_of(text), byte_tokens_of(text)}) {
      Setup setup;
      setup.options.stop = stops;
      const Outcome outcome = run(ended(ids), setup);
      if (end == std::string::npos) {
        CHECK(outcome.text == text);
        CHECK(outcome.reason == StopReason::end_of_turn);
        CHECK(outcome.stop.empty());
        continue;
      }
      ++stopped;
      CHECK(outcome.text == text.substr(0, end - length));
      CHECK(outcome.reason == StopReason::stop_sequence);
      CHECK(outcome.stop == text.substr(end - length, length));
      CHECK(nano_tokenizer().decode(outcome.token_ids).size() >= end);  // up to the one that completed it
    }
  }
  CHECK(stopped > 300);
}

TEST_CASE("machine: what a constraint forces is fed in one go, and changes nothing else") {
  std::mt19937 random(6);
  const auto draw = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  std::size_t in_one_go = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::vector<TokenId>> sequences(1 + draw(4));
    const auto word = tokens_of("The quick brown fox jumps over it");
    for (auto& sequence : sequences) {
      sequence = first(word, 1 + draw(word.size()));
      for (std::size_t n = draw(6); n > 0; --n) sequence.push_back(static_cast<TokenId>(300 + draw(4)));
    }
    std::vector<TokenId> script(12);
    for (TokenId& token : script) token = draw(4) == 0 ? end_token() : static_cast<TokenId>(300 + draw(5));

    Setup setup;
    auto held = std::make_shared<OneOf>(sequences);
    setup.options.constraint = held;
    const Outcome outcome = run(script, setup);
    CHECK(outcome.reason == StopReason::end_of_turn);
    CHECK(std::find(sequences.begin(), sequences.end(), outcome.token_ids) != sequences.end());
    CHECK(outcome.token_ids == held->taken());
    CHECK(outcome.fed == first(outcome.token_ids, outcome.fed.size()));
    if (outcome.largest_step > 1) ++in_one_go;

    // Log-probabilities need a step for each token; the tokens stay the same.
    auto again = std::make_shared<OneOf>(sequences);
    setup.options.constraint = again;
    setup.sampler.logprobs = true;
    const Outcome reported = run(script, setup);
    CHECK(reported.token_ids == outcome.token_ids);
    CHECK(reported.largest_step <= 1);
    CHECK(reported.samples.size() == reported.token_ids.size());

    // Cut at every point, a prefix of it comes.
    for (std::size_t n = 0; n <= outcome.token_ids.size(); ++n) {
      setup.options.constraint = std::make_shared<OneOf>(sequences);
      setup.options.max_tokens = static_cast<int>(n);
      setup.sampler.logprobs = false;
      CHECK(run(script, setup).token_ids == first(outcome.token_ids, n));
    }
  }
  CHECK(in_one_go > 100);
}

TEST_CASE("machine: an end token is chosen only where the constraint may stop") {
  const std::vector<TokenId> yes = byte_tokens_of("yes"), yes_sir = byte_tokens_of("yes, sir");
  Setup setup;
  setup.options.constraint = std::make_shared<OneOf>(std::vector<std::vector<TokenId>>{yes, yes_sir});
  CHECK(run({end_token()}, setup).token_ids == yes);
  setup.options.constraint = std::make_shared<OneOf>(std::vector<std::vector<TokenId>>{yes, yes_sir});
  CHECK(run(yes_sir, setup).token_ids == yes_sir);
  // Where end tokens are as any other, only a mask that names one lets it through.
  setup.options.stop_at_eos = false;
  setup.options.constraint = std::make_shared<OneOf>(std::vector<std::vector<TokenId>>{ended(yes)});
  const Outcome outcome = run({end_token()}, setup);
  CHECK(outcome.token_ids == ended(yes));
  CHECK(outcome.text == "yes");
}

TEST_CASE("machine: a constraint that refuses what it allowed ends it with an error") {
  struct Liar final : TokenConstraint {
    bool mask(Span<std::uint32_t>) override { return false; }
    bool accept(TokenId) override { return false; }
    bool may_stop() override { return false; }
    bool finished() override { return false; }
    void rollback(std::size_t) override {}
    std::unique_ptr<TokenConstraint> fork() const override { return std::make_unique<Liar>(); }
  };
  GenerateOptions options;
  options.constraint = std::make_shared<Liar>();
  sampling::SamplerState sampler(greedy());
  generation::TextAnswer answer(nano_tokenizer().impl(), {}, options, false);
  ScriptedModel model(byte_tokens_of("abc"));
  Machine machine(sampler, answer, {}, {-1, 10, model.vocab_size()});
  CHECK_THROWS_AS(machine.take(model.logits()), const Error&);
  CHECK(machine.over());
  CHECK(machine.unfed().empty());
  machine.take(model.logits());
  CHECK(machine.generated() == 0);
}

TEST_CASE("machine: max_tokens below -1 is refused") {
  sampling::SamplerState sampler(greedy());
  generation::TextAnswer answer(nano_tokenizer().impl(), {}, {}, false);
  CHECK_THROWS_WITH_AS(Machine(sampler, answer, {}, {-2, 10, 512}),
                       "max_tokens: expected -1 (until the context is full) or more, got -2", const Error&);
}
