"""What a person sees: progress bars, an answer as it comes, the memory plan as a table; in a terminal and in a notebook."""
import html
import importlib
import sys
import time
from typing import Any, Callable, List, Optional, Tuple

_EVERY = 0.1  # seconds between two updates
_PATIENCE = 0.5  # seconds of work that need no bar where nobody asked for one


def in_notebook() -> bool:
    """True in a Jupyter kernel: what is displayed there may be HTML."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and getattr(shell, "kernel", None) is not None


def progress_bar(wanted: Optional[bool], label: str) -> Optional[Callable[[int, int], None]]:
    """For progress=True a bar, for False nothing; for None a bar in a notebook, once the work takes a while."""
    if wanted is False or (wanted is None and not in_notebook()):
        return None
    return _NotebookBar(label, 0.0 if wanted else _PATIENCE) if in_notebook() else _TerminalBar(label)


class _Bar:
    def __init__(self, label: str, patience: float) -> None:
        self.label = label
        self.due = time.monotonic() + patience
        self.shown = False

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now < self.due and not (self.shown and done >= total):
            return
        self.due = now + _EVERY
        self.update(done, max(total, 1), done >= total)
        self.shown = True

    def update(self, done: int, total: int, over: bool) -> None:
        raise NotImplementedError


class _TerminalBar(_Bar):
    """A line on the standard error output, drawn over itself; the last one stays."""

    def __init__(self, label: str) -> None:
        super().__init__(label, 0.0)

    def update(self, done: int, total: int, over: bool) -> None:
        filled = 32 * done // total
        sys.stderr.write("\r%s [%s%s] %3d %%%s" % (self.label, "#" * filled, "." * (32 - filled), 100 * done // total, "\n" if over else ""))
        sys.stderr.flush()


class _NotebookBar(_Bar):
    def __init__(self, label: str, patience: float) -> None:
        super().__init__(label, patience)
        self.handle: Any = None

    def update(self, done: int, total: int, over: bool) -> None:
        ipython = importlib.import_module("IPython.display")
        shown = ipython.HTML('%s <progress value="%d" max="%d" style="vertical-align: middle"></progress> %d %%'
                     % (html.escape(self.label), done, total, 100 * done // total))
        if self.handle is None:
            self.handle = ipython.display(shown, display_id=True)
        else:
            self.handle.update(shown)


def show(stream: Any) -> Any:
    """Shows an answer as it comes, from generate() or Chat.stream(): as text, or as Markdown in a notebook.

    Returns the stream's GenerateResult or Reply. Thoughts are shown dimmed.
    """
    view = _NotebookView() if in_notebook() else _TerminalView()
    try:
        for item in stream:
            kind = getattr(item, "type", "content")
            if kind in ("content", "reasoning"):
                view.add(item.text, kind == "reasoning")
            elif kind == "tool_call":
                view.add("%s(%s)\n" % (item.call.name, ", ".join("%s=%r" % pair for pair in item.call.arguments.items())), True)
    finally:
        view.end()
    return stream.reply if hasattr(stream, "reply") else stream.result


class _TerminalView:
    def __init__(self) -> None:
        self.dim = False
        self.colours = sys.stdout.isatty()
        self.last = "\n"

    def add(self, text: str, dim: bool) -> None:
        if dim != self.dim:
            self._write(("" if self.last == "\n" else "\n") + ("\x1b[2m" if dim else "\x1b[0m") * self.colours)
            self.dim = dim
        self._write(text)

    def end(self) -> None:
        self._write("\x1b[0m" * (self.dim and self.colours) + ("" if self.last == "\n" else "\n"))

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()
            self.last = text[-1]


class _NotebookView:
    def __init__(self) -> None:
        self.parts: List[Tuple[str, bool]] = []
        self.due = 0.0
        self.handle: Any = None

    def add(self, text: str, dim: bool) -> None:
        if self.parts and self.parts[-1][1] == dim:
            self.parts[-1] = (self.parts[-1][0] + text, dim)
        else:
            self.parts.append((text, dim))
        if time.monotonic() >= self.due:
            self._draw()

    def end(self) -> None:
        self._draw()

    def _draw(self) -> None:
        ipython = importlib.import_module("IPython.display")
        blocks = []
        for text, dim in self.parts:
            blocks.append('<div style="opacity: 0.6; white-space: pre-wrap">%s</div>' % html.escape(text) if dim else text)
        shown = ipython.Markdown("\n\n".join(blocks))
        if self.handle is None:
            self.handle = ipython.display(shown, display_id=True)
        else:
            self.handle.update(shown)
        self.due = time.monotonic() + _EVERY


def _rows(plan: Any) -> List[Tuple[str, int]]:
    rows = [(name, size) for name, size in plan.weights.items()]
    return rows + [("weights", plan.weight_bytes), ("KV cache", plan.kv_cache_bytes), ("work space", plan.workspace_bytes),
                   ("logits and history", plan.state_bytes),
                   ("total", plan.total_bytes), ("checkpoints, at most", plan.checkpoint_bytes)]


def size_text(size: int) -> str:
    """A number of bytes with three digits: "1.24 GB"."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return "%d B" % size if unit == "B" else "%.3g %s" % (value, unit)
        value /= 1000
    return "%.3g TB" % value


def plan_text(plan: Any) -> str:
    """str() of a MemoryPlan: a table of two columns."""
    rows = [(name, size_text(size)) for name, size in _rows(plan)]
    width = max(len(name) for name, _ in rows)
    return "\n".join("%-*s  %10s" % (width, name, size) for name, size in rows)


def plan_html(plan: Any) -> str:
    """A MemoryPlan in a notebook."""
    sums = ("weights", "KV cache", "work space", "total")
    lines = []
    for name, size in _rows(plan):
        tag = "th" if name in sums else "td"
        lines.append('<tr><%s style="text-align: left">%s</%s><%s style="text-align: right" title="%d bytes">%s</%s></tr>'
                     % (tag, html.escape(name), tag, tag, size, size_text(size), tag))
    return "<table>%s</table>" % "".join(lines)
