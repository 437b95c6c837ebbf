// One model, many threads: sessions in parallel compute what they compute alone. Run it under ThreadSanitizer, too.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "base/thread_pool.h"
#include "session/session.h"
#include "support/random_models.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

/// fn(i) on n threads at once; what one throws is thrown here.
void on_threads(int n, const std::function<void(int)>& fn) {
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(n));
  std::vector<std::thread> threads;
  for (int i = 0; i < n; ++i) {
    threads.emplace_back([&, i] {
      try {
        fn(i);
      } catch (...) {
        failures[static_cast<std::size_t>(i)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

/// What host thread `i` does with a session of its own: every kind of call. All logits it saw, one after another.
Values life_of_a_session(const Model& model, int i) {
  Random random(static_cast<std::uint64_t>(100 + i));
  Session session(model, sized(64, 3 + i));
  Values seen;
  const auto note = [&](Span<const float> logits) { seen.insert(seen.end(), logits.begin(), logits.end()); };
  note(session.prefill(random.tokens(model, 20)));
  for (int step = 0; step < 4; ++step) note(session.decode(random.token(model)));
  session.checkpoint();
  Session other = session.fork();
  note(other.prefill(random.tokens(model, 9), wanting(Want::all_logits)));
  session.truncate(session.position() - 1);
  note(session.decode(random.token(model)));
  session = std::move(other);  // the one forked from goes, the fork stays
  note(session.decode(random.token(model)));
  return seen;
}

}  // namespace

TEST_CASE("eight host threads over one pool of two: every session computes the bits it computes alone") {
  for (const char* name : {"e2b-f32", "odd-bf16"}) {
    const Model model = load_random(name, 2);
    std::vector<Values> alone, together(8);
    for (int i = 0; i < 8; ++i) alone.push_back(life_of_a_session(model, i));
    on_threads(8, [&](int i) { together[static_cast<std::size_t>(i)] = life_of_a_session(model, i); });
    for (std::size_t i = 0; i < 8; ++i) CHECK_MESSAGE(same_bits(together[i], alone[i]), name, " session ", i);
  }
}

TEST_CASE("a long prefill lets others have their turn") {
  const Model model = load_random("odd-f32", 2);
  Session busy(model, sized(4000, 4)), quick(model, sized(64, 4));
  const std::vector<TokenId> tokens = Random(1).tokens(model, 4000);
  std::atomic<std::size_t> done{0};
  PrefillOptions options = wanting(Want::nothing);
  options.progress = [&](std::size_t n, std::size_t) { done = n; };
  std::thread prefill([&] { busy.prefill(tokens, options); });
  while (done == 0) std::this_thread::yield();
  const std::size_t before = done;
  for (int i = 0; i < 10; ++i) quick.decode(i);
  const std::size_t after = done;
  prefill.join();
  MESSAGE("meanwhile: ", after - before, " tokens of another session's prefill");
  // In turn: one chunk of 4 tokens for each decode, and a few while the machine looks the other way.
  CHECK_MESSAGE(after - before <= 400, before, " to ", after, " of 4000 tokens while another session decoded 10");
}

TEST_CASE("a progress function may wait for a thread that works with the same model") {
  const Model model = load_random("e2b-f32", 2);
  Session session(model, sized(300, 300)), other(model, sized(64, 4)), mine(model, sized(64, 4));
  const std::vector<TokenId> tokens = Random(1).tokens(model, 200);
  PrefillOptions options = wanting(Want::last_logits);
  int calls = 0;
  options.progress = [&](std::size_t, std::size_t) {
    ++calls;
    std::thread([&] { other.decode(3); }).join();
    mine.decode(3);
  };
  const Values logits = values(session.prefill(tokens, options));
  CHECK(calls > 1);
  CHECK(other.position() == static_cast<std::size_t>(calls));
  CHECK(same_bits(values(other.decode(5)), mine.decode(5)));
  Session alone(model, sized(300, 300));
  CHECK(same_bits(logits, alone.prefill(tokens)));
}

TEST_CASE("cancel from another thread, again and again") {
  const Model model = load_random("e2b-f32", 2);
  const std::vector<TokenId> tokens = Random(2).tokens(model, 240);
  Session session(model, sized(256, 8));
  int cancelled = 0;
  for (int round = 0; round < 12; ++round) {
    PrefillOptions options;
    options.cancel.emplace();
    std::thread canceller([cancel = *options.cancel, round] {
      std::this_thread::sleep_for(std::chrono::microseconds(300 * round));
      cancel.cancel();
    });
    try {
      session.prefill(tokens, options);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::cancelled);
      CHECK(session.position() % 8 == 0);
      CHECK(session.position() < tokens.size());
      ++cancelled;
    }
    canceller.join();
    if (session.position() != 0) {
      const Values next = values(session.decode(3));
      std::vector<TokenId> history(session.tokens().begin(), session.tokens().end());
      CHECK(close({"", model}, next, fresh_logits(model, history)));
    }
    session.truncate(0);
  }
  CHECK(cancelled > 0);
}

TEST_CASE("sessions outlive their model object, also in threads of their own") {
  std::optional<Model> model = load_random("odd-f32", 2);
  const Values expected = life_of_a_session(*model, 1);
  std::vector<std::unique_ptr<Session>> sessions;
  for (int i = 0; i < 4; ++i) sessions.push_back(std::make_unique<Session>(*model, sized(64, 4)));
  model.reset();
  CHECK(same_bits(life_of_a_session(sessions[0]->model(), 1), expected));
  on_threads(4, [&](int i) {  // the last one to go takes the weights and the pool with it, from a thread of its own
    auto& session = sessions[static_cast<std::size_t>(i)];
    session->prefill(std::vector<TokenId>{1, 2, 3, 4, 5, 6, 7});
    session.reset();
  });
}

TEST_CASE("a moved session goes on where it was") {
  const RandomModel& m = random_model("e4b-f32");
  const std::vector<TokenId> tokens = Random(3).tokens(m.model, 50);
  Session first(m.model, sized(64, 8));
  const Span<const float> logits = first.prefill(tokens);
  Session second = std::move(first);
  CHECK(same_bits(second.impl()->last_logits(), logits));
  Session third(m.model, sized(10, 2));
  third = std::move(second);
  CHECK(third.position() == 50);
  std::vector<TokenId> all = tokens;
  all.push_back(1);
  Values next;
  on_threads(1, [&](int) { next = values(third.decode(1)); });  // and in another thread
  CHECK(close(m, next, fresh_logits(m.model, all)));
}

TEST_CASE("the pool: every worker once, the first exception by worker, nested calls inline") {
  for (const int n : {1, 2, 5}) {
    const base::ThreadPool pool(n);
    const auto turn = pool.acquire();
    for (int round = 0; round < 200; ++round) {
      std::vector<int> calls(static_cast<std::size_t>(n), 0);
      pool.run([&](int worker) { ++calls[static_cast<std::size_t>(worker)]; });
      CHECK(std::accumulate(calls.begin(), calls.end(), 0) == n);
      try {
        pool.run([&](int worker) {
          if (worker >= n / 2) throw worker;
        });
        FAIL("nothing thrown");
      } catch (int worker) {
        CHECK(worker == n / 2);
      }
    }
    std::vector<int> covered(100, 0);
    pool.parallel_for(100, 8, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) ++covered[i];
      pool.run([](int) {});
    });
    CHECK(covered == std::vector<int>(100, 1));
  }
}
