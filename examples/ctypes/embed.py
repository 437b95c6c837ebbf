"""gemma4 through ctypes, where its Python module is not wanted: a few greedy tokens, then a turn of a conversation.

    LD_LIBRARY_PATH=... python3 embed.py ../nano/model
"""
import ctypes
import sys
from ctypes import POINTER, byref, c_char_p, c_float, c_int32, c_size_t, c_void_p

lib = ctypes.CDLL("libgemma4_c.so.1")
lib.gemma4_last_error.restype = c_char_p
EVENT_CONTENT = 0
PROCEED = 0
OnEvent = ctypes.CFUNCTYPE(c_int32, c_void_p, c_int32, POINTER(ctypes.c_char), c_size_t, c_size_t)


def call(name, *arguments):
    """Calls a function; an error status becomes an exception."""
    if getattr(lib, name)(*arguments) != 0:
        raise RuntimeError(lib.gemma4_last_error().decode())


def make(name, *arguments):
    """Calls a function whose last parameter is a handle that it makes."""
    handle = c_void_p()
    call(name, *arguments, byref(handle))
    return handle


def text(data):
    """A text as the two arguments it is."""
    data = data.encode()
    return data, c_size_t(len(data))


def main(path="examples/nano/model"):
    model = make("gemma4_model_load", *text(path), None)
    tokenizer = make("gemma4_model_tokenizer", model)
    prompt, n = (c_int32 * 256)(), c_size_t()
    markup = text("<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n")
    call("gemma4_tokenizer_encode", tokenizer, *markup, 0, 1, prompt, c_size_t(256), byref(n))
    session = make("gemma4_session_create", model, None)
    greedy = make("gemma4_sampler_options_of_model", model)
    call("gemma4_sampler_options_set_temperature", greedy, c_float(0))
    sampler = make("gemma4_sampler_create", greedy)

    # Pulled: no callback is needed.
    generation = make("gemma4_generation_create", session, prompt, n, sampler, None)
    more, tokens = c_int32(1), (c_int32 * 256)()
    print("tokens:", end="")
    while call("gemma4_generation_next", generation, byref(more)) or more.value:
        call("gemma4_generation_piece_tokens", generation, tokens, c_size_t(256), byref(n))
        print("".join(f" {token}" for token in tokens[:n.value]), end="", flush=True)

    @OnEvent
    def on_event(_user_data, kind, data, length, _index):
        if kind == EVENT_CONTENT:
            print(data[:length].decode(), end="", flush=True)
        return PROCEED

    options = make("gemma4_chat_options_create")
    call("gemma4_chat_options_set_sampler", options, greedy)
    chat = make("gemma4_chat_create", model, options)
    print("\nchat: ", end="")
    call("gemma4_chat_send_text", chat, *text("What is the capital of France?"), None, on_event, None, None)
    print()
    for kind, handle in (("chat", chat), ("chat_options", options), ("generation", generation), ("sampler", sampler),
                         ("sampler_options", greedy), ("session", session), ("tokenizer", tokenizer), ("model", model)):
        call(f"gemma4_{kind}_destroy", handle)


main(*sys.argv[1:])
