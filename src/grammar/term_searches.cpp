// What Terms find out by walking the automaton, and how they give its memory back.
#include <algorithm>
#include <functional>
#include <queue>
#include <unordered_set>

#include "base/check.h"
#include "grammar/terms.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxSearched = 5000;      // states looked at for one text, when a grammar is made
constexpr std::size_t kMaxSearchWork = 400000;  // and the work() that those of one step take when it runs
constexpr std::size_t kMaxCounted = 500;        // states looked at for a number of texts
constexpr std::size_t kMaxCountWork = 50000;    // and the work() that takes

}  // namespace

bool Terms::immortal(TermId t) const noexcept {
  if (t == kAll) return true;
  const Node& n = nodes_[t];
  if (n.kind == Kind::cat) return n.a == kAll && !nodes_[n.b].boolean;
  if (n.kind != Kind::either) return false;
  for (std::uint32_t i = 0; i < n.b; ++i) {
    if (immortal(list_[n.a + i])) return true;
  }
  return false;
}

bool Terms::live(TermId t) {
  if (live_[t] < 0) live_[t] = search(t) ? 1 : 0;
  return live_[t] == 1;
}

void Terms::begin_step() noexcept { search_left_ = kMaxSearchWork; }

// Apart from fill_row(), which the search for a text needs itself.
const TermId* Terms::prune_row(TermId t) {
  TermId* const row = raw_row(t);
  bool open = false;
  for (unsigned b = 0; b < 256; ++b) {
    if (row[b] != kNothing && !live(row[b])) row[b] = kNothing;
    open = open || row[b] != kNothing;
  }
  pruned_[t] = open ? 2 : 1;
  return row;
}

// For a text, from the state first that seems nearest to an end. Where there is none, every state seen on the way is
// without one.
bool Terms::search(TermId start) {
  struct Spent {
    Terms& terms;
    const std::size_t before = terms.work_;
    std::size_t now() const { return terms.work_ - before; }
    ~Spent() { terms.search_left_ -= std::min(terms.search_left_, now()); }
  } const spent{*this};
  struct Step {
    TermId term;
    std::size_t from;
  };
  std::vector<Step> steps = {{start, 0}};
  std::unordered_set<TermId> visited = {start};
  using Open = std::pair<std::uint32_t, std::size_t>;  // characters to come at least, the step counted from behind
  std::priority_queue<Open, std::vector<Open>, std::greater<>> open;
  open.emplace(nodes_[start].effort, ~std::size_t{0});
  while (!open.empty()) {
    const std::size_t at = ~open.top().second;
    open.pop();
    const TermId t = steps[at].term;
    if (nullable(t) || live_[t] == 1) {
      for (std::size_t i = at; i != 0; i = steps[i].from) live_[steps[i].term] = 1;
      return true;
    }
    TermId previous = kNothing;
    for (unsigned b = 256; b > 0; --b) {
      const TermId next = raw_row(t)[b - 1];
      if (next == previous || live_[next] == 0) continue;
      previous = next;
      if (!visited.insert(next).second) continue;
      if (running_ && (spent.now() > search_left_ || steps.size() >= kMaxSearched)) return true;
      GEMMA4_CHECK(steps.size() < kMaxSearched, ErrorCode::unsupported,
                   "grammar: unsupported: patterns or multiples combined into more than ", kMaxSearched, " states");
      steps.push_back({next, at});
      open.emplace(nodes_[next].effort, ~(steps.size() - 1));
    }
  }
  for (const Step& step : steps) live_[step.term] = 0;
  return false;
}

bool Terms::limited(TermId t, TermId& rest, std::uint32_t& max) {
  const Node n = nodes_[t];
  if (n.kind != Kind::both) return false;
  std::vector<TermId> others;
  bool found = false;
  for (std::uint32_t i = 0; i < n.b; ++i) {
    const Node& c = nodes_[list_[n.a + i]];
    if (c.kind == Kind::repeat && c.a == any_character_ && !found) {
      found = true;
      max = c.max;
    } else {
      others.push_back(list_[n.a + i]);
    }
  }
  if (found) rest = both(std::move(others));
  return found;
}

