#include "chat/messages.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "base/utf8.h"

namespace gemma4::chat {
namespace {

template <class... Parts>
[[noreturn]] void fail_at(const std::string& path, const Parts&... parts) {
  base::fail(ErrorCode::invalid_argument, path, ": ", parts...);
}

[[noreturn]] void expected(const std::string& path, const char* what, const Json* got) {
  if (got == nullptr) fail_at(path, "expected ", what, ", found none");
  fail_at(path, "expected ", what, ", got ", describe(got->type()));
}

std::string at(const std::string& path, std::size_t i) { return base::concat(path, "[", i, "]"); }

void check_text(const std::string& text, const std::string& path) {
  if (base::is_utf8(text)) return;
  const char* p = text.data();
  const char* begin = p;
  while (base::next_code_point(p, text.data() + text.size()) < base::kInvalidByte) begin = p;
  fail_at(path, "expected UTF-8, got an invalid sequence at byte ", begin - text.data());
}

void check_json(const Json& value, std::size_t depth, const std::string& path) {
  if (depth > Json::kMaxDepth) fail_at(path, "expected nesting of at most ", Json::kMaxDepth, ", got more");
  if (value.is_string()) check_text(value.as_string(), path);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.is_array()) {
      check_json(value[i], depth + 1, at(path, i));
    } else {
      check_text(value.keys()[i], path + ": a key");
      check_json(value[i], depth + 1, path + "." + value.keys()[i]);
    }
  }
}

std::optional<Role> role_of(const std::string& name) {
  for (const Role role : {Role::system, Role::developer, Role::user, Role::assistant, Role::tool}) {
    if (name == to_string(role)) return role;
  }
  return std::nullopt;
}

// An assistant may call tools instead, and a tool's result may be null.
bool must_say_something(Role role) noexcept { return role != Role::assistant && role != Role::tool; }

/// A member that may be null or missing.
const Json* optional(const Json& object, const char* key) {
  const Json* const member = object.find(key);
  return member == nullptr || member->is_null() ? nullptr : member;
}

std::string optional_string(const Json& object, const char* key, const std::string& path) {
  const Json* const member = optional(object, key);
  if (member == nullptr) return {};
  if (!member->is_string()) expected(path + "." + key, "a string", member);
  return member->as_string();
}

std::optional<std::string> optional_id(const Json& object, const char* key, const std::string& path) {
  if (optional(object, key) == nullptr) return std::nullopt;
  return optional_string(object, key, path);
}

// An object, or the text of one, as chat completions have it.
Json parse_arguments(const Json* arguments, const std::string& path) {
  if (arguments == nullptr) expected(path, "an object", nullptr);
  if (!arguments->is_string()) {
    if (!arguments->is_object() && !arguments->is_null()) expected(path, "an object", arguments);
    return *arguments;
  }
  check_text(arguments->as_string(), path);
  Json parsed;
  try {
    parsed = Json::parse(arguments->as_string(), "the text");
  } catch (const Error& error) {
    fail_at(path, "expected an object, or the text of one, got a string that is none: ", error.what());
  }
  if (!parsed.is_object()) fail_at(path, "expected an object, or the text of one, got the text of ", describe(parsed.type()));
  return parsed;
}

ToolCall parse_call(const Json& call, const std::string& path) {
  if (!call.is_object()) expected(path, "an object", &call);
  ToolCall result;
  result.id = optional_id(call, "id", path);
  const Json* const function = call.find("function");
  const std::string place = function != nullptr ? path + ".function" : path;
  const Json& source = function != nullptr ? *function : call;
  if (!source.is_object()) expected(place, "an object", &source);
  const Json* const name = source.find("name");
  if (name == nullptr || !name->is_string()) expected(place + ".name", "a string", name);
  result.name = name->as_string();
  result.arguments = parse_arguments(source.find("arguments"), place + ".arguments");
  return result;
}

ToolResponse parse_response(const Json& response, const std::string& path) {
  if (!response.is_object()) expected(path, "an object", &response);
  const Json* const value = response.find("response");
  if (value == nullptr) expected(path + ".response", "a value", nullptr);
  return {optional_string(response, "name", path), *value};
}

template <class Item, class Parse>
std::vector<Item> parse_list(const Json& message, const char* key, const std::string& path, const Parse& parse) {
  std::vector<Item> items;
  const Json* const list = optional(message, key);
  if (list == nullptr) return items;
  const std::string place = path + "." + key;
  if (!list->is_array()) expected(place, "an array", list);
  for (std::size_t i = 0; i < list->size(); ++i) items.push_back(parse((*list)[i], at(place, i)));
  return items;
}

Message parse_message(const Json& message, const std::string& path) {
  if (!message.is_object()) expected(path, "an object", &message);
  const Json* const role = message.find("role");
  if (role == nullptr || !role->is_string()) expected(path + ".role", "a string", role);
  const std::optional<Role> known = role_of(role->as_string());
  if (!known) {
    fail_at(path + ".role", "expected system, developer, user, assistant or tool, got \"", role->as_string(), "\"");
  }
  Message result;
  result.role = *known;
  const Json* const content = message.find("content");
  if (content != nullptr) result.content = *content;
  result.reasoning = optional_string(message, "reasoning", path);
  if (result.reasoning.empty()) result.reasoning = optional_string(message, "reasoning_content", path);
  result.tool_calls = parse_list<ToolCall>(message, "tool_calls", path, parse_call);
  result.tool_responses = parse_list<ToolResponse>(message, "tool_responses", path, parse_response);
  result.tool_call_id = optional_id(message, "tool_call_id", path);
  if (result.role == Role::tool) result.name = optional_string(message, "name", path);
  if (content == nullptr && must_say_something(result.role) && result.tool_calls.empty()) {
    expected(path + ".content", "a string or an array of parts", nullptr);
  }
  return result;
}

