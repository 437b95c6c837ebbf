// Session: whatever way the tokens come in, the logits are those of one chunk.
#include <doctest/doctest.h>

#include <Eigen/Core>
#include <algorithm>
#include <numeric>
#include <optional>
#include <thread>

#include "model/text/decoder.h"
#include "session/session.h"
#include "support/random_models.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

/// Feeds tokens[from, to) in random portions, some by prefill, some by decode; the logits of the last.
Values feed_randomly(Session& session, Span<const TokenId> tokens, std::size_t from, Random& random) {
  Values last;
  while (from < tokens.size()) {
    const std::size_t n = std::min(random.between(1, 1 + tokens.size() / 3), tokens.size() - from);
    if (random.below(3) == 0) {
      for (std::size_t i = 0; i < n; ++i) last = values(session.decode(tokens[from + i]));
    } else if (from + n < tokens.size() && random.below(2) == 0) {
      session.prefill(tokens.subspan(from, n), wanting(Want::nothing));
    } else {
      last = values(session.prefill(tokens.subspan(from, n)));
    }
    from += n;
  }
  return last;
}

Values product_with_head(const RandomModel& m, Span<const float> hidden) {
  const matmul::Matrix& head = m.model.impl()->decoder().weights().lm_head.matrix;
  Values weights(head.n * head.k);
  matmul::widen(m.model.impl()->decoder().kernels(), head, 0, 0, weights.size(), weights.data());
  using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto d = static_cast<Eigen::Index>(head.k), vocab = static_cast<Eigen::Index>(head.n);
  const Eigen::Map<const Rows> x(hidden.data(), static_cast<Eigen::Index>(hidden.size()) / d, d);
  const Eigen::Map<const Rows> w(weights.data(), vocab, d);
  Rows logits = (x.cast<double>() * w.cast<double>().transpose()).cast<float>();
  if (const auto cap = m.model.config().final_logit_softcapping) logits = (*cap * (logits.array() / *cap).tanh()).matrix();
  return {logits.data(), logits.data() + logits.size()};
}

}  // namespace

TEST_CASE("any chunking and any mixture of prefill and decode agrees with one chunk") {
  for (const RandomModel& m : random_models()) {
    Random random(1);
    for (int round = 0; round < 4; ++round) {
      const std::size_t n = random.between(1, static_cast<std::size_t>(4 * m.window()));
      const std::vector<TokenId> tokens = random.tokens(m.model, n);
      const int chunk = static_cast<int>(random.between(1, 24));
      const int context = static_cast<int>(n + random.below(20));
      Session session(m.model, sized(context, chunk));
      const Values got = feed_randomly(session, tokens, 0, random);
      CHECK_MESSAGE(close(m, got, fresh_logits(m.model, tokens)), m.name, ": ", n, " tokens, chunks of ", chunk);
      CHECK(session.position() == n);
      CHECK(std::equal(session.tokens().begin(), session.tokens().end(), tokens.begin(), tokens.end()));
    }
  }
}

TEST_CASE("each Want returns what it names") {
  for (const RandomModel& m : random_models()) {
    Random random(2);
    const int vocab = m.model.config().vocab_size, n = 3 * m.window() + 5;
    const std::vector<TokenId> tokens = random.tokens(m.model, static_cast<std::size_t>(n));
    const auto prefill = [&](const PrefillOptions& options) {
      Session session(m.model, sized(n + 1, 13));
      return values(session.prefill(tokens, options));
    };
    const Values all = prefill(wanting(Want::all_logits));
    REQUIRE(all.size() == tokens.size() * static_cast<std::size_t>(vocab));
    CHECK(prefill(wanting(Want::nothing)).empty());
    CHECK_MESSAGE(close(m, prefill(wanting(Want::last_logits)), row(all, tokens.size() - 1, vocab)), m.name);

    PrefillOptions some = wanting(Want::rows);
    for (int i = 0; i < n; ++i) {
      if (random.below(4) == 0) some.rows.push_back(i);
    }
    const Values rows = prefill(some);
    REQUIRE(rows.size() == some.rows.size() * static_cast<std::size_t>(vocab));
    for (std::size_t i = 0; i < some.rows.size(); ++i) {
      CHECK_MESSAGE(close(m, row(rows, i, vocab), row(all, static_cast<std::size_t>(some.rows[i]), vocab)), m.name, " row ", some.rows[i]);
    }
    CHECK(prefill(wanting(Want::rows)).empty());

    const Values hidden = prefill(wanting(Want::hidden_states));
    REQUIRE(hidden.size() == tokens.size() * static_cast<std::size_t>(m.model.config().hidden_size));
    CHECK_MESSAGE(close(m, product_with_head(m, hidden), all), m.name, ": hidden states times the head");
  }
}

