// Dense products by oneDNN, 2.6 and 3.x, through its C functions (onednn_api.h).
//
// Weights are handed over as they lie in the file (transposed, "ba"); one primitive per shape, kept in our own map.
// Debian's build parallelises with OpenMP: every call runs under a guard that holds this thread's OpenMP team to one,
// so that no team is ever started inside the host. Scratchpads are ours (scratchpad_mode::user), one per worker.
#include "matmul/dense.h"

#ifdef GEMMA4_WITH_ONEDNN

#include <cstdint>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "matmul/onednn_api.h"

namespace gemma4::matmul {
namespace {

/// Holds the calling thread's OpenMP team to one while it lives.
class OneThread {
 public:
  explicit OneThread(const OneDnnApi& api) noexcept : api_(api) {
    if (api_.omp_get_max_threads == nullptr) return;
    saved_ = api_.omp_get_max_threads();
    api_.omp_set_num_threads(1);
  }
  ~OneThread() {
    if (api_.omp_get_max_threads != nullptr) api_.omp_set_num_threads(saved_);
  }

 private:
  const OneDnnApi& api_;
  int saved_ = 1;
};

/// What oneDNN made, destroyed by the function it names for that.
template <class T>
class Owned {
 public:
  using Destroy = dnnl_status_t (*)(T);
  Owned(T object, Destroy destroy) noexcept : object_(object), destroy_(destroy) {}
  Owned(Owned&& other) noexcept : object_(std::exchange(other.object_, nullptr)), destroy_(other.destroy_) {}
  Owned& operator=(Owned&&) = delete;
  ~Owned() {
    if (object_ != nullptr) destroy_(object_);
  }
  T get() const noexcept { return object_; }

 private:
  T object_;
  Destroy destroy_;
};

/// A call of oneDNN that failed; run() says of which product.
struct Refused {
  dnnl_status_t status;
};

void check(dnnl_status_t status) {
  if (status != dnnl_success) throw Refused{status};
}

/// make(T*) and its destroyer as one.
template <class T, class Make>
Owned<T> owned(dnnl_status_t (*destroy)(T), Make&& make) {
  T object = nullptr;
  check(make(&object));
  return {object, destroy};
}

#if DNNL_VERSION_MAJOR >= 3
using Layout = Owned<dnnl_memory_desc_t>;
const_dnnl_memory_desc_t view(const Layout& layout) { return layout.get(); }
#else
using Layout = dnnl_memory_desc_t;
const dnnl_memory_desc_t* view(const Layout& layout) { return &layout; }
#endif

Layout make_layout(const OneDnnApi& api, std::size_t rows, std::size_t columns, DType dtype, std::size_t row_stride,
                   std::size_t column_stride) {
  const dnnl_dims_t dims = {static_cast<dnnl_dim_t>(rows), static_cast<dnnl_dim_t>(columns)};
  const dnnl_dims_t strides = {static_cast<dnnl_dim_t>(row_stride), static_cast<dnnl_dim_t>(column_stride)};
  const dnnl_data_type_t type = dtype == DType::bf16 ? dnnl_bf16 : dnnl_f32;
#if DNNL_VERSION_MAJOR >= 3
  return owned<dnnl_memory_desc_t>(api.memory_desc_destroy, [&](dnnl_memory_desc_t* layout) {
    return api.memory_desc_create_with_strides(layout, 2, dims, type, strides);
  });
#else
  Layout layout;
  check(api.memory_desc_init_by_strides(&layout, 2, dims, type, strides));
  return layout;
#endif
}

using Key = std::tuple<DType, std::size_t, std::size_t, std::size_t, std::size_t, std::size_t>;  // m n k lds ldd

/// One shape's primitive and the memory layouts it was made for.
struct Product {
  Layout src, weights, dst;
  Owned<dnnl_primitive_desc_t> description;
  Owned<dnnl_primitive_t> primitive;
  std::size_t scratchpad_bytes = 0;
};

Product make_product(const OneDnnApi& api, dnnl_engine_t engine, const DenseTask& t) {
  Layout src = make_layout(api, t.m, t.k, t.dtype, t.lds, 1);
  Layout weights = make_layout(api, t.k, t.n, t.dtype, 1, t.k);
  Layout dst = make_layout(api, t.m, t.n, DType::f32, t.ldd, 1);
  const auto attributes = owned<dnnl_primitive_attr_t>(api.primitive_attr_destroy, api.primitive_attr_create);
  check(api.primitive_attr_set_scratchpad_mode(attributes.get(), dnnl_scratchpad_mode_user));
  auto description = owned<dnnl_primitive_desc_t>(api.primitive_desc_destroy, [&](dnnl_primitive_desc_t* made) {
#if DNNL_VERSION_MAJOR >= 3
    return api.matmul_primitive_desc_create(made, engine, view(src), view(weights), nullptr, view(dst),
                                            attributes.get());
#else
    dnnl_matmul_desc_t operation;
    check(api.matmul_desc_init(&operation, view(src), view(weights), nullptr, view(dst)));
    return api.primitive_desc_create(made, &operation, attributes.get(), engine, nullptr);
#endif
  });
  auto primitive = owned<dnnl_primitive_t>(
      api.primitive_destroy, [&](dnnl_primitive_t* made) { return api.primitive_create(made, description.get()); });
  const auto pad = api.primitive_desc_query_md(description.get(), dnnl_query_scratchpad_md, 0);
  const std::size_t bytes = pad == nullptr ? 0 : api.memory_desc_get_size(pad);
  return {std::move(src), std::move(weights), std::move(dst), std::move(description), std::move(primitive), bytes};
}

class OneDnnDense final : public Dense {
 public:
  OneDnnDense(const OneDnnApi& api, int workers, bool allow_bf16)
      : api_(api),
        engine_(owned<dnnl_engine_t>(api.engine_destroy,
                                     [&](dnnl_engine_t* made) { return api.engine_create(made, dnnl_cpu, 0); })),
        scratchpads_(static_cast<std::size_t>(workers)) {
    for (int i = 0; i < workers; ++i) {
      streams_.push_back(owned<dnnl_stream_t>(api.stream_destroy, [&](dnnl_stream_t* made) {
        return api.stream_create(made, engine_.get(), dnnl_stream_default_flags);
      }));
    }
#if defined(__x86_64__)
    has_bf16_ = allow_bf16 && __builtin_cpu_supports("avx512bf16") && makes_bf16();
#else
    static_cast<void>(allow_bf16);
#endif
  }

