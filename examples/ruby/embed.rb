# gemma4 in Ruby, through its own Fiddle: a few greedy tokens, then a turn of a conversation.
#   LD_LIBRARY_PATH=... ruby embed.rb ../nano/model
require "fiddle"
require "fiddle/import"

module Gemma4
  extend Fiddle::Importer
  dlload "libgemma4_c.so.1"
  # The declarations of gemma4_c.h that are used here; a handle is a void*.
  extern "const char* gemma4_last_error()"
  extern "int gemma4_model_load(const char*, size_t, void*, void*)"
  extern "int gemma4_model_tokenizer(void*, void*)"
  extern "int gemma4_tokenizer_encode(void*, const char*, size_t, int, int, void*, size_t, void*)"
  extern "int gemma4_session_create(void*, void*, void*)"
  extern "int gemma4_sampler_options_of_model(void*, void*)"
  extern "int gemma4_sampler_options_set_temperature(void*, float)"
  extern "int gemma4_sampler_create(void*, void*)"
  extern "int gemma4_generation_create(void*, void*, size_t, void*, void*, void*)"
  extern "int gemma4_generation_next(void*, void*)"
  extern "int gemma4_generation_piece_tokens(void*, void*, size_t, void*)"
  extern "int gemma4_chat_options_create(void*)"
  extern "int gemma4_chat_options_set_sampler(void*, void*)"
  extern "int gemma4_chat_create(void*, void*, void*)"
  extern "int gemma4_chat_send_text(void*, const char*, size_t, void*, void*, void*, void*)"
  %w[model tokenizer session sampler_options sampler generation chat_options chat].each do |kind|
    extern "int gemma4_#{kind}_destroy(void*)"
  end

  EVENT_CONTENT = 0
  PROCEED = 0

  def self.call(name, *arguments)
    raise gemma4_last_error.to_s unless send("gemma4_#{name}", *arguments).zero?
  end

  # Calls a function whose last parameter is a handle that it makes.
  def self.make(name, *arguments)
    out = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
    call(name, *arguments, out)
    out.ptr
  end
end

path = ARGV[0] || "examples/nano/model"
model = Gemma4.make("model_load", path, path.bytesize, nil)
tokenizer = Gemma4.make("model_tokenizer", model)
tokens = Fiddle::Pointer.malloc(256 * 4, Fiddle::RUBY_FREE)
count = Fiddle::Pointer.malloc(Fiddle::SIZEOF_SIZE_T, Fiddle::RUBY_FREE)
more = Fiddle::Pointer.malloc(4, Fiddle::RUBY_FREE)
size = -> { count[0, Fiddle::SIZEOF_SIZE_T].unpack1("J") }
markup = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n"
Gemma4.call("tokenizer_encode", tokenizer, markup, markup.bytesize, 0, 1, tokens, 256, count)
session = Gemma4.make("session_create", model, nil)
greedy = Gemma4.make("sampler_options_of_model", model)
Gemma4.call("sampler_options_set_temperature", greedy, 0.0)
sampler = Gemma4.make("sampler_create", greedy)

generation = Gemma4.make("generation_create", session, tokens, size.call, sampler, nil)
print "tokens:"
loop do
  Gemma4.call("generation_next", generation, more)
  break if more[0, 4].unpack1("l").zero?
  Gemma4.call("generation_piece_tokens", generation, tokens, 256, count)
  tokens[0, 4 * size.call].unpack("l*").each { |token| print " ", token }
end

on_event = Fiddle::Closure::BlockCaller.new(
  Fiddle::TYPE_INT, [Fiddle::TYPE_VOIDP, Fiddle::TYPE_INT, Fiddle::TYPE_VOIDP, Fiddle::TYPE_SIZE_T, Fiddle::TYPE_SIZE_T]
) do |_user_data, type, text, length, _index|
  print text[0, length] if type == Gemma4::EVENT_CONTENT
  Gemma4::PROCEED
end
options = Gemma4.make("chat_options_create")
Gemma4.call("chat_options_set_sampler", options, greedy)
chat = Gemma4.make("chat_create", model, options)
question = "What is the capital of France?"
print "\nchat: "
Gemma4.call("chat_send_text", chat, question, question.bytesize, nil, on_event, nil, nil)
puts
{ "chat" => chat, "chat_options" => options, "generation" => generation, "sampler" => sampler, "sampler_options" => greedy,
  "session" => session, "tokenizer" => tokenizer, "model" => model }.each { |kind, handle| Gemma4.call("#{kind}_destroy", handle) }
