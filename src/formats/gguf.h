// GGUF v2/v3 container, single or split: metadata and tensor views over the mapped files. Trusts no length or offset.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/mapped_file.h"
#include "formats/tensor_entry.h"
#include "gemma4/types.h"

namespace gemma4::formats {

/// Type of a metadata value, numbered as in the file.
enum class GgufType : std::uint8_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};
const char* to_string(GgufType type) noexcept;

/// The strings of a string array, in order, as views into the file's bytes. Not necessarily UTF-8. Checked when the
/// file was opened, so walking cannot fail.
class GgufStrings {
 public:
  class iterator {
   public:
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    std::string_view operator*() const noexcept { return {reinterpret_cast<const char*>(at_ + 8), length()}; }
    iterator& operator++() noexcept {
      at_ += 8 + length();
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const iterator& other) const noexcept { return at_ == other.at_; }

   private:
    friend class GgufStrings;
    std::size_t length() const noexcept {
      std::uint64_t n;  // any alignment; files and hosts are little-endian
      std::memcpy(&n, at_, sizeof n);
      return static_cast<std::size_t>(n);
    }
    const std::uint8_t* at_ = nullptr;
  };

  GgufStrings(const std::uint8_t* begin, const std::uint8_t* end, std::size_t size) noexcept
      : begin_(begin), end_(end), size_(size) {}
  iterator begin() const noexcept { return at(begin_); }
  iterator end() const noexcept { return at(end_); }
  std::size_t size() const noexcept { return size_; }

 private:
  static iterator at(const std::uint8_t* position) noexcept {
    iterator it;
    it.at_ = position;
    return it;
  }
  const std::uint8_t* begin_;
  const std::uint8_t* end_;
  std::size_t size_;
};

/// Where a metadata value lies; its bounds were checked.
struct GgufValue {
  GgufType type = GgufType::u8;
  GgufType element_type = GgufType::u8;  ///< Of an array.
  std::uint64_t count = 1;               ///< Elements of an array.
  const std::uint8_t* begin =
      nullptr;  ///< First byte of the value: of a string its length, of an array its first element.
  const std::uint8_t* end = nullptr;
};

/// What one file of a (possibly split) GGUF holds. The views point into the bytes it was parsed from.
struct GgufPart {
  std::vector<std::pair<std::string_view, GgufValue>> metadata;  ///< In file order; keys are unique.
  std::vector<TensorEntry> tensors;
};

/// Reads one file's bytes. `name` stands in messages. Throws Error bad_format or unsupported.
GgufPart parse_gguf(Span<const std::uint8_t> bytes, const std::string& name);

/// A GGUF file, all parts of a split one. Immutable; any thread.
class GgufFile {
 public:
  /// Opens `path`; of a split file, its first part ("x-00001-of-00003.gguf"), and then its siblings in the same folder.
  /// Throws Error: not_found, io, bad_format, unsupported (other byte order, a tensor type without a name).
  static std::shared_ptr<const GgufFile> open(const std::string& path, bool use_mmap = true);
  /// The same of one file that is open already, or lies in memory. Throws Error unsupported too: it is split.
  static std::shared_ptr<const GgufFile> open(std::shared_ptr<const base::MappedFile> file);
  /// True when the file starts with "GGUF". Throws Error not_found or io.
  static bool is_gguf(const std::string& path);

  const std::string& path() const noexcept { return path_; }
  /// Of all parts, in file order; names are unique and printable ASCII.
  const std::vector<TensorEntry>& tensors() const noexcept { return tensors_; }
  /// The mapped files, in order.
  const std::vector<std::shared_ptr<const base::MappedFile>>& parts() const noexcept { return parts_; }
  /// In file order, of the first part.
  const std::vector<std::pair<std::string_view, GgufValue>>& metadata() const noexcept { return keys_; }
  /// Total size of the parts.
  std::uint64_t file_bytes() const noexcept;

  // Metadata (of the first part). nullopt when the key is absent; Error bad_format when the value is of another type or
  // out of range, naming the key, the type found and the type wanted.
  const GgufValue* find(std::string_view key) const noexcept;
  bool has(std::string_view key) const noexcept { return find(key) != nullptr; }
  bool is_array(std::string_view key) const noexcept;
  std::optional<std::string_view> find_string(
      std::string_view key) const;  ///< A view into the file; not necessarily UTF-8.
  std::optional<std::int64_t> find_int(std::string_view key, std::int64_t min,
                                       std::int64_t max) const;  ///< Any integer type.
  std::optional<double> find_float(std::string_view key) const;  ///< f32 or f64; may be NaN or infinite.
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<GgufStrings> find_strings(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> find_ints(
      std::string_view key) const;                                            ///< Array of any integer type or of bool.
  std::optional<std::vector<float>> find_floats(std::string_view key) const;  ///< Array of f32.
  std::optional<std::vector<bool>> find_bools(std::string_view key) const;

 private:
  GgufFile() = default;
  using Keys = std::vector<std::pair<std::string_view, GgufValue>>;
  using Names = std::unordered_set<std::string>;
  Keys add(std::shared_ptr<const base::MappedFile> file, Names& tensors);
  std::int64_t add_first(std::shared_ptr<const base::MappedFile> file, Names& tensors);
  std::string path_;
  std::vector<std::shared_ptr<const base::MappedFile>> parts_;
  std::vector<std::pair<std::string_view, GgufValue>> keys_;
  std::unordered_map<std::string_view, GgufValue> metadata_;
  std::vector<TensorEntry> tensors_;
};

}  // namespace gemma4::formats
