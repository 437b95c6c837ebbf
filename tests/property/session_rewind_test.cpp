// Session: truncate, checkpoint and fork. What comes after is as if the rest had never been.
#include <doctest/doctest.h>

#include <optional>

#include "session/session.h"
#include "support/file_writers.h"
#include "support/random_models.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

constexpr int kContext = 160, kChunk = 8;

struct Told {
  Session session;
  std::vector<TokenId> tokens;
};

/// A session some windows long, filled in chunks and single steps.
Told told(const RandomModel& m, std::uint64_t seed, std::size_t n, int context = kContext, int chunk = kChunk) {
  Told t{Session(m.model, sized(context, chunk)), Random(seed).tokens(m.model, n)};
  const std::size_t by_prefill = n - n / 4;
  if (n != 0) t.session.prefill({t.tokens.data(), by_prefill}, wanting(Want::nothing));
  for (std::size_t i = by_prefill; i < n; ++i) t.session.decode(t.tokens[i]);
  return t;
}

/// Logits of every token in turn, by a session without a ring that could wrap.
Values all_fresh_logits(const Model& model, Span<const TokenId> tokens) {
  const int n = static_cast<int>(tokens.size());
  Session session(model, sized(n, n));
  return values(session.prefill(tokens, wanting(Want::all_logits)));
}

std::optional<std::string> truncate_error(Session& session, std::size_t n) {
  try {
    session.truncate(n);
    return std::nullopt;
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::invalid_argument);
    return error.what();
  }
}

/// Truncated to n and told the same again, the session says what `logits` says from there on.
bool replays(const RandomModel& m, Session& session, std::size_t n, const std::vector<TokenId>& tokens, const Values& logits) {
  const int vocab = m.model.config().vocab_size;
  bool ok = session.position() == n;
  if (n < tokens.size()) ok = ok && close(m, session.decode(tokens[n]), row(logits, n, vocab));
  if (n + 1 < tokens.size()) {
    const std::size_t end = std::min(tokens.size(), n + 1 + 11);
    ok = ok && close(m, session.prefill({tokens.data() + n + 1, end - n - 1}), row(logits, end - 1, vocab));
  }
  return ok;
}

}  // namespace

TEST_CASE("truncate to any n while no ring has wrapped, then replay = fresh") {
  for (const RandomModel& m : random_models()) {
    const auto n = static_cast<std::size_t>(m.window() + kChunk);  // the ring, filled to its end
    const Told t = told(m, 1, n);
    const Values logits = all_fresh_logits(m.model, t.tokens);
    for (std::size_t to = 0; to <= n; ++to) {
      Session session = t.session.fork();
      CHECK_MESSAGE(!truncate_error(session, to), m.name, " to ", to);
      CHECK_MESSAGE(replays(m, session, to, t.tokens, logits), m.name, " to ", to);
    }
    Session roomy = told(m, 1, n + 20, static_cast<int>(n + 20)).session;  // the context is smaller than a ring would be
    if (m.window() >= 20) return;
    roomy.truncate(1);
    CHECK(roomy.position() == 1);
  }
}

TEST_CASE("after the rings wrapped: 0, one chunk back and whatever it allows are exact, the rest is an error that changes nothing") {
  for (const RandomModel& m : random_models()) {
    const auto n = static_cast<std::size_t>(4 * m.window() + 5);
    const Told t = told(m, 2, n);
    const Values logits = all_fresh_logits(m.model, t.tokens);
    const Values expected_next = values(t.session.fork().decode(9));
    std::size_t smallest = 0;
    for (std::size_t to = n; to >= 1; --to) {
      Session session = t.session.fork();
      const std::optional<std::string> error = truncate_error(session, to);
      if (!error) {
        CHECK_MESSAGE(smallest == 0, m.name, ": ", to, " is possible below an n that is not");
        CHECK_MESSAGE(replays(m, session, to, t.tokens, logits), m.name, " to ", to);
        continue;
      }
      if (smallest == 0) smallest = to + 1;
      CHECK_MESSAGE(error->find("possible are " + std::to_string(smallest) + " to " + std::to_string(n)) != std::string::npos, *error);
      CHECK_MESSAGE(error->find("truncate to " + std::to_string(to)) != std::string::npos, *error);
      CHECK(session.position() == n);
      if (to % 7 == 1) CHECK_MESSAGE(same_bits(session.decode(9), expected_next), m.name, " after refusing ", to);
    }
    CHECK_MESSAGE(smallest <= n - kChunk, m.name, ": one chunk back must be possible");
    CHECK_MESSAGE(smallest > 1, m.name, ": the rings have not wrapped");
    Session session = t.session.fork();
    session.truncate(0);
    CHECK_MESSAGE(replays(m, session, 0, t.tokens, logits), m.name, " to 0");
    CHECK_ERROR(session.truncate(kContext), "invalid_argument", "at most position", std::to_string(session.position()));
  }
}

