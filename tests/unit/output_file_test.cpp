// OutputFile: all or nothing.
#include "base/output_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/file_writers.h"

namespace gemma4 {
namespace {

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write(base::OutputFile& file, std::string_view text) {
  file.write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::size_t count(const std::string& folder) {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++n;
  return n;
}

}  // namespace

TEST_CASE("output file: appears, or replaces, when it is committed") {
  const test::TempFolder folder;
  const std::string path = folder.write("x", "old");
  {
    base::OutputFile file(path), other(path);  // two at a time do not disturb each other
    file.reserve(1000);
    write(file, "new ");
    write(file, "bytes");
    write(other, "others");
    CHECK(file.size() == 9);
    CHECK(bytes_of(path) == "old");
    file.commit();
    CHECK(bytes_of(path) == "new bytes");
  }
  CHECK(bytes_of(path) == "new bytes");
  CHECK(count(folder.path()) == 1);
}

TEST_CASE("output file: nothing is left without a commit") {
  const test::TempFolder folder;
  {
    base::OutputFile file(folder.path() + "/x");
    write(file, "bytes");
    CHECK(count(folder.path()) == 1);
  }
  CHECK(count(folder.path()) == 0);
  CHECK_ERROR(base::OutputFile(folder.path()), "io", "folder");
  CHECK_ERROR(base::OutputFile(folder.path() + "/none/x"), "io", "none/x", "No such file");
  CHECK_ERROR(base::OutputFile(folder.path() + "/x/"), "io", "name of a file");
}

TEST_CASE("output file: follows links, and refuses what is no regular file") {
  const test::TempFolder folder;
  const std::string path = folder.write("x", "old"), link = folder.path() + "/link", chain = folder.path() + "/chain";
  std::filesystem::create_symlink("x", link);
  std::filesystem::create_symlink(link, chain);
  for (const std::string& name : {link, chain}) {
    base::OutputFile file(name);
    write(file, name);
    file.commit();
    CHECK(std::filesystem::is_symlink(name));
    CHECK(bytes_of(path) == name);
  }
  std::filesystem::remove(path);
  {
    base::OutputFile file(chain);
    write(file, "new");
    file.commit();
  }
  CHECK(std::filesystem::is_symlink(link));
  CHECK(bytes_of(path) == "new");
  CHECK(count(folder.path()) == 3);

  const std::string pipe = folder.path() + "/pipe", circle = folder.path() + "/circle";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::filesystem::create_symlink("pipe", folder.path() + "/to-pipe");
  std::filesystem::create_symlink("circle", circle);
  CHECK_ERROR(base::OutputFile(pipe), "io", "pipe", "expected a regular file or a new name, it is a pipe");
  CHECK_ERROR(base::OutputFile(folder.path() + "/to-pipe"), "io", "it is a pipe");
  CHECK_ERROR(base::OutputFile("/dev/null"), "io", "it is a device");
  CHECK_ERROR(base::OutputFile(circle), "io", "links");
  CHECK(std::filesystem::is_fifo(pipe));
  CHECK(std::filesystem::is_symlink(circle));
}

}  // namespace gemma4
