// decode() allocates nothing, on any thread. This binary counts every operator new.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "support/random_models.h"

#ifdef __SANITIZE_ADDRESS__  // its forms of operator new do not call each other

TEST_CASE("decode allocates nothing") { MESSAGE("skipped: AddressSanitizer keeps operator new to itself"); }

#else

namespace {

std::atomic<long> allocations{0};

void* counted(std::size_t bytes, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  if (void* p = std::aligned_alloc(alignment, rounded != 0 ? rounded : alignment)) return p;
  throw std::bad_alloc();
}

}  // namespace

// The other forms of new and delete call these.
void* operator new(std::size_t bytes) { return counted(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return counted(bytes, static_cast<std::size_t>(alignment)); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

TEST_CASE("decode allocates nothing") {
  using namespace gemma4;
  std::vector<test::RandomModel> models = test::random_models_and_rounded_mixtures();
  models.push_back({"odd-f32 with two threads", test::load_random("odd-f32", 2)});
  for (const test::RandomModel& m : models) {
    REQUIRE(allocations.load() > 0);  // it counts
    Session session(m.model, test::sized(150, 16));
    Session forked = session.fork();
    const CancelToken cancel;
    // From the very first step on, over rings that wrap, with a token to cancel, in a fork.
    const long before = allocations.load();
    for (int i = 0; i < 140; ++i) session.decode(i % 100);
    for (int i = 0; i < 20; ++i) forked.decode(i % 100, cancel);
    const long by_decode = allocations.load() - before;  // doctest allocates, too
    CHECK_MESSAGE(by_decode == 0, m.name);

    session.truncate(135);
    session.prefill(std::vector<TokenId>{1, 2, 3, 4, 5, 6});
    const long after_prefill = allocations.load();
    for (int i = 0; i < 9; ++i) session.decode(i);
    const long by_later_decode = allocations.load() - after_prefill;
    CHECK_MESSAGE(by_later_decode == 0, m.name, " after a prefill");
  }
}

#endif
