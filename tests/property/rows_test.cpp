// Steps of rows: several sequences at once, rows whose embeddings are given, blocks of rows that see one another.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <utility>

#include "kernels/dispatch.h"
#include "session/session.h"
#include "support/block_model.h"
#include "support/row_steps.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

constexpr std::size_t kContext = 160, kRows = 96;

/// The logits after each step of some sequences that run side by side in steps of random company: now a stretch of a
/// prompt, now one token, now nothing. By sequence: how many tokens it held, and the logits then.
struct Trace {
  std::vector<std::vector<TokenId>> tokens;
  std::vector<std::vector<std::pair<std::size_t, Values>>> logits;
};

Trace run_together(const Model& model, std::uint64_t seed, matmul::Arithmetic arithmetic, DType dtype) {
  Random random(seed);
  const std::size_t n = random.between(2, 6);
  std::vector<std::unique_ptr<RowSequence>> sequences;
  Trace trace;
  for (std::size_t i = 0; i < n; ++i) {
    sequences.push_back(std::make_unique<RowSequence>(model, kContext, kRows, dtype));
    trace.tokens.push_back(random.tokens(model, random.between(5, 70)));
    trace.logits.emplace_back();
  }
  for (bool more = true; more;) {
    more = false;
    std::vector<RowPart> parts;
    std::vector<std::size_t> who;
    std::size_t room = kRows;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t left = trace.tokens[i].size() - sequences[i]->tokens.size();
      if (left == 0) continue;
      more = true;
      const std::size_t wish = std::min(room, random.below(4) == 0 ? 0 : random.below(2) == 0 ? 1 : random.between(1, 40));
      const std::size_t count = std::min(left, wish);
      if (count == 0) continue;
      const auto begin = trace.tokens[i].begin() + static_cast<std::ptrdiff_t>(sequences[i]->tokens.size());
      parts.push_back({sequences[i].get(), {begin, begin + static_cast<std::ptrdiff_t>(count)}});
      who.push_back(i);
      room -= count;
    }
    if (parts.empty()) continue;
    const std::vector<Values> logits = run_rows(model, parts, arithmetic);
    for (std::size_t k = 0; k < who.size(); ++k) trace.logits[who[k]].emplace_back(sequences[who[k]]->tokens.size(), logits[k]);
  }
  return trace;
}

/// The same tokens alone, cut at the places whose logits are wanted.
std::vector<Values> run_alone(const Model& model, const Trace& trace, std::size_t sequence, matmul::Arithmetic arithmetic,
                              DType dtype, bool token_by_token) {
  RowSequence alone(model, kContext, kRows, dtype);
  std::vector<Values> result;
  for (const auto& [end, expected] : trace.logits[sequence]) {
    while (alone.tokens.size() < end) {
      const std::size_t count = token_by_token ? 1 : end - alone.tokens.size();
      const auto begin = trace.tokens[sequence].begin() + static_cast<std::ptrdiff_t>(alone.tokens.size());
      Values logits = run_rows(model, {{&alone, {begin, begin + static_cast<std::ptrdiff_t>(count)}}}, arithmetic)[0];
      if (alone.tokens.size() == end) result.push_back(std::move(logits));
    }
  }
  return result;
}

/// Makes every load choose a table, while it lives.
class ForcedTable {
 public:
  explicit ForcedTable(const char* name) {
    if (const char* before = std::getenv("GEMMA4_FORCE_ISA")) before_ = before;
    setenv("GEMMA4_FORCE_ISA", name, 1);
  }
  ~ForcedTable() {
    if (before_.empty()) {
      unsetenv("GEMMA4_FORCE_ISA");
    } else {
      setenv("GEMMA4_FORCE_ISA", before_.c_str(), 1);
    }
  }

 private:
  std::string before_;
};

void check_independent(const Model& model, std::uint64_t seed, DType dtype) {
  const auto arithmetic = matmul::Arithmetic::independent();
  const Trace trace = run_together(model, seed, arithmetic, dtype);
  for (std::size_t i = 0; i < trace.tokens.size(); ++i) {
    for (const bool token_by_token : {false, true}) {
      const std::vector<Values> alone = run_alone(model, trace, i, arithmetic, dtype, token_by_token);
      REQUIRE(alone.size() == trace.logits[i].size());
      for (std::size_t k = 0; k < alone.size(); ++k) {
        CAPTURE(i);
        CAPTURE(trace.logits[i][k].first);
        CAPTURE(token_by_token);
        CHECK(same_bits(trace.logits[i][k].second, alone[k]));
      }
    }
  }
}

}  // namespace

