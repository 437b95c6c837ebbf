// Grammars over a full vocabulary: schema to first mask, masks, accepted tokens; what judges right.
//
//   grammar_bench TOKENIZER.json SCHEMAS.jsonl [--slow N]
//   grammar_bench TOKENIZER.json --hostile [PART]      the longest steps where repeats are nested (PART: of a source)
//
// SCHEMAS.jsonl: {"name", "schema", "tests": [{"valid", "data"}]} a line, as in guidance-ai/jsonschemabench. Every
// valid instance is written compactly, tokenized, and walked: a mask before each token, which must be in it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "formats/json.h"
#include "gemma4/error.h"
#include "gemma4/grammar.h"
#include "gemma4/tokenizer.h"
#include "support/hostile_grammars.h"

using namespace gemma4;

namespace {

/// Of this thread, where the system tells: neighbours do not count.
struct Clock {
  using time_point = double;  // microseconds
  static time_point now() {
#ifdef CLOCK_THREAD_CPUTIME_ID
    timespec t = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e6 * static_cast<double>(t.tv_sec) + 1e-3 * static_cast<double>(t.tv_nsec);
#else
    return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
  }
};
double micros(Clock::time_point from) { return Clock::now() - from; }

/// The text of a value in compact form: the document's own bytes without white space between tokens.
std::string compact(const std::string& json) {
  std::string out;
  bool inside = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (inside && c == '\\') {
      out += c;
      out += json[++i];
      continue;
    }
    if (c == '"') inside = !inside;
    if (!inside && (c == ' ' || c == '\n' || c == '\t' || c == '\r')) continue;
    out += c;
  }
  return out;
}

/// The source text of the member `key` of the object at the start of `json`.
std::string member(const std::string& json, const std::string& key) {
  int depth = 0;
  std::size_t start = std::string::npos;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') {
      const std::size_t begin = i;
      for (++i; json[i] != '"'; ++i) {
        if (json[i] == '\\') ++i;
      }
      if (depth == 1 && start == std::string::npos && json.compare(begin + 1, i - begin - 1, key) == 0) {
        std::size_t after = i + 1;
        while (json[after] == ' ') ++after;
        if (json[after] == ':') start = after + 1;
      }
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0 && start != std::string::npos) return json.substr(start, i - start);
    } else if (c == ',' && depth == 1 && start != std::string::npos) {
      return json.substr(start, i - start);
    }
  }
  return start == std::string::npos ? "" : json.substr(start);
}

/// The elements of the array `json`, as texts.
std::vector<std::string> elements(const std::string& json) {
  std::vector<std::string> out;
  int depth = 0;
  std::size_t start = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') {
      for (++i; json[i] != '"'; ++i) {
        if (json[i] == '\\') ++i;
      }
    } else if (c == '{' || c == '[') {
      if (++depth == 1) start = i + 1;
    } else if (c == '}' || c == ']') {
      if (--depth == 0 && i > start) out.push_back(json.substr(start, i - start));
    } else if (c == ',' && depth == 1) {
      out.push_back(json.substr(start, i - start));
      start = i + 1;
    }
  }
  return out;
}

struct Times {
  std::vector<double> all;
  void print(const char* name, const char* unit, double scale) {
    if (all.empty()) return;
    std::sort(all.begin(), all.end());
    double sum = 0;
    for (const double t : all) sum += t;
    const auto at = [&](double p) {
      return all[static_cast<std::size_t>(p * static_cast<double>(all.size() - 1))] / scale;
    };
    std::printf("%-22s n %7zu  mean %8.2f  p50 %8.2f  p90 %8.2f  p99 %8.2f  p99.9 %8.2f  max %8.2f %s\n", name,
                all.size(), sum / static_cast<double>(all.size()) / scale, at(0.5), at(0.9), at(0.99), at(0.999),
                at(1.0), unit);
  }
};

struct Totals {
  Times compile, first, mask, accept;
  int right = 0, unsupported = 0, wrong = 0, other = 0;
};

