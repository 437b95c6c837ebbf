// generate(): what must hold for any prompt and any model, shown on gemma4-nano.
#include "gemma4/generate.h"
#include "gemma4/grammar.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gemma4/error.h"
#include "support/test_model.h"

using namespace gemma4;

namespace {

const Model& nano() {
  static const Model model = Model::load(test::nano_model_path(), [] {
    ModelOptions o;
    o.threads = 2;
    return o;
  }());
  return model;
}

Session new_session(int context_length = 512) {
  SessionOptions o;
  o.context_length = context_length;
  o.prefill_chunk = 32;
  return Session(nano(), o);
}

SamplerOptions sampled_with(float temperature, std::uint64_t seed = 1) {
  SamplerOptions o = nano().sampler_defaults();
  o.temperature = temperature;
  o.seed = seed;
  return o;
}

std::vector<TokenId> story_prompt() {
  return nano().tokenizer().encode("Once upon a time there was a little dog who", true);
}

std::vector<TokenId> chat_prompt(const std::string& question) {
  return nano().tokenizer().encode("<bos><|turn>user\n" + question + "<turn|>\n<|turn>model\n", false, true);
}

GenerateOptions limited(int max_tokens) {
  GenerateOptions o;
  o.max_tokens = max_tokens;
  o.stop_at_eos = false;
  return o;
}

bool is_utf8_on_its_own(const std::string& text) {
  // decode() maps what is not UTF-8 to U+FFFD, so valid text survives a round trip.
  const Tokenizer& t = nano().tokenizer();
  return t.decode(t.encode(text)) == text;
}

struct Streamed {
  GenerateResult result;
  std::vector<Piece> pieces;
};

Streamed stream(const std::vector<TokenId>& prompt, const SamplerOptions& options, const GenerateOptions& how) {
  Session session = new_session();
  Sampler sampler(options);
  Streamed s;
  s.result = generate(session, prompt, sampler, how, [&](const Piece& piece) {
    s.pieces.push_back(piece);
    return StreamAction::proceed;
  });
  return s;
}

ErrorCode code_of(const std::vector<TokenId>& prompt, const GenerateOptions& how, int context_length = 64) {
  Session session = new_session(context_length);
  Sampler sampler;
  try {
    generate(session, prompt, sampler, how);
  } catch (const Error& e) {
    CHECK(session.position() == 0);
    return e.code();
  }
  return ErrorCode::internal;
}

}  // namespace