TEST_CASE("steps of several sequences give each the logits it has alone") {
  for (const RandomModel& m : random_models()) {
    const DType dtype = m.model.compute() == Compute::f32 ? DType::f32 : DType::f16;
    for (const std::uint64_t seed : {1, 2, 3}) {
      const Trace trace = run_together(m.model, seed, matmul::Arithmetic::together(), dtype);
      for (std::size_t i = 0; i < trace.tokens.size(); ++i) {
        const auto alone = run_alone(m.model, trace, i, matmul::Arithmetic::together(), dtype, false);
        for (std::size_t k = 0; k < alone.size(); ++k) {
          CHECK_MESSAGE(close(m, trace.logits[i][k].second, alone[k]), m.name, ", sequence ", i, " at ",
                        trace.logits[i][k].first, ": off by ", difference(trace.logits[i][k].second, alone[k]));
        }
      }
    }
  }
}

TEST_CASE("independent rows: an answer's bits depend neither on company nor on cuts, on every table") {
  for (const kernels::TableEntry& table : kernels::tables()) {
    if (!table.supported) {
      MESSAGE("partly skipped: this CPU cannot run the table ", table.name);
      continue;
    }
    CAPTURE(std::string(table.name));
    const ForcedTable forced(table.name);
    for (const int threads : {1, 2}) {
      CAPTURE(threads);
      for (const char* name : {"e2b-f32", "moe-f32", "odd-bf16", "odd-f16"}) {
        CAPTURE(std::string(name));
        check_independent(load_random(name, threads), 7, DType::f32);
      }
      check_independent(load_random("odd-bf16", threads, Compute::bf16), 8, DType::f16);
    }
  }
}

TEST_CASE("independent rows: weights in blocks, experts among them, on every table") {
  for (const kernels::TableEntry& table : kernels::tables()) {
    if (!table.supported) continue;
    CAPTURE(std::string(table.name));
    const ForcedTable forced(table.name);
    for (const BlockType& t : block_types()) {
      const std::string type = formats::to_string(t.type);
      if (type != "Q4_0" && type != "Q8_0" && type != "Q4_K" && type != "IQ4_NL") continue;
      CAPTURE(type);
      const TempFolder folder;
      ModelOptions options;
      options.threads = 2;
      check_independent(Model::load(folder.write("model.gguf", BlockModel(t).bytes()), options), 9, DType::f16);
    }
  }
}

TEST_CASE("the embedding of a token, given, equals the token") {
  for (const RandomModel& m : random_models()) {
    const model::LoadedModel& loaded = *m.model.impl();
    const auto width = static_cast<std::size_t>(m.model.config().hidden_size);
    const std::vector<TokenId> tokens = Random(5).tokens(m.model, 40);
    std::vector<float> embeddings(20 * width);
    for (std::size_t i = 0; i < 20; ++i) {
      const model::DecoderWeights& w = loaded.decoder().weights();
      float* row = &embeddings[i * width];
      matmul::widen(loaded.decoder().kernels(), w.embed_tokens, static_cast<std::size_t>(tokens[10 + i]), 0, width, row);
      loaded.decoder().kernels().scale(row, w.embed_scale, width);
    }
    const session::MediumRows medium{10, 30, embeddings.data(), 77, false};
    for (const int chunk : {7, 16, 64}) {
      session::SessionState given(m.model.impl(), sized(64, chunk)), told(m.model.impl(), sized(64, chunk));
      const Values a = values(given.prefill({tokens, {&medium, 1}}, wanting(Want::all_logits)));
      CHECK_MESSAGE(same_bits(a, told.prefill(Span<const TokenId>(tokens), wanting(Want::all_logits))), m.name);
    }
  }
}

