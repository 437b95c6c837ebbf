// Results of tools and the calls they belong to, in a conversation that a model is to go on with.
#pragma once

#include <string>
#include <vector>

#include "gemma4/message.h"

namespace gemma4::chat {

/// Gives calls without an id one, and results without an id that of the one call they can mean; takes calls away that have
/// no result though somebody else speaks behind them; checks that every result answers a call, that no call at the end
/// waits for one, and that the model is not to follow itself.
/// @param known     as check_messages().
/// @param n_ids     counts the ids given so far ("call_1", ...).
/// @param warnings  gets one for each call that was taken away.
/// Throws Error invalid_argument with the path.
void match_results(std::vector<Message>& messages, std::size_t known, std::size_t& n_ids,
                   std::vector<std::string>& warnings);

/// The largest n of the ids "call_n" in these messages; 0: none.
std::size_t last_call_number(const std::vector<Message>& messages) noexcept;

/// What match_results() leaves of an assistant's message that held nothing but such calls: there is nothing to render.
bool is_void(const Message& message) noexcept;

}  // namespace gemma4::chat