TEST_CASE("a prefill that wanted nothing leaves a cache to decode from") {
  for (const RandomModel& m : random_models()) {
    const std::vector<TokenId> tokens = Random(3).tokens(m.model, static_cast<std::size_t>(2 * m.window() + 3));
    const Span<const TokenId> all(tokens);
    Session session(m.model, sized(128, 10));
    CHECK(session.prefill(all.subspan(0, tokens.size() - 1), wanting(Want::nothing)).empty());
    CHECK_MESSAGE(close(m, session.decode(tokens.back()), fresh_logits(m.model, tokens)), m.name);
  }
}

TEST_CASE("rows that skip the KV-shared layers change nothing for those that do not") {
  for (const RandomModel& m : random_models()) {
    const std::vector<TokenId> tokens = Random(4).tokens(m.model, static_cast<std::size_t>(2 * m.window() + 1));
    std::vector<Values> last, next;
    for (const bool skip : {true, false}) {
      SessionOptions options = sized(128, 11);
      options.skip_shared_layers = skip;
      Session session(m.model, options);
      last.push_back(values(session.prefill(tokens)));
      next.push_back(values(session.decode(7)));
    }
    CHECK_MESSAGE(close(m, last[0], last[1]), m.name);
    CHECK_MESSAGE(close(m, next[0], next[1]), m.name);
  }
}

TEST_CASE("every type of KV cache") {
  for (const RandomModel& m : random_models()) {
    const std::vector<TokenId> tokens = Random(5).tokens(m.model, static_cast<std::size_t>(3 * m.window()));
    const Values expected = fresh_logits(m.model, tokens);
    float largest = 0;
    for (float value : expected) largest = std::max(largest, std::abs(value));
    for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
      if (dtype != DType::f32 && m.model.config().enable_moe_block) continue;  // a router's tie may fall otherwise
      SessionOptions options = sized(100, 17);
      options.kv_dtype = dtype;
      Session session(m.model, options);
      const double off = difference(session.prefill(tokens), expected) / largest;
      // 11 and 8 bits: 2.3e-4 and 1.7e-3 of the largest logit seen; the products of bf16 add their own 2.6e-3.
      const double allowed = (dtype == DType::bf16 ? 8e-3 : 1e-3) + (m.model.compute() == Compute::bf16 ? 1e-2 : 0);
      CHECK_MESSAGE(off <= allowed, m.name, " ", to_string(dtype), ": ", off);
      if (m.model.compute() == Compute::f32) CHECK_MESSAGE((off <= 1e-5) == (dtype == DType::f32), m.name, " ", to_string(dtype), ": ", off);
    }
  }
}

TEST_CASE("contexts and chunks of odd sizes") {
  for (const RandomModel& m : random_models()) {
    Random random(6);
    const int window = m.window();
    const std::pair<int, int> sizes[] = {{1, 1}, {1, 512}, {2, 1}, {window - 1, 4}, {window, window}, {window + 1, 1}, {40, 1000}, {40, 40}};
    for (const auto& [context, chunk] : sizes) {
      const std::vector<TokenId> tokens = random.tokens(m.model, static_cast<std::size_t>(context));
      Session session(m.model, sized(context, chunk));
      CHECK(session.context_length() == static_cast<std::size_t>(context));
      CHECK_MESSAGE(close(m, session.prefill(tokens), fresh_logits(m.model, tokens)), m.name, ": context ", context, ", chunk ", chunk);
      CHECK_THROWS_AS(session.decode(1), Error);  // full to the last token
      session.truncate(0);
      CHECK_MESSAGE(close(m, session.decode(tokens[0]), fresh_logits(m.model, {tokens.data(), 1})), m.name);
    }
  }
}

