"""Runs Google's Gemma 4 models on ordinary CPUs.

    import gemma4

    model = gemma4.Model("examples/nano/model")
    session = gemma4.Session(model)
    prompt = "<bos><|turn>user\\nWhat is 17 + 25?<turn|>\\n<|turn>model\\n"
    for piece in gemma4.generate(session, model.tokenizer.encode(prompt, parse_special=True)):
        print(piece.text, end="", flush=True)
"""

from ._gemma4 import (
    CancelToken,
    Chat,
    ChatEvent,
    ChatStream,
    Config,
    Error,
    GenerateResult,
    Generation,
    Grammar,
    MemoryPlan,
    Model,
    Piece,
    Reply,
    ReplyParser,
    SampledToken,
    Sampler,
    Session,
    TokenDecoder,
    Tokenizer,
    TokenProbability,
    ToolCall,
    Usage,
    __version__,
    encode_chat,
    gbnf,
    generate,
    json_schema,
    regex,
    render_chat,
    score,
)
from . import _aio, _calls, _show
from ._hub import from_pretrained
from ._show import show
from ._tools import tool_schema

__all__ = [
    "CancelToken",
    "Chat",
    "ChatEvent",
    "ChatStream",
    "Config",
    "Error",
    "GenerateResult",
    "Generation",
    "Grammar",
    "MemoryPlan",
    "Model",
    "Piece",
    "Reply",
    "ReplyParser",
    "SampledToken",
    "Sampler",
    "Session",
    "TokenDecoder",
    "TokenProbability",
    "Tokenizer",
    "ToolCall",
    "Usage",
    "__version__",
    "encode_chat",
    "from_pretrained",
    "gbnf",
    "generate",
    "json_schema",
    "regex",
    "render_chat",
    "score",
    "show",
    "tool_schema",
]

for _name in __all__:  # what help() and tracebacks call them
    if not _name.startswith("_") and _name != "Error":
        globals()[_name].__module__ = "gemma4"
del _name

# What is easier said in Python.
generate = _calls.clear(generate, "generate")
score = _calls.clear(score, "score")
for _class, _methods in ((Model, ("__init__", "memory_plan")), (Session, ("__init__", "prefill", "decode", "truncate")),
                         (Chat, ("__init__", "send", "stream")), (Sampler, ("__init__", "sample", "set_tokenizer")),
                         (Tokenizer, ("encode", "decode", "token_to_id")), (TokenDecoder, ("__init__",)),
                         (ReplyParser, ("__init__",))):
    for _name in _methods:
        _shown = _class.__name__ if _name == "__init__" else "%s.%s" % (_class.__name__, _name)
        setattr(_class, _name, _calls.clear(vars(_class)[_name], _shown))
del _class, _methods, _name, _shown
_aio.make_async(Generation)
_aio.make_async(ChatStream)
setattr(Model, "from_pretrained", staticmethod(from_pretrained))
setattr(MemoryPlan, "__str__", _show.plan_text)
setattr(MemoryPlan, "_repr_html_", _show.plan_html)