void check_parts(const Message& message, const std::string& path) {
  const Json& content = message.content;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const Json& part = content[i];
    const std::string place = at(path, i);
    if (!part.is_object()) expected(place, "an object with a type", &part);
    const Json* const type = part.find("type");
    if (type == nullptr || !type->is_string()) expected(place + ".type", "a string", type);
    if (type->as_string() == "text") {
      const Json* const text = part.find("text");
      if (text == nullptr || !text->is_string()) expected(place + ".text", "a string", text);
    } else if (part_placeholder(part) == nullptr) {
      fail_at(place + ".type", "expected text, image, image_url, audio, input_audio or video, got \"", type->as_string(),
              "\"");
    }
  }
}

void check_content(const Message& message, const std::string& path) {
  check_json(message.content, 0, path);
  switch (message.content.type()) {
    case Json::Type::null:
    case Json::Type::string:
      return;
    case Json::Type::array:
      return check_parts(message, path);
    default:
      if (message.role != Role::tool) expected(path, "a string, an array of parts or null", &message.content);
  }
}

void check_message(const Message& message, const std::string& path) {
  check_content(message, path + ".content");
  check_text(message.reasoning, path + ".reasoning");
  check_text(message.name, path + ".name");
  if (message.role != Role::assistant && !message.tool_calls.empty()) {
    fail_at(path + ".tool_calls", "only an assistant calls tools, and this is a message of a ", to_string(message.role));
  }
  if (message.role != Role::assistant && !message.tool_responses.empty()) {
    fail_at(path + ".tool_responses", "only an assistant's message has them, and this is one of a ",
            to_string(message.role));
  }
  for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
    const ToolCall& call = message.tool_calls[i];
    const std::string place = at(path + ".tool_calls", i);
    check_text(call.name, place + ".function.name");
    if (call.name.empty()) fail_at(place + ".function.name", "expected a name, got an empty string");
    if (!call.arguments.is_object() && !call.arguments.is_null()) {
      expected(place + ".function.arguments", "an object", &call.arguments);
    }
    check_json(call.arguments, 0, place + ".function.arguments");
  }
  for (std::size_t i = 0; i < message.tool_responses.size(); ++i) {
    const std::string place = at(path + ".tool_responses", i);
    check_text(message.tool_responses[i].name, place + ".name");
    check_json(message.tool_responses[i].response, 0, place + ".response");
  }
}

}  // namespace

void check_json(const Json& value, const std::string& path) { check_json(value, 0, path); }

std::vector<Message> parse_messages(const Json& messages) {
  if (!messages.is_array()) expected("messages", "an array", &messages);
  std::vector<Message> result;
  for (std::size_t i = 0; i < messages.size(); ++i) result.push_back(parse_message(messages[i], at("messages", i)));
  return result;
}

void check_messages(const std::vector<Message>& messages, std::size_t known) {
  const Message* caller = nullptr;  // of the results that may come now
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    const std::string path = at("messages", i < known ? i : i - known);
    if (i >= known) check_message(message, path);
    if (message.role != Role::tool) {
      caller = &message;
      continue;
    }
    if (caller == nullptr || caller->tool_calls.empty()) {
      fail_at(path, "a tool's result without a call: expected an assistant's message with tool_calls before it");
    }
    if (!caller->tool_responses.empty()) {
      fail_at(path, "the calls before it have their results already, as tool_responses");
    }
  }
}

void check_said(const std::vector<Message>& messages, std::size_t known) {
  check_messages(messages, known);
  for (std::size_t i = known; i < messages.size(); ++i) {
    if (must_say_something(messages[i].role) && messages[i].content.is_null()) {
      fail_at(at("messages", i - known) + ".content", "expected a string or an array of parts, got null");
    }
  }
}

const std::string* part_text(const Json& part) noexcept {
  return part_placeholder(part) == nullptr ? &part.find("text")->as_string() : nullptr;
}

const char* part_placeholder(const Json& part) noexcept {
  const Json* const type = part.find("type");
  if (type == nullptr || !type->is_string()) return nullptr;
  const std::string& name = type->as_string();
  if (name == "image" || name == "image_url") return "<|image|>";
  if (name == "audio" || name == "input_audio") return "<|audio|>";
  if (name == "video") return "<|video|>";
  return nullptr;
}

}  // namespace gemma4::chat

namespace gemma4 {

const char* to_string(Role role) noexcept {
  static constexpr const char* kNames[] = {"system", "developer", "user", "assistant", "tool"};
  return kNames[static_cast<std::size_t>(role)];
}

const char* to_string(PreserveThinking::Mode mode) noexcept {
  static constexpr const char* kNames[] = {"none", "calls", "all"};
  return kNames[mode];
}

const char* to_string(ChatForm form) noexcept { return form == ChatForm::large ? "large" : "small"; }

}  // namespace gemma4