TEST_CASE("equal calls give equal bits, other thread counts give equal logits") {
  for (const RandomModel& m : random_models_and_rounded_mixtures()) {
    const std::string name = m.name.substr(0, m.name.find(' '));
    const Compute compute = name == m.name ? Compute::automatic : Compute::bf16;
    const auto run = [&](const Model& model) {
      Random random(7);
      Session session(model, sized(120, 9));
      const std::vector<TokenId> tokens = random.tokens(model, 60);
      return feed_randomly(session, tokens, 0, random);
    };
    const Values expected = run(m.model);
    CHECK_MESSAGE(same_bits(run(m.model), expected), m.name, ": same model again");
    CHECK_MESSAGE(same_bits(run(load_random(name, 1, compute)), expected), m.name, ": loaded again");
    const bool rounded_mixture = m.model.config().enable_moe_block && m.model.compute() != Compute::f32;
    for (const int threads : {2, 3}) {
      const Model other = load_random(name, threads, compute);
      CHECK(other.threads() == threads);
      const Values got = run(other);
      CHECK_MESSAGE(same_bits(run(other), got), m.name, " with ", threads, " threads, again");
      if (!rounded_mixture) CHECK_MESSAGE(close(m, got, expected), m.name, " with ", threads, " threads");
    }
  }
}

TEST_CASE("cancel before, within and after a chunk: the session stands at its last completed chunk and goes on") {
  constexpr std::size_t kChunk = 8;
  for (const RandomModel& m : random_models_and_rounded_mixtures()) {
    Random random(8);
    const std::vector<TokenId> tokens = random.tokens(m.model, 60);
    const int layers = m.model.config().num_hidden_layers;
    for (const int at_layer : {-1, layers / 2, layers - 1}) {
      for (const std::size_t in_chunk : {std::size_t{0}, std::size_t{4}}) {
        Session session(m.model, sized(64, kChunk));
        PrefillOptions options;
        options.cancel.emplace();
        std::size_t chunk = 0;
        options.progress = [&](std::size_t done, std::size_t) { chunk = done / kChunk; };
        session.impl()->set_probe([&](int layer, const float*, std::size_t, std::size_t) {
          if (layer == at_layer && chunk == in_chunk) options.cancel->cancel();
        });
        // Rows nobody asked for never reach the last layers: there the flag is seen only by all_logits.
        options.want = Want::all_logits;
        std::optional<ErrorCode> code;
        try {
          session.prefill(tokens, options);
        } catch (const Error& error) {
          code = error.code();
        }
        session.impl()->set_probe({});
        // Set in the last layer, it is seen at the start of the next chunk.
        const std::size_t done = in_chunk + (at_layer == layers - 1 ? 1 : 0);
        CHECK(code == ErrorCode::cancelled);
        REQUIRE_MESSAGE(session.position() == done * kChunk, m.name, " layer ", at_layer);

        Session twin(m.model, sized(64, kChunk));
        if (done != 0) twin.prefill({tokens.data(), done * kChunk}, wanting(Want::all_logits));
        const Span<const TokenId> rest = Span<const TokenId>(tokens).subspan(done * kChunk);
        CHECK_MESSAGE(same_bits(values(session.prefill(rest)), twin.prefill(rest)), m.name, " layer ", at_layer);
      }
    }
  }
}

TEST_CASE("a cancelled decode leaves the session as it was, a cancel that comes too late does nothing") {
  for (const RandomModel& m : random_models_and_rounded_mixtures()) {
    const std::vector<TokenId> tokens = Random(9).tokens(m.model, static_cast<std::size_t>(2 * m.window()));
    Session session(m.model, sized(100, 16)), twin(m.model, sized(100, 16));
    const Values before = values(session.prefill(tokens));
    twin.prefill(tokens);
    for (const int at_layer : {-1, 0, m.model.config().num_hidden_layers - 2}) {
      const CancelToken cancel;
      session.impl()->set_probe([&](int layer, const float*, std::size_t, std::size_t) {
        if (layer == at_layer) cancel.cancel();
      });
      try {
        session.decode(5, cancel);
        FAIL("not cancelled");
      } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::cancelled);
      }
      CHECK(session.position() == tokens.size());
      CHECK(same_bits(session.impl()->last_logits(), before));
    }
    session.impl()->set_probe({});
    const CancelToken late;
    const Values next = values(session.decode(5, late));
    late.cancel();
    CHECK_MESSAGE(same_bits(next, twin.decode(5)), m.name);
    CHECK_MESSAGE(same_bits(values(session.decode(6)), twin.decode(6)), m.name);
  }
}