  bool has_bf16() const noexcept override { return has_bf16_; }

  void run(const DenseTask& t, int worker) override try {
    const OneThread guard(api_);
    const Product& product = find(t);
    base::AlignedBuffer<std::uint8_t>& scratchpad = scratchpads_[static_cast<std::size_t>(worker)];
    if (scratchpad.size() < product.scratchpad_bytes) {
      scratchpad = base::AlignedBuffer<std::uint8_t>(product.scratchpad_bytes, "oneDNN scratchpad");
    }
    // oneDNN's handles are not const; src and weights are only read.
    const auto src = memory(view(product.src), const_cast<void*>(t.src));
    const auto weights = memory(view(product.weights), const_cast<void*>(t.weights));
    const auto dst = memory(view(product.dst), t.dst);
    const auto pad =
        memory(api_.primitive_desc_query_md(product.description.get(), dnnl_query_scratchpad_md, 0), scratchpad.data());
    const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, src.get()},
                                         {DNNL_ARG_WEIGHTS, weights.get()},
                                         {DNNL_ARG_DST, dst.get()},
                                         {DNNL_ARG_SCRATCHPAD, pad.get()}};
    const dnnl_stream_t stream = streams_[static_cast<std::size_t>(worker)].get();
    check(api_.primitive_execute(product.primitive.get(), stream, 4, arguments));
    check(api_.stream_wait(stream));
  } catch (const Refused& refused) {
    base::fail(refused.status == dnnl_out_of_memory ? ErrorCode::out_of_memory : ErrorCode::internal, "oneDNN matmul [",
               t.m, ", ", t.k, "] x [", t.k, ", ", t.n, "] ", to_string(t.dtype), ": status ",
               static_cast<int>(refused.status));
  }

 private:
  /// 2.6 refuses bf16 below AVX-512, which the host may have held it to (ONEDNN_MAX_CPU_ISA).
  bool makes_bf16() const try {
    make_product(api_, engine_.get(), {DType::bf16, nullptr, 32, nullptr, nullptr, 32, 32, 32, 32});
    return true;
  } catch (const Refused&) {
    return false;
  }

  template <class View>
  Owned<dnnl_memory_t> memory(View layout, void* data) const {
    return owned<dnnl_memory_t>(api_.memory_destroy, [&](dnnl_memory_t* made) {
      return api_.memory_create(made, layout, engine_.get(), data);
    });
  }

  const Product& find(const DenseTask& t) {
    const Key key{t.dtype, t.m, t.n, t.k, t.lds, t.ldd};
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = products_.find(key);
    if (found != products_.end()) return found->second;
    return products_.emplace(key, make_product(api_, engine_.get(), t)).first->second;
  }

  const OneDnnApi& api_;
  Owned<dnnl_engine_t> engine_;
  std::vector<Owned<dnnl_stream_t>> streams_;
  std::vector<base::AlignedBuffer<std::uint8_t>> scratchpads_;  // [workers]
  std::mutex mutex_;
  std::map<Key, Product> products_;  // node-based: references stay valid while other workers add shapes
  bool has_bf16_ = false;
};

}  // namespace

std::unique_ptr<Dense> make_onednn_dense(int workers, bool allow_bf16) try {
  const OneDnnApi* api = onednn_api();
  if (api == nullptr) return nullptr;
  const OneThread guard(*api);
  return std::make_unique<OneDnnDense>(*api, workers, allow_bf16);
} catch (const Refused&) {
  return nullptr;
}

bool have_onednn() noexcept { return onednn_api() != nullptr; }

}  // namespace gemma4::matmul

#else

namespace gemma4::matmul {
std::unique_ptr<Dense> make_onednn_dense(int /*workers*/, bool /*allow_bf16*/) { return nullptr; }
bool have_onednn() noexcept { return false; }
}  // namespace gemma4::matmul

#endif
