#include "chat/call_grammar.h"

#include <string_view>

#include "base/check.h"
#include "base/log.h"
#include "base/words.h"
#include "chat/call_values.h"
#include "chat/python_text.h"
#include "grammar/closed_objects.h"
#include "grammar/schema.h"
#include "grammar/subschemas.h"

namespace gemma4::chat {
namespace {

using base::is_one_of;

constexpr const char* kAnyObject = "{\"type\":\"object\"}";

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

Json type_name(const Json& type) {
  if (!type.is_string()) return type;
  std::string name = lower_case(type.as_string());
  const bool known = is_one_of(name, {"object", "array", "string", "number", "integer", "boolean", "null"});
  return known ? Json(std::move(name)) : type;
}

Json normal_types(const Json& types) {
  if (!types.is_array()) return type_name(types);
  Json result = Json::array();
  for (const Json& type : types.values()) result.push_back(type_name(type));
  return result;
}

// "nullable", which OpenAPI's schemas have and JSON Schema has not.
Json with_null(Json schema) {
  Json null = Json::object();
  null.set("type", "null");
  return Json::object({{"anyOf", Json::array({std::move(schema), std::move(null)})}});
}

Json normal_schema(const Json& schema) {
  Json result = grammar::with_subschemas(schema, normal_schema);
  if (const Json* const type = schema.find("type")) result.set("type", normal_types(*type));
  const Json* const nullable = schema.find("nullable");
  return nullable != nullptr && nullable->is_bool() && nullable->as_bool() ? with_null(std::move(result)) : result;
}

// Keys stand bare in a call: they end at ':', and are read without the white space around them.
void check_key(const std::string& key, const std::string& path) {
  const bool bare = !key.empty() && trim(key) == key && key[0] != '"' && key.find_first_of(":}") == std::string::npos;
  GEMMA4_CHECK(bare, ErrorCode::unsupported, path, ": expected keys that can stand bare in a call (without ':' and '}', white space "
               "around them and a leading '\"'), got \"", key, "\"");
}

void check_value_keys(const Json& value, const std::string& path) {
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.is_object()) check_key(value.keys()[i], path);
    check_value_keys(value[i], path);
  }
}

void check_keys(const Json& schema, const std::string& path) {
  for (std::size_t i = 0; i < schema.size(); ++i) {
    const std::string place = schema.is_object() ? path + "." + schema.keys()[i] : base::concat(path, "[", i, "]");
    const std::string_view key = schema.is_object() ? std::string_view(schema.keys()[i]) : std::string_view();
    if (is_one_of(key, {"enum", "const"})) {
      check_value_keys(schema[i], place);
    } else if (key == "properties" && schema[i].is_object()) {
      for (std::size_t k = 0; k < schema[i].size(); ++k) {
        check_key(schema[i].keys()[k], place);
        check_keys(schema[i][k], place + "." + schema[i].keys()[k]);
      }
    } else if (!is_one_of(key, {"default", "examples"})) {
      check_keys(schema[i], place);
    }
  }
}

// Arguments are an object, whatever else the schema would take.
void check_root(const Json& parameters, const std::string& path) {
  const Json* const type = parameters.find("type");
  GEMMA4_CHECK(!truthy(type) || has_type(&parameters, "object"), ErrorCode::invalid_argument, path,
               ".type: expected \"object\", got ", str(*type));
}

}  // namespace

Json arguments_schema(const Json& function) {
  const Json* const parameters = function.find("parameters");
  Json schema = Json::object({{"type", "object"}});
  for (std::size_t i = 0; parameters != nullptr && parameters->is_object() && i < parameters->size(); ++i) {
    if (!is_one_of(parameters->keys()[i], {"type", "nullable"})) schema.set(parameters->keys()[i], (*parameters)[i]);
  }
  if (schema.size() == 1) schema.set("properties", Json::object());  // no arguments
  return grammar::close_objects(normal_schema(schema));
}

CallGrammars::CallGrammars(std::vector<Json> functions, const tokenizer::BpeTokenizer& tokenizer, bool by_schema)
    : functions_(std::move(functions)),
      open_(tokenizer.token_to_id("<|tool_call>")),
      close_(tokenizer.token_to_id("<tool_call|>")),
      quote_(tokenizer.token_to_id("<|\"|>")) {
  GEMMA4_CHECK(open_ >= 0 && close_ >= 0 && quote_ >= 0, ErrorCode::unsupported,
               "the model's tokenizer has no \"<|tool_call>\": it was not made for tool calls");
  for (std::size_t i = 0; i < functions_.size(); ++i) {
    schemas_.push_back(kAnyObject);
    if (!by_schema) continue;
    try {
      schemas_[i] = schema_of(i);
    } catch (const Error& error) {
      warnings_.push_back(base::concat("calls of the tool \"", functions_[i].at("name").as_string(),
                                       "\" are not held to its schema: ", error.what()));
    }
  }
}

// Of the arguments, as text. Throws Error where it cannot be held to.
std::string CallGrammars::schema_of(std::size_t i) const {
  const std::string path = base::concat("tools[", i, "].function.parameters");
  if (const Json* const parameters = functions_[i].find("parameters")) {
    check_root(*parameters, path);
    check_keys(*parameters, path);
  }
  std::string schema = arguments_schema(functions_[i]).dump();
  try {
    grammar::compile_json_schema(schema, false);
  } catch (const Error& error) {
    base::fail(error.code(), path, ": ", error.what());
  }
  return schema;
}

std::shared_ptr<const grammar::Program> CallGrammars::calls(const std::string& name, bool opened, int max_calls) {
  std::shared_ptr<const grammar::Program>& made = made_[{name, opened, max_calls}];
  if (made) return made;
  try {
    made = std::make_shared<const grammar::Program>(build(name, opened, max_calls));
  } catch (const Error& error) {  // each can be held to, but not all of them at once
    if (error.code() != ErrorCode::unsupported) throw;
    for (std::size_t i = 0; i < functions_.size(); ++i) schemas_[i] = kAnyObject;
    warnings_.push_back(base::concat("calls are not held to the tools' schemas, which are too much together: ", error.what()));
    base::log(LogLevel::warning, "chat: ", warnings_.back());
    made = std::make_shared<const grammar::Program>(build(name, opened, max_calls));
  }
  return made;
}

std::unique_ptr<grammar::Rules> CallGrammars::build(const std::string& name, bool opened, int max_calls) const {
  auto rules = std::make_unique<grammar::Rules>();
  rules->style.call = true;
  rules->style.quote = quote_;
  std::vector<grammar::RuleId> calls;
  for (std::size_t i = 0; i < functions_.size(); ++i) {
    const std::string& function = functions_[i].at("name").as_string();
    if (!name.empty() && function != name) continue;
    calls.push_back(rules->sequence({rules->text("call:" + function), rules->value(grammar::add_schema(*rules, schemas_[i])),
                                     rules->token({close_})}));
  }
  const grammar::RuleId call = rules->choice(std::move(calls));
  const grammar::RuleId whole = rules->sequence({rules->token({open_}), call});
  const auto most = static_cast<std::uint32_t>(max_calls);
  rules->set_root(opened ? rules->sequence({call, rules->repeat(whole, 0, most - 1)}) : rules->repeat(whole, 1, most));
  rules->finish();
  return rules;
}

}  // namespace gemma4::chat