TEST_CASE("after a truncation other tokens go on as in a session of their own") {
  for (const RandomModel& m : random_models()) {
    Told t = told(m, 3, static_cast<std::size_t>(3 * m.window()));
    std::vector<TokenId> tokens = t.tokens;
    Random random(4);
    for (int round = 0; round < 6; ++round) {
      tokens.resize(tokens.size() - random.between(1, kChunk));
      t.session.truncate(tokens.size());
      const std::vector<TokenId> more = random.tokens(m.model, random.between(kChunk, 2 * kChunk));
      tokens.insert(tokens.end(), more.begin(), more.end());
      CHECK_MESSAGE(close(m, values(t.session.prefill(more)), fresh_logits(m.model, tokens)), m.name, " round ", round);
    }
  }
}

TEST_CASE("a checkpoint keeps its position within reach for ever") {
  for (const RandomModel& m : random_models()) {
    const auto n = static_cast<std::size_t>(4 * m.window() + 3);
    const std::vector<TokenId> tokens = Random(5).tokens(m.model, n);
    const Values logits = all_fresh_logits(m.model, tokens);
    Session session(m.model, sized(kContext, kChunk));
    std::vector<std::size_t> marks;
    CHECK(session.checkpoint());  // at 0
    for (std::size_t done = 0; done < n;) {
      const std::size_t count = std::min<std::size_t>(n - done, 5 + done % 9);
      session.prefill({tokens.data() + done, count}, wanting(Want::nothing));
      done += count;
      if (marks.size() < 5) {
        CHECK(session.checkpoint());
        CHECK(session.checkpoint());  // once more at the same place: nothing new
        marks.push_back(done);
      }
    }
    for (const std::size_t mark : marks) {
      Session branch = session.fork();
      if (mark + 2 * kChunk < n) CHECK(truncate_error(branch, mark - 1).has_value());  // its neighbours are out of reach
      branch.truncate(mark);
      CHECK_MESSAGE(replays(m, branch, mark, tokens, logits), m.name, ": checkpoint at ", mark);
      const Span<const TokenId> rest = Span<const TokenId>(tokens).subspan(branch.position());
      if (!rest.empty()) branch.prefill(rest, wanting(Want::nothing));
      branch.truncate(mark);  // and again
      CHECK_MESSAGE(replays(m, branch, mark, tokens, logits), m.name, ": checkpoint at ", mark, " again");
    }
    // Back at a checkpoint, those after it are of tokens that are no more.
    session.truncate(marks[1]);
    const std::vector<TokenId> others = Random(6).tokens(m.model, n - marks[1]);
    session.prefill(others, wanting(Want::nothing));
    if (marks[3] + 2 * kChunk < n) CHECK_MESSAGE(truncate_error(session, marks[3]).has_value(), m.name);
    session.truncate(marks[0]);
    CHECK_MESSAGE(replays(m, session, marks[0], tokens, logits), m.name, ": older checkpoint");
  }
}

TEST_CASE("a checkpoint taken after a truncation") {
  for (const RandomModel& m : random_models()) {
    Told t = told(m, 7, static_cast<std::size_t>(3 * m.window()));
    t.tokens.resize(t.tokens.size() - kChunk);
    t.session.truncate(t.tokens.size());
    CHECK(t.session.checkpoint());
    const std::size_t mark = t.tokens.size();
    const std::vector<TokenId> more = Random(8).tokens(m.model, static_cast<std::size_t>(2 * m.window()));
    t.session.prefill(more, wanting(Want::nothing));
    t.session.truncate(mark);
    t.tokens.push_back(3);
    CHECK_MESSAGE(close(m, t.session.decode(3), fresh_logits(m.model, t.tokens)), m.name);
  }
}

TEST_CASE("checkpoints stay within their budget: the oldest go, one that is too big is refused") {
  const RandomModel& m = random_model("e2b-f32");
  const auto window = static_cast<std::size_t>(m.window());
  SessionOptions options = sized(kContext, kChunk);
  std::size_t rows = 0;  // of one position in all rings
  for (std::size_t l = 0; l < m.model.config().layers.size(); ++l) {
    const LayerConfig& layer = m.model.config().layers[l];
    if (layer.attention_type == AttentionType::sliding && layer.kv_source == static_cast<int>(l)) rows += 2 * static_cast<std::size_t>(layer.head_dim * layer.num_key_value_heads);
  }
  const std::size_t one = rows * (window - 1) * sizeof(float);
  options.checkpoint_bytes = 2 * one + one / 2;
  Session session(m.model, options);
  const std::vector<TokenId> tokens = Random(9).tokens(m.model, kContext);
  std::vector<std::size_t> marks;
  for (std::size_t done = 0; done + 40 <= tokens.size(); done += 40) {
    session.prefill({tokens.data() + done, 40}, wanting(Want::nothing));
    CHECK(session.checkpoint());
    marks.push_back(session.position());
  }
  REQUIRE(marks.size() == 4);
  CHECK(truncate_error(session, marks[0]).has_value());
  CHECK_ERROR(session.truncate(marks[1]), "invalid_argument", "checkpoint at " + std::to_string(marks[2]));
  session.truncate(marks[2]);
  const Values expected = fresh_logits(m.model, {tokens.data(), marks[2] + 1});
  CHECK(close(m, session.decode(tokens[marks[2]]), expected));

  options.checkpoint_bytes = one - 1;
  Session poor(m.model, options);
  CHECK(poor.checkpoint());  // at 0 there is nothing to keep
  poor.prefill({tokens.data(), 60}, wanting(Want::nothing));
  CHECK_FALSE(poor.checkpoint());
  CHECK(poor.position() == 60);
  poor.truncate(0);
  CHECK(close(m, poor.decode(tokens[0]), fresh_logits(m.model, {tokens.data(), 1})));
}