TEST_SUITE("generate") {
  TEST_CASE("pieces join to the result, and the result is what the tokens spell") {
    for (const float temperature : {0.0F, 1.0F, 3.0F}) {
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        SamplerOptions options = sampled_with(temperature, seed);
        options.top_k = 0;  // at temperature 3 this also draws byte tokens and control tokens
        options.top_p = 1.0F;
        const Streamed s = stream(story_prompt(), options, limited(80));
        std::string text;
        std::vector<TokenId> ids;
        for (const Piece& piece : s.pieces) {
          CHECK_FALSE((piece.text.empty() && piece.token_ids.empty()));
          CHECK(piece.samples.empty());
          CHECK(is_utf8_on_its_own(piece.text));
          text += piece.text;
          ids.insert(ids.end(), piece.token_ids.begin(), piece.token_ids.end());
        }
        CHECK(text == s.result.text);
        CHECK(ids == s.result.token_ids);
        CHECK(ids.size() == 80);
        CHECK(s.result.reason == StopReason::max_tokens);
        CHECK(nano().tokenizer().decode(ids, true) == text);
      }
    }
  }

  TEST_CASE("a generation is prefill, then sample and decode by hand") {
    SamplerOptions options = sampled_with(1.0F, 7);
    options.repetition_penalty = 1.2F;  // the sampler must have seen the prompt
    const auto prompt = story_prompt();
    const Streamed s = stream(prompt, options, limited(24));

    Session session = new_session();
    Sampler sampler(options);
    Span<const float> logits = session.prefill(prompt);
    sampler.observe(prompt);
    std::vector<TokenId> ids;
    while (true) {
      ids.push_back(sampler.sample(logits).token);
      if (ids.size() == 24) break;
      logits = session.decode(ids.back());
    }
    CHECK(ids == s.result.token_ids);
  }

  TEST_CASE("the session holds all but the last token, and an empty prompt goes on from its logits") {
    const auto prompt = story_prompt();
    Session session = new_session();
    Sampler sampler(sampled_with(0.0F));
    const GenerateResult result = generate(session, prompt, sampler, limited(20));
    REQUIRE(result.token_ids.size() == 20);
    CHECK(session.position() == prompt.size() + 19);

    Session other = new_session();
    const GenerateResult nothing = generate(other, prompt, sampler, limited(0));
    CHECK(nothing.reason == StopReason::max_tokens);
    CHECK(nothing.token_ids.empty());
    CHECK(other.position() == prompt.size());
    const GenerateResult first = generate(other, {}, sampler, limited(10));
    CHECK(std::equal(first.token_ids.begin(), first.token_ids.end(), result.token_ids.begin()));
    const GenerateResult rest = generate(other, {&first.token_ids.back(), 1}, sampler, limited(10));
    CHECK(std::equal(rest.token_ids.begin(), rest.token_ids.end(), result.token_ids.begin() + 10));
  }

  TEST_CASE("end tokens end the answer, are neither text nor token of it, and are not fed") {
    const auto prompt = chat_prompt("What is 12 + 30?");
    Session session = new_session();
    Sampler sampler(sampled_with(0.0F));
    const GenerateResult result = generate(session, prompt, sampler);
    CHECK(result.reason == StopReason::end_of_turn);
    CHECK(result.text.find("<") == std::string::npos);
    CHECK(session.position() == prompt.size() + result.token_ids.size());
    for (const TokenId end : nano().config().eos_token_ids) {
      CHECK(std::count(result.token_ids.begin(), result.token_ids.end(), end) == 0);
    }

    GenerateOptions on = limited(static_cast<int>(result.token_ids.size()) + 1);
    on.show_special = true;
    Session again = new_session();
    const GenerateResult shown = generate(again, prompt, sampler, on);
    const TokenId end = shown.token_ids.back();
    CHECK(nano().tokenizer().is_special(end));
    CHECK(shown.text == result.text + std::string(nano().tokenizer().id_to_token(end)));
  }

  TEST_CASE("stop strings: cut from any place of the text, spanning tokens, nothing of them is emitted") {
    const Streamed whole = stream(story_prompt(), sampled_with(0.0F), limited(60));
    const std::string& text = whole.result.text;
    REQUIRE(text.size() > 40);
    for (std::size_t at = 0; at + 12 < text.size(); at += 7) {
      for (const std::size_t length : {std::size_t{1}, std::size_t{4}, std::size_t{11}}) {
        const std::string stop = text.substr(at, length);
        if (!is_utf8_on_its_own(stop)) continue;
        GenerateOptions how = limited(60);
        how.stop = {"never in there", stop, stop + "\x01"};
        const Streamed s = stream(story_prompt(), sampled_with(0.0F), how);
        CHECK(s.result.reason == StopReason::stop_sequence);
        CHECK(s.result.stop == stop);
        CHECK(s.result.text == text.substr(0, text.find(stop)));
        // The tokens reach up to the one that completed the stop string.
        const auto& ids = s.result.token_ids;
        REQUIRE(!ids.empty());
        CHECK(std::equal(ids.begin(), ids.end(), whole.result.token_ids.begin()));
        const auto spelled = [&](std::size_t n) { return nano().tokenizer().decode({ids.data(), n}, true); };
        CHECK(spelled(ids.size()).find(stop) != std::string::npos);
        CHECK(spelled(ids.size() - 1).find(stop) == std::string::npos);
      }
    }
  }

  TEST_CASE("logprobs: one sample for each token") {
    SamplerOptions options = sampled_with(1.0F);
    options.top_logprobs = 3;
    const Streamed s = stream(story_prompt(), options, limited(20));
    std::size_t n = 0;
    for (const Piece& piece : s.pieces) {
      REQUIRE(piece.samples.size() == piece.token_ids.size());
      for (std::size_t i = 0; i < piece.samples.size(); ++i, ++n) {
        CHECK(piece.samples[i].token == piece.token_ids[i]);
        CHECK(piece.samples[i].logprob <= 0.0F);
        CHECK(piece.samples[i].top.size() == 3);
        CHECK(piece.samples[i].top[0].logprob >= piece.samples[i].logprob);
      }
    }
    CHECK(n == 20);
  }

  TEST_CASE("context: a full one ends the answer, a prompt that does not fit is an error before anything") {
    const auto prompt = story_prompt();
    const int context_length = static_cast<int>(prompt.size()) + 5;
    Session session = new_session(context_length);
    Sampler sampler(sampled_with(0.0F));
    const GenerateResult result = generate(session, prompt, sampler, limited(-1));
    CHECK(result.reason == StopReason::context_full);
    CHECK(result.token_ids.size() == 6);  // the last one needs no room
    CHECK(session.position() == session.context_length());
    session.truncate(0);

    CHECK(code_of(std::vector<TokenId>(65, 5), limited(1)) == ErrorCode::context_full);
    CHECK(code_of(std::vector<TokenId>(64, 5), limited(1)) == ErrorCode::internal);  // fits
  }

  TEST_CASE("bad arguments are errors before anything is computed") {
    const auto prompt = story_prompt();
    CHECK(code_of({}, limited(1)) == ErrorCode::invalid_argument);
    CHECK(code_of(prompt, limited(-2)) == ErrorCode::invalid_argument);
    GenerateOptions empty_stop = limited(1);
    empty_stop.stop = {""};
    CHECK(code_of(prompt, empty_stop) == ErrorCode::invalid_argument);
    CHECK(code_of({1, -1}, limited(1)) == ErrorCode::token_out_of_range);
    CHECK(code_of({1, nano().config().vocab_size}, limited(1)) == ErrorCode::token_out_of_range);
  }

  TEST_CASE("cancel: by the callback, before the prefill, during it, during decode, the session goes on") {
    const auto prompt = story_prompt();
    const Streamed whole = stream(prompt, sampled_with(0.0F), limited(12));

    Session session = new_session();
    Sampler sampler(sampled_with(0.0F));
    int pieces = 0;
    const GenerateResult by_callback = generate(session, prompt, sampler, limited(12), [&](const Piece&) {
      return ++pieces == 3 ? StreamAction::cancel : StreamAction::proceed;
    });
    CHECK(by_callback.reason == StopReason::cancelled);
    CHECK(pieces == 3);
    CHECK(session.position() == prompt.size() + by_callback.token_ids.size() - 1);
    const GenerateResult rest = generate(session, {&by_callback.token_ids.back(), 1}, sampler, limited(5));
    CHECK(std::equal(rest.token_ids.begin(), rest.token_ids.end(),
                     whole.result.token_ids.begin() + static_cast<std::ptrdiff_t>(by_callback.token_ids.size())));

    GenerateOptions early = limited(12);
    early.cancel = CancelToken();
    early.cancel->cancel();
    Session untouched = new_session();
    CHECK(generate(untouched, prompt, sampler, early).reason == StopReason::cancelled);
    CHECK(untouched.position() == 0);

    // In the prefill: at a chunk's end (chunks are 32 tokens here).
    GenerateOptions during = limited(12);
    during.cancel = CancelToken();
    during.prefill_progress = [&](std::size_t done, std::size_t) {
      if (done >= 64) during.cancel->cancel();
    };
    Session interrupted = new_session();
    const GenerateResult partial = generate(interrupted, std::vector<TokenId>(200, prompt.back()), sampler, during);
    CHECK(partial.reason == StopReason::cancelled);
    CHECK(partial.token_ids.empty());
    CHECK(interrupted.position() % 32 == 0);
    CHECK(interrupted.position() < 200);
    interrupted.truncate(0);
    CHECK(generate(interrupted, prompt, sampler, limited(12)).token_ids == whole.result.token_ids);

    // From another thread, while it runs.
    Session running = new_session(4096);
    GenerateOptions endless = limited(-1);
    endless.cancel = CancelToken();
    std::atomic<int> seen = 0;
    std::thread other([cancel = *endless.cancel, &seen] {
      while (seen < 5) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      cancel.cancel();
    });
    const GenerateResult ended = generate(running, prompt, sampler, endless, [&seen](const Piece&) {
      ++seen;
      return StreamAction::proceed;
    });
    other.join();
    CHECK(ended.reason == StopReason::cancelled);
    CHECK(running.position() + 1 == prompt.size() + ended.token_ids.size());
    running.truncate(0);
    CHECK(generate(running, prompt, sampler, limited(12)).token_ids == whole.result.token_ids);
  }

  TEST_CASE("a generation whose session or sampler somebody else has used ends with an error, whoever it was and whenever") {
    const auto prompt = story_prompt();
    const std::vector<TokenId> few(prompt.begin(), prompt.begin() + 3);
    struct Use {
      const char* name;
      std::function<void(Session&, Sampler&)> use;
      bool mixes;
    };
    const auto other = [] { return Sampler(sampled_with(0.0F)); };
    const Use uses[] = {
        {"prefill", [&](Session& s, Sampler&) { s.prefill(few); }, true},
        {"prefill of nothing wanted", [&](Session& s, Sampler&) {
           PrefillOptions o;
           o.want = Want::nothing;
           s.prefill(few, o);
         }, true},
        {"decode", [](Session& s, Sampler&) { s.decode(5); }, true},
        {"truncate", [](Session& s, Sampler&) { s.truncate(s.position() - 1); }, true},
        {"truncate and replay", [](Session& s, Sampler&) {
           const TokenId last = s.tokens()[s.position() - 1];
           s.truncate(s.position() - 1);
           s.decode(last);
         }, true},
        {"a generation to its end", [&](Session& s, Sampler&) {
           Sampler own = other();
           generate(s, few, own, limited(2));
         }, true},
        {"a generation with the same sampler", [&](Session&, Sampler& sampler) {
           Session own = new_session();
           generate(own, few, sampler, limited(1));
         }, true},
        {"observe", [&](Session&, Sampler& sampler) { sampler.observe(few); }, true},
        {"reset", [](Session&, Sampler& sampler) { sampler.reset(); }, true},
        {"fork", [](Session& s, Sampler&) { s.fork().decode(1); }, false},
        {"checkpoint", [](Session& s, Sampler&) { s.checkpoint(); }, false},
        {"truncate to where it is", [](Session& s, Sampler&) { s.truncate(s.position()); }, false},
        {"copy of the sampler", [&](Session& s, Sampler& sampler) {
           Sampler copy(sampler);
           copy.observe(s.tokens());
         }, false},
        {"a generation that is never pulled", [&](Session& s, Sampler& sampler) { Generation(s, few, sampler, limited(2)); }, false},
        {"a prefill that is refused", [](Session& s, Sampler&) { CHECK_THROWS_AS(s.prefill({}), Error); }, false},
    };
    for (const Use& use : uses) {
      for (const int pulled : {0, 1, 4}) {
        CAPTURE(use.name);
        CAPTURE(pulled);
        Session session = new_session();
        session.prefill(few);
        Sampler sampler(sampled_with(1.0F, 4));
        Generation generation(session, prompt, sampler, limited(12));
        for (int i = 0; i < pulled; ++i) REQUIRE(generation.next());
        use.use(session, sampler);
        const std::vector<TokenId> held(session.tokens().begin(), session.tokens().end());
        if (!use.mixes) {
          while (generation.next()) {
          }
          CHECK(generation.result().token_ids.size() == 12);
          continue;
        }
        std::optional<ErrorCode> code;
        try {
          generation.next();
        } catch (const Error& error) {
          code = error.code();
        }
        CHECK(code == ErrorCode::invalid_argument);
        CHECK_FALSE(generation.next());  // over
        CHECK(held == std::vector<TokenId>(session.tokens().begin(), session.tokens().end()));
        session.decode(3);  // the session goes on
      }
    }
  }

  TEST_CASE("two generations over one session, pulled in turn: the second goes on, the first says so") {
    Session session = new_session();
    Sampler sampler(sampled_with(0.0F)), own(sampled_with(0.0F));
    Generation first(session, story_prompt(), sampler, limited(12));
    REQUIRE(first.next());
    Generation second(session, story_prompt(), own, limited(12));
    REQUIRE(second.next());
    CHECK_THROWS_AS(first.next(), Error);
    while (second.next()) {
    }
    CHECK(second.result().token_ids.size() == 12);
  }

  TEST_CASE("a callback that works with the session ends the generation, a cancelled one ends without a word") {
    Session session = new_session();
    Sampler sampler(sampled_with(0.0F));
    CHECK_THROWS_AS(generate(session, story_prompt(), sampler, limited(12), [&](const Piece&) {
      session.decode(7);
      return StreamAction::proceed;
    }), Error);

    GenerateOptions options = limited(12);
    options.cancel.emplace();
    Generation generation(session, story_prompt(), sampler, options);
    REQUIRE(generation.next());
    options.cancel->cancel();
    session.truncate(0);
    while (generation.next()) {
    }
    CHECK(generation.result().reason == StopReason::cancelled);
  }

  TEST_CASE("Generation: pulled by hand it is the same, and stays ended") {
    const Streamed s = stream(story_prompt(), sampled_with(1.0F, 3), limited(15));
    Session session = new_session();
    Sampler sampler(sampled_with(1.0F, 3));
    Generation generation(session, story_prompt(), sampler, limited(15));
    CHECK(session.position() == 0);
    Generation moved(std::move(generation));
    std::string text;
    while (const auto piece = moved.next()) text += piece->text;
    CHECK(text == s.result.text);
    CHECK_FALSE(moved.next().has_value());
    CHECK(moved.result().token_ids == s.result.token_ids);
    CHECK(moved.result().prefill_seconds > 0.0);
    CHECK(moved.result().decode_seconds > 0.0);
    CHECK(moved.result().time_to_first_token >= moved.result().prefill_seconds);
    CHECK(moved.result().time_to_first_token <= moved.result().prefill_seconds + moved.result().decode_seconds);
    CHECK(moved.result().tokens_per_second >= 0.0);
  }
}

