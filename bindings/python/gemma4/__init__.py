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
)
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
    "gbnf",
    "generate",
    "json_schema",
    "regex",
    "render_chat",
    "tool_schema",
]

for _name in __all__:  # what help() and tracebacks call them
    if not _name.startswith("_") and _name != "Error":
        globals()[_name].__module__ = "gemma4"
del _name
