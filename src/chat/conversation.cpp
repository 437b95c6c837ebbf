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

}  // namespace

TemplateVerdict judge_model(const model::LoadedModel& model) {
  return judge_template(weights::chat_template(model.checkpoint()), model.config().hidden_size_per_layer_input != 0);
}

Conversation::Conversation(std::shared_ptr<const model::LoadedModel> model, const ChatOptions& options)
    : model_(std::move(model)),
      options_(options),
      functions_(declared_tools(options.tools)),
      verdict_(judge_model(*model_)),
      session_(std::make_shared<session::SessionState>(model_, options.session)),
      sampler_(options.sampler ? *options.sampler : model_->sampler_defaults()) {
  GEMMA4_CHECK(options.thinking.budget >= -1, ErrorCode::invalid_argument,
               "Thinking::budget: expected -1 (no limit) or more, got ", options.thinking.budget);
  GEMMA4_CHECK(options.loop_tokens >= 0, ErrorCode::invalid_argument,
               "ChatOptions::loop_tokens: expected 0 (never) or more, got ", options.loop_tokens);
  check_json(options.system, "ChatOptions::system");
  for (const char* const token : {"<bos>", "<|turn>", "<turn|>"}) {
    GEMMA4_CHECK(model_->tokenizer()->token_to_id(token) >= 0, ErrorCode::unsupported, "the model's tokenizer has no \"",
                 token, "\": it was not made for conversations");
  }
  if (functions_.empty()) return;
  call_grammars_.emplace(functions_, *model_->tokenizer(), options.hold_calls);
  for (const std::string& warning : call_grammars_->warnings()) base::log(LogLevel::warning, "chat: ", warning);
}

std::size_t Conversation::begin(std::vector<Message> messages, const SendOptions& options, const Format& format) {
  if (turn_) cancel(n_turns_);
  GEMMA4_CHECK(!messages.empty(), ErrorCode::invalid_argument, "messages: expected at least one, got none");
  std::vector<Message> said = history_;
  if (said.empty() && !options_.system.empty() && !begins_with_system(messages)) {
    said.push_back(Message::system(options_.system));
  }
  const std::size_t known = said.size();
  said.insert(said.end(), std::make_move_iterator(messages.begin()), std::make_move_iterator(messages.end()));
  check_said(said, known);
  refuse_media(said, known);
  std::size_t n_ids = n_ids_;
  std::vector<std::string> unanswered;
  match_results(said, known, n_ids, unanswered);

  SendOptions held = options;
  const bool holds_calls = hold(held, format);
  TurnSetup turn = setup(said);
  if (held.tool_choice.mode == ToolChoice::Mode::none) turn.reply.functions.clear();
  turn.reply.held_calls = holds_calls;
  turn.reply.first_id = n_ids;
  if (holds_calls) turn.reply.warnings = call_grammars_->warnings();
  turn.reply.warnings.insert(turn.reply.warnings.end(), unanswered.begin(), unanswered.end());
  auto reply = std::make_shared<Reply>();  // the one before is its stream's
  turn_.emplace(*session_, sampler_, std::move(turn), held);
  reply_ = std::move(reply);
  for (const std::string& warning : unanswered) base::log(LogLevel::warning, "chat: ", warning);
  said_ = std::move(said);
  n_ids_ = n_ids;
  return ++n_turns_;
}

TurnSetup Conversation::setup(const std::vector<Message>& messages) const {
  RenderOptions render_options;
  render_options.form = options_.form.value_or(verdict_.form);
  render_options.enable_thinking = options_.thinking.enabled;
  render_options.preserve_thinking = options_.preserve_thinking;
  std::vector<Message> shown;
  std::remove_copy_if(messages.begin(), messages.end(), std::back_inserter(shown), is_void);
  const Markup markup = render_repaired(shown, functions_, render_options);
  TurnSetup result;
  result.prompt = markup.encode(*model_->tokenizer());
  result.checkpoint = turn_start(result.prompt, *model_->tokenizer());
  result.reply.begins_in_thought = markup.ends_with("<|channel>", "thought\n");
  result.reply.functions = functions_;
  result.reply.thinking = options_.thinking;
  result.reply.loop_tokens = options_.loop_tokens;
  return result;
}

// True when the calls of the reply are held to the syntax of calls.
bool Conversation::hold(SendOptions& options, const Format& format) {
  const ToolChoice& choice = options.tool_choice;
  const bool named = choice.mode == ToolChoice::Mode::named;
  const bool forced = named || choice.mode == ToolChoice::Mode::required;
  GEMMA4_CHECK(!forced || !functions_.empty(), ErrorCode::invalid_argument,
               "tool_choice: expected tools to choose from, found none");
  GEMMA4_CHECK(!named || find_function(functions_, choice.name) != nullptr, ErrorCode::invalid_argument,
               "tool_choice: expected the name of a declared tool, got \"", choice.name, "\"");
  GEMMA4_CHECK(options.max_calls >= 1, ErrorCode::invalid_argument, "SendOptions::max_calls: expected at least 1, got ",
               options.max_calls);
  GEMMA4_CHECK(!forced || !format, ErrorCode::invalid_argument,
               "response_format: expected none with a tool_choice that asks for a call");
  if (options.constraint) return false;
  const std::shared_ptr<const tokenizer::BpeTokenizer> tokenizer = model_->tokenizer();
  if (forced) {
    options.constraint = std::make_shared<HeldReply>(
        call_grammars_->calls(named ? choice.name : std::string(), false, options.max_calls), tokenizer);
    return true;
  }
  if (call_grammars_ && choice.mode == ToolChoice::Mode::automatic && (options_.hold_calls || format)) {
    const HeldReply::Program calls = options_.hold_calls ? call_grammars_->calls({}, true, options.max_calls) : nullptr;
    options.constraint = std::make_shared<HeldReply>(calls, tokenizer, call_grammars_->open(), format);
    return options_.hold_calls;
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
    n_ids_ += reply_->tool_calls.size();
    history_.push_back(reply_->message());
  }
  said_.clear();
  turn_.reset();
}

void Conversation::reset() {
  if (turn_) cancel(n_turns_);
  history_.clear();
  session_->truncate(0);
  sampler_.reset();
}

}  // namespace gemma4::chat
