// What handing work to the pool's threads costs: an empty region, after the caller has worked alone for a while.
// usage: thread_pool_bench [threads]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/thread_pool.h"

using namespace gemma4;

namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::vector<double> sorted_seconds(const base::ThreadPool& pool, double alone, int regions) {
  std::vector<double> seconds;
  for (int i = 0; i < regions; ++i) {
    const double idle = now();
    while (now() - idle < alone) {
    }
    const double start = now();
    pool.run([](int) {});
    seconds.push_back(now() - start);
  }
  std::sort(seconds.begin(), seconds.end());
  return seconds;
}

}  // namespace

int main(int argc, char** argv) try {
  const base::ThreadPool pool(argc > 1 ? std::atoi(argv[1]) : base::physical_cores());
  const auto turn = pool.acquire();
  std::printf("%d threads, microseconds of an empty region\n%10s %8s %8s %8s\n", pool.size(), "alone for", "median", "90 %",
              "99 %");
  for (const double alone : {0.0, 2e-6, 20e-6, 50e-6, 100e-6, 1e-3}) {
    const std::vector<double> seconds = sorted_seconds(pool, alone, 2000);
    const auto at = [&](double share) { return seconds[static_cast<std::size_t>(share * 2000)] * 1e6; };
    std::printf("%10.0f %8.2f %8.2f %8.2f\n", alone * 1e6, at(0.5), at(0.9), at(0.99));
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "thread_pool_bench: %s\n", error.what());
  return 1;
}
