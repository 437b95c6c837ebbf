// GGUF files that are not opened by path: from memory, and from a file descriptor.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>

#include "support/file_writers.h"
#include "support/random_models.h"

using namespace gemma4;
using namespace gemma4::test;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::string gguf_path(const std::string& name) { return checkpoint_folder(name) + ".gguf"; }

Bytes read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

ModelOptions one_thread(bool use_mmap = true) {
  ModelOptions options;
  options.threads = 1;
  options.use_mmap = use_mmap;
  return options;
}

Values logits_of(const Model& model) {
  Session session(model, sized(64, 16));
  Values all = values(session.prefill(Random(71).tokens(model, 40), wanting(Want::all_logits)));
  const Values next = values(session.decode(3));
  all.insert(all.end(), next.begin(), next.end());
  return all;
}

class Descriptor {
 public:
  explicit Descriptor(const std::string& path, int flags = O_RDONLY) : fd_(::open(path.c_str(), flags)) { REQUIRE(fd_ >= 0); }
  ~Descriptor() { ::close(fd_); }
  int get() const { return fd_; }

 private:
  int fd_;
};

template <class Load>
void check_error(ErrorCode code, const std::string& text, Load&& load) {
  try {
    load();
    FAIL("expected an Error: " << text);
  } catch (const Error& error) {
    CHECK_MESSAGE(error.code() == code, error.what());
    CHECK_MESSAGE(std::string(error.what()).find(text) != std::string::npos, error.what());
  }
}

}  // namespace

TEST_CASE("a GGUF in memory or behind a descriptor is the model that its path gives, bit for bit") {
  for (const std::string name : {"e2b-bf16", "moe-f32", "odd-f16"}) {
    const std::string path = gguf_path(name);
    const Values expected = logits_of(Model::load(path, one_thread()));
    const Bytes bytes = read_bytes(path);
    CHECK(same_bits(logits_of(Model::load(bytes, one_thread())), expected));
    for (const std::size_t shift : {1, 2, 4, 31}) {  // at any address
      Bytes shifted(bytes.size() + shift);
      std::copy(bytes.begin(), bytes.end(), shifted.begin() + static_cast<std::ptrdiff_t>(shift));
      CHECK(same_bits(logits_of(Model::load({shifted.data() + shift, bytes.size()}, one_thread())), expected));
    }
    for (const bool use_mmap : {true, false}) {
      std::optional<Model> model;
      {
        const Descriptor file(path);
        CHECK(::lseek(file.get(), 100, SEEK_SET) == 100);
        model = Model::load_fd(file.get(), one_thread(use_mmap));
        CHECK(::lseek(file.get(), 0, SEEK_CUR) == 100);
      }
      CHECK(same_bits(logits_of(*model), expected));
    }
    // Where the bytes are copied they may go.
    std::optional<Model> copied;
    {
      const Bytes gone = bytes;
      copied = Model::load(gone, one_thread(false));
    }
    CHECK(same_bits(logits_of(*copied), expected));
  }
}

TEST_CASE("the owner of a GGUF in memory is kept as long as the model and what is made of it") {
  auto bytes = std::make_shared<const Bytes>(read_bytes(gguf_path("bare-f32")));
  const std::weak_ptr<const Bytes> watch = bytes;
  std::optional<Session> session;
  {
    const Model model = Model::load({bytes->data(), bytes->size()}, one_thread(), bytes);
    bytes.reset();
    CHECK_FALSE(watch.expired());
    session.emplace(model, sized(16, 8));
  }
  CHECK_FALSE(watch.expired());
  session->prefill(std::vector<TokenId>{1, 2, 3});
  session.reset();
  CHECK(watch.expired());

  // Not where it is copied, nor where loading fails.
  for (const bool broken : {false, true}) {
    auto other = std::make_shared<Bytes>(read_bytes(gguf_path("bare-f32")));
    if (broken) (*other)[0] = 'X';
    const std::weak_ptr<Bytes> gone = other;
    std::optional<Model> model;
    try {
      const Span<const std::uint8_t> span(other->data(), other->size());
      model = Model::load(span, one_thread(false), std::move(other));
    } catch (const Error&) {
      CHECK(broken);
    }
    other.reset();
    CHECK(gone.expired());
    CHECK(model.has_value() != broken);
  }
}

