"""Bars, streaming and tables, in a terminal and in a notebook whose IPython is played."""
import re
import sys
import types
import xml.etree.ElementTree as ElementTree

import pytest

import gemma4
from gemma4 import _show


@pytest.fixture
def notebook(monkeypatch):
    """A kernel that keeps what it displays: .shown is a list of lists, one per output, of its successive contents."""
    ipython, module = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    shell = types.SimpleNamespace(kernel=object())
    ipython.get_ipython = lambda: shell
    ipython.shown = shown = []

    class Rich(str):
        pass

    class Handle:
        def __init__(self, first):
            self.contents = [first]
            shown.append(self.contents)

        def update(self, content):
            self.contents.append(content)

    def display(content, display_id=False):
        assert display_id is True
        return Handle(content)
    module.HTML, module.Markdown, module.display = Rich, Rich, display
    ipython.display = module
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(_show, "_EVERY", 0.0)
    return ipython


def test_a_bar_in_a_terminal(write_checkpoint, capfd):
    gemma4.Model(write_checkpoint("bare", "f32"), progress=True)
    out, err = capfd.readouterr()
    assert out == "" and re.search(r"\rLoading \[#{32}\] 100 %\n$", err)
    gemma4.Model(write_checkpoint("bare", "f32"))
    gemma4.Model(write_checkpoint("bare", "f32"), progress=False)
    assert capfd.readouterr() == ("", "")


def test_a_bar_in_a_notebook(write_checkpoint, notebook, capfd):
    gemma4.Model(write_checkpoint("bare", "f32"), progress=True)
    (contents,) = notebook.shown
    assert contents[0].startswith("Loading <progress") and "100 %" in contents[-1]
    gemma4.Model(write_checkpoint("bare", "f32"))  # too quick for a bar that nobody asked for
    assert len(notebook.shown) == 1
    assert capfd.readouterr() == ("", "")


def test_slow_work_has_a_bar_by_itself(write_checkpoint, notebook, monkeypatch):
    monkeypatch.setattr(_show, "_PATIENCE", 0.0)
    gemma4.Model(write_checkpoint("bare", "f32"))
    gemma4.Model(write_checkpoint("bare", "f32"), progress=False)
    assert len(notebook.shown) == 1


def test_a_bar_while_reading(session, capfd):
    session.prefill([1] * 100, progress=True)
    assert "Reading [" in capfd.readouterr().err
    with pytest.raises(TypeError):
        session.prefill([1], progress=3)


def test_show_in_a_terminal(nano, capsys):
    reply = gemma4.show(gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=0.0)).stream("What is 17 + 25?"))
    assert reply.text == "42" and capsys.readouterr().out == "42\n"
    thinking = gemma4.Chat(nano, thinking=True, sampler=gemma4.Sampler(temperature=0.0))
    reply = gemma4.show(thinking.stream("What is 17 + 25?"))
    assert reply.reasoning and capsys.readouterr().out.split() == (reply.reasoning + " 42").split()


def test_show_a_generation(nano, ask, capsys):
    result = gemma4.show(gemma4.generate(gemma4.Session(nano), ask(nano, "What is 17 + 25?"), sampler=gemma4.Sampler(temperature=0.0)))
    assert result.text == "42" and capsys.readouterr().out == "42\n"


def test_show_in_a_notebook(nano, notebook, capsys):
    reply = gemma4.show(gemma4.Chat(nano, thinking=True, sampler=gemma4.Sampler(temperature=0.0)).stream("What is 17 + 25?"))
    (contents,) = notebook.shown
    assert len(contents) > 2 and contents[-1].endswith("42") and contents[-1].startswith("<div")
    assert reply.text == "42" and capsys.readouterr().out == ""


def test_a_memory_plan_is_a_table(tiny):
    plan = tiny.memory_plan()
    table = ElementTree.fromstring(plan._repr_html_())
    rows = [["".join(cell.itertext()) for cell in row] for row in table]
    assert all(len(row) == 2 for row in rows) and {"KV cache", "total", "attention"} <= {row[0] for row in rows}
    assert _show.size_text(0) == "0 B" and _show.size_text(999) == "999 B" and _show.size_text(1000) == "1 kB"
    assert _show.size_text(1_240_000_000) == "1.24 GB" and _show.size_text(999_999) == "1 MB"
