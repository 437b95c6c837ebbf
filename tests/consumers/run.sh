# Sourced by tests/run.sh: the installed tree, and a project for every way to use it. Uses its functions and variables.

consumers=$PWD/$build/consumers
model=$PWD/examples/nano/model

# answers COMMAND...: the consumer's output is what the bundled model says.
answers() {
  local output
  output=$("$@" "$model") || return 1
  printf '%s\n' "$output"
  [ "$(sed -n '1p;2p;3p' <<< "$output" | paste -sd' ')" = "42 3 not_found" ]
}

# consume NAME PREFIX CMAKE_ARGUMENT...: configures, builds and runs tests/consumers/find_package against PREFIX.
consume() {
  local dir=$consumers/$1 prefix=$2
  shift 2
  cmake -S tests/consumers/find_package -B "$dir" -DCMAKE_PREFIX_PATH="$prefix" "$@" && cmake --build "$dir" && answers "$dir/consumer"
}

# with_pkg_config PREFIX PROGRAM ARGUMENT...: a program of one g++ command.
with_pkg_config() {
  local prefix=$1 program=$2 flags
  shift 2
  flags=$(PKG_CONFIG_PATH=$(find -L "$prefix" -name pkgconfig -printf '%p:') pkg-config "$@" --cflags --libs gemma4) || return 1
  # shellcheck disable=SC2086
  g++ -std=c++17 tests/consumers/consumer.cpp $flags -o "$consumers/$program" &&
    LD_LIBRARY_PATH=$(dirname "$(find -L "$prefix" -name 'libgemma4.*' | head -n 1)") answers "$consumers/$program"
}

# no_path_of_the_build PREFIX BUILD: no file names the folders it was made in.
no_path_of_the_build() {
  ! grep -rlF -e "$PWD" "$1"
}

# exports_the_api BUILD: what src/api, and base/cancel.cpp, define in the namespace itself is exported, and nothing else of ours.
exports_the_api() {
  local library defined exported
  library=$(find "$1" -maxdepth 1 -name 'libgemma4.so.*.*.*') || return 1
  defined=$(find "$1" '(' -path '*src/api/*.o' -o -path '*src/base/cancel.cpp.o' ')' -exec nm --defined-only {} + |
    awk '$2 == "T" { print $3 }' | c++filt |
    grep -E '^gemma4::([A-Z][A-Za-z]*::|[a-z_]+(\[abi:cxx11\])?\()' | sort -u)
  exported=$(nm -D --defined-only "$library" | awk '{ print $3 }' | c++filt | sort -u)
  [ -n "$defined" ] && [ -n "$exported" ] || return 1
  printf 'not exported:\n%s\n' "$(comm -23 <(printf '%s\n' "$defined") <(printf '%s\n' "$exported"))"
  printf 'exported, and not of gemma4:\n%s\n' "$(printf '%s\n' "$exported" | grep -v 'gemma4::')"
  [ -z "$(comm -23 <(printf '%s\n' "$defined") <(printf '%s\n' "$exported"))" ] &&
    ! printf '%s\n' "$exported" | grep -v 'gemma4::'
}

refuses_another_version() {
  ! cmake -S tests/consumers/find_package -B "$consumers/refused" -DCMAKE_PREFIX_PATH="$1" -DWANTED_VERSION=99.0 -DSTANDARD=17
}

