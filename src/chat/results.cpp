#include "chat/results.h"

#include <algorithm>

#include "base/check.h"
#include "chat/python_text.h"

namespace gemma4::chat {
namespace {

struct OpenCall {
  std::string id;
  std::string name;
};

std::string unanswered_warning(const std::string& id, const std::string& name) {
  return base::concat("the call ", id, id.empty() ? "" : " ", "of \"", name,
                      "\" has no result and is left out of the prompt");
}

class Matcher {
 public:
  Matcher(std::vector<Message>& messages, std::size_t known, std::size_t& n_ids, std::vector<std::string>& warnings)
      : messages_(messages), known_(known), n_ids_(n_ids), warnings_(warnings) {}

  void run() {
    for (std::size_t i = 0; i < messages_.size(); ++i) {
      if (messages_[i].role == Role::tool) {
        result(i);
      } else {
        leave_open(i);
        if (messages_[i].role == Role::assistant) calls(messages_[i]);
      }
    }
    if (!open_.empty()) {
      base::fail(ErrorCode::invalid_argument, "messages: expected a tool's message with the result of the call ",
                 open_.front().id, " of \"", open_.front().name, "\", found none");
    }
    const bool answered = !messages_.empty() && !messages_.back().tool_responses.empty();
    GEMMA4_CHECK(!messages_.empty() && (messages_.back().role != Role::assistant || answered),
                 ErrorCode::invalid_argument, "messages: expected the last one to be a user's or a tool's");
  }

 private:
  std::string path(std::size_t i) const { return base::concat("messages[", i < known_ ? i : i - known_, "]"); }

  // Somebody else speaks: what has no result by now gets none.
  void leave_open(std::size_t i) {
    for (const OpenCall& call : open_) {
      if (i >= known_) warnings_.push_back(unanswered_warning(call.id, call.name));
    }
    open_.clear();
  }

  void calls(Message& message) {
    answered_.clear();
    for (ToolCall& call : message.tool_calls) {
      if (!call.id) call.id = base::concat("call_", ++n_ids_);
      if (message.tool_responses.empty()) open_.push_back({*call.id, call.name});
    }
  }

  void result(std::size_t i) {
    Message& message = messages_[i];
    if (!message.tool_call_id) message.tool_call_id = meant(i);
    const auto found = std::find_if(open_.begin(), open_.end(),
                                    [&](const OpenCall& call) { return call.id == *message.tool_call_id; });
    if (found != open_.end()) {
      answered_.push_back(found->id);
      open_.erase(found);
      return;
    }
    const bool twice = std::find(answered_.begin(), answered_.end(), *message.tool_call_id) != answered_.end();
    base::fail(ErrorCode::invalid_argument, path(i), ".tool_call_id: ",
               twice ? "a second result of the call \""
                     : "a result without a call: expected the id of an open call, got \"",
               *message.tool_call_id, "\"");
  }

  // The one open call that a result without an id can belong to.
  std::string meant(std::size_t i) const {
    const std::string& name = messages_[i].name;
    const OpenCall* only = nullptr;
    std::size_t n = 0;
    for (const OpenCall& call : open_) {
      if (!name.empty() && call.name != name) continue;
      only = &call;
      ++n;
    }
    GEMMA4_CHECK(n == 1, ErrorCode::invalid_argument, path(i),
                 ".tool_call_id: expected the id of a call, found none, and ", n, " open calls may be meant");
    return only->id;
  }

  std::vector<Message>& messages_;
  const std::size_t known_;
  std::size_t& n_ids_;
  std::vector<std::string>& warnings_;
  std::vector<OpenCall> open_;
  std::vector<std::string> answered_;
};

bool names(const Message& result, const ToolCall& call) noexcept {
  return result.tool_call_id ? call.id == result.tool_call_id : call.name == result.name;
}

// Which of the message's calls the results behind it answer. Results that name none of them answer the first that are left:
// the template takes what it gets.
std::vector<bool> answered(const std::vector<Message>& messages, std::size_t caller) {
  const std::vector<ToolCall>& calls = messages[caller].tool_calls;
  std::vector<bool> known(calls.size());
  std::size_t unnamed = 0;
  for (std::size_t i = caller + 1; i < messages.size() && messages[i].role == Role::tool; ++i) {
    std::size_t k = 0;
    while (k < calls.size() && (known[k] || !names(messages[i], calls[k]))) ++k;
    if (k < calls.size()) {
      known[k] = true;
    } else {
      ++unnamed;
    }
  }
  for (std::size_t k = 0; k < calls.size() && unnamed != 0; ++k) {
    if (known[k]) continue;
    known[k] = true;
    --unnamed;
  }
  return known;
}

bool says_nothing(const Message& message) {
  const Json& content = message.content;
  return content.is_null() || (content.is_string() && trim(content.as_string()).empty()) ||
         (content.is_array() && content.size() == 0);
}

}  // namespace

void match_results(std::vector<Message>& messages, std::size_t known, std::size_t& n_ids,
                   std::vector<std::string>& warnings) {
  Matcher(messages, known, n_ids, warnings).run();
}

std::vector<Message> without_unanswered(std::vector<Message> messages, std::vector<std::string>& warnings) {
  std::vector<Message> kept;
  const auto last = std::find_if(messages.rbegin(), messages.rend(), [](const Message& m) { return m.role != Role::tool; });
  const auto n_settled = static_cast<std::size_t>(messages.rend() - last) - (last == messages.rend() ? 0 : 1);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    Message& message = messages[i];
    if (i >= n_settled || message.tool_calls.empty() || !message.tool_responses.empty()) {
      kept.push_back(std::move(message));
      continue;
    }
    const std::vector<bool> has_result = answered(messages, i);
    std::vector<ToolCall> calls;
    for (std::size_t k = 0; k < message.tool_calls.size(); ++k) {
      ToolCall& call = message.tool_calls[k];
      if (has_result[k]) {
        calls.push_back(std::move(call));
      } else {
        warnings.push_back(unanswered_warning(call.id.value_or(""), call.name));
      }
    }
    message.tool_calls = std::move(calls);
    if (!message.tool_calls.empty() || !says_nothing(message)) kept.push_back(std::move(message));
  }
  return kept;
}

}  // namespace gemma4::chat
