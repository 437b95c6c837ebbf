// Schemas whose objects have the members they list and no others.
#include "grammar/closed_objects.h"

#include <doctest/doctest.h>

using namespace gemma4;

namespace {

std::string closed(const char* schema) { return grammar::close_objects(Json::parse(schema)).dump(); }

}  // namespace

TEST_CASE("closed objects: those that list their members, at every depth") {
  CHECK(closed(R"({"type":"object"})") == R"({"type":"object"})");
  CHECK(closed(R"({"properties":{"a":{"items":{"properties":{"b":true}}}},"required":["a"]})") ==
        R"({"properties":{"a":{"items":{"properties":{"b":true},"additionalProperties":false}}},"required":["a"],)"
        R"("additionalProperties":false})");
  CHECK(closed(R"({"$defs":{"x":{"properties":{}}},"anyOf":[{"$ref":"#/$defs/x"},{"type":"null"}]})") ==
        R"({"$defs":{"x":{"properties":{},"additionalProperties":false}},"anyOf":[{"$ref":"#/$defs/x"},{"type":"null"}]})");
  CHECK(closed(R"({"prefixItems":[{"properties":{}}],"items":false})") ==
        R"({"prefixItems":[{"properties":{},"additionalProperties":false}],"items":false})");
}

TEST_CASE("closed objects: not those that speak of other members, nor what only looks like a schema") {
  for (const char* schema : {
           R"({"properties":{"a":true},"additionalProperties":true})",
           R"({"properties":{"a":true},"patternProperties":{"^x":true}})",
           R"({"properties":{"a":true},"propertyNames":{"minLength":1}})",
           R"({"properties":{"a":true},"minProperties":2})",
           R"({"properties":{"a":true},"required":["b"]})",
           R"({"const":{"properties":{"a":1}}})",
           R"({"enum":[{"properties":{}}],"default":{"properties":{}}})",
           R"({"properties":[1]})",
           R"({"properties":{"properties":{"type":"string"}},"additionalProperties":{"type":"string"}})",
       }) {
    CHECK(closed(schema) == schema);
  }
}

TEST_CASE("closed objects: none where schemas are combined") {
  for (const char* combination : {
           R"("allOf":[{"properties":{"a":true}},{"properties":{"b":true}}])", R"("oneOf":[{"properties":{"a":true}},true])",
           R"("not":{"properties":{"a":{"type":"null"}}})", R"("if":{"properties":{"a":true}},"then":false)",
           R"("contains":{"properties":{"a":true}},"maxContains":1)", R"("$ref":"#/$defs/x","properties":{"a":true})",
           R"("properties":{"a":true},"anyOf":[{"properties":{"b":true}}])", R"("unevaluatedProperties":false,"properties":{})",
       }) {
    const std::string schema = "{" + std::string(combination) + R"(,"$defs":{"x":{"properties":{"c":true}}}})";
    CHECK(closed(schema.c_str()) == schema);
  }
}