void run(const std::string& line, const Tokenizer& tokenizer, Totals& totals, double slow) {
  const std::string name = member(line, "name"), schema = member(line, "schema");
  std::vector<std::uint32_t> mask(mask_words(static_cast<std::size_t>(tokenizer.vocab_size())));
  try {
    const auto begin = Clock::now();
    const Grammar grammar = json_schema(schema);
    totals.compile.all.push_back(micros(begin));
    bool right = true, walked = false;
    for (const std::string& test : elements(member(line, "tests"))) {
      const bool valid = compact(member(test, "valid")) == "true";
      const std::string text = compact(member(test, "data"));
      if (grammar.accepts(text) != valid) {
        std::printf("%s: %s is judged wrong\n", name.c_str(), text.substr(0, 100).c_str());
        right = false;
        continue;
      }
      if (!valid) continue;
      GrammarMatcher matcher(grammar, tokenizer);
      for (const TokenId id : tokenizer.encode(text)) {
        const auto before = Clock::now();
        matcher.mask(mask);
        const double took = micros(before);
        totals.mask.all.push_back(took);
        if (!walked) totals.first.all.push_back(totals.compile.all.back() + took);
        walked = true;
        if (took > slow) {
          std::printf("%s: %.0f us for the mask before %s after %zu tokens of %s\n", name.c_str(), took,
                      std::string(tokenizer.id_to_token(id)).c_str(), matcher.length(), text.substr(0, 120).c_str());
        }
        if ((mask[static_cast<std::size_t>(id) / 32] >> id % 32 & 1U) == 0) {
          std::printf("%s: %s: token %s is masked\n", name.c_str(), text.substr(0, 100).c_str(),
                      std::string(tokenizer.id_to_token(id)).c_str());
          right = false;
          break;
        }
        const auto start = Clock::now();
        matcher.accept(id);
        totals.accept.all.push_back(micros(start));
      }
    }
    if (!walked) {
      try {
        GrammarMatcher matcher(grammar, tokenizer);
        const auto before = Clock::now();
        matcher.mask(mask);
        totals.first.all.push_back(totals.compile.all.back() + micros(before));
      } catch (const Error&) {  // a schema that contradicts itself
      }
    }
    (right ? totals.right : totals.wrong) += 1;
  } catch (const Error& error) {
    (error.code() == ErrorCode::unsupported ? totals.unsupported : totals.other) += 1;
    std::printf("%s: %s\n", name.c_str(), error.what());
  }
}

/// The longest of each kind of step, in milliseconds.
struct Longest {
  double compile = 0, mask = 0, accept = 0, forced = 0, other = 0, byte = 0;
};

/// Walks the grammar along `text` again and again: a mask, then of the tokens that it allows and the text goes on with
/// the longest, or a random one.
void walk(const test::HostileGrammar& hostile, const Grammar& grammar, const Tokenizer& tokenizer, bool along,
          Longest& longest) {
  GrammarMatcher matcher(grammar, tokenizer);
  std::vector<std::uint32_t> mask(mask_words(static_cast<std::size_t>(tokenizer.vocab_size())));
  const auto timed = [](double& most, const auto& step) {
    const auto begin = Clock::now();
    step();
    most = std::max(most, micros(begin) / 1000);
  };
  std::string text;
  while (text.size() < 3000) text += hostile.text;
  std::vector<TokenId> path = tokenizer.encode(text);
  std::mt19937 random(7);
  for (std::size_t step = 0; step < 150 && step < path.size(); ++step) {
    timed(longest.mask, [&] { matcher.mask(mask); });
    timed(longest.forced, [&] { matcher.forced(); });
    timed(longest.other, [&] { matcher.may_stop(), matcher.finished(); });
    TokenId id = path[step];
    const auto has = [&](TokenId t) { return (mask[static_cast<std::size_t>(t) / 32] >> t % 32 & 1U) != 0; };
    if (!along || !has(id)) {
      std::vector<TokenId> some;
      for (TokenId t = 0; t < tokenizer.vocab_size(); ++t) {
        if (has(t)) some.push_back(t);
      }
      if (some.empty()) break;
      id = some[random() % some.size()];
    }
    bool accepted = false;
    timed(longest.accept, [&] { accepted = matcher.accept(id); });
    if (!accepted) std::printf("a token of the mask is refused\n");
  }
  timed(longest.other, [&] { matcher.rollback(matcher.length() / 2); });
  timed(longest.mask, [&] { matcher.mask(mask); });
}

