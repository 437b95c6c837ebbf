// Schemas, regular expressions and GBNF: Error or a grammar, in bounded time; what a grammar accepts has only beginnings
// that it accepts, and what is forced is the only way on.
#include <chrono>
#include <string>

#include "fuzz_target.h"
#include "gemma4/error.h"
#include "gemma4/grammar.h"

using namespace gemma4;
using gemma4::fuzz::require;

namespace {

Grammar made(char kind, const std::string& text) {
  if (kind == 'r') return regex(text);
  if (kind == 'g') return gbnf(text);
  JsonSchemaOptions options;
  if (kind == 'b') options.whitespace = JsonSchemaOptions::Whitespace::bounded;
  return json_schema(text, options);
}

}  // namespace

// A letter, the grammar, and behind a NUL a text for it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string all(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t nul = all.find('\0');
  const std::string source = all.substr(0, nul), text = nul == std::string::npos ? "" : all.substr(nul + 1, 200);
  const auto begin = std::chrono::steady_clock::now();
  try {
    const Grammar grammar = made(static_cast<char>(data[0]), source);
    const bool accepted = grammar.accepts(text);
    bool before = true;
    for (std::size_t n = 0; n <= text.size(); ++n) {
      const bool now = grammar.accepts_prefix(text.substr(0, n));
      require(before || !now, "a text that cannot be begun cannot go on");
      require(now || !accepted, "what is accepted has been begun");
      before = now;
    }
    require(grammar.accepts(text) == accepted, "the same text is judged the same again");
  } catch (const Error& error) {
    require(error.code() != ErrorCode::internal, error.what());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  require(took.count() < 20.0, "ends within seconds, sanitizers and neighbours included");
  return 0;
}

std::vector<std::string> gemma4::fuzz::seeds() {
  using namespace std::string_literals;
  return {"s{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":-3,\"multipleOf\":0.5}},"
          "\"patternProperties\":{\"^x\":{\"maxLength\":3}},\"required\":[\"a\"]}\0{\"xa\":\"abc\",\"a\":1.5}"s,
          "s{\"anyOf\":[{\"$ref\":\"#/$defs/n\"},{\"enum\":[1,\"\\u00e9\",null,[],{}]}],\"$defs\":{\"n\":{\"items\":{\"$ref\":\"#\"},"
          "\"contains\":{\"const\":1},\"minItems\":2,\"maxItems\":900}}}\0[1,\"\\u00e9\",[1,1]]"s,
          "s{\"oneOf\":[{\"required\":[\"a\"]},{\"not\":{\"type\":[\"string\",\"object\"]}}],\"if\":{\"minProperties\":1},\"then\":"
          "{\"propertyNames\":{\"pattern\":\"a+$\"}},\"dependentRequired\":{\"a\":[\"aa\"]}}\0{\"aa\":1,\"a\":2}"s,
          "b{\"type\":\"array\",\"prefixItems\":[{\"format\":\"date\"},{\"pattern\":\"^(?=a)(\\\\w|[^\\\\d]){1,9}(b|)*\"}],\"items\":false,"
          "\"uniqueItems\":true}\0[ \"2024-02-29\",\n \"ab\" ]"s,
          "s{\"allOf\":[{\"properties\":{\"k\":{\"exclusiveMaximum\":10,\"type\":\"number\"}}},{\"additionalProperties\":{\"$ref\":\"#\"}}],"
          "\"maxProperties\":2,\"unevaluatedProperties\":false}\0{\"k\":9.75}"s,
          "r(a|b)*?c{2,5}[^x-z\\d]+(?:\\p{L}|.)(?!q)$\0abccd."s, "r^((a+)+|(b{0,9}){0,9})*$\0aabbb"s,
          "groot ::= item (\",\" item)* \"\\n\"?\nitem ::= [a-z]+ | \"(\" root \")\" | [^\\x00-\\x40]{2,3} # c\n\0(a,b),c"s,
          "groot ::= e\ne ::= t | t \"+\" e\nt ::= [0-9]{1,3} | \"(\" e \")\" | \"\"\n\0(1+2)+33"s};
}
