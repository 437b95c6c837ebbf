// Results of tools and the calls they belong to, in a conversation that a model is to go on with.
#pragma once

#include <string>
#include <vector>

#include "gemma4/message.h"

namespace gemma4::chat {

/// Gives calls without an id one, and results without an id that of the one call they can mean; checks that every
/// result answers a call, every call has one result before anybody else speaks, and the model is not to follow itself.
/// @param known  as check_messages().
/// @param n_ids  counts the ids given so far ("call_1", ...).
/// Throws Error invalid_argument with the path.
void match_results(std::vector<Message>& messages, std::size_t known, std::size_t& n_ids);

}  // namespace gemma4::chat
