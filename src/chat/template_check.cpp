#include "chat/template_check.h"

#include <cstdint>

#include "base/check.h"

namespace gemma4::chat {
namespace {

// FNV-1a, 64 bits, of the revision r4 of 2026-07-09 without its last line break.
constexpr std::uint64_t kLargeHash = 0x49328c5f218b677f, kSmallHash = 0xb5a7c4713578081c;

std::uint64_t hash_of(std::string_view text) noexcept {
  while (!text.empty() && std::string_view(" \t\r\n").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
  std::uint64_t hash = 0xcbf29ce484222325;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    hash = (hash ^ static_cast<unsigned char>(text[i])) * 0x100000001b3;
  }
  return hash;
}

}  // namespace

TemplateVerdict judge_template(std::string_view text, bool small_shape) {
  TemplateVerdict verdict;
  verdict.form = small_shape ? ChatForm::small : ChatForm::large;
  if (text.empty()) return verdict;
  const std::uint64_t hash = hash_of(text);
  if (hash == kLargeHash || hash == kSmallHash) {
    verdict.form = hash == kSmallHash ? ChatForm::small : ChatForm::large;
    return verdict;
  }
  const bool of_gemma4 = text.find("<|turn>") != std::string_view::npos;
  if (of_gemma4) {
    const bool empty_thought = text.find("<|channel>thought\\n<channel|>") != std::string_view::npos;
    verdict.form = empty_thought ? ChatForm::large : ChatForm::small;
  }
  verdict.warning = base::concat(of_gemma4 ? "the model's own chat template is not revision r4 (2026-07-09)"
                                           : "the model's own chat template is not one of Gemma 4's",
                                 ": conversations are rendered by r4, in its ", to_string(verdict.form), " form");
  return verdict;
}

}  // namespace gemma4::chat
