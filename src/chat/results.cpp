#include "chat/results.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <system_error>

#include "base/check.h"
#include "chat/python_text.h"

namespace gemma4::chat {
namespace {

struct OpenCall {
  std::string id;
  std::string name;
};

bool says_nothing(const Message& message) {
  const Json& content = message.content;
  return content.is_null() || (content.is_string() && trim(content.as_string()).empty()) ||
         (content.is_array() && content.size() == 0);
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
        drop_open();
        if (messages_[i].role == Role::assistant) calls(i);
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

  // Somebody else speaks: calls that have no result by now go, for the template would leave an open result there, with the
  // next turn in it.
  void drop_open() {
    if (open_.empty()) return;
    Message& caller = messages_[caller_];
    for (const OpenCall& call : open_) {
      warnings_.push_back(base::concat("the call ", call.id, " of \"", call.name,
                                       "\" was left out of the conversation: somebody spoke before its result came"));
      const auto found = std::find_if(caller.tool_calls.rbegin(), caller.tool_calls.rend(),
                                      [&](const ToolCall& each) { return each.id == call.id; });
      caller.tool_calls.erase(std::next(found).base());
    }
    if (caller.tool_calls.empty() && says_nothing(caller)) caller.content = Json();
    open_.clear();
  }

  void calls(std::size_t i) {
    Message& message = messages_[i];
    caller_ = i;
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
  std::size_t caller_ = 0;  // whose calls are open
  std::vector<OpenCall> open_;
  std::vector<std::string> answered_;
};

}  // namespace

void match_results(std::vector<Message>& messages, std::size_t known, std::size_t& n_ids,
                   std::vector<std::string>& warnings) {
  Matcher(messages, known, n_ids, warnings).run();
}

std::size_t last_call_number(const std::vector<Message>& messages) noexcept {
  constexpr std::string_view kPrefix = "call_";
  std::size_t largest = 0;
  for (const Message& message : messages) {
    for (const ToolCall& call : message.tool_calls) {
      if (!call.id || std::string_view(*call.id).substr(0, kPrefix.size()) != kPrefix) continue;
      std::uint32_t number = 0;
      const char* const end = call.id->data() + call.id->size();
      const auto read = std::from_chars(call.id->data() + kPrefix.size(), end, number);
      if (read.ec == std::errc() && read.ptr == end) largest = std::max<std::size_t>(largest, number);
    }
  }
  return largest;
}

bool is_void(const Message& message) noexcept {
  return message.role == Role::assistant && message.content.is_null() && message.tool_calls.empty() &&
         message.tool_responses.empty();
}

}  // namespace gemma4::chat
