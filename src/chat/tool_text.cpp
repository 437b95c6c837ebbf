#include "chat/tool_text.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "chat/python_text.h"

namespace gemma4::chat {
namespace {

constexpr std::string_view kQuote = "<|\"|>";

void quoted(std::string_view text, Markup& out) { out.control(kQuote).text(text).control(kQuote); }

// Jinja's dictsort: indices of the members by lower-cased key, equal ones in their order.
std::vector<std::size_t> sorted_members(const Json& object) {
  std::vector<std::string> keys;
  keys.reserve(object.size());
  for (const std::string& key : object.keys()) keys.push_back(lower(key));
  std::vector<std::size_t> order(object.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return keys[a] < keys[b]; });
  return order;
}

// Jinja's {{ value }} of a member, which prints nothing for one that is missing.
std::string printed(const Json* value) { return value == nullptr ? std::string() : str(*value); }

std::string upper_type(const Json& schema) { return upper(printed(schema.find("type"))); }

void require(bool condition, const std::string& path, const char* expected, const Json& got) {
  GEMMA4_CHECK(condition, ErrorCode::invalid_argument, path, ": expected ", expected, ", got ", describe(got.type()));
}

// Writes commas between the fields of a property.
class Fields {
 public:
  explicit Fields(Markup& out) : out_(out) {}
  Markup& next(std::string_view name) {
    if (!first_) out_.text(",");
    first_ = false;
    return out_.text(name).text(":");
  }

