"""async for over a Generation or a ChatStream: each step runs in a thread, and the event loop goes on."""
import asyncio
from typing import Any

_END = object()


async def next_of(stream: Any) -> Any:
    """The stream's next item, for __anext__. A task that is cancelled ends the stream, once its step has ended."""
    loop = asyncio.get_running_loop()
    step = loop.run_in_executor(None, next, stream, _END)
    try:
        item = await asyncio.shield(step)
    except asyncio.CancelledError:
        stream.cancel()
        while not step.done():
            try:
                await asyncio.wait([step])
            except asyncio.CancelledError:
                pass  # the session is in use until then
        if not step.cancelled():
            step.exception()  # looked at, so that nobody complains
        raise
    if item is _END:
        raise StopAsyncIteration
    return item


def make_async(kind: Any) -> None:
    """Gives a class of iterators with cancel() the methods of an asynchronous one."""
    setattr(kind, "__aiter__", lambda self: self)
    setattr(kind, "__anext__", next_of)
