// Dense products by oneDNN, 2.6 and 3.x. The only file that includes it.
//
// Weights are handed over as they lie in the file (transposed, "ba"); one primitive per shape, kept in our own map.
// Debian's build parallelises with OpenMP: every call runs under a guard that holds this thread's OpenMP team to one,
// so that no team is ever started inside the host. Scratchpads are ours (scratchpad_mode::user), one per worker.
#include "matmul/dense.h"

#ifdef GEMMA4_WITH_ONEDNN

#include <cstdint>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>
#include <utility>
#include <vector>

#ifdef GEMMA4_ONEDNN_OPENMP
#include <omp.h>
#endif

#include "base/check.h"

namespace gemma4::matmul {
namespace {

/// Holds the calling thread's OpenMP team to one while it lives.
class OneThread {
 public:
#ifdef GEMMA4_ONEDNN_OPENMP
  OneThread() : saved_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(saved_); }

 private:
  int saved_;
#endif
};

dnnl::memory::data_type onednn_type(DType dtype) {
  return dtype == DType::bf16 ? dnnl::memory::data_type::bf16 : dnnl::memory::data_type::f32;
}

using Dim = dnnl::memory::dim;
using Key = std::tuple<DType, std::size_t, std::size_t, std::size_t, std::size_t, std::size_t>;  // m n k lds ldd

/// One shape's primitive and the memory layouts it was made for.
struct Product {
  dnnl::memory::desc src, weights, dst;
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
  std::size_t scratchpad_bytes = 0;
};

Product make_product(const dnnl::engine& engine, const DenseTask& t) {
  const auto m = static_cast<Dim>(t.m), n = static_cast<Dim>(t.n), k = static_cast<Dim>(t.k);
  Product p;
  p.src = {{m, k}, onednn_type(t.dtype), dnnl::memory::dims{static_cast<Dim>(t.lds), 1}};
  p.weights = {{k, n}, onednn_type(t.dtype), dnnl::memory::dims{1, k}};
  p.dst = {{m, n}, dnnl::memory::data_type::f32, dnnl::memory::dims{static_cast<Dim>(t.ldd), 1}};
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
#if DNNL_VERSION_MAJOR >= 3
  p.description = dnnl::matmul::primitive_desc(engine, p.src, p.weights, p.dst, attributes);
#else
  p.description = dnnl::matmul::primitive_desc(dnnl::matmul::desc(p.src, p.weights, p.dst), attributes, engine);
#endif
  p.primitive = dnnl::matmul(p.description);
  p.scratchpad_bytes = p.description.scratchpad_desc().get_size();
  return p;
}

class OneDnnDense final : public Dense {
 public:
  OneDnnDense(int workers, bool allow_bf16)
      : engine_(dnnl::engine::kind::cpu, 0), scratchpads_(static_cast<std::size_t>(workers)) {
    for (int i = 0; i < workers; ++i) streams_.emplace_back(engine_);
#if defined(__x86_64__)
    has_bf16_ = allow_bf16 && __builtin_cpu_supports("avx512bf16");  // 2.6 refuses bf16 below AVX-512
#else
    static_cast<void>(allow_bf16);
#endif
  }

  bool has_bf16() const noexcept override { return has_bf16_; }

  void run(const DenseTask& t, int worker) override try {
    const OneThread guard;
    const Product& product = find(t);
    std::vector<std::uint8_t>& scratchpad = scratchpads_[static_cast<std::size_t>(worker)];
    if (scratchpad.size() < product.scratchpad_bytes) scratchpad.resize(product.scratchpad_bytes);
    // oneDNN's handles are not const; src and weights are only read.
    const dnnl::memory src(product.src, engine_, const_cast<void*>(t.src));
    const dnnl::memory weights(product.weights, engine_, const_cast<void*>(t.weights));
    const dnnl::memory dst(product.dst, engine_, t.dst);
    const dnnl::memory pad(product.description.scratchpad_desc(), engine_, scratchpad.data());
    dnnl::stream& stream = streams_[static_cast<std::size_t>(worker)];
    product.primitive.execute(stream, {{DNNL_ARG_SRC, src}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, dst},
                                       {DNNL_ARG_SCRATCHPAD, pad}});
    stream.wait();
  } catch (const dnnl::error& error) {
    base::fail(ErrorCode::internal, "oneDNN matmul [", t.m, ", ", t.k, "] x [", t.k, ", ", t.n, "] ",
               to_string(t.dtype), ": ", error.what());
  }

 private:
  const Product& find(const DenseTask& t) {
    const Key key{t.dtype, t.m, t.n, t.k, t.lds, t.ldd};
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = products_.find(key);
    if (found != products_.end()) return found->second;
    return products_.emplace(key, make_product(engine_, t)).first->second;
  }

  dnnl::engine engine_;
  std::vector<dnnl::stream> streams_;
  std::vector<std::vector<std::uint8_t>> scratchpads_;
  std::mutex mutex_;
  std::map<Key, Product> products_;  // node-based: references stay valid while other workers add shapes
  bool has_bf16_ = false;
};

}  // namespace

std::unique_ptr<Dense> make_onednn_dense(int workers, bool allow_bf16) try {
  const OneThread guard;
  return std::make_unique<OneDnnDense>(workers, allow_bf16);
} catch (const dnnl::error&) {
  return nullptr;
}

}  // namespace gemma4::matmul

#else

namespace gemma4::matmul {
std::unique_ptr<Dense> make_onednn_dense(int /*workers*/, bool /*allow_bf16*/) { return nullptr; }
}  // namespace gemma4::matmul

#endif