TEST_CASE("an exception out of a callback leaves the session at its last completed chunk") {
  struct Stop {};
  for (const RandomModel& m : random_models_and_rounded_mixtures()) {
    const std::vector<TokenId> tokens = Random(10).tokens(m.model, 50);
    const Span<const TokenId> all(tokens);
    Session session(m.model, sized(64, 8)), twin(m.model, sized(64, 8));
    PrefillOptions options;
    options.progress = [](std::size_t done, std::size_t total) {
      CHECK(total == 50);
      if (done == 24) throw Stop();
    };
    CHECK_THROWS_AS(session.prefill(tokens, options), Stop);
    REQUIRE(session.position() == 24);
    session.impl()->set_probe([](int layer, const float*, std::size_t, std::size_t) {
      if (layer == 1) throw Stop();
    });
    CHECK_THROWS_AS(session.prefill(all.subspan(24)), Stop);
    CHECK_THROWS_AS(session.decode(1), Stop);
    session.impl()->set_probe({});
    REQUIRE(session.position() == 24);
    twin.prefill(all.subspan(0, 24), wanting(Want::nothing));
    CHECK_MESSAGE(same_bits(values(session.prefill(all.subspan(24))), twin.prefill(all.subspan(24))), m.name);
  }
}

TEST_CASE("progress within a chunk: between the layers, ascending, at most once a token, the same logits") {
  for (const RandomModel& m : random_models()) {
    const auto layers = static_cast<std::size_t>(m.model.config().num_hidden_layers);
    for (const Want want : {Want::last_logits, Want::all_logits, Want::nothing}) {
      for (const std::size_t chunk : {std::size_t{1}, std::size_t{3}, std::size_t{100}, std::size_t{300}}) {
        CAPTURE(m.name);
        CAPTURE(chunk);
        const std::vector<TokenId> tokens = Random(11).tokens(m.model, 250);
        Session session(m.model, sized(300, static_cast<int>(chunk))), twin(m.model, sized(300, static_cast<int>(chunk)));
        PrefillOptions options = wanting(want);
        std::vector<std::size_t> seen;
        std::vector<std::size_t> positions;
        options.progress = [&](std::size_t done, std::size_t total) {
          CHECK(total == 250);
          seen.push_back(done);
          positions.push_back(session.position());
        };
        const Values logits = values(session.prefill(tokens, options));
        const Values expected = values(twin.prefill(tokens, wanting(want)));
        CHECK((want == Want::nothing || same_bits(logits, expected)));
        CHECK(seen.back() == 250);
        CHECK(std::is_sorted(seen.begin(), seen.end()));
        CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
        CHECK(seen.front() >= 1);
        CHECK(seen.size() <= (250 + chunk - 1) / chunk * layers);
        for (std::size_t i = 0; i < seen.size(); ++i) CHECK(positions[i] == (seen[i] == 250 ? 250 : seen[i] / chunk * chunk));
        if (chunk == 300) CHECK(seen.size() >= layers / 3);  // one chunk, and yet there is much to tell
        if (chunk == 1) CHECK(seen.size() == 250);
      }
    }
  }
}

TEST_CASE("an exception out of progress within a chunk leaves the session at its last completed chunk") {
  struct Stop {};
  for (const RandomModel& m : random_models()) {
    const std::vector<TokenId> tokens = Random(12).tokens(m.model, 50);
    Session session(m.model, sized(64, 20)), twin(m.model, sized(64, 20));
    PrefillOptions options;
    options.progress = [](std::size_t done, std::size_t) {
      if (done > 20) throw Stop();
    };
    CHECK_THROWS_AS(session.prefill(tokens, options), Stop);
    REQUIRE(session.position() == 20);
    const Span<const TokenId> all(tokens);
    twin.prefill(all.subspan(0, 20), wanting(Want::nothing));
    CHECK_MESSAGE(same_bits(values(session.prefill(all.subspan(20))), twin.prefill(all.subspan(20))), m.name);
  }
}

TEST_CASE("a progress function that works with its own session is refused") {
  const RandomModel& m = random_model("e2b-f32");
  Session session(m.model, sized(64, 40));
  PrefillOptions options;
  options.progress = [&](std::size_t, std::size_t) { session.decode(1); };
  try {
    session.prefill(Random(13).tokens(m.model, 40), options);
    FAIL("not refused");
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
  }
  CHECK(session.position() == 1);
  CHECK(close(m, values(session.decode(2)), fresh_logits(m.model, std::vector<TokenId>{1, 2})));
}

