// StopStrings: however the text is cut, the outcome is that of searching the whole text.
#include "generate/stop_strings.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "gemma4/error.h"
#include "sampling/random.h"

using gemma4::generation::StopStrings;
using gemma4::sampling::Random;

namespace {

struct Outcome {
  std::string text;
  std::string stop;  // empty: none
};

// The definition: the match that ends first; of those, the longest.
Outcome search(const std::string& text, const std::vector<std::string>& stops) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    std::string longest;
    for (const std::string& stop : stops) {
      const bool ends_here = stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0;
      if (ends_here && stop.size() > longest.size()) longest = stop;
    }
    if (!longest.empty()) return {text.substr(0, end - longest.size()), longest};
  }
  return {text, ""};
}

// Longest proper beginning of a stop string that `text` ends with.
std::size_t must_hold(const std::string& text, const std::vector<std::string>& stops) {
  std::size_t longest = 0;
  for (const std::string& stop : stops) {
    for (std::size_t n = 1; n < stop.size() && n <= text.size(); ++n) {
      if (text.compare(text.size() - n, n, stop, 0, n) == 0) longest = std::max(longest, n);
    }
  }
  return longest;
}

std::string random_string(Random& random, std::size_t length, unsigned letters) {
  std::string s;
  for (std::size_t i = 0; i < length; ++i) s.push_back(static_cast<char>('a' + random.next() % letters));
  return s;
}

}  // namespace

TEST_CASE("stop strings: random texts, random cuts, random stops") {
  Random random(1);
  int stopped = 0;
  for (int round = 0; round < 5000; ++round) {
    const unsigned letters = 2 + random.next() % 3;
    const std::string text = random_string(random, random.next() % 60, letters);
    std::vector<std::string> stops(random.next() % 6);
    for (std::string& stop : stops) stop = random_string(random, 1 + random.next() % 8, letters);
    const Outcome expected = search(text, stops);

    StopStrings matcher(stops);
    std::string out;
    bool done = false;
    for (std::size_t at = 0; at < text.size() && !done;) {
      const std::size_t n = std::min<std::size_t>(random.next() % 7, text.size() - at);
      done = matcher.push(text.substr(at, n), out);
      at += n;
      REQUIRE(out == expected.text.substr(0, out.size()));                          // nothing leaks
      if (!done) REQUIRE(out.size() == at - must_hold(text.substr(0, at), stops));  // nothing is held in vain
    }
    if (done) {
      ++stopped;
      REQUIRE(stops[matcher.matched()] == expected.stop);
    } else {
      REQUIRE(expected.stop.empty());
      matcher.finish(out);
    }
    REQUIRE(out == expected.text);
  }
  CHECK(stopped > 1000);
  CHECK(stopped < 4500);
}

TEST_CASE("stop strings: the first end wins, then the longest") {
  const auto run = [](const std::vector<std::string>& stops, const std::string& text) {
    StopStrings matcher(stops);
    std::string out;
    if (!matcher.push(text, out)) return std::string("none");
    return out + "|" + stops[matcher.matched()];
  };
  CHECK(run({"abcd", "bc"}, "xabcd") == "xa|bc");
  CHECK(run({"bc", "abc"}, "xabcd") == "x|abc");
  CHECK(run({"a", "ab"}, "ab") == "|a");
  CHECK(run({"aab"}, "aaaab") == "aa|aab");
  CHECK(run({}, "text") == "none");
  CHECK(run({"\n\n", "\nUser:"}, "Hi\nUser: x\n\n") == "Hi|\nUser:");
}

TEST_CASE("stop strings: a false start is let go as soon as it is one") {
  StopStrings matcher({"<end>"});
  std::string out;
  CHECK_FALSE(matcher.push("a <en", out));
  CHECK(out == "a ");
  CHECK_FALSE(matcher.push("d", out));
  CHECK(out == "a ");
  CHECK_FALSE(matcher.push(" of", out));
  CHECK(out == "a <end of");
  CHECK_FALSE(matcher.push("<", out));
  matcher.finish(out);
  CHECK(out == "a <end of<");
}

TEST_CASE("stop strings: a character is never cut") {
  // Both begin with the byte E2 82: the euro sign may begin "\u20BD!" only as a whole.
  StopStrings matcher({"\xE2\x82\xBD!", "\xE2\x82\xAC\xE2\x82\xAC"});
  std::string out;
  CHECK_FALSE(matcher.push("1\xE2\x82\xAC", out));
  CHECK(out == "1");
  CHECK_FALSE(matcher.push("\xE2\x82\xBD", out));
  CHECK(out == "1\xE2\x82\xAC");
  CHECK(matcher.push("!", out));
  CHECK(out == "1\xE2\x82\xAC");
}

TEST_CASE("stop strings: ten thousand of them cost no more per byte than a few") {
  Random random(2);
  std::vector<std::string> stops;
  for (int i = 0; i < 10000; ++i) stops.push_back("#" + random_string(random, 12, 26));
  StopStrings matcher(stops);
  std::string text;
  while (text.size() < 1000000) text += "#" + random_string(random, 5, 26);
  std::string out;
  const auto start = std::chrono::steady_clock::now();
  CHECK_FALSE(matcher.push(text, out));
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
  matcher.finish(out);
  CHECK(out == text);
}

TEST_CASE("stop strings: bad ones are errors that say which") {
  const auto message = [](const std::vector<std::string>& stops) {
    try {
      StopStrings matcher(stops);
    } catch (const gemma4::Error& e) {
      CHECK(e.code() == gemma4::ErrorCode::invalid_argument);
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(message({"a", ""}).find("stop[1]") != std::string::npos);
  CHECK(message({"\x82\xAC"}).find("UTF-8") != std::string::npos);
  CHECK(message({"\xE2\x82"}).find("UTF-8") != std::string::npos);
}