TEST_CASE("time to the first token and tokens per second: 0 where there was none") {
  const std::vector<TokenId> prompt = story_prompt();
  const GenerateResult nothing = stream(prompt, sampled_with(0.0F), limited(0)).result;
  CHECK(nothing.prefill_seconds > 0.0);
  CHECK(nothing.time_to_first_token == 0.0);
  CHECK(nothing.tokens_per_second == 0.0);
  const GenerateResult one = stream(prompt, sampled_with(0.0F), limited(1)).result;
  CHECK(one.time_to_first_token == doctest::Approx(one.prefill_seconds + one.decode_seconds));
  CHECK(one.tokens_per_second == 0.0);
  const GenerateResult many = stream(prompt, sampled_with(0.0F), limited(20)).result;
  CHECK(many.time_to_first_token > 0.0);
  const double first = many.time_to_first_token - many.prefill_seconds;
  CHECK(many.tokens_per_second == doctest::Approx(19.0 / (many.decode_seconds - first)));
}

TEST_CASE("no_repeat_ngram_size: no run comes twice, the prompt's included") {
  std::vector<TokenId> prompt = story_prompt();
  prompt.insert(prompt.end(), prompt.begin() + 1, prompt.end());
  for (const float temperature : {0.0F, 1.5F}) {
    for (const int n : {1, 2, 3}) {
      SamplerOptions options = sampled_with(temperature);
      options.no_repeat_ngram_size = n;
      std::vector<TokenId> all = prompt;
      const std::vector<TokenId> answer = stream(prompt, options, limited(150)).result.token_ids;
      REQUIRE(answer.size() == 150);
      const auto size = static_cast<std::ptrdiff_t>(n);
      for (const TokenId token : answer) {
        all.push_back(token);
        const auto last = all.end() - size;
        CHECK(std::search(all.begin(), all.end() - 1, last, all.end()) == all.end() - 1);
      }
    }
  }
}