TEST_CASE("a token that asks its host ends a step between two layers, in prefill and in decode") {
  for (const RandomModel& m : random_models()) {
    CAPTURE(m.name);
    Session session(m.model, sized(64, 50)), twin(m.model, sized(64, 50));
    session.prefill(std::vector<TokenId>{1, 2, 3});
    const std::vector<TokenId> tokens = Random(14).tokens(m.model, 50);
    const std::thread::id here = std::this_thread::get_id();
    for (const bool throws : {false, true}) {
      for (const int most : {0, 1, 4}) {
        int asked = 0;
        const CancelToken token([&] {
          CHECK(std::this_thread::get_id() == here);
          if (asked++ < most) return false;
          if (throws) throw 1;
          return true;
        });
        PrefillOptions options;
        options.cancel = token;
        CHECK_THROWS_AS(session.prefill(tokens, options), Error);
        CHECK(asked == most + 1);
        CHECK(token.cancelled());
        CHECK(asked == most + 1);  // it is not asked again
        CHECK(session.position() == 3);

        asked = 0;
        const CancelToken other([&] { return asked++ >= most; });
        CHECK_THROWS_AS(session.decode(4, other), Error);
        CHECK(session.position() == 3);
      }
    }
    twin.prefill(std::vector<TokenId>{1, 2, 3});
    CHECK(same_bits(values(session.decode(4)), twin.decode(4)));
  }
}

TEST_CASE("a poll that works with the model in the middle of a step is refused, and ends the step") {
  const RandomModel& m = random_model("e2b-f32");
  Session session(m.model, sized(64, 40)), other(m.model, sized(64, 40));
  std::optional<ErrorCode> inner;
  const CancelToken token([&]() -> bool {
    if (session.position() == 0) return false;
    try {
      other.decode(1);
    } catch (const Error& error) {
      inner = error.code();
      throw;
    }
    return false;
  });
  PrefillOptions options;
  options.cancel = token;
  const std::vector<TokenId> tokens = Random(15).tokens(m.model, 20);
  session.prefill(tokens, options);
  CHECK_THROWS_AS(session.decode(1, token), Error);
  CHECK(inner == ErrorCode::invalid_argument);
  CHECK(session.position() == 20);
  other.decode(1);
  session.decode(1);
}

TEST_CASE("a memory plan is what a session then takes, to the byte") {
  for (const RandomModel& m : random_models_and_rounded_mixtures()) {
    Random random(3);
    for (int round = 0; round < 6; ++round) {
      SessionOptions options = sized(static_cast<int>(random.between(1, 900)), static_cast<int>(random.between(1, 300)));
      if (round % 2 == 0) options.kv_dtype = static_cast<DType>(random.below(3));
      const MemoryPlan plan = memory_plan(m.model, options);
      CHECK_MESSAGE(plan.session_bytes() == Session(m.model, options).memory_bytes(), m.name, ": ", options.context_length, ", ",
                    options.prefill_chunk);
      CHECK(plan.kv_cache_bytes > 0);
      CHECK(plan.workspace_bytes > 0);
      CHECK(plan.total_bytes() == plan.session_bytes() + plan.workspace_bytes + plan.weight_bytes);
    }
    CHECK_THROWS_AS(memory_plan(m.model, sized(0, 1)), Error);
    CHECK_THROWS_AS(memory_plan(m.model, sized(1, -1)), Error);
  }
}

TEST_CASE("rows that were taken outlive the session's next calls") {
  for (const RandomModel& m : random_models_and_rounded_mixtures()) {
    Random random(4);
    const std::vector<TokenId> tokens = random.tokens(m.model, 9);
    Session session(m.model, sized(64, 4));
    CHECK(session.take_rows() == nullptr);
    const Values expected = values(session.prefill(tokens, wanting(Want::all_logits)));
    const std::shared_ptr<float> rows = session.take_rows();
    REQUIRE(rows != nullptr);
    CHECK(session.take_rows() == nullptr);
    session.truncate(0);
    CHECK(values(session.prefill(tokens, wanting(Want::all_logits))) == expected);
    session.prefill(tokens);
    CHECK(session.take_rows() == nullptr);
    CHECK(Values(rows.get(), rows.get() + expected.size()) == expected);
  }
}