void run_hostile(const Tokenizer& tokenizer, const std::string& part) {
  std::printf("longest steps, ms; byte: of accepts_prefix(), mean over a text of 1000\n");
  std::printf("%9s %9s %9s %9s %9s %9s\n", "compile", "mask", "accept", "forced", "other", "byte");
  Longest all;
  for (const test::HostileGrammar& hostile : test::hostile_grammars()) {
    if (hostile.source.find(part) == std::string::npos) continue;
    Longest longest;
    const auto begin = Clock::now();
    std::string note;
    try {
      const Grammar grammar = hostile.make();
      longest.compile = micros(begin) / 1000;
      std::string text;
      while (text.size() < 1000) text += hostile.text;
      text.resize(1000);
      const auto start = Clock::now();
      try {
        grammar.accepts_prefix(text);
      } catch (const Error& error) {
        note = error.what();
      }
      longest.byte = micros(start) / 1000 / 1000;
      for (const bool along : {true, false}) walk(hostile, hostile.make(), tokenizer, along, longest);
      std::printf("%9.2f %9.2f %9.2f %9.2f %9.2f %9.3f  %s  %s\n", longest.compile, longest.mask, longest.accept,
                  longest.forced, longest.other, longest.byte, hostile.source.substr(0, 100).c_str(), note.c_str());
    } catch (const Error& error) {
      std::printf("%9.2f  %s: %s\n", micros(begin) / 1000, hostile.source.substr(0, 100).c_str(), error.what());
    }
    std::fflush(stdout);
    all = {std::max(all.compile, longest.compile), std::max(all.mask, longest.mask),
           std::max(all.accept, longest.accept),   std::max(all.forced, longest.forced),
           std::max(all.other, longest.other),     std::max(all.byte, longest.byte)};
  }
  std::printf("%9.2f %9.2f %9.2f %9.2f %9.2f %9.3f  longest of all\n", all.compile, all.mask, all.accept, all.forced,
              all.other, all.byte);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    std::printf("grammar_bench TOKENIZER.json (SCHEMAS.jsonl [--slow MICROSECONDS] | --hostile [PART])\n");
    return 2;
  }
  const double slow = argc > 4 && std::strcmp(argv[3], "--slow") == 0 ? std::stod(argv[4]) : 1e9;
  const Tokenizer tokenizer = Tokenizer::load(argv[1]);
  if (std::strcmp(argv[2], "--hostile") == 0) {
    run_hostile(tokenizer, argc > 3 ? argv[3] : "");
    return 0;
  }
  const auto begin = Clock::now();
  GrammarMatcher(json_schema("{}"), tokenizer);
  std::printf("vocabulary of %d tokens prepared in %.1f ms\n", tokenizer.vocab_size(), micros(begin) / 1000);
  Totals totals;
  std::ifstream file(argv[2]);
  for (std::string line; std::getline(file, line);) run(line, tokenizer, totals, slow);
  const int all = totals.right + totals.unsupported + totals.wrong + totals.other;
  std::printf("%d schemas: %d right (%.1f %%), %d unsupported, %d wrong, %d other errors\n", all, totals.right,
              100.0 * totals.right / std::max(all, 1), totals.unsupported, totals.wrong, totals.other);
  totals.compile.print("schema compiled", "ms", 1000);
  totals.first.print("schema to first mask", "ms", 1000);
  totals.mask.print("mask", "us", 1);
  totals.accept.print("token accepted", "us", 1);
  return 0;
} catch (const std::exception& error) {
  std::printf("%s\n", error.what());
  return 1;
}
