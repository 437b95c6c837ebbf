"""Calls every function of libgemma4_c.so with what no careful host would pass, in every combination or a large sample of
them: each call must return, and with a status that is not `internal`.

usage: hostile.py LIBRARY HEADER_FOLDER MODEL_FOLDER [CALLS_EACH [SEED]]
"""
import ctypes
import itertools
import os
import random
import re
import sys
import tempfile

import prototypes

INTERNAL = 13
LAST_STATUS = 13
SIZE_MAX = 2**64 - 1
SCRATCH = 1 << 20

Callback = ctypes.CFUNCTYPE(ctypes.c_int32)  # any of them: on this ABI extra arguments do no harm
NUMBERS = {"int32_t": (ctypes.c_int32, [-2**31, -1, 0, 1, 2, 3, 7, 2**31 - 1]),
           "uint64_t": (ctypes.c_uint64, [0, 1, 2**64 - 1]),
           "float": (ctypes.c_float, [float("nan"), float("inf"), -1.0, 0.0, 0.5, 1e30]),
           "gemma4_status": (ctypes.c_int32, [-1, 0, 13, 999])}
# Functions that are given nothing but what they can refuse: they would reach outside.
NO_REAL_PATHS = {"gemma4_quantize", "gemma4_model_load", "gemma4_tokenizer_load"}
BACK_TO_DEFAULT = {"gemma4_set_log", "gemma4_set_allocator"}


