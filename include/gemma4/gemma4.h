// gemma4: runs Google's Gemma 4 models on ordinary CPUs. This header includes the whole public C++ API.
//
//   #include <gemma4/gemma4.h>
//   #include <iostream>
//
//   int main() try {
//     gemma4::Model model = gemma4::Model::load("examples/nano/model");
//     gemma4::Session session(model);
//     gemma4::Sampler sampler(model.sampler_defaults());
//     auto prompt = model.tokenizer().encode("<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n", false, true);
//     gemma4::generate(session, prompt, sampler, {}, [](const gemma4::Piece& piece) {
//       std::cout << piece.text << std::flush;
//       return gemma4::StreamAction::proceed;
//     });
//   } catch (const gemma4::Error& error) { std::cerr << error.what() << "\n"; return 1; }
#pragma once

#include "gemma4/chat.h"
#include "gemma4/chat_options.h"
#include "gemma4/config.h"
#include "gemma4/constraint.h"
#include "gemma4/error.h"
#include "gemma4/generate.h"
#include "gemma4/grammar.h"
#include "gemma4/host.h"
#include "gemma4/json.h"
#include "gemma4/message.h"
#include "gemma4/model.h"
#include "gemma4/options.h"
#include "gemma4/profile.h"
#include "gemma4/quantize.h"
#include "gemma4/reply.h"
#include "gemma4/sampler.h"
#include "gemma4/score.h"
#include "gemma4/session.h"
#include "gemma4/tokenizer.h"
#include "gemma4/types.h"
#include "gemma4/version.h"