TEST_CASE("a sink gets hidden states and logits together, chunk by chunk, as they are asked for apart") {
  for (const RandomModel& m : random_models()) {
    const std::vector<TokenId> tokens = Random(6).tokens(m.model, 50);
    const std::vector<std::int32_t> rows = {0, 3, 4, 17, 30, 31, 48};
    for (const int chunk : {1, 7, 64}) {
      session::SessionState apart(m.model.impl(), sized(64, chunk)), together(m.model.impl(), sized(64, chunk));
      const Values hidden = values(apart.prefill(Span<const TokenId>(tokens), wanting(Want::hidden_states)));
      apart.truncate(0);
      PrefillOptions some = wanting(Want::rows);
      some.rows.assign(rows.begin(), rows.end());
      const Values logits = values(apart.prefill(Span<const TokenId>(tokens), some));

      std::vector<std::int32_t> seen;
      Values got_hidden, got_logits;
      const auto take = [&](const session::KeptRows& kept) {
        REQUIRE(kept.hidden.n == kept.rows.size());
        seen.insert(seen.end(), kept.rows.begin(), kept.rows.end());
        got_hidden.insert(got_hidden.end(), kept.hidden.data, kept.hidden.data + kept.hidden.n * kept.hidden.width);
        got_logits.insert(got_logits.end(), kept.logits.data, kept.logits.data + kept.logits.n * kept.logits.width);
      };
      together.prefill({tokens, {}}, rows, true, take);
      CHECK(seen == rows);
      CHECK(same_bits(got_logits, logits));
      Values expected;
      const auto width = static_cast<std::ptrdiff_t>(m.model.config().hidden_size);
      for (const std::int32_t row : rows) expected.insert(expected.end(), hidden.begin() + row * width, hidden.begin() + (row + 1) * width);
      float largest = 0;
      for (const float value : expected) largest = std::max(largest, std::abs(value));
      // Where other rows are dropped the work is cut elsewhere.
      const double allowed = m.model.compute() == Compute::f32 ? m.tolerance(expected) * largest : m.tolerance(expected);
      CHECK_MESSAGE(difference(got_hidden, expected) <= allowed, m.name, ", chunk ", chunk);

      const Values before = std::exchange(got_hidden, {});
      got_logits.clear();
      together.truncate(0);
      together.prefill({tokens, {}}, rows, false, take);
      CHECK(got_logits.empty());
      CHECK(same_bits(got_hidden, before));
      CHECK(together.position() == 50);
      CHECK_THROWS_AS(together.prefill({tokens, {}}, std::vector<std::int32_t>{3, 3}, true, take), Error);
    }
  }
}

TEST_CASE("score: the log of the softmax of what a prefill gives, whatever the session's last call was, which stays as it is") {
  for (const RandomModel& m : random_models()) {
    if (m.model.compute() == Compute::bf16) continue;  // a prefill rounds where a decode does not
    const std::vector<TokenId> tokens = Random(8).tokens(m.model, 120);
    for (const std::size_t held : {std::size_t{1}, std::size_t{20}, std::size_t{70}}) {
      Session all(m.model, sized(128, 16));
      const Values logits = values(all.prefill(tokens, wanting(Want::all_logits)));
      std::vector<double> expected;
      for (std::size_t i = held; i < tokens.size(); ++i) {
        const Span<const float> before = row(logits, i - 1, m.model.config().vocab_size);
        double sum = 0;
        for (const float value : before) sum += std::exp(static_cast<double>(value));
        expected.push_back(before[static_cast<std::size_t>(tokens[i])] - std::log(sum));
      }
      const Span<const TokenId> continuation = Span<const TokenId>(tokens).subspan(held);
      for (const Want want : {Want::last_logits, Want::nothing}) {
        Session session(m.model, sized(128, 16));
        session.prefill(Span<const TokenId>(tokens).subspan(0, held), wanting(want));
        const std::vector<float> scores = score(session, continuation);
        REQUIRE(scores.size() == expected.size());
        double worst = 0;
        for (std::size_t i = 0; i < scores.size(); ++i) worst = std::max(worst, std::abs(scores[i] - expected[i]));
        if (m.model.config().num_experts == 0) CHECK_MESSAGE(worst <= 2 * m.tolerance(logits), m.name, " after ", held, ": ", worst);
        CHECK(session.position() == held);
        CHECK(score(session, continuation.subspan(0, 1)).size() == 1);
        CHECK(score(session, {}).empty());
        CHECK(close(m, values(session.decode(tokens[held])), row(logits, held, m.model.config().vocab_size)));
      }
    }
    Session empty(m.model, sized(128, 16));
    CHECK_THROWS_AS(score(empty, tokens), Error);
    empty.prefill(Span<const TokenId>(tokens).subspan(0, 20), wanting(Want::nothing));
    CHECK(score(empty, Span<const TokenId>(tokens).subspan(11)).size() == 109);  // the last one need not fit
    CHECK_THROWS_AS(score(empty, Span<const TokenId>(tokens).subspan(10)), Error);
    CHECK_THROWS_AS(score(empty, std::vector<TokenId>{1, m.model.config().vocab_size}), Error);
    CancelToken cancelled;
    cancelled.cancel();
    CHECK_THROWS_AS(score(empty, tokens, cancelled), Error);
  }
}
