// What a cache was computed from: equal ids are not enough, and no cut falls inside a block.
#include <doctest/doctest.h>

#include <numeric>

#include "session/history.h"

using namespace gemma4;
using session::History;
using session::InputRows;
using session::MediumRows;

namespace {

const std::vector<float> kRows(64);

MediumRows medium(std::size_t begin, std::size_t end, std::uint64_t content, bool block = true) {
  return {begin, end, kRows.data(), content, block};
}

}  // namespace

TEST_CASE("history: media with the same placeholder ids are told apart by their content") {
  const std::vector<TokenId> ids = {5, 9, 9, 9, 6, 9, 9, 7};
  const std::vector<MediumRows> media = {medium(1, 4, 100), medium(5, 7, 200)};
  History history;
  history.append({ids, media}, 0, ids.size());
  CHECK(history.size() == 8);
  CHECK(history.common_prefix({ids, media}) == 8);
  CHECK(history.common_prefix({ids, {}}) == 1);  // ids alone are other rows
  const std::vector<MediumRows> other = {medium(1, 4, 100), medium(5, 7, 201)};
  CHECK(history.common_prefix({ids, other}) == 5);
  const std::vector<MediumRows> first_other = {medium(1, 4, 101), medium(5, 7, 200)};
  CHECK(history.common_prefix({ids, first_other}) == 1);
  const std::vector<TokenId> text = {5, 9, 9, 9, 8};
  CHECK(history.common_prefix({text, {media.data(), 1}}) == 4);
}

TEST_CASE("history: rows of one medium are told apart by their place in it") {
  const std::vector<TokenId> ids = {9, 9, 9, 9};
  const std::vector<MediumRows> whole = {medium(0, 4, 100, false)}, twice = {medium(0, 2, 100, false), medium(2, 4, 100, false)};
  History history;
  history.append({ids, whole}, 0, 4);
  CHECK(history.common_prefix({ids, twice}) == 2);
}

TEST_CASE("history: cuts fall before a block, never inside") {
  const std::vector<TokenId> ids = {1, 9, 9, 9, 2, 3};
  const std::vector<MediumRows> media = {medium(1, 4, 100)};
  History history;
  history.append({ids, media}, 0, 4);
  history.append({ids, media}, 4, 6);
  CHECK(history.nearest_cut(0) == 0);
  CHECK(history.nearest_cut(1) == 1);
  CHECK(history.nearest_cut(2) == 1);
  CHECK(history.nearest_cut(3) == 1);
  CHECK(history.nearest_cut(4) == 4);
  CHECK(history.nearest_cut(5) == 5);
  const std::vector<TokenId> shorter = {1, 9, 9};
  const std::vector<MediumRows> cut = {medium(1, 3, 100)};
  CHECK(history.common_prefix({shorter, cut}) == 1);  // the block's rows have seen one more
  history.truncate(1);
  CHECK(history.nearest_cut(1) == 1);
  CHECK(history.tokens().size() == 1);
}
