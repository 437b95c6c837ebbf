#include "chat/conversation.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/log.h"
#include "chat/call_parser.h"
#include "chat/held_reply.h"
#include "chat/markup.h"
#include "chat/messages.h"
#include "chat/render.h"
#include "chat/results.h"
#include "chat/tools.h"
#include "weights/chat_template.h"

namespace gemma4::chat {
namespace {

bool begins_with_system(const std::vector<Message>& messages) noexcept {
  return messages[0].role == Role::system || messages[0].role == Role::developer;
}

void refuse_media(const std::vector<Message>& messages, std::size_t known) {
  for (std::size_t i = known; i < messages.size(); ++i) {
    if (!messages[i].content.is_array()) continue;
    for (std::size_t k = 0; k < messages[i].content.size(); ++k) {
      const char* const placeholder = part_placeholder(messages[i].content[k]);
      GEMMA4_CHECK(placeholder == nullptr, ErrorCode::unsupported, "messages[", i - known, "].content[", k,
                   "]: images, audio and video cannot be looked at yet");
    }
  }
}

// Where the model's turn begins in a prompt: behind the last "<|turn>model\n". Tokens from there on may be others in
// later prompts (a thought that goes, calls that come before the content).
std::size_t turn_start(const std::vector<TokenId>& prompt, const tokenizer::BpeTokenizer& tokenizer) {
  const TokenId turn = tokenizer.token_to_id("<|turn>");
  const auto last = std::find(prompt.rbegin(), prompt.rend(), turn);
  if (last == prompt.rend()) return 0;
  const auto start = static_cast<std::size_t>(last.base() - prompt.begin());
  const std::vector<TokenId> role = tokenizer.encode("model\n", false, false);
  const auto before = std::find(std::next(last), prompt.rend(), turn);
  if (before != prompt.rend() && static_cast<std::size_t>(prompt.end() - before.base()) > role.size() &&
      std::equal(role.begin(), role.end(), before.base())) {
    // A turn of the model's behind another one (render_repaired): in later prompts they are one, whose content goes on,
    // and may merge with the last token there is of it.
    const auto end = std::find(std::next(last), before, tokenizer.token_to_id("<turn|>"));
    return static_cast<std::size_t>(prompt.rend() - end) - 2;
  }
  const std::vector<TokenId> probe = tokenizer.encode("model\nA", false, false);
  const bool stands_alone = probe.size() > role.size() && std::equal(role.begin(), role.end(), probe.begin());
  return stands_alone ? std::min(start + role.size(), prompt.size()) : start;
}

void check(const Thinking& thinking) {
  GEMMA4_CHECK(thinking.budget >= -1, ErrorCode::invalid_argument,
               "Thinking::budget: expected -1 (no limit) or more, got ", thinking.budget);
}

void check_loop_tokens(int tokens, const char* of) {
  GEMMA4_CHECK(tokens >= 0, ErrorCode::invalid_argument, of, "::loop_tokens: expected 0 (never) or more, got ", tokens);
}

}  // namespace

TemplateVerdict judge_model(const model::LoadedModel& model) {
  return judge_template(weights::chat_template(model.checkpoint()), model.config().hidden_size_per_layer_input != 0);
}

ToolSet::ToolSet(const Json& tools, const tokenizer::BpeTokenizer& tokenizer, bool held)
    : functions(declared_tools(tools)), hold_calls(held) {
  if (functions.empty()) return;
  grammars.emplace(functions, tokenizer, hold_calls);
  for (const std::string& warning : grammars->warnings()) base::log(LogLevel::warning, "chat: ", warning);
}

Conversation::Conversation(std::shared_ptr<const model::LoadedModel> model, const ChatOptions& options)
    : model_(std::move(model)),
      options_(options),
      verdict_(judge_model(*model_)),
      tools_(options.tools, *model_->tokenizer(), options.hold_calls),
      session_(std::make_shared<session::SessionState>(model_, options.session)),
      sampler_(options.sampler ? *options.sampler : model_->sampler_defaults()) {
  check(options.thinking);
  check_loop_tokens(options.loop_tokens, "ChatOptions");
  check_json(options.system, "ChatOptions::system");
  for (const char* const token : {"<bos>", "<|turn>", "<turn|>"}) {
    GEMMA4_CHECK(model_->tokenizer()->token_to_id(token) >= 0, ErrorCode::unsupported, "the model's tokenizer has no \"",
                 token, "\": it was not made for conversations");
  }
  std::size_t known = 0;
  if (!options.messages.empty()) history_ = said(To::whole, options.messages, known);
  check_said(history_, known);
  refuse_media(history_, known);
}

Conversation::Conversation(const Conversation& other)
    : model_(other.model_),
      options_(other.options_),
      verdict_(other.verdict_),
      tools_(other.tools_),
      session_(other.session_->fork()),
      sampler_(other.sampler_),
      history_(other.history_) {}

std::shared_ptr<Conversation> Conversation::fork() const { return std::shared_ptr<Conversation>(new Conversation(*this)); }

std::vector<Message> Conversation::said(To to, std::vector<Message> messages, std::size_t& known) const {
  if (to == To::again) {
    GEMMA4_CHECK(!history_.empty() && history_.back().role == Role::assistant, ErrorCode::invalid_argument,
                 "regenerate: expected a conversation that ends with an assistant's message");
    known = history_.size() - 1;
    return {history_.begin(), history_.end() - 1};
  }
  GEMMA4_CHECK(!messages.empty(), ErrorCode::invalid_argument, "messages: expected at least one, got none");
  std::vector<Message> all;
  if (to == To::more) all = history_;
  if (all.empty() && !options_.system.empty() && !begins_with_system(messages)) all.push_back(Message::system(options_.system));
  known = all.size();
  all.insert(all.end(), std::make_move_iterator(messages.begin()), std::make_move_iterator(messages.end()));
  return all;
}

std::size_t Conversation::begin(To to, std::vector<Message> messages, const SendOptions& options, const Format& format) {
  if (turn_) cancel(n_turns_);
  std::size_t known = 0;
  std::vector<Message> all = said(to, std::move(messages), known);
  check_said(all, known);
  refuse_media(all, known);
  std::size_t n_ids = last_call_number(all);
  std::vector<std::string> unanswered;
  match_results(all, known, n_ids, unanswered);

  if (options.thinking) check(*options.thinking);
  check_loop_tokens(options.loop_tokens.value_or(0), "SendOptions");
  ToolSet& tools = this->tools(options);
  SendOptions held = options;
  const bool holds_calls = hold(tools, held, format);
  TurnSetup turn = setup(all, tools.functions, held);
  if (held.tool_choice.mode == ToolChoice::Mode::none) turn.reply.functions.clear();
  turn.reply.held_calls = holds_calls;
  turn.reply.first_id = n_ids;
  if (holds_calls) turn.reply.warnings = tools.grammars->warnings();
  turn.reply.warnings.insert(turn.reply.warnings.end(), unanswered.begin(), unanswered.end());
  auto reply = std::make_shared<Reply>();  // the one before is its stream's
  its_sampler_.reset();
  if (options.sampler) its_sampler_.emplace(*options.sampler);
  turn_.emplace(*session_, its_sampler_ ? *its_sampler_ : sampler_, std::move(turn), held);
  reply_ = std::move(reply);
  for (const std::string& warning : unanswered) base::log(LogLevel::warning, "chat: ", warning);
  said_ = std::move(all);
  return ++n_turns_;
}

// The tools of a reply: its own, or the chat's.
ToolSet& Conversation::tools(const SendOptions& options) {
  if (!options.tools && options.hold_calls.value_or(tools_.hold_calls) == tools_.hold_calls) return tools_;
  constexpr std::size_t kKept = 4;
  const Json& wanted = options.tools ? *options.tools : options_.tools;
  const bool hold_calls = options.hold_calls.value_or(options_.hold_calls);
  const auto found = std::find_if(other_tools_.begin(), other_tools_.end(), [&](const auto& other) {
    return other.second->hold_calls == hold_calls && other.first == wanted;
  });
  if (found != other_tools_.end()) {
    std::rotate(found, found + 1, other_tools_.end());
  } else {
    auto made = std::make_unique<ToolSet>(wanted, *model_->tokenizer(), hold_calls);
    if (other_tools_.size() == kKept) other_tools_.erase(other_tools_.begin());
    other_tools_.emplace_back(wanted, std::move(made));
  }
  return *other_tools_.back().second;
}

TurnSetup Conversation::setup(const std::vector<Message>& messages, const std::vector<Json>& functions,
                              const SendOptions& options) const {
  TurnSetup result;
  result.reply.functions = functions;
  result.reply.thinking = options.thinking.value_or(options_.thinking);
  result.reply.loop_tokens = options.loop_tokens.value_or(options_.loop_tokens);
  RenderOptions render_options;
  render_options.form = options_.form.value_or(verdict_.form);
  render_options.enable_thinking = result.reply.thinking.enabled;
  render_options.preserve_thinking = options.preserve_thinking.value_or(options_.preserve_thinking);
  std::vector<Message> shown;
  std::remove_copy_if(messages.begin(), messages.end(), std::back_inserter(shown), is_void);
  const Markup markup = render_repaired(shown, functions, render_options);
  result.prompt = markup.encode(*model_->tokenizer());
  result.checkpoint = turn_start(result.prompt, *model_->tokenizer());
  result.reply.begins_in_thought = markup.ends_with("<|channel>", "thought\n");
  return result;
}

// True when the calls of the reply are held to the syntax of calls.
bool Conversation::hold(ToolSet& tools, SendOptions& options, const Format& format) const {
  const ToolChoice& choice = options.tool_choice;
  const bool named = choice.mode == ToolChoice::Mode::named;
  const bool forced = named || choice.mode == ToolChoice::Mode::required;
  GEMMA4_CHECK(!forced || !tools.functions.empty(), ErrorCode::invalid_argument,
               "tool_choice: expected tools to choose from, found none");
  GEMMA4_CHECK(!named || find_function(tools.functions, choice.name) != nullptr, ErrorCode::invalid_argument,
               "tool_choice: expected the name of a declared tool, got \"", choice.name, "\"");
  GEMMA4_CHECK(options.max_calls >= 1, ErrorCode::invalid_argument, "SendOptions::max_calls: expected at least 1, got ",
               options.max_calls);
  GEMMA4_CHECK(!forced || !format, ErrorCode::invalid_argument,
               "response_format: expected none with a tool_choice that asks for a call");
  if (options.constraint) return false;
  const std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer = model_->tokenizer();
  if (forced) {
    options.constraint = std::make_shared<HeldReply>(
        tools.grammars->calls(named ? choice.name : std::string(), false, options.max_calls), tokenizer);
    return true;
  }
  if (tools.grammars && choice.mode == ToolChoice::Mode::automatic && (tools.hold_calls || format)) {
    const HeldReply::Program calls = tools.hold_calls ? tools.grammars->calls({}, true, options.max_calls) : nullptr;
    options.constraint = std::make_shared<HeldReply>(calls, tokenizer, tools.grammars->open(), format);
    return tools.hold_calls;
  }
  if (format) options.constraint = std::make_shared<HeldReply>(format, tokenizer);
  return false;
}

bool Conversation::next(std::size_t number, std::vector<ChatEvent>& events) {
  if (!turn_ || number != n_turns_) return false;
  bool more = false;
  try {
    more = turn_->next(events);
  } catch (...) {
    turn_.reset();
    throw;
  }
  if (!more) close();
  return more;
}

void Conversation::cancel(std::size_t number) {
  if (!turn_ || number != n_turns_) return;
  turn_->cancel();
  close();
}

// The turn is over. What was not read has not been said.
void Conversation::close() {
  *reply_ = turn_->reply();
  if (turn_->was_read()) {
    history_ = std::move(said_);
    history_.push_back(reply_->message());
  }
  said_.clear();
  turn_.reset();
}

void Conversation::rewind(std::size_t n) {
  if (turn_) cancel(n_turns_);
  GEMMA4_CHECK(n <= history_.size(), ErrorCode::invalid_argument, "rewind: expected at most the ", history_.size(),
               " messages there are, got ", n);
  history_.resize(n);
}

void Conversation::reset() {
  if (turn_) cancel(n_turns_);
  history_.clear();
  session_->truncate(0);
  sampler_.reset();
}

}  // namespace gemma4::chat