TEST_CASE("a GGUF in memory or behind a descriptor: what is refused") {
  const std::string path = gguf_path("bare-f32");
  const Bytes bytes = read_bytes(path);
  const auto load = [](const Bytes& of) { Model::load(of, one_thread()); };
  check_error(ErrorCode::bad_format, "GGUF in memory: expected a GGUF file", [&] { load({}); });
  check_error(ErrorCode::bad_format, "GGUF in memory: expected a GGUF file", [&] { load({'{', '}'}); });
  check_error(ErrorCode::invalid_argument, "null", [&] { Model::load(Span<const std::uint8_t>(nullptr, 5), one_thread()); });
  check_error(ErrorCode::unsupported, "split.count", [&] { load(read_bytes(checkpoint_folder("bare-f32") + "-00001-of-00002.gguf")); });
  check_error(ErrorCode::io, "file descriptor -1: ", [&] { Model::load_fd(-1, one_thread()); });
  {
    const Descriptor folder(checkpoint_folder("bare-f32"));
    check_error(ErrorCode::io, "expected a regular file", [&] { Model::load_fd(folder.get(), one_thread()); });
    const Descriptor nothing("/dev/null");
    check_error(ErrorCode::io, "expected a regular file", [&] { Model::load_fd(nothing.get(), one_thread()); });
  }
  const TempFolder folder;
  const std::string copy = folder.write("x.gguf", std::string(bytes.begin(), bytes.end()));
  {
    const Descriptor write_only(copy, O_WRONLY);
    for (const bool use_mmap : {true, false}) {
      check_error(ErrorCode::io, "file descriptor", [&] { Model::load_fd(write_only.get(), one_thread(use_mmap)); });
    }
  }
  const Descriptor empty(folder.write("empty", ""));
  check_error(ErrorCode::bad_format, "expected a GGUF file", [&] { Model::load_fd(empty.get(), one_thread()); });
}

TEST_CASE("a GGUF in memory that is cut or damaged is an error or a model, never a crash") {
  const Bytes whole = read_bytes(gguf_path("bare-f32"));
  Random random(72);
  int loaded = 0;
  for (int round = 0; round < 400; ++round) {
    // The end of a mapping follows the last byte, so that reading on would be noticed.
    Bytes bytes = whole;
    if (round % 2 == 0) bytes.resize(round % 4 == 0 ? random.below(4096) : random.below(whole.size()));
    const std::size_t header = std::min<std::size_t>(bytes.size(), round % 3 == 0 ? 400 : 20000);
    if (round % 2 == 1 && header > 0) {
      for (std::size_t i = random.between(1, 4); i > 0; --i) bytes[random.below(header)] = static_cast<std::uint8_t>(random.below(256));
    }
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t pages = (bytes.size() + page - 1) / page * page;
    void* const mapped = ::mmap(nullptr, pages + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(mapped != MAP_FAILED);
    REQUIRE(::mprotect(static_cast<std::uint8_t*>(mapped) + pages, page, PROT_NONE) == 0);
    std::uint8_t* const at = static_cast<std::uint8_t*>(mapped) + (pages - bytes.size());
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    try {
      const Model model = Model::load({at, bytes.size()}, one_thread());
      model.verify();
      ++loaded;
    } catch (const Error& error) {
      const bool told = error.code() == ErrorCode::bad_format || error.code() == ErrorCode::bad_config || error.code() == ErrorCode::bad_checkpoint || error.code() == ErrorCode::unsupported;
      CHECK_MESSAGE(told, error.what());
      CHECK_MESSAGE(std::string(error.what()).find("GGUF in memory") != std::string::npos, error.what());
    }
    ::munmap(mapped, pages + page);
  }
  CHECK(loaded < 250);
}
