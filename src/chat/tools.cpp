#include "chat/tools.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/words.h"
#include "chat/call_parser.h"
#include "chat/call_values.h"
#include "chat/messages.h"
#include "chat/python_text.h"
#include "chat/render.h"

namespace gemma4::chat {
namespace {

using base::is_one_of;

constexpr std::string_view kParameters = "parameters";

bool is_spelling(std::string_view key) noexcept { return is_one_of(key, {"parameters", "inputSchema", "input_schema"}); }

// What tools have besides, here and elsewhere: not the schema of their arguments.
bool is_known(std::string_view key) noexcept {
  return is_one_of(key, {"type", "function", "name", "description", "response", "return", "returns", "outputSchema", "output_schema",
                         "title", "annotations", "_meta", "meta", "icons", "execution", "cache_control", "strict"});
}

bool is_type(const Json* type) noexcept {
  const Json holder = type != nullptr ? Json::object({{"type", *type}}) : Json();
  for (const std::string_view name : {"object", "array", "string", "number", "integer", "boolean", "null"}) {
    if (has_type(&holder, name)) return true;
  }
  return false;
}

bool is_object(const Json* value) noexcept { return value != nullptr && value->is_object(); }

// A schema of an object, or what stands in the "properties" of one.
bool looks_like_schema(const Json& value) {
  if (!value.is_object() || value.size() == 0) return false;
  if (has_type(&value, "object") || is_object(value.find("properties"))) return true;
  for (const char* const key : {"$schema", "$ref", "$defs", "anyOf", "oneOf", "allOf"}) {
    if (value.find(key) != nullptr) return true;
  }
  return std::all_of(value.values().begin(), value.values().end(),
                     [](const Json& member) { return member.is_object() && is_type(member.find("type")); });
}

void refuse_schema(const std::string& key, const Json& value, const std::string& path) {
  GEMMA4_CHECK(is_known(key) || !looks_like_schema(value), ErrorCode::invalid_argument, path, ".", key,
               ": expected the schema of a tool's arguments under the key \"parameters\" (or \"inputSchema\", or "
               "\"input_schema\"), got one under \"", key, "\"");
}

// The function with its schema under one key, whichever it was.
Json with_parameters(const Json& function, const std::string& path) {
  Json result = Json::object();
  const std::string* spelling = nullptr;
  for (std::size_t i = 0; i < function.size(); ++i) {
    const std::string& key = function.keys()[i];
    if (!is_spelling(key)) {
      refuse_schema(key, function[i], path);
      result.set(key, function[i]);
      continue;
    }
    GEMMA4_CHECK(key == kParameters || function[i].is_null() || function[i].is_object(), ErrorCode::invalid_argument, path, ".",
                 key, ": expected an object, got ", describe(function[i].type()));
    if (spelling != nullptr && function[i].is_null()) continue;
    const Json* const other = spelling != nullptr ? result.find(kParameters) : nullptr;
    GEMMA4_CHECK(other == nullptr || other->is_null() || *other == function[i], ErrorCode::invalid_argument, path, ".", key,
                 ": expected one schema of the tool's arguments, got another than under \"", *spelling, "\"");
    if (other == nullptr || other->is_null()) spelling = &key;
    result.set(std::string(kParameters), function[i]);
  }
  return result;
}

Json parse_tool(const Json& tool, const std::string& path) {
  GEMMA4_CHECK(tool.is_object(), ErrorCode::invalid_argument, path, ": expected an object, got ", describe(tool.type()));
  const Json* const wrapped = tool.find("function");
  const std::string place = wrapped != nullptr ? path + ".function" : path;
  const Json& function = wrapped != nullptr ? *wrapped : tool;
  GEMMA4_CHECK(function.is_object(), ErrorCode::invalid_argument, place, ": expected an object, got ",
               describe(function.type()));
  check_json(function, place);
  for (std::size_t i = 0; wrapped != nullptr && i < tool.size(); ++i) {
    const std::string& key = tool.keys()[i];
    GEMMA4_CHECK(!is_spelling(key) || tool[i].is_null(), ErrorCode::invalid_argument, path, ".", key,
                 ": expected the schema inside of \"function\"");
    refuse_schema(key, tool[i], path);
  }
  const Json* const name = function.find("name");
  GEMMA4_CHECK(name != nullptr && name->is_string(), ErrorCode::invalid_argument, place, ".name: expected a string, ",
               name == nullptr ? "found none" : base::concat("got ", describe(name->type())));
  GEMMA4_CHECK(!name->as_string().empty(), ErrorCode::invalid_argument, place,
               ".name: expected a name, got an empty string");
  return with_parameters(function, place);
}

// The template writes a brace with the type.
void give_type(Json& function) {
  const Json* const parameters = function.find(kParameters);
  if (!truthy(parameters) || !parameters->is_object() || truthy(parameters->find("type"))) return;
  Json typed = *parameters;
  typed.set("type", "object");
  function.set(std::string(kParameters), std::move(typed));
}

}  // namespace

bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_.:-/").find(c) != std::string_view::npos;
}

std::vector<Json> parse_tools(const Json& tools) {
  std::vector<Json> functions;
  if (tools.is_null()) return functions;
  GEMMA4_CHECK(tools.is_array(), ErrorCode::invalid_argument, "tools: expected an array, got ", describe(tools.type()));
  for (std::size_t i = 0; i < tools.size(); ++i) functions.push_back(parse_tool(tools[i], base::concat("tools[", i, "]")));
  return functions;
}

std::vector<Json> declared_tools(const Json& tools) {
  std::vector<Json> functions = parse_tools(tools);
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const std::string& name = functions[i].at("name").as_string();
    GEMMA4_CHECK(std::all_of(name.begin(), name.end(), is_name_character), ErrorCode::invalid_argument, "tools[", i,
                 "].function.name: expected letters, digits and _.:-/, got \"", name, "\"");
    GEMMA4_CHECK(find_function(functions, name) == &functions[i], ErrorCode::invalid_argument, "tools[", i,
                 "].function.name: \"", name, "\" is declared twice");
    give_type(functions[i]);
  }
  render({}, functions, {});  // what cannot be declared is told now
  return functions;
}

}  // namespace gemma4::chat
