#include "grammar/string_formats.h"

#include <algorithm>
#include <array>

namespace gemma4::grammar {
namespace {

// RFC 3339: months have their days, February 29 comes in leap years, 60 is a second before midnight UTC only. No year 0:
// programs' calendars have none.
std::string date() {
  return "(?:(?:\\d{3}[1-9]|\\d\\d[1-9]0|\\d[1-9]00|[1-9]000)-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|"
    "02-(?:0[1-9]|1\\d|2[0-8]))|"
    "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29)";
}
std::string offset() {
  return "(?:[zZ]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)";
}
std::string time() {
  return "(?:(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?" + offset() +
                          "|23:59:60(?:\\.\\d+)?(?:[zZ]|[+-]00:00))";
}
// RFC 3339, appendix A.
std::string duration() {
  return "P(?:\\d+W|(?:\\d+D|\\d+M(?:\\d+D)?|\\d+Y(?:\\d+M(?:\\d+D)?)?)"
    "(?:T(?:\\d+S|\\d+M(?:\\d+S)?|\\d+H(?:\\d+M(?:\\d+S)?)?))?|"
    "T(?:\\d+S|\\d+M(?:\\d+S)?|\\d+H(?:\\d+M(?:\\d+S)?)?))";
}
std::string label() {
  return "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
}
std::string hostname() {
  return "(?=.{1,253}$)" + label() + "(?:\\." + label() + ")*";
}
std::string byte() {
  return "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
}
std::string ipv4() {
  return "(?:" + byte() + "\\.){3}" + byte();
}
std::string hex() {
  return "[0-9A-Fa-f]";
}

std::string ipv6() {
  const std::string h = hex() + "{1,4}", last = "(?:" + h + ":" + h + "|" + ipv4() + ")";
  const auto some = [&](int n) { return "(?:" + h + ":){" + std::to_string(n) + "}"; };
  const auto up_to = [&](int n) { return "(?:(?:" + h + ":){0," + std::to_string(n) + "}" + h + ")?"; };
  return "(?:" + some(6) + last + "|::" + some(5) + last + "|(?:" + h + ")?::" + some(4) + last + "|" + up_to(1) +
         "::" + some(3) + last + "|" + up_to(2) + "::" + some(2) + last + "|" + up_to(3) + "::" + some(1) + last + "|" +
         up_to(4) + "::" + last + "|" + up_to(5) + "::" + h + "|" + up_to(6) + "::)";
}

// RFC 3986.
std::string uri(bool reference) {
  const std::string pct = "%" + hex() + hex(), unreserved = "A-Za-z0-9._~\\-", sub = "!$&'()*+,;=";
  const auto chars = [&](const std::string& more) { return "(?:[" + unreserved + sub + more + "]|" + pct + ")"; };
  const std::string pchar = chars(":@"), segments = "(?:/" + pchar + "*)*";
  const std::string host = "(?:\\[(?:" + ipv6() + "|[vV]" + hex() + "+\\.[" + unreserved + sub + ":]+)\\]|" +
                           chars("") + "*)";
  const std::string authority = "(?:" + chars(":") + "*@)?" + host + "(?::\\d*)?";
  const std::string absolute = "/(?:" + pchar + "+" + segments + ")?";
  const std::string tail = "(?:\\?" + chars(":@/?") + "*)?(?:#" + chars(":@/?") + "*)?";
  const std::string full = "[A-Za-z][A-Za-z0-9+.-]*:(?://" + authority + segments + "|" + absolute + "|" + pchar + "+" +
                           segments + "|)" + tail;
  if (!reference) return full;
  return "(?:" + full + "|(?://" + authority + segments + "|" + absolute + "|" + chars("@") + "+" + segments + "|)" +
         tail + ")";
}

constexpr std::array<std::string_view, 14> kSupported = {
    "date", "time", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "uuid",
    "json-pointer", "relative-json-pointer", "uri-template"};
constexpr std::array<std::string_view, 7> kUnsupported = {"idn-email", "idn-hostname", "iri",      "iri-reference",
                                                          "regex",     "ip-address",   "host-name"};

template <class Array>
bool has(const Array& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

FormatKind format_kind(std::string_view name) {
  if (has(kSupported, name)) return FormatKind::supported;
  return has(kUnsupported, name) ? FormatKind::unsupported : FormatKind::unknown;
}

std::string format_pattern(std::string_view name) {
  if (name == "date") return date();
  if (name == "time") return time();
  if (name == "date-time") return date() + "[tT]" + time();
  if (name == "duration") return duration();
  if (name == "email") {
    const std::string atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
    const std::string quoted = "\"(?:[ !#-\\[\\]-~]|\\\\[ -~])*\"";
    return "(?:" + atom + "(?:\\." + atom + ")*|" + quoted + ")@(?:" + label() + "(?:\\." + label() + ")*|\\[(?:" +
           ipv4() + "|IPv6:" + ipv6() + ")\\])";
  }
  if (name == "hostname") return hostname();
  if (name == "ipv4") return ipv4();
  if (name == "ipv6") return ipv6();
  if (name == "uri") return uri(false);
  if (name == "uri-reference") return uri(true);
  if (name == "uuid") return hex() + "{8}(?:-" + hex() + "{4}){3}-" + hex() + "{12}";
  if (name == "json-pointer") return "(?:/(?:[^~/]|~[01])*)*";
  if (name == "relative-json-pointer") return "(?:0|[1-9]\\d*)(?:#|(?:/(?:[^~/]|~[01])*)*)";
  // uri-template, RFC 6570
  const std::string variable = "(?:[A-Za-z0-9_]|%" + hex() + hex() + ")(?:\\.?(?:[A-Za-z0-9_]|%" + hex() + hex() +
                               "))*(?::[1-9]\\d{0,3}|\\*)?";
  return "(?:[^\\u0000-\\u0020\"'%<>\\\\^`{|}]|%" + hex() + hex() + "|\\{[+#./;?&=,!@|]?" + variable + "(?:," +
         variable + ")*\\})*";
}

}  // namespace gemma4::grammar
