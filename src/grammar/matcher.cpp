#include "grammar/matcher.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/utf8.h"

namespace gemma4::grammar {
namespace {

constexpr std::size_t kMaxForced = 1024;           // bytes
constexpr std::size_t kMaxForcedWork = 200000;     // Machine::work() for them

}  // namespace

class Matcher::Use {
 public:
  explicit Use(const Matcher& matcher, Machine::Spelling spelling = Machine::Spelling::plain)
      : lock_(matcher.engine_->mutex) {
    matcher.engine_->tidy();
    matcher.engine_->machine.terms().begin_step();
    matcher.engine_->machine.set_exact(false);
    matcher.engine_->machine.set_spelling(spelling);
  }

 private:
  std::lock_guard<std::mutex> lock_;
};

Matcher::Matcher(std::shared_ptr<const Program> program, std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer)
    : program_(std::move(program)),
      tokenizer_(std::move(tokenizer)),
      table_(TokenTable::of(*tokenizer_)),
      engine_(program_->engine()),
      history_(std::make_unique<History>()) {
  const Use use(*this);
  GEMMA4_CHECK(engine_->rules->has_text(), ErrorCode::invalid_argument,
               "GrammarMatcher: expected a grammar with a text, got one that nothing satisfies");
  history_->push_back(engine_->machine.start());
  engine_->enter(history_.get());
}

Matcher::Matcher(const Matcher& other)
    : program_(other.program_), tokenizer_(other.tokenizer_), table_(other.table_), engine_(other.engine_) {
  const std::lock_guard lock(engine_->mutex);
  history_ = std::make_unique<History>(*other.history_);
  engine_->enter(history_.get());
}

Matcher::~Matcher() {
  if (!history_) return;
  const std::lock_guard lock(engine_->mutex);
  engine_->leave(history_.get());
}

void Matcher::mask(Span<std::uint32_t> allowed) {
  GEMMA4_CHECK(allowed.size() >= table_->words(), ErrorCode::invalid_argument,
               "GrammarMatcher::mask: expected at least ", table_->words(), " words, got ", allowed.size());
  const Use use(*this);
  engine_->masks.write(history_->back(), table_, allowed.data());
  std::fill(allowed.begin() + table_->words(), allowed.end(), 0U);
}

bool Matcher::advance(std::string_view bytes, Frames& frames) {
  Frames next;
  for (const char c : bytes) {
    engine_->machine.step(frames, static_cast<unsigned char>(c), next);
    if (next.empty()) return false;
    frames.swap(next);
  }
  return true;
}

bool Matcher::accept(TokenId token) {
  GEMMA4_CHECK(token >= 0, ErrorCode::token_out_of_range, "GrammarMatcher::accept: expected a token id, got ", token);
  const Use use(*this);
  Frames out;
  const bool known = static_cast<std::size_t>(token) < table_->vocab_size();
  if (known && !table_->bytes(token).empty()) {
    out = history_->back();
    if (!advance(table_->bytes(token), out)) out.clear();
  }
  Frames named;
  engine_->machine.step_token(history_->back(), token, named);
  if (!named.empty()) {
    Frames both;
    std::set_union(out.begin(), out.end(), named.begin(), named.end(), std::back_inserter(both));
    out.swap(both);
  }
  if (out.empty()) return false;
  history_->push_back(std::move(out));
  return true;
}

bool Matcher::accept_text(std::string_view text) {
  const Use use(*this, Machine::Spelling::any);
  Frames frames = history_->back();
  if (!advance(text, frames)) return false;
  history_->push_back(std::move(frames));
  return true;
}

bool Matcher::may_stop() const {
  const std::lock_guard lock(engine_->mutex);
  return engine_->machine.complete(history_->back());
}

bool Matcher::finished() const {
  const std::lock_guard lock(engine_->mutex);
  return history_->back().size() == 1 && engine_->machine.complete(history_->back());
}

void Matcher::rollback(std::size_t n) {
  GEMMA4_CHECK(n <= length(), ErrorCode::invalid_argument, "GrammarMatcher::rollback: expected at most ", length(),
               " tokens, got ", n);
  const std::lock_guard lock(engine_->mutex);
  history_->resize(history_->size() - n);
}

// The byte that must come next, -1 where there is a choice.
int Matcher::only_byte(const Frames& frames) {
  Machine& machine = engine_->machine;
  ByteSet first;
  for (const FrameId id : frames) {
    first.add(machine.first_bytes(id));
    std::vector<TokenId> awaited;
    machine.awaited_tokens(id, awaited);
    if (!awaited.empty()) return -1;
  }
  int only = -1;
  Frames next;
  for (unsigned b = 0; b < 256; ++b) {
    if (!first.has(b)) continue;
    machine.step(frames, static_cast<unsigned char>(b), next);
    if (next.empty()) continue;
    if (only >= 0) return -1;
    only = static_cast<int>(b);
  }
  return only;
}

std::string Matcher::forced_text(bool& ends) {
  std::string text;
  Frames frames = history_->back(), next;
  Machine& machine = engine_->machine;
  ends = false;
  const std::size_t last_work = machine.work() + kMaxForcedWork;
  while (text.size() < kMaxForced && machine.work() < last_work) {
    if (machine.complete(frames)) {
      ends = frames.size() == 1;
      break;
    }
    const int byte = only_byte(frames);
    if (byte < 0) break;
    text += static_cast<char>(byte);
    machine.step(frames, static_cast<unsigned char>(byte), next);
    frames.swap(next);
  }
  while (!text.empty() && !base::is_utf8(text)) {
    text.pop_back();
    ends = false;
  }
  return text;
}

std::string Matcher::forced_text() {
  const Use use(*this);
  bool ends = false;
  return forced_text(ends);
}

// What the tokenizer makes of the forced text, but for the last token: what follows may become part of that.
std::vector<TokenId> Matcher::forced() {
  bool ends = false;
  std::string text;
  {
    const Use use(*this);
    text = forced_text(ends);
  }
  if (text.empty()) return {};
  std::vector<TokenId> tokens = tokenizer_->encode(text, false, false);
  if (!ends && !tokens.empty()) tokens.pop_back();
  std::size_t at = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string_view bytes = table_->bytes(tokens[i]);
    if (bytes.empty() || text.compare(at, bytes.size(), bytes) != 0) {
      tokens.resize(i);
      break;
    }
    at += bytes.size();
  }
  return tokens;
}

}  // namespace gemma4::grammar