 private:
  Markup& out_;
  bool first_ = true;
};

void write_required(const Json& required, const std::string& path, Markup& out) {
  require(required.is_array(), path, "an array", required);
  out.text("[");
  for (std::size_t i = 0; i < required.size(); ++i) {
    if (i != 0) out.text(",");
    quoted(str(required[i]), out);
  }
  out.text("]");
}

void write_properties(const Json& properties, bool skip_standard_keys, const std::string& path, Markup& out);

void write_items(const Json& items, const std::string& path, Markup& out) {
  out.text("{");
  Fields fields(out);
  for (const std::size_t i : sorted_members(items)) {
    const std::string& key = items.keys()[i];
    const Json& value = items[i];
    if (value.is_null()) continue;
    fields.next(key);
    if (key == "properties") {
      out.text("{");
      if (value.is_object()) write_properties(value, false, path + ".properties", out);
      out.text("}");
    } else if (key == "required") {
      write_required(value, path + ".required", out);
    } else if (key == "type" && !value.is_string()) {
      require(value.is_array(), path + ".type", "a string or an array of strings", value);
      Json types = Json::array();
      for (const Json& type : value.values()) types.push_back(upper(str(type)));
      write_value(types, true, out);
    } else {
      write_value(key == "type" ? Json(upper(value.as_string())) : value, true, out);
    }
  }
  out.text("}");
}

// An object lists its own unusual keys as if they were properties where it has no properties.
void write_object_fields(const Json& schema, const std::string& path, Fields& fields, Markup& out) {
  const Json* const properties = schema.find("properties");
  const bool own = properties == nullptr || !properties->is_object();
  fields.next("properties").text("{");
  write_properties(own ? schema : *properties, own, own ? path : path + ".properties", out);
  out.text("}");
  if (const Json* const required = schema.find("required"); truthy(required)) {
    fields.next("required");
    write_required(*required, path + ".required", out);
  }
}

void write_property(const Json& schema, const std::string& path, Markup& out) {
  out.text("{");
  Fields fields(out);
  const std::string type = upper_type(schema);
  if (const Json* const description = schema.find("description"); truthy(description)) {
    fields.next("description");
    quoted(str(*description), out);
  }
  if (type == "STRING") {
    if (const Json* const values = schema.find("enum"); truthy(values)) {
      fields.next("enum");
      write_value(*values, true, out);
    }
  } else if (type == "ARRAY") {
    if (const Json* const items = schema.find("items"); truthy(items) && items->is_object()) {
      fields.next("items");
      write_items(*items, path + ".items", out);
    }
  }
  if (truthy(schema.find("nullable"))) fields.next("nullable").text("true");
  if (type == "OBJECT") write_object_fields(schema, path, fields, out);
  fields.next("type");
  quoted(type, out);
  out.text("}");
}

bool is_standard(std::string_view key) noexcept {
  static constexpr std::array<std::string_view, 5> kKeys = {"description", "type", "properties", "required",
                                                            "nullable"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

void write_properties(const Json& properties, bool skip_standard_keys, const std::string& path, Markup& out) {
  Fields fields(out);
  for (const std::size_t i : sorted_members(properties)) {
    const std::string& key = properties.keys()[i];
    if (skip_standard_keys && is_standard(key)) continue;
    fields.next(key);
    write_property(properties[i], path + "." + key, out);
  }
}

void write_members(const Json& object, bool quote_keys, Markup& out) {
  bool first = true;
  for (const std::size_t i : sorted_members(object)) {
    if (!first) out.text(",");
    first = false;
    if (quote_keys) {
      quoted(object.keys()[i], out);
    } else {
      out.text(object.keys()[i]);
    }
    out.text(":");
    write_value(object[i], quote_keys, out);
  }
}

void write_parameters(const Json& parameters, const std::string& path, Markup& out) {
  require(parameters.is_object(), path, "an object", parameters);
  out.text(",parameters:{");
  if (const Json* const properties = parameters.find("properties"); truthy(properties)) {
    require(properties->is_object(), path + ".properties", "an object", *properties);
    out.text("properties:{");
    write_properties(*properties, false, path + ".properties", out);
    out.text("},");
  }
  if (const Json* const required = parameters.find("required"); truthy(required)) {
    out.text("required:");
    write_required(*required, path + ".required", out);
    out.text(",");
  }
  if (!truthy(parameters.find("type"))) return;  // the brace goes with the type
  out.text("type:");
  quoted(upper_type(parameters), out);
  out.text("}");
}

void write_response_declaration(const Json& response, Markup& out) {
  out.text(",response:{");
  if (const Json* const description = response.find("description"); truthy(description)) {
    out.text("description:");
    quoted(str(*description), out);
    out.text(",");
  }
  if (upper_type(response) != "OBJECT") return;  // here too
  out.text("type:");
  quoted("OBJECT", out);
  out.text("}");
}

}  // namespace

void write_value(const Json& value, bool quote_keys, Markup& out) {
  switch (value.type()) {
    case Json::Type::null:
      out.text("null");
      break;
    case Json::Type::boolean:
      out.text(value.as_bool() ? "true" : "false");
      break;
    case Json::Type::integer:
    case Json::Type::real: {
      std::string text;
      append_number(value, text);
      out.text(text);
      break;
    }
    case Json::Type::string:
      quoted(value.as_string(), out);
      break;
    case Json::Type::object:
      out.text("{");
      write_members(value, quote_keys, out);
      out.text("}");
      break;
    case Json::Type::array:
      out.text("[");
      for (std::size_t i = 0; i < value.size(); ++i) {
        if (i != 0) out.text(",");
        write_value(value[i], quote_keys, out);
      }
      out.text("]");
      break;
  }
}

void write_declaration(const Json& function, const std::string& path, Markup& out) {
  out.control("<|tool>").text("declaration:").text(printed(function.find("name"))).text("{description:");
  quoted(printed(function.find("description")), out);
  if (const Json* const parameters = function.find("parameters"); truthy(parameters)) {
    write_parameters(*parameters, path + ".parameters", out);
  }
  if (const Json* const response = function.find("response")) write_response_declaration(*response, out);
  out.text("}").control("<tool|>");
}

void write_call(const ToolCall& call, Markup& out) {
  out.control("<|tool_call>").text("call:").text(call.name).text("{");
  write_members(call.arguments, false, out);
  out.text("}").control("<tool_call|>");
}

void write_response(const std::string& name, const Json& response, Markup& out) {
  out.control("<|tool_response>").text("response:").text(name).text("{");
  if (response.is_object()) {
    write_members(response, false, out);
  } else {
    out.text("value:");
    write_value(response, false, out);
  }
  out.text("}").control("<tool_response|>");
}

}  // namespace gemma4::chat