# public_headers COMPILER: each alone, as C++17 and C++20, against the installed tree.
public_headers() {
  local header standard failed=0
  for header in "$consumers"/static/include/gemma4/*.h; do
    for standard in 17 20; do
      "$1" -std=c++$standard -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast \
        -Wnon-virtual-dtor -Werror -I"$consumers/static/include" -include "$header" -x c++ /dev/null || failed=1
    done
  done
  return $failed
}

from_sources() {
  local dir=$consumers/subdirectory
  local configure=(cmake -S tests/consumers/subdirectory -B "$dir" -G Ninja "-DGEMMA4_SOURCE=$PWD" "-DCMAKE_CXX_FLAGS=-O3 -DNDEBUG")
  if command -v ccache > /dev/null; then configure+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  "${configure[@]}" -DFETCH=OFF && "${configure[@]}" -DFETCH=ON && cmake --build "$dir" --parallel "$(nproc)" &&
    answers "$dir/consumer" && cmake --install "$dir" --prefix "$consumers/host" &&
    [ "$(find "$consumers/host" -type f | wc -l)" = 1 ]
}

# the_page PREFIX: the programs of examples/embed-cpp.md, the first one built by the CMakeLists.txt that the page shows.
the_page() {
  local dir=$consumers/page i=0 expected flags
  mkdir -p "$dir"
  awk -v dir="$dir" '/^```(cpp|cmake)$/ { file = dir (/cmake/ ? "/CMakeLists.txt" : "/main" (n++ ? n : "") ".cpp"); next }
    /^```$/ { file = "" } file { print > file }' examples/embed-cpp.md
  cmake -S "$dir" -B "$dir/build" -DCMAKE_PREFIX_PATH="$1" -DCMAKE_BUILD_TYPE=Release && cmake --build "$dir/build" || return 1
  "$dir/build/hello" "$model" | diff - <(printf '42\nThe capital of France is Paris.\n') || return 1
  flags=$(PKG_CONFIG_PATH=$(find -L "$1" -name pkgconfig -printf '%p:') pkg-config --cflags --libs gemma4) || return 1
  for i in 2 3 4; do
    # shellcheck disable=SC2086
    g++ -std=c++17 -Wall -Wextra -Werror "$dir/main$i.cpp" $flags -o "$dir/main$i" && "$dir/main$i" "$model" > "$dir/main$i.txt" || return 1
    cat "$dir/main$i.txt"
    case $i in
      2) expected='^stop$' ;;
      3) expected='^{"job":"builder","name":"Marco"}$' ;;
      4) expected='^Once upon a time' ;;
    esac
    grep -q -- "$expected" "$dir/main$i.txt" || return 1
  done
  grep -qx '12 times 34 is 408.' "$dir/main3.txt" && [ ! -e "$dir/main5.cpp" ]
}

test_consumers() {
  say "installing the library, static and shared, and building a consumer for each way to use it"
  rm -rf "$consumers"
  mkdir -p "$consumers"
  need_packages "$log" pkg-config clang patchelf
  GEMMA4_TARGETS="gemma4 gemma4_cli gemma4_c" build_tests build-shared -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGEMMA4_BUILD_TESTS=OFF \
    -DGEMMA4_BUILD_EXAMPLES=OFF || return 0
  check "install, static" cmake --install "$build" --prefix "$consumers/static"
  check "install, shared, with DESTDIR" env "DESTDIR=$consumers/staged" cmake --install build-shared --prefix /usr
  mv "$consumers/static" "$consumers/moved" && ln -s moved "$consumers/static"  # relocatable, and found through a link
  local shared=$consumers/staged/usr standard
  for standard in 17 20; do
    check "consumer: find_package, static, C++$standard" consume static-$standard "$consumers/static" -DSTANDARD=$standard
    check "consumer: find_package, shared, C++$standard" consume shared-$standard "$shared" -DSTANDARD=$standard
  done
  if command -v clang++ > /dev/null; then
    check "consumer: find_package, clang++" consume clang "$shared" -DSTANDARD=17 -DCMAKE_CXX_COMPILER=clang++
    check "public headers with clang++" public_headers clang++
  else
    record skipped "consumer: find_package, clang++" "no clang++ here"
    record skipped "public headers with clang++" "no clang++ here"
  fi
  check "public headers with g++" public_headers g++
  check "consumer: pkg-config, static" with_pkg_config "$consumers/static" pkg-config-static --static
  check "consumer: pkg-config, static without --static" with_pkg_config "$consumers/static" pkg-config-static
  check "consumer: pkg-config, shared" with_pkg_config "$shared" pkg-config-shared
  check "consumer: add_subdirectory and FetchContent" from_sources
  check "the programs of examples/embed-cpp.md" the_page "$consumers/static"
  check "package: another version is refused" refuses_another_version "$consumers/static"
  check "package: no path of the build in it" no_path_of_the_build "$consumers/moved"
  check "package: no path of the build in it, shared" no_path_of_the_build "$consumers/staged"
  check "libgemma4.so exports the public API and nothing else" exports_the_api build-shared
  check "the installed program, shared" bash -c '"$1/bin/gemma4" generate "$2" --temperature 0 -p "What is 17 + 25?" | grep -x 42' - "$shared" "$model"
}
