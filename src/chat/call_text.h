// The text of a tool call as the model wrote it, with control tokens told apart from characters that look like them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace gemma4::chat {

/// The control tokens that structure the model's output.
enum class Marker : std::uint8_t {
  none,
  quote,          ///< <|"|>
  call_open,      ///< <|tool_call>
  call_close,     ///< <tool_call|>
  response_open,  ///< <|tool_response>: the model waits for a result
  channel_open,   ///< <|channel>
  channel_close,  ///< <channel|>
  end,            ///< <turn|> and <eos>
  other,          ///< Any other control token.
};

/// "<|tool_call>"; "" for none and other.
std::string_view marker_text(Marker marker) noexcept;

// In a call's text (otherwise UTF-8) the byte 0xFF stands for the token <|"|>, and 0xFE with a marker's number behind
// it for another control token. Neither byte occurs in UTF-8.
constexpr char kQuote = '\xFF';
constexpr char kMarker = '\xFE';

/// Appends a marker to a call's text.
void append_marker(Marker marker, std::string& text);
/// The text as characters: markers spelled out, <|"|> as `quote`.
std::string spelled_out(std::string_view text, std::string_view quote);
/// The text without its markers, <|"|> as a quote.
std::string without_markup(std::string_view text);

}  // namespace gemma4::chat