namespace {

/// A session of a family of forks, and one that no fork ever touched, told the same by the same calls.
struct Twins {
  Session session, unforked;

  Twins fork(const RandomModel& m, std::uint64_t seed, std::size_t n) const { return {session.fork(), told(m, seed, n).session}; }
  /// Both read the same tokens, by prefill and decode: to the same bits?
  bool step(const RandomModel& m, Random& random) {
    const std::vector<TokenId> more = random.tokens(m.model, random.between(1, 12));
    const bool prefilled = same_bits(session.prefill(more), unforked.prefill(more));
    const TokenId next = random.token(m.model);
    return prefilled && same_bits(session.decode(next), unforked.decode(next));
  }
};

}  // namespace

TEST_CASE("forks go on independently, also forks of forks and after the parent is gone") {
  for (const RandomModel& m : random_models_and_rounded_mixtures()) {
    Random random(10);
    for (const std::size_t n : {std::size_t{0}, std::size_t{3}, static_cast<std::size_t>(3 * m.window() + 1)}) {
      std::optional<Twins> parent = Twins{told(m, 11, n).session, told(m, 11, n).session};
      std::optional<Twins> child = parent->fork(m, 11, n);
      std::optional<Twins> grandchild = child->fork(m, 11, n);
      CHECK(same_bits(child->session.impl()->last_logits(), parent->session.impl()->last_logits()) == (n >= 4));
      for (int round = 0; round < 2; ++round) {
        CHECK_MESSAGE(parent->step(m, random), m.name, " parent at ", n);
        CHECK_MESSAGE(child->step(m, random), m.name, " child at ", n);
        CHECK_MESSAGE(grandchild->step(m, random), m.name, " grandchild at ", n);
      }
      parent.reset();
      CHECK_MESSAGE(child->step(m, random), m.name, " child without parent");
      child.reset();
      CHECK_MESSAGE(grandchild->step(m, random), m.name, " grandchild alone");
    }
  }
}

TEST_CASE("what a fork says after other tokens is what a fresh session says of all of them") {
  for (const RandomModel& m : random_models()) {
    Random random(12);
    for (const std::size_t n : {std::size_t{0}, std::size_t{3}, static_cast<std::size_t>(3 * m.window() + 1)}) {
      const Told parent = told(m, 13, n);
      for (int child = 0; child < 3; ++child) {
        Session session = parent.session.fork();
        std::vector<TokenId> tokens = parent.tokens;
        const std::vector<TokenId> more = random.tokens(m.model, random.between(1, 24));
        tokens.insert(tokens.end(), more.begin(), more.end());
        CHECK_MESSAGE(close(m, values(session.prefill(more)), fresh_logits(m.model, tokens)), m.name, " child ", child, " at ", n);
      }
    }
  }
}

TEST_CASE("a random walk over all operations agrees with fresh sessions at every step") {
  for (const RandomModel& m : random_models()) {
    for (std::uint64_t seed = 1; seed <= 2; ++seed) {
      Random random(200 + seed);
      Session session(m.model, sized(96, static_cast<int>(random.between(1, 16))));
      std::vector<TokenId> tokens;
      std::string walk = m.name + ":";
      for (int round = 0; round < 30; ++round) {
        const std::size_t room = 96 - tokens.size();
        switch (random.below(8)) {
          case 0: case 1: case 2:
            if (room != 0) {
              const std::vector<TokenId> more = random.tokens(m.model, random.between(1, std::min<std::size_t>(room, 30)));
              tokens.insert(tokens.end(), more.begin(), more.end());
              walk += " prefill " + std::to_string(more.size());
              CHECK_MESSAGE(close(m, values(session.prefill(more)), fresh_logits(m.model, tokens)), walk);
            }
            break;
          case 3: case 4:
            if (room != 0) {
              tokens.push_back(random.token(m.model));
              walk += " decode";
              CHECK_MESSAGE(close(m, values(session.decode(tokens.back())), fresh_logits(m.model, tokens)), walk);
            }
            break;
          case 5: {
            const std::size_t n = random.below(tokens.size() + 1);
            const bool refused = truncate_error(session, n).has_value();
            walk += (refused ? " refused " : " truncate ") + std::to_string(n);
            if (!refused) tokens.resize(n);
            break;
          }
          case 6:
            walk += " checkpoint";
            CHECK(session.checkpoint());
            break;
          default:
            walk += " fork";
            session = session.fork();
        }
        REQUIRE(session.position() == tokens.size());
      }
    }
  }
}
