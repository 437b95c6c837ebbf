-- gemma4 in LuaJIT: a few greedy tokens, then a turn of a conversation.
--   LD_LIBRARY_PATH=... luajit embed.lua ../nano/model
local ffi = require("ffi")
local lib = ffi.load("libgemma4_c.so.1")

-- The declarations of gemma4_c.h that are used here.
ffi.cdef [[
typedef int32_t gemma4_status;
typedef struct gemma4_model gemma4_model;
typedef struct gemma4_tokenizer gemma4_tokenizer;
typedef struct gemma4_session gemma4_session;
typedef struct gemma4_sampler_options gemma4_sampler_options;
typedef struct gemma4_sampler gemma4_sampler;
typedef struct gemma4_generation gemma4_generation;
typedef struct gemma4_chat_options gemma4_chat_options;
typedef struct gemma4_chat gemma4_chat;
typedef struct gemma4_reply gemma4_reply;
const char* gemma4_last_error(void);
gemma4_status gemma4_model_load(const char* path, size_t path_length, const void* options, gemma4_model** out);
gemma4_status gemma4_model_destroy(gemma4_model* model);
gemma4_status gemma4_model_tokenizer(const gemma4_model* model, gemma4_tokenizer** out);
gemma4_status gemma4_tokenizer_destroy(gemma4_tokenizer* tokenizer);
gemma4_status gemma4_tokenizer_encode(const gemma4_tokenizer* tokenizer, const char* text, size_t length, int32_t add_bos,
                                      int32_t parse_special, int32_t* tokens, size_t capacity, size_t* out_count);
gemma4_status gemma4_session_create(const gemma4_model* model, const void* options, gemma4_session** out);
gemma4_status gemma4_session_destroy(gemma4_session* session);
gemma4_status gemma4_sampler_options_of_model(const gemma4_model* model, gemma4_sampler_options** out);
gemma4_status gemma4_sampler_options_destroy(gemma4_sampler_options* options);
gemma4_status gemma4_sampler_options_set_temperature(gemma4_sampler_options* options, float temperature);
gemma4_status gemma4_sampler_create(const gemma4_sampler_options* options, gemma4_sampler** out);
gemma4_status gemma4_sampler_destroy(gemma4_sampler* sampler);
gemma4_status gemma4_generation_create(gemma4_session* session, const int32_t* prompt, size_t n_prompt,
                                       gemma4_sampler* sampler, const void* options, gemma4_generation** out);
gemma4_status gemma4_generation_destroy(gemma4_generation* generation);
gemma4_status gemma4_generation_next(gemma4_generation* generation, int32_t* out_more);
gemma4_status gemma4_generation_piece_tokens(const gemma4_generation* generation, int32_t* tokens, size_t capacity,
                                             size_t* out_count);
gemma4_status gemma4_chat_options_create(gemma4_chat_options** out);
gemma4_status gemma4_chat_options_destroy(gemma4_chat_options* options);
gemma4_status gemma4_chat_options_set_sampler(gemma4_chat_options* options, const gemma4_sampler_options* sampler_options);
gemma4_status gemma4_chat_create(const gemma4_model* model, const gemma4_chat_options* options, gemma4_chat** out);
gemma4_status gemma4_chat_destroy(gemma4_chat* chat);
gemma4_status gemma4_chat_send_text(gemma4_chat* chat, const char* text, size_t length, const void* options,
                                    void* callback, void* user_data, gemma4_reply** out_reply);
gemma4_status gemma4_reply_text(const gemma4_reply* reply, char* buffer, size_t capacity, size_t* out_length);
gemma4_status gemma4_reply_destroy(gemma4_reply* reply);
]]

local function check(status)
  if status ~= 0 then error(ffi.string(lib.gemma4_last_error()), 2) end
end

-- A handle that is destroyed when nothing refers to it; in whatever order that happens.
local function make(kind, create, ...)
  local out = ffi.new("gemma4_" .. kind .. "*[1]")
  local arguments = {...}
  arguments[select("#", ...) + 1] = out
  check(create(unpack(arguments, 1, select("#", ...) + 1)))
  return ffi.gc(out[0], lib["gemma4_" .. kind .. "_destroy"])
end

local path = arg[1] or "examples/nano/model"
local model = make("model", lib.gemma4_model_load, path, #path, nil)
local tokenizer = make("tokenizer", lib.gemma4_model_tokenizer, model)
local markup = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n"
local tokens, n, more = ffi.new("int32_t[256]"), ffi.new("size_t[1]"), ffi.new("int32_t[1]")
check(lib.gemma4_tokenizer_encode(tokenizer, markup, #markup, 0, 1, tokens, 256, n))
local session = make("session", lib.gemma4_session_create, model, nil)
local greedy = make("sampler_options", lib.gemma4_sampler_options_of_model, model)
check(lib.gemma4_sampler_options_set_temperature(greedy, 0))
local sampler = make("sampler", lib.gemma4_sampler_create, greedy)

local generation = make("generation", lib.gemma4_generation_create, session, tokens, n[0], sampler, nil)
io.write("tokens:")
while true do
  check(lib.gemma4_generation_next(generation, more))
  if more[0] == 0 then break end
  check(lib.gemma4_generation_piece_tokens(generation, tokens, 256, n))
  for i = 0, tonumber(n[0]) - 1 do io.write(" ", tokens[i]) end
end

local options = make("chat_options", lib.gemma4_chat_options_create)
check(lib.gemma4_chat_options_set_sampler(options, greedy))
local chat = make("chat", lib.gemma4_chat_create, model, options)
local question = "What is the capital of France?"
local reply = make("reply", lib.gemma4_chat_send_text, chat, question, #question, nil, nil, nil)
check(lib.gemma4_reply_text(reply, nil, 0, n))
local buffer = ffi.new("char[?]", n[0] + 1)
check(lib.gemma4_reply_text(reply, buffer, n[0] + 1, n))
print("\nchat: " .. ffi.string(buffer, n[0]))
