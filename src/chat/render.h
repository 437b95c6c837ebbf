// Conversations as Gemma 4's chat template writes them: revision r4 of 2026-07-09, in its two forms.
#pragma once

#include <string>
#include <vector>

#include "chat/markup.h"
#include "gemma4/json.h"
#include "gemma4/message.h"

namespace gemma4::chat {

/// The template's text, defects and all. The messages hold what check_messages() asks for.
/// @param functions  as parse_tools() gives them.
/// Throws Error invalid_argument with the path for what the template cannot render.
Markup render(const std::vector<Message>& messages, const std::vector<Json>& functions, const RenderOptions& options);

/// render(), and what r4 forgets: where the last message has content, calls and results, it closes the turn without
/// opening the one that the model is to speak in.
Markup render_repaired(const std::vector<Message>& messages, const std::vector<Json>& functions,
                       const RenderOptions& options);

}  // namespace gemma4::chat
