"""_gemma4.pyi against the compiled module: the same names, the same arguments with the same defaults; every name has a docstring."""
import ast
import importlib.util
import inspect
import pathlib
import re
import subprocess
import sys

import pytest

import gemma4
from conftest import ROOT
from gemma4 import _gemma4

FOLDER = pathlib.Path(gemma4.__file__).parent
STUB = ast.parse((FOLDER / "_gemma4.pyi").read_text())
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
# What no stub has to say: Python gives it to every class, or it ends in a TypeError.
UNSAID = {"__module__", "__doc__", "__repr__", "__str__", "__dir__", "__reduce_ex__", "__weakref__", "__dict__"}


def members_of(node):
    return {item.name: item for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))} | {
        item.target.id: item for item in node.body if isinstance(item, ast.AnnAssign)}


def of_stub(node, method):
    """[(name, kind, default)] of a stub's function; kind: "either" or "keyword"."""
    arguments = node.args
    plain = [a.arg for a in arguments.args][1 if method else 0:]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + [ast.unparse(d) for d in arguments.defaults]
    out = [(name, "either", default) for name, default in zip(plain, defaults[len(defaults) - len(plain):])]
    return out + [(a.arg, "keyword", ast.unparse(d) if d else None) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults)]


def of_docstring(text, method):
    """The same from the first line that pybind11 writes: "f(self: gemma4.X, ids: object, *, n: int = 3) -> ..."."""
    signature = text.splitlines()[0]
    depth, begin = 0, signature.index("(")
    for end in range(begin, len(signature)):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(signature[end], 0)
        if depth == 0:
            break
    tree = ast.parse("def f%s: ..." % re.sub(r"<[^<>]*>", "None", signature[begin:end + 1])).body[0]
    return of_stub(tree, method)


def same(stub, real):
    def default(text):
        return None if text is None else repr(ast.literal_eval(text))
    return [(n, k, default(d)) for n, k, d in stub] == [(n, k, default(d)) for n, k, d in real]


def test_the_names_are_the_same():
    real = {name for name in vars(_gemma4) if not name.startswith("_")}
    assert set(CLASSES) | set(FUNCTIONS) == real
    own = {"from_pretrained", "show", "tool_schema"}
    assert set(gemma4.__all__) == real | own | {"__version__"}
    assert (FOLDER / "py.typed").exists()


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_class(name):
    kind, members = getattr(_gemma4, name), members_of(CLASSES[name])
    assert kind.__module__ == "gemma4" and inspect.getdoc(kind)
    real = {key for key in vars(kind) if not key.startswith("_") or key in members or hasattr(vars(kind)[key], "__doc__")}
    real = {key for key in real if key not in UNSAID and not key.startswith("_pybind11") and key not in vars(Exception)}
    wanted = set(members) - {"__init__"}
    assert {key for key in real if key != "__init__"} == wanted
    for key, node in members.items():
        value = vars(kind).get(key)
        if isinstance(node, ast.AnnAssign):
            assert hasattr(kind, key)
            continue
        if any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list):
            assert isinstance(value, property) and value.fset is None, key
            assert inspect.getdoc(value), "%s.%s has no docstring" % (name, key)
            continue
        static = isinstance(value, staticmethod)
        function = value.__func__ if static else value
        if not key.startswith("_"):
            text = inspect.getdoc(function)
            assert text and len(text.splitlines()) > (0 if inspect.isfunction(function) else 1), "%s.%s has no docstring" % (name, key)
        if (inspect.isfunction(function) and not hasattr(function, "__wrapped__")) or key.startswith("__") and key != "__init__" or node.args.kwarg:
            continue
        if name == "Sampler" and key == "__init__":  # keyword arguments by name, checked in test_sampler_options
            stub = of_stub(node, True)
            assert all(k == "keyword" for _, k, _ in stub)
            defaults = {n: ast.literal_eval(d) for n, _, d in stub}
            real_defaults = gemma4.Sampler().options
            def said(value):
                return list(value) if isinstance(value, tuple) else pytest.approx(value) if isinstance(value, float) else value
            assert {n: said(d) for n, d in defaults.items()} == real_defaults
            continue
        assert same(of_stub(node, not static), of_docstring(function.__doc__, not static)), "%s.%s" % (name, key)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function(name):
    function = getattr(_gemma4, name)
    assert len(function.__doc__.splitlines()) > 1, "no docstring"
    assert same(of_stub(FUNCTIONS[name], False), of_docstring(function.__doc__, False))


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")
def test_mypy_accepts_a_program(tmp_path):
    program = tmp_path / "program.py"
    program.write_text('''
import gemma4

model = gemma4.Model("path", threads=2)
ids: list[int] = model.tokenizer.encode("Hello", add_bos=True, parse_special=False)
session = gemma4.Session(model, context_length=4096)
logits = session.prefill(ids, all_logits=True)
for piece in gemma4.generate(session, ids, sampler=gemma4.Sampler(temperature=0.0), max_tokens=32):
    print(piece.text.upper())


async def talk() -> None:
    with gemma4.Chat(model, thinking=False) as chat:
        async for event in chat.stream("Hello"):
            print(event.text)


scores: list[float] = gemma4.score(session, ids)
again = gemma4.Model.from_bytes(b"GGUF", threads=1), gemma4.Model.from_fd(open("x", "rb")), gemma4.Model.from_fd(0)
print(gemma4.show(gemma4.generate(session, ids)), gemma4.from_pretrained("x").memory_plan().total_bytes)
''')
    run = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(ROOT / ".cache" / "mypy"), str(program)],
                         capture_output=True, text=True, cwd=tmp_path, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
