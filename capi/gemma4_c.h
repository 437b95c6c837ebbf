// The C interface of gemma4, which runs Google's Gemma 4 models on ordinary CPUs: what libgemma4_c.so.1 exports.
//
//   #include <gemma4_c.h>
//   #include <stdio.h>
//   #include <string.h>
//
//   static int32_t print(void* user_data, int32_t type, const char* text, size_t length, size_t index) {
//     (void)user_data, (void)index;
//     if (type == GEMMA4_EVENT_CONTENT) fwrite(text, 1, length, stdout);
//     return GEMMA4_PROCEED;
//   }
//
//   int main(void) {
//     const char *path = "examples/nano/model", *question = "What is 17 + 25?";
//     gemma4_model* model = NULL;
//     gemma4_chat* chat = NULL;
//     if (gemma4_model_load(path, strlen(path), NULL, &model) != GEMMA4_OK ||
//         gemma4_chat_create(model, NULL, &chat) != GEMMA4_OK ||
//         gemma4_chat_send_text(chat, question, strlen(question), NULL, print, NULL, NULL) != GEMMA4_OK)
//       fprintf(stderr, "%s\n", gemma4_last_error());
//     gemma4_chat_destroy(chat);
//     gemma4_model_destroy(model);
//     return 0;
//   }
//
// Conventions
//
// 1. Status. Every function that can fail returns a gemma4_status: GEMMA4_OK, or what went wrong; gemma4_last_error()
//    has the words. Nothing is changed by a call that fails, unless its comment says otherwise. Misuse is a status
//    too: NULL where there must be something, a handle that was destroyed or is of another kind, a size that cannot
//    be. The library never prints, ends the process, or touches its environment, locale or signals.
// 2. Handles. `gemma4_x_create` (or what its comment names) makes one, `gemma4_x_destroy` ends it; that takes NULL,
//    and a handle twice is a status. Handles may be destroyed in any order: what one needs of another lives as long as
//    it does. A handle is a number that is never used again, not an address: do not look behind it.
// 3. Outputs are the last parameters, and not NULL unless said so. A handle that could not be made is set to NULL.
// 4. Text goes in as pointer and length, UTF-8, without need of a zero byte; NULL is empty if the length is 0. Text
//    comes out as (buffer, capacity, out_length): *out_length is set to the bytes of the text; when buffer is NULL and
//    capacity 0 that is all (ask, then fetch). Else capacity must be out_length + 1 or more, for a zero byte behind
//    the text; less is GEMMA4_ERROR_INVALID_ARGUMENT, and nothing is written. Arrays come out alike, (items, capacity,
//    out_count).
// 5. Options are handles with setters; NULL stands for defaults. A call copies what it needs of them: they may be
//    changed or destroyed afterwards. An option's default is that of the C++ interface unless stated.
// 6. Truth values are int32_t: 0 is false, all else true; outputs are 0 or 1.
// 7. Threads. "Any thread": any number at once. "One thread at a time": a call that meets another on the same handle
//    is refused with GEMMA4_ERROR_INVALID_ARGUMENT, and so is one made from inside a callback of such a call. Options
//    are of that kind. Destroying is allowed at any time: work that is under way is finished first, on its own thread.
//    Cancel tokens exist to be used from any thread. Names of functions say what they act on; where nothing else is
//    said the kind of the handle is the rule.
// 8. Callbacks are called on the thread that made the call, unless said otherwise; `user_data` is handed on untouched.
//    What they are given is valid until they return. They must return: no longjmp, no exception.
// 9. fork(): a child has none of its parent's threads, so handles stay behind. In the child every call on one made
//    before the fork returns GEMMA4_ERROR_UNSUPPORTED (destroying does nothing); new ones can be made.
// 10. dlclose(): the library stays in memory once it was loaded (its threads may be running), so closing it is safe at
//    any time, and opening it again finds handles as they were.
//
// What is stable: every function, type and number declared here keeps its name, meaning and binary form as long as the
// library is called libgemma4_c.so.1. Functions and enumerators are added; code that switches over an enumeration
// should be ready for numbers that it does not know. "Since" gives the project version that brought a function; 0.1
// where nothing is said.
#ifndef GEMMA4_C_H
#define GEMMA4_C_H

#include "gemma4_c/base.h"
#include "gemma4_c/chat.h"
#include "gemma4_c/generate.h"
#include "gemma4_c/grammar.h"
#include "gemma4_c/host.h"
#include "gemma4_c/model.h"
#include "gemma4_c/quantize.h"
#include "gemma4_c/sampler.h"
#include "gemma4_c/session.h"
#include "gemma4_c/tokenizer.h"

#endif