std::uint32_t Terms::count(TermId t) {
  std::size_t looked_at = 0;
  return count(t, looked_at, work_ + kMaxCountWork);
}

// A state that leads back to itself has texts without end, for every state of a row leads to a text. While a state is
// being looked at it counts as kMany, so that one on the way back does. Recursion is as deep as kMaxCounted.
std::uint32_t Terms::count(TermId t, std::size_t& looked_at, std::size_t last_work) {
  if (t == kNothing) return 0;
  if (t == kEmpty) return 1;
  if (immortal(t) || (!nodes_[t].boolean && nodes_[t].longest == kUnlimited)) return kMany;
  const auto [known, added] = counts_.emplace(t, kMany);
  if (!added || ++looked_at > kMaxCounted || (running_ && work_ > last_work)) return known->second;
  const TermId* const row_of = row(t);
  for (unsigned b = 0; b < 256; ++b) {
    if (immortal(row_of[b])) return kMany;
  }
  std::uint32_t n = nullable(t) ? 1 : 0, last = 0;
  TermId previous = kNothing;
  for (unsigned b = 0; b < 256 && n < kMany; ++b) {
    if (row_of[b] == kNothing) continue;
    if (row_of[b] != previous) last = count(row_of[b], looked_at, last_work);
    previous = row_of[b];
    n += last;
  }
  return counts_[t] = std::min(n, kMany);
}

void Terms::set_running() {
  running_ = true;
  cancel_ = nullptr;
  made_ = nodes_.size();
  made_lists_ = list_.size();
}

std::vector<TermId> Terms::forget(std::vector<bool>& keep) {
  keep.resize(nodes_.size());
  for (std::size_t i = nodes_.size(); i > made_; --i) {  // children have lower numbers
    if (!keep[i - 1]) continue;
    const Node& n = nodes_[i - 1];
    const bool list = n.kind == Kind::either || n.kind == Kind::both;
    if (list) {
      for (std::uint32_t c = 0; c < n.b; ++c) keep[list_[n.a + c]] = true;
    } else if (n.kind == Kind::cat || n.kind == Kind::complement || n.kind == Kind::repeat) {
      keep[n.a] = true;
      if (n.kind == Kind::cat) keep[n.b] = true;
    }
  }
  std::vector<TermId> numbers(nodes_.size());
  const std::vector<std::uint32_t> lists(list_.begin() + static_cast<std::ptrdiff_t>(made_lists_), list_.end());
  list_.resize(made_lists_);
  std::size_t n = 0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {  // rising numbers stay rising: lists stay in order
    if (i >= made_ && !keep[i]) continue;
    Node node = nodes_[i];
    numbers[i] = static_cast<TermId>(n);
    if (i >= made_) {
      if (node.kind == Kind::either || node.kind == Kind::both) {
        const std::size_t from = node.a - made_lists_;
        node.a = static_cast<std::uint32_t>(list_.size());
        for (std::uint32_t c = 0; c < node.b; ++c) list_.push_back(numbers[lists[from + c]]);
      } else if (node.kind == Kind::cat || node.kind == Kind::complement || node.kind == Kind::repeat) {
        node.a = numbers[node.a];
        if (node.kind == Kind::cat) node.b = numbers[node.b];
      }
    }
    nodes_[n] = node;
    live_[n] = live_[i];
    ++n;
  }
  nodes_.resize(n);
  live_.resize(n);
  rows_.clear();
  rows_.resize(n);
  pruned_.assign(n, 0);
  seen_.clear();
  derivatives_.clear();
  counts_.clear();
  proven_.clear();
  if (slots_.size() > 4 * n + 1024) {
    std::size_t size = 1024;
    while (size < 2 * (n + 1)) size *= 2;
    slots_.resize(size);
    slots_.shrink_to_fit();
  }
  fill_slots();
  memory_ = n * (sizeof(Node) + 24) + list_.size() * sizeof(TermId) + sets_.size() * (sizeof(ByteSet) + 8);
  return numbers;
}

}  // namespace gemma4::grammar
