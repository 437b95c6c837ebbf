#include "grammar/unicode_categories.h"

#include <cstdint>
#include <iterator>

namespace gemma4::grammar {
namespace {

constexpr std::uint32_t kRuns[] = {
#include "grammar/unicode_categories.inc"
};

struct Category {
  const char* code;   // two letters
  const char* names;  // " Long_Name other_name "
};
constexpr Category kCategories[] = {
    {"Lu", " Uppercase_Letter "},      {"Ll", " Lowercase_Letter "},    {"Lt", " Titlecase_Letter "},
    {"Lm", " Modifier_Letter "},       {"Lo", " Other_Letter "},        {"Mn", " Nonspacing_Mark "},
    {"Mc", " Spacing_Mark "},          {"Me", " Enclosing_Mark "},      {"Nd", " Decimal_Number digit "},
    {"Nl", " Letter_Number "},         {"No", " Other_Number "},        {"Pc", " Connector_Punctuation "},
    {"Pd", " Dash_Punctuation "},      {"Ps", " Open_Punctuation "},    {"Pe", " Close_Punctuation "},
    {"Pi", " Initial_Punctuation "},   {"Pf", " Final_Punctuation "},   {"Po", " Other_Punctuation "},
    {"Sm", " Math_Symbol "},           {"Sc", " Currency_Symbol "},     {"Sk", " Modifier_Symbol "},
    {"So", " Other_Symbol "},          {"Zs", " Space_Separator "},     {"Zl", " Line_Separator "},
    {"Zp", " Paragraph_Separator "},   {"Cc", " Control cntrl "},       {"Cf", " Format "},
    {"Cs", " Surrogate "},             {"Co", " Private_Use "},         {"Cn", " Unassigned "}};
constexpr std::size_t kUnassigned = std::size(kCategories) - 1;
constexpr Category kGroups[] = {{"L", " Letter "},      {"M", " Mark Combining_Mark "}, {"N", " Number "},
                                {"P", " Punctuation punct "}, {"S", " Symbol "},        {"Z", " Separator "},
                                {"C", " Other "}};

bool named(const Category& c, std::string_view name) {
  if (name == c.code) return true;
  const std::string_view names = c.names;
  for (std::size_t at = names.find(name); at != std::string_view::npos; at = names.find(name, at + 1)) {
    if (names[at - 1] == ' ' && names[at + name.size()] == ' ') return true;
  }
  return false;
}

/// Bits by index into kCategories.
std::uint32_t categories(std::string_view name) {
  if (name.empty() || name.find(' ') != std::string_view::npos) return 0;
  constexpr std::uint32_t kCased = 7;  // Lu, Ll, Lt
  if (name == "LC" || name == "Cased_Letter") return kCased;
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < std::size(kCategories); ++i) {
    bool of_group = false;
    for (const Category& group : kGroups) {
      of_group = of_group || (group.code[0] == kCategories[i].code[0] && named(group, name));
    }
    if (of_group || named(kCategories[i], name)) bits |= 1U << i;
  }
  return bits;
}

}  // namespace

std::optional<CodeRanges> unicode_property(std::string_view name) {
  if (name == "Any") return CodeRanges{{0, kLastCode}};
  if (name == "ASCII") return CodeRanges{{0, 0x7F}};
  std::uint32_t wanted = ~(1U << kUnassigned);
  if (name != "Assigned") {
    for (const std::string_view key : {"General_Category=", "gc="}) {
      if (name.substr(0, key.size()) == key) name.remove_prefix(key.size());
    }
    wanted = categories(name);
    if (wanted == 0) return std::nullopt;
  }
  CodeRanges out;
  for (std::size_t i = 0; i < std::size(kRuns); ++i) {
    if ((wanted >> (kRuns[i] & 31) & 1U) == 0) continue;
    const std::uint32_t first = kRuns[i] >> 5;
    const std::uint32_t last = i + 1 < std::size(kRuns) ? (kRuns[i + 1] >> 5) - 1 : kLastCode;
    if (!out.empty() && out.back().last + 1 == first) {
      out.back().last = last;
    } else {
      out.push_back({first, last});
    }
  }
  return out;
}

}  // namespace gemma4::grammar
