"""What is easier said in Python of conversations: answers as values, tools that are called to the end, replies to await."""
import dataclasses
import functools
import inspect
import json
from typing import Any, Callable, Dict, List, Mapping, Optional

from ._tools import _name_of


def functions_of(tools: Any) -> Dict[str, Callable[..., Any]]:
    """By name, what among `tools` can be called."""
    return {_name_of(tool): tool for tool in tools or () if callable(tool)}


def keep_functions(init: Any) -> Any:
    """Chat.__init__ that remembers the functions among its tools, for run()."""

    @functools.wraps(init)
    def keeping(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        tools = args[1] if len(args) > 1 else kwargs.get("tools")
        self._functions = functions_of(tools)

    return keeping


def fork(native: Any) -> Any:
    """Chat.fork() that hands the functions on."""

    @functools.wraps(native)
    def forked(self: Any) -> Any:
        made = native(self)
        made._functions = dict(self._functions)
        return made

    return forked


def result_of(function: Callable[..., Any], arguments: Dict[str, Any]) -> Any:
    """What goes back to the model; what goes wrong is told to it too, which may know better then."""
    try:
        result = function(**arguments)
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}
    if hasattr(result, "model_dump"):
        return result.model_dump(mode="json")
    if dataclasses.is_dataclass(result) and not inspect.isclass(result):
        return dataclasses.asdict(result)
    return result


def run(self: Any, text_or_messages: Any, *, tools: Any = None, rounds: int = 8,
        on_call: Optional[Callable[[Any, Any], object]] = None, **options: Any) -> Any:
    """send(), and what the model wants called is called, until it answers: its last Reply.

    tools: functions (the chat's own where None); what a function raises is told to the model as {"error": ...}. A call of a
    tool that is no function here ends the run: its reply has it in tool_calls. After `rounds` rounds of calls the model has
    to answer without. on_call(call, result) is told each. tool_choice counts for the first reply; the other options are
    send()'s, for each.
    """
    functions = self._functions if tools is None else functions_of(tools)
    reply = self.send(text_or_messages, tools=tools, **options)
    options.pop("tool_choice", None)
    while reply.tool_calls and all(call.name in functions for call in reply.tool_calls):
        results: List[Mapping[str, Any]] = []
        for call in reply.tool_calls:
            result = result_of(functions[call.name], call.arguments)
            if on_call is not None:
                on_call(call, result)
            results.append({"role": "tool", "tool_call_id": call.id, "content": result})
        rounds -= 1
        reply = self.send(results, tools=tools, tool_choice="auto" if rounds > 0 else "none", **options)
    return reply


async def _to_the_end(stream: Any) -> Any:
    async for _ in stream:
        pass
    return stream.reply


async def asend(self: Any, *args: Any, **options: Any) -> Any:
    """send() to await: the reply is made in a thread, and the event loop goes on. A task that is cancelled ends it."""
    return await _to_the_end(self.stream(*args, **options))


async def areply(self: Any, *args: Any, **options: Any) -> Any:
    """reply() to await, as asend()."""
    return await _to_the_end(self.stream_reply(*args, **options))


def parsed(self: Any) -> Any:
    """The answer as a value, where response_format is a class or a schema: an instance of a Pydantic model or a dataclass, else
    what json.loads() gives. None without such a format, and where the reply has calls or was cut short."""
    kind = self.__dict__.get("_format")
    if kind is None or self.tool_calls or self.finish_reason != "stop":
        return None
    if hasattr(kind, "model_validate_json"):
        return kind.model_validate_json(self.text)
    value = json.loads(self.text)
    return kind(**value) if inspect.isclass(kind) and dataclasses.is_dataclass(kind) else value
