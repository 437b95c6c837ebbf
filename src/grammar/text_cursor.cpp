#include "grammar/text_cursor.h"

#include <algorithm>
#include <string>

namespace gemma4::grammar {
namespace {

constexpr std::uint32_t kHigh = 0xD800, kLow = 0xDC00, kEnd = 0xE000;

TextCursor::Step character(std::uint32_t code) {
  std::string text;
  append_utf8(code, text);
  TextCursor::Step step;
  step.alive = true;
  step.begins = true;
  step.n = static_cast<std::uint8_t>(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) step.bytes[i] = static_cast<unsigned char>(text[i]);
  return step;
}

}  // namespace

TextCursor::Step TextCursor::step(unsigned char b, bool raw) {
  Step out;
  switch (phase) {
    case 0: {
      if (!raw && b < 0x20) return out;
      if (!raw && b == '\\') {
        out.alive = utf8 == 0;
        phase = 1;
        return out;
      }
      out.begins = utf8 == 0;
      utf8 = next_utf8(utf8, b);
      out.alive = utf8 != kNotUtf8;
      out.n = 1;
      out.bytes[0] = b;
      return out;
    }
    case 1: {
      if (b == 'u') {
        phase = 2;
        hex = 0;
        out.alive = true;
        return out;
      }
      phase = 0;
      switch (b) {
        case '"':
        case '\\':
        case '/': return character(b);
        case 'b': return character('\b');
        case 'f': return character('\f');
        case 'n': return character('\n');
        case 'r': return character('\r');
        case 't': return character('\t');
        default: return out;
      }
    }
    case 6:
    case 7:
      out.alive = b == (phase == 6 ? '\\' : 'u');
      ++phase;
      return out;
    default:
      return hex_digit(b);
  }
}

TextCursor::Step TextCursor::hex_digit(unsigned char b) {
  Step out;
  std::uint32_t digit = 0;
  if (b >= '0' && b <= '9') {
    digit = b - '0';
  } else if ((b | 32) >= 'a' && (b | 32) <= 'f') {
    digit = (b | 32U) - 'a' + 10;
  } else {
    return out;
  }
  hex = (hex & 0xFFFF0000) | (hex & 0xFFFF) << 4 | digit;
  const bool low = phase >= 8;
  if (phase != 5 && phase != 11) {
    ++phase;
    out.alive = !codes().empty();
    return out;
  }
  const std::uint32_t code = hex & 0xFFFF;
  if (low) {
    if (code < kLow || code >= kEnd) return out;
    const std::uint32_t whole = 0x10000 + (((hex >> 16) - kHigh) << 10) + (code - kLow);
    phase = 0;
    hex = 0;
    return character(whole);
  }
  if (code >= kLow && code < kEnd) return out;
  if (code >= kHigh && code < kLow) {
    hex = code << 16;
    phase = 6;
    out.alive = true;
    return out;
  }
  phase = 0;
  hex = 0;
  return character(code);
}

CodeRanges TextCursor::codes() const {
  if (phase == 1) return {{0, kLastCode}};
  CodeRanges out;
  const std::uint32_t base = phase >= 6 ? 0x10000 + (((hex >> 16) - kHigh) << 10) : 0;
  if (phase == 6 || phase == 7) return {{base, base + 0x3FF}};
  const unsigned left = 4 * (4 - (phase - (phase >= 8 ? 8U : 2U)));  // bits to come
  const std::uint32_t first = (hex & 0xFFFF) << left, last = first + (1U << left) - 1;
  if (phase >= 8) {
    const std::uint32_t a = std::max(first, kLow), b = std::min(last, kEnd - 1);
    if (a <= b) out.push_back({base + a - kLow, base + b - kLow});
    return out;
  }
  if (first < kHigh) out.push_back({first, std::min(last, kHigh - 1)});
  if (last >= kEnd) out.push_back({std::max(first, kEnd), last});
  const std::uint32_t a = std::max(first, kHigh), b = std::min(last, kLow - 1);
  if (a <= b) out.push_back({0x10000 + ((a - kHigh) << 10), 0x10000 + ((b - kHigh) << 10) + 0x3FF});
  return out;
}

CodeRanges TextCursor::needed() const {
  if (phase == 0 || phase > 5) return {};
  if (phase == 1) return {{0, 0x1F}, {'"', '"'}, {'\\', '\\'}};
  CodeRanges out;
  for (const CodeRange r : {CodeRange{0, 7}, CodeRange{0xB, 0xB}, CodeRange{0xE, 0x1F}}) {
    for (const CodeRange c : codes()) {
      if (std::max(r.first, c.first) <= std::min(r.last, c.last)) {
        out.push_back({std::max(r.first, c.first), std::min(r.last, c.last)});
      }
    }
  }
  return out;
}

}  // namespace gemma4::grammar
