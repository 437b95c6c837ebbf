// Results of tools and the calls they belong to, in a conversation that a model is to go on with.
#pragma once

#include <string>
#include <vector>

#include "gemma4/message.h"

namespace gemma4::chat {

/// Gives calls without an id one, and results without an id that of the one call they can mean; checks that every
/// result answers a call, that no call at the end waits for one, and that the model is not to follow itself.
/// @param known     as check_messages().
/// @param n_ids     counts the ids given so far ("call_1", ...).
/// @param warnings  gets one for each call that is new, or in the last message that is known, and that somebody speaks
///                  behind though it has no result.
/// Throws Error invalid_argument with the path.
void match_results(std::vector<Message>& messages, std::size_t known, std::size_t& n_ids,
                   std::vector<std::string>& warnings);

/// The messages without the calls that have no result though somebody speaks behind them: the template would leave an open
/// result there, with the next turn in it. A message that is then empty goes too.
std::vector<Message> without_unanswered(std::vector<Message> messages, std::vector<std::string>& warnings);

}  // namespace gemma4::chat