class Host:
    def __init__(self, library, folder, model_path):
        self.library = ctypes.CDLL(library)
        self.functions = prototypes.prototypes(folder)
        self.scratch = ctypes.create_string_buffer(SCRATCH)
        self.go_on = Callback(lambda: 0)
        self.stop = Callback(lambda: 1)
        for name, (result, _) in self.functions.items():
            getattr(self.library, name).restype = ctypes.c_char_p if "*" in result else ctypes.c_int32
        self.live = {}
        self.dead = {}
        path = model_path.encode()
        self.make("gemma4_model", "gemma4_model_load", path, len(path), None)
        self.make_the_rest()

    def make(self, kind, function, *arguments):
        out = ctypes.c_void_p()
        arguments = [ctypes.c_size_t(a) if isinstance(a, int) else a for a in arguments]
        status = getattr(self.library, function)(*arguments, ctypes.byref(out))
        if status != 0:
            raise SystemExit(f"{function}: {self.error()}")
        self.live[kind] = out

    def make_the_rest(self):
        live = self.live
        model = live["gemma4_model"]
        for kind in [name[:-len("_create")] for name in self.functions if name.endswith("options_create")]:
            self.make(kind, kind + "_create")
        small = self.live["gemma4_session_options"]
        self.library.gemma4_session_options_set_context_length(small, 64)
        self.library.gemma4_chat_options_set_session(self.live["gemma4_chat_options"], small)
        self.make("gemma4_cancel_token", "gemma4_cancel_token_create")
        self.make("gemma4_tokenizer", "gemma4_model_tokenizer", model)
        self.make("gemma4_token_decoder", "gemma4_token_decoder_create", live["gemma4_tokenizer"], 0)
        self.make("gemma4_session", "gemma4_session_create", model, small)
        self.make("gemma4_sampler", "gemma4_sampler_create", None)
        self.make("gemma4_grammar", "gemma4_grammar_regex", b"[0-9]+", 6)
        self.make("gemma4_matcher", "gemma4_matcher_create", live["gemma4_grammar"], live["gemma4_tokenizer"])
        self.make("gemma4_chat", "gemma4_chat_create", model, live["gemma4_chat_options"])
        tokens = (ctypes.c_int32 * 3)(5, 6, 7)
        self.make("gemma4_generation", "gemma4_generation_create", live["gemma4_session"], tokens, 3,
                  live["gemma4_sampler"], None)
        message = b'{"role":"user","content":"Hi"}'
        self.make("gemma4_chat_stream", "gemma4_chat_stream_create", live["gemma4_chat"], message, len(message), None)
        self.make("gemma4_chat", "gemma4_chat_create", model, live["gemma4_chat_options"])
        send = live["gemma4_send_options"]
        self.library.gemma4_send_options_set_max_tokens(send, 2)
        self.make("gemma4_reply", "gemma4_chat_send_text", live["gemma4_chat"], b"Hi", 2, send, None, None)
        self.make("gemma4_session", "gemma4_session_create", model, small)
        self.make("gemma4_sampler", "gemma4_sampler_create", None)

    def error(self):
        return self.library.gemma4_last_error().decode("utf-8", "replace")

    def values(self, function, kind, name, kinds):
        """What to pass for one parameter."""
        bare = kind.replace("const ", "").strip()
        pointer = bare.endswith("*")
        base = bare.rstrip("*").strip()
        if kind in NUMBERS:
            make, numbers = NUMBERS[kind]
            return [make(number) for number in numbers]
        if kind == "size_t":
            return [ctypes.c_size_t(n) for n in (0, 1, 3, SIZE_MAX // 2 + 1, SIZE_MAX)]
        if base in ("gemma4_log_callback", "gemma4_allocate", "gemma4_release"):
            return [ctypes.c_void_p()]
        if base == "gemma4_runner":
            return [ctypes.c_void_p(), self.stop]
        if not pointer:  # a callback
            return [ctypes.c_void_p(), self.go_on, self.stop]
        if name.startswith("out_") and base not in ("char",) or bare.endswith("**"):
            return [ctypes.c_void_p(), ctypes.cast(self.scratch, ctypes.c_void_p)]
        if base in kinds:  # a handle
            live = self.live.get(base)
            wrong = self.live["gemma4_model" if base != "gemma4_model" else "gemma4_tokenizer"]
            dead = self.dead.get(base, 0x10010 + 16 * 10**6)
            values = [ctypes.c_void_p(v) for v in (None, 1, 0x10010, 0x7FFF00000000, SIZE_MAX, dead)] + [wrong]
            return values + [live] * 4 if live else values
        if name == "user_data":
            return [ctypes.c_void_p(), ctypes.c_void_p(1)]
        if name in ("path", "in", "out") or function in NO_REAL_PATHS:
            return [ctypes.c_void_p(), ctypes.c_char_p(b"\xff\x00/")]
        return [ctypes.c_void_p(), ctypes.cast(self.scratch, ctypes.c_void_p)]

    def sensible(self, parameters, arguments):
        """Sizes that are a lie about a buffer that is there are the one thing that cannot be told; leave those out."""
        for i, (kind, _) in enumerate(parameters[:-1]):
            following = parameters[i + 1][0]
            if "*" in kind and following == "size_t" and arguments[i] is not None:
                there = isinstance(arguments[i], ctypes.c_char_p) or getattr(arguments[i], "value", None)
                size = arguments[i + 1].value
                if there and 3 < size <= SIZE_MAX // 2:
                    return False
        return True


def attack(host, calls_each, rng):
    kinds = {name[:-len("_destroy")] for name in host.functions if name.endswith("_destroy")}
    calls, statuses = 0, {}
    for name, (result, parameters) in sorted(host.functions.items()):
        if name in BACK_TO_DEFAULT or "*" in result or name == "gemma4_status_name":
            continue
        choices = [host.values(name, kind, parameter, kinds) for kind, parameter in parameters]
        if name.endswith("_destroy"):  # what lives is needed
            choices = [[v for v in choices[0] if v.value != host.live.get(name[:-8], ctypes.c_void_p()).value]]
            choices = [[v for v in choices[0] if v is not host.live["gemma4_model"] or name != "gemma4_model_destroy"]]
        total = 1
        for choice in choices:
            total *= len(choice)
        if total <= calls_each:
            combinations = itertools.product(*choices)
        else:
            combinations = ([rng.choice(choice) for choice in choices] for _ in range(calls_each))
        for arguments in combinations:
            if not host.sensible(parameters, arguments):
                continue
            ctypes.memset(host.scratch, 0, 64)
            status = getattr(host.library, name)(*arguments)
            calls += 1
            statuses[status] = statuses.get(status, 0) + 1
            if not 0 <= status <= LAST_STATUS or status == INTERNAL:
                shown = [getattr(a, "value", a) for a in arguments]
                raise SystemExit(f"{name}{shown}: status {status}: {host.error()}")
            if status != 0 and not host.error():
                raise SystemExit(f"{name}: a status of {status} without a word")
    return calls, statuses


def wild_options(host, rng, rounds):
    """Options of any values, then what is made of them at work: a status, whatever it is."""
    lib, live = host.library, host.live
    tokens = (ctypes.c_int32 * 8)(2, 5, 6, 7, 8, 9, 10, 11)
    logits = (ctypes.c_float * 64)(*[rng.uniform(-3, 3) for _ in range(64)])
    more, token, count = ctypes.c_int32(), ctypes.c_int32(), ctypes.c_size_t()
    text, schema = b"What is 17 + 25?", b'{"type":"object","properties":{"a":{"type":"integer"}}}'
    tools = b'[{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"string"}}}}]'
    seen = {}

    def check(name, *arguments):
        status = getattr(lib, name)(*arguments)
        seen[status] = seen.get(status, 0) + 1
        if not 0 <= status < INTERNAL:
            raise SystemExit(f"{name}: status {status}: {host.error()}")
        return status

    def made(name, *arguments):
        out = ctypes.c_void_p()
        check(name, *arguments, ctypes.byref(out))
        return out

    def options(kind):
        handle = made(f"gemma4_{kind}_create")
        setters = [n for n in host.functions if re.match(f"gemma4_{kind}_(set|add)_", n)]
        for name in rng.sample(setters, rng.randrange(len(setters) + 1)):
            arguments = []
            for c_type, parameter in host.functions[name][1][1:]:
                if c_type in NUMBERS:
                    arguments.append(NUMBERS[c_type][0](rng.choice(NUMBERS[c_type][1])))
                elif c_type == "size_t":
                    arguments.append(ctypes.c_size_t(0 if arguments[-1] is None else 3))
                elif c_type == "const int32_t*":
                    arguments.append(rng.choice([(ctypes.c_int32 * 3)(-1, 5, 2**31 - 1), tokens]))
                elif c_type == "const char*":
                    arguments.append(rng.choice([None, b"\xff\xfea", b"42,"]))
                else:  # handles and callbacks
                    arguments.append(rng.choice([None, live.get(c_type.replace("const ", "").rstrip("*"))]))
            check(name, handle, *arguments)
        return handle

    for _ in range(rounds):
        sampler_options, session_options, generate = map(options, ("sampler_options", "session_options", "generate_options"))
        chat_options, send, prefill = map(options, ("chat_options", "send_options", "prefill_options"))
        if rng.random() < 0.9:
            lib.gemma4_session_options_set_context_length(session_options, rng.choice([1, 2, 40, 300]))
            lib.gemma4_session_options_set_prefill_chunk(session_options, rng.choice([1, 7, 512, 2**31 - 1]))
        lib.gemma4_send_options_set_max_tokens(send, 4)
        if rng.random() < 0.5:
            lib.gemma4_chat_options_set_tools(chat_options, tools, ctypes.c_size_t(len(tools)))
        sampler = made("gemma4_sampler_create", sampler_options)
        check("gemma4_sampler_sample", sampler, logits, ctypes.c_size_t(64), None, ctypes.c_size_t(0), ctypes.byref(token))
        check("gemma4_sampler_observe", sampler, (ctypes.c_int32 * 3)(-7, 2**31 - 1, 5), ctypes.c_size_t(3))
        check("gemma4_sampler_sample", sampler, logits, ctypes.c_size_t(64), None, ctypes.c_size_t(0), ctypes.byref(token))
        session = made("gemma4_session_create", live["gemma4_model"], session_options)
        check("gemma4_session_prefill", session, tokens, ctypes.c_size_t(rng.choice([1, 8])), prefill)
        check("gemma4_session_decode", session, rng.choice([-1, 0, 5, 2**31 - 1]), None)
        check("gemma4_session_truncate", session, ctypes.c_size_t(rng.choice([0, 1, 5, SIZE_MAX])))
        check("gemma4_session_checkpoint", session, None)
        lib.gemma4_generate_options_set_max_tokens(generate, 5)
        generation = made("gemma4_generation_create", session, tokens, ctypes.c_size_t(rng.choice([0, 3])), sampler, generate)
        for _ in range(6):
            check("gemma4_generation_next", generation, ctypes.byref(more))
        matcher = made("gemma4_matcher_create", live["gemma4_grammar"], live["gemma4_tokenizer"])
        for value in (-1, 5, 2**31 - 1):
            check("gemma4_matcher_accept", matcher, value, ctypes.byref(more))
        check("gemma4_matcher_rollback", matcher, ctypes.c_size_t(SIZE_MAX))
        schema_options = options("json_schema_options")
        grammar = made("gemma4_grammar_json_schema", schema, ctypes.c_size_t(len(schema)), schema_options)
        handles = [sampler_options, session_options, generate, chat_options, send, prefill, sampler, session, generation,
                   matcher, schema_options, grammar]
        kinds = ["sampler_options", "session_options", "generate_options", "chat_options", "send_options",
                 "prefill_options", "sampler", "session", "generation", "matcher", "json_schema_options", "grammar"]
        chat = made("gemma4_chat_create", live["gemma4_model"], chat_options)
        check("gemma4_chat_send_text", chat, text, ctypes.c_size_t(len(text)), send, None, None, None)
        check("gemma4_chat_tokens", chat, None, ctypes.c_size_t(0), ctypes.byref(count))
        for kind, handle in [*zip(kinds, handles), ("chat", chat)]:
            getattr(lib, f"gemma4_{kind}_destroy")(handle)
    return seen


def destroy_everything(host, rng):
    """In any order, and then once more."""
    handles = list(host.live.items())
    rng.shuffle(handles)
    for again in (False, True):
        for kind, handle in handles:
            status = getattr(host.library, kind + "_destroy")(handle)
            if (status != 0) != again:
                raise SystemExit(f"{kind}_destroy: status {status} the {'second' if again else 'first'} time")


def main():
    library, folder, model = sys.argv[1:4]
    calls_each = int(sys.argv[4]) if len(sys.argv) > 4 else 200
    seed = int(sys.argv[5]) if len(sys.argv) > 5 else random.SystemRandom().randrange(10**6)
    rng = random.Random(seed)
    host = Host(os.path.abspath(library), folder, os.path.abspath(model))
    os.chdir(tempfile.mkdtemp())
    print(f"seed {seed}, {len(host.functions)} functions", flush=True)
    _, statuses = attack(host, calls_each, rng)
    wild = wild_options(host, rng, max(5, calls_each // 10))
    host.dead = dict((kind, handle.value) for kind, handle in host.live.items())
    destroy_everything(host, rng)
    for kind in list(host.live):
        del host.live[kind]
    host.live["gemma4_model"] = host.live["gemma4_tokenizer"] = ctypes.c_void_p(host.dead["gemma4_sampler"])
    _, after = attack(host, calls_each // 4, rng)
    for what, seen in (("on live handles", statuses), ("with wild options", wild), ("on dead handles", after)):
        print(f"{sum(seen.values())} calls {what}, by status: {dict(sorted(seen.items()))}")


if __name__ == "__main__":
    main()
