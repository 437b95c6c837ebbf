#include "chat/markers.h"

namespace gemma4::chat {

Markers::Markers(const tokenizer::BpeTokenizer& tokenizer) {
  const auto add = [&](std::string_view text, Marker marker) {
    if (const TokenId id = tokenizer.token_to_id(text); id >= 0) by_id_.emplace(id, marker);
  };
  for (const Marker marker : {Marker::quote, Marker::call_open, Marker::call_close, Marker::response_open,
                              Marker::channel_open, Marker::channel_close, Marker::end}) {
    add(marker_text(marker), marker);
  }
  add("<eos>", Marker::end);
  for (const std::string_view text : {"<|turn>", "<tool_response|>", "<|think|>", "<|tool>", "<tool|>", "<|image>",
                                      "<|audio>", "<|image|>", "<|audio|>", "<image|>", "<audio|>", "<|video|>"}) {
    add(text, Marker::other);
  }
}

Marker Markers::of(TokenId id, const tokenizer::BpeTokenizer& tokenizer) const {
  const auto found = by_id_.find(id);
  if (found != by_id_.end()) return found->second;
  const bool known = id >= 0 && id < tokenizer.vocab_size();
  return known && !tokenizer.is_special(id) ? Marker::none : Marker::other;
}

}  // namespace gemma4::chat
