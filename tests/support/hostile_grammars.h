// Grammars whose counted repeats, taken apart naively, have a state for every combination of their counters.
#pragma once

#include <string>
#include <vector>

#include "gemma4/grammar.h"

namespace gemma4::test {

struct HostileGrammar {
  enum class Kind : unsigned char { regex, schema, gbnf };
  Kind kind;
  std::string source;
  std::string text;  ///< Repeated without an end, its beginnings are the grammar's, or lead it far.

  Grammar make() const {
    return kind == Kind::regex ? regex(source) : kind == Kind::gbnf ? gbnf(source) : json_schema(source);
  }
};

inline std::string pattern_schema(const std::string& pattern, const std::string& more = "") {
  std::string escaped;
  for (const char c : pattern) {
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return "{\"type\":\"string\",\"pattern\":\"" + escaped + "\"" + more + "}";
}

inline std::vector<HostileGrammar> hostile_grammars() {
  using Kind = HostileGrammar::Kind;
  std::vector<HostileGrammar> all;
  // Expressions, as regular expressions, and as patterns of schemas with lengths beside them.
  for (const auto& [pattern, text] : std::vector<std::pair<std::string, std::string>>{
           {R"(((\w{1,30} ?){1,30}\n?){1,30})", "some words of a text and "},
           {R"(((a{1,100}){1,100}){1,100})", "a"},
           {R"(((a{2,50}){3,100}){2,100})", "a"},
           {R"(((a{0,100}b?){0,100}c?){0,100})", "aab"},
           {R"((a|aa){1,500})", "a"},
           {R"((a|aa|aaa|b){3,500}(a|b)*)", "aab"},
           {R"((aa|aaa){50,500})", "a"},
           {R"((.{0,200}x){0,200})", "x"},
           {R"((.{0,200}x){0,200})", "abxx"},
           {R"((.{1,200}x.{1,200}y){1,200})", "axyxy"},
           {R"(([a-z]+ ?)+)", "some words "},
           {R"((([a-z]+ ?){1,50}[,.]? ?){1,50})", "some words, "},
           {R"((.*a){20})", "ba"},
           {R"((.*a.*b){30})", "ab"},
           {R"((a|b)*a(a|b){1000})", "abbab"},
           {R"((a|b)*a(a|b){20})", "abbab"},
           {R"([ab]*a[ab]{2000}b[ab]{2000})", "abbab"},
           {R"((?=.{0,300}x)(\w{1,50} ?){1,50})", "xyz "},
           {R"((?!(\w{1,20} ?){5,30}$)(\w{1,30} ?){1,60})", "abc "},
           {R"((?=(a{1,50}){1,50}b)(?=.*c)[abc]{1,3000})", "a"},
           {R"((?!.*(aa|bb){3,50}c)[abc]{1,500})", "abbaab"},
           {R"((?=(.{0,100}a){1,50})(?=(.{0,70}b){1,50})(.{0,30}[ab]){1,200})", "abcab"},
           {R"((\d{1,3},?){1,100}(\.\d{1,9}){0,20})", "12,345"},
           {R"(([^,]{0,50},){0,50}[^,]{0,50})", "a,bc"},
           {R"((([^ ,;]{1,40}[ ,;]{0,3}){1,40}[.!?]?\s?){1,20})", "words, and more; "},
           {R"((\S{1,20}\s{1,5}){1,100}\S{1,20})", "words and more "},
           {R"((a?){500}a{500})", "a"},
           {R"((a*)*b|(a|a)*c|((a+)+)+d)", "a"},
           {R"(((ab?){1,40}(a?b){1,40}){1,40})", "ab"},
           {R"((((a{0,9}b{0,9}){0,9}c{0,9}){0,9}d{0,9}){0,9})", "abcd"},
           {R"((a{1,10}b{1,10}|a{1,7}c{1,7}|[ab]{1,12}){1,99})", "aabb"},
           {R"(((a{3,40}b{0,9}){5,40}c?){7,40})", "aaab"},
           {R"((?:(?=a{1,50}b)[ab]{1,60}){1,60})", "aab"},
           {R"(((?!(ab{1,9}){3,9}c)[abc]{1,20}[abc]?){1,50})", "abbabc"},
           {R"((\w{0,30}\d{0,30}\w{0,30}){0,30})", "a1a"},
           {R"(([^a]{0,99}a[^b]{0,99}b){0,99})", "xaxb"},
           {R"((x{0,40}y?z?){20,60}(x|y){0,200}z{3,90})", "xxyz"},
           {R"(([\u00e0-\u00ff]{1,30}[a-z]?){1,30})", "\xC3\xA9" "a"},
           {R"((\p{L}{1,30} ?){1,30})", "some words "},
           {R"((\p{Lu}?\P{Lu}{1,20}){1,90})", "some Words "},
           {R"((a{100,1000000}|b{1,1000000}){1,1000000})", "ab"},
           {R"(([a-z]{2,10}([A-Z][a-z]{1,9}){0,5}[ _-]?){1,100})", "wordWord "}}) {
    all.push_back({Kind::regex, pattern, text});
    all.push_back({Kind::schema, pattern_schema("^" + pattern + "$"), "\"" + text});
    all.push_back({Kind::schema, pattern_schema(pattern, R"(,"minLength":5,"maxLength":700)"), "\"" + text});
  }
  const auto schema = [&](const char* source, const char* text) { all.push_back({Kind::schema, source, text}); };
  schema(R"({"type":"array","minItems":200,"maxItems":5000,"items":{"type":"array","minItems":3,"maxItems":900,
            "items":{"type":"array","items":{"type":"integer"},"minItems":1,"maxItems":700}}})", "[[[1,2],[3]");
  schema(R"({"type":"array","contains":{"type":"integer","minimum":3},"minContains":90,"maxContains":200,
            "maxItems":900,"items":{"anyOf":[{"type":"integer"},{"type":"string","maxLength":500}]}})", "[1,5,\"a\",");
  schema(R"({"type":"array","items":{"type":"string","pattern":"^(\\w{1,20} ?){1,20}$"},"maxItems":300})",
         "[\"some words\",\"and more\",");
  schema(R"({"type":"object","patternProperties":{"^(a{1,30}b?){1,30}$":{"maxLength":100},
            "^(a|b){3,50}$":{"minLength":20}},"additionalProperties":false,"maxProperties":50})", "{\"aab");
  schema(R"({"allOf":[{"pattern":"^(\\w{1,30} ?){1,30}$"},{"pattern":"(a.{0,50}){0,50}b"},{"pattern":"^.{10,500}$"}],
            "type":"string","maxLength":400})", "\"a ab ");
  schema(R"({"type":"string","not":{"pattern":"(\\w{1,30} ?){1,30}x"}})", "\"some words ");
  schema(R"({"oneOf":[{"pattern":"^(a{1,30}b?){1,30}$"},{"pattern":"^(ab?){1,50}$"}],"type":"string"})", "\"aab");
  schema(R"({"type":"object","propertyNames":{"pattern":"^(\\w{1,20}-?){1,20}$"},"minProperties":3,
            "additionalProperties":{"type":"string","pattern":"^(a{1,30}b?){1,30}$","maxLength":90}})", "{\"key-name\":\"aab\",");
  schema(R"({"$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"},"minItems":2,"maxItems":900}},"$ref":"#/$defs/t"})", "[");
  schema(R"({"type":"array","items":{"anyOf":[{"type":"array","items":{"type":"integer"},"maxItems":90},
            {"type":"array","items":{"type":"number"},"maxItems":80},{"type":"array","maxItems":70}]},"maxItems":500})",
         "[[1,2],[3,4],");
  schema(R"({"type":"array","contains":{"pattern":"^(a|ab){1,50}$"},"minContains":50,"maxContains":60,
            "items":{"type":"string","pattern":"^(a{1,9}b?){1,90}$"}})", "[\"ab\",");
  schema(R"({"type":"string","pattern":"^(\\w{1,30} ?){1,30}$","not":{"pattern":"(ab?){3,30}c"},"minLength":100,
            "maxLength":101})", "\"word ");
  schema(R"({"type":"number","minimum":0.1,"maximum":1e9,"multipleOf":0.007,"not":{"multipleOf":0.011}})", "12.");
  const auto rules = [&](const char* source, const char* text) { all.push_back({Kind::gbnf, source, text}); };
  rules("root ::= ((\"a\"{1,100}){1,100}){1,100}", "a");
  rules("root ::= ((word \" \"?){1,30} \"\\n\"?){1,30}\nword ::= [a-z]{1,30}", "some words ");
  // Not regular: the repeats are those of rules.
  rules("root ::= (((x{1,50}){1,50} \" \"?){1,50})\nx ::= \"a\" | \"(\" root \")\"", "a");
  rules("root ::= ((item{1,30} \",\"?){1,30} \";\"?){1,30}\nitem ::= \"[\" root \"]\" | [a-z]{1,9}", "ab,a");
  rules("root ::= ((x{3,50}){7,50} \" \"?){5,50}\nx ::= \"a\" | \"(\" root \")\"", "a");
  rules("root ::= ((x{3,50} y{0,50}){7,50} \" \"?){5,50}\nx ::= \"a\" | \"(\" root \")\"\ny ::= \"a\" \"b\"? | \"[\" root \"]\"", "aab");
  rules("root ::= x{0,300} y{0,300} x{0,300} y{0,300}\nx ::= \"a\" | \"(\" root \")\"\ny ::= \"a\" | \"[\" root \"]\"", "a");
  rules("root ::= (x? x? x? x? x? x? x? x? x? x?){1,90}\nx ::= \"a\"{1,9} | \"(\" root \")\"", "a");
  rules("root ::= (x{20} | y{30} | z{7,70}){40}\nx ::= \"a\" | \"(\" root \")\"\ny ::= x \"b\"?\nz ::= y? x", "aab");
  rules("root ::= (a|aa){1,500}\na ::= \"a\" | \"(\" root \")\"\naa ::= a a", "a");
  rules("root ::= \"a\" root \"b\" | \"a\" root \"c\" | root2\nroot2 ::= \"\" | \"x\" root2 root2", "aax");
  return all;
}

}  // namespace gemma4::test