TEST_CASE("DRY: generate() knows the breakers' tokenizer, and an endless repetition ends") {
  const TokenId dog = nano().tokenizer().encode("a dog")[1];
  REQUIRE(nano().tokenizer().id_to_token(dog) == "\xE2\x96\x81" "dog");
  SamplerOptions options = sampled_with(0.0F);
  options.logit_bias = {{dog, 1000.0F}};
  const auto dogs = [&] {
    const std::vector<TokenId> answer = stream(story_prompt(), options, limited(40)).result.token_ids;
    return static_cast<std::size_t>(std::find_if(answer.begin(), answer.end(), [&](TokenId t) { return t != dog; }) - answer.begin());
  };
  CHECK(dogs() == 40);
  options.dry_multiplier = 1.0F;
  options.dry_base = 2.0F;
  const std::size_t until = dogs();  // 2^10 is enough
  CHECK(until >= 8);
  CHECK(until <= 14);
  options.dry_sequence_breakers = {"cat"};
  CHECK(dogs() == until);
  options.dry_sequence_breakers = {"og do"};
  CHECK(dogs() == 40);  // ends with every token
  options.dry_sequence_breakers = {" dog"};
  CHECK(dogs() == 40);
}

TEST_CASE("a grammar wins over n-grams that may not come twice") {
  const Grammar grammar = regex("(ab ){6}");
  SamplerOptions options = sampled_with(1.0F);
  options.no_repeat_ngram_size = 1;
  options.dry_multiplier = 3.0F;
  options.xtc_probability = 0.5F;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    options.seed = seed;
    GenerateOptions held = limited(-1);
    held.constraint = std::make_shared<GrammarMatcher>(grammar, nano().tokenizer());
    const GenerateResult result = stream(story_prompt(), options, held).result;
    CHECK(result.reason == StopReason::end_of_turn);
    CHECK(result.text == "ab ab ab ab ab ab ");
  }
}
