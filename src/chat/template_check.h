// Which form of the chat template a model wants, by the template its file carries and by its shape.
#pragma once

#include <string>
#include <string_view>

#include "gemma4/message.h"

namespace gemma4::chat {

struct TemplateVerdict {
  ChatForm form = ChatForm::large;
  std::string warning;  ///< Empty: the file's template is r4, or there is none.
};

/// @param text        the file's own template, "" for none. r4 is known by its hash; of another template of Gemma 4's, the
///                    empty thought that it writes or not tells the form.
/// @param small_shape what the model's shape says: it has per-layer inputs.
TemplateVerdict judge_template(std::string_view text, bool small_shape);

}  // namespace gemma4::chat
