// The objects behind the handles of chat.h.
#pragma once

#include "objects.h"

namespace gemma4::capi {

struct ChatOptionsObject : Object {
  using Handle = gemma4_chat_options;
  static constexpr char kName[] = "gemma4_chat_options";
  ChatOptions options;
};

struct SendOptionsObject : Object {
  using Handle = gemma4_send_options;
  static constexpr char kName[] = "gemma4_send_options";
  SendOptions options;
};

struct ChatObject : Object {
  using Handle = gemma4_chat;
  static constexpr char kName[] = "gemma4_chat";
  explicit ChatObject(Chat made) : chat(std::move(made)) {}
  Chat chat;
};

}  // namespace gemma4::capi
