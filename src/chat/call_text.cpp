#include "chat/call_text.h"

#include <algorithm>

namespace gemma4::chat {

std::string_view marker_text(Marker marker) noexcept {
  switch (marker) {
    case Marker::quote:
      return "<|\"|>";
    case Marker::call_open:
      return "<|tool_call>";
    case Marker::call_close:
      return "<tool_call|>";
    case Marker::response_open:
      return "<|tool_response>";
    case Marker::channel_open:
      return "<|channel>";
    case Marker::channel_close:
      return "<channel|>";
    case Marker::end:
      return "<turn|>";
    default:
      return "";
  }
}

void append_marker(Marker marker, std::string& text) {
  if (marker == Marker::quote) {
    text += kQuote;
  } else {
    text += kMarker;
    text += static_cast<char>(marker);
  }
}

std::string spelled_out(std::string_view text, std::string_view quote) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == kQuote) {
      out += quote;
    } else if (text[i] == kMarker && i + 1 < text.size()) {
      out += marker_text(static_cast<Marker>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string without_markup(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t plain = std::min(text.find_first_of(std::string{kQuote, kMarker}), text.size());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const bool quote = text[0] == kQuote;
    if (quote) out += '"';
    const bool other = !quote && text.size() > 1 && static_cast<Marker>(text[1]) == Marker::other;
    if (other) text.remove_prefix(std::min(text.find(kMarker, 2), text.size() - 2));  // its name, up to the second mark
    text.remove_prefix(std::min<std::size_t>(quote ? 1 : 2, text.size()));
  }
  return out;
}

}  // namespace gemma4::chat
