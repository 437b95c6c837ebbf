"""What README and examples/ show, run as shown."""
import re
import subprocess
import sys

import pytest

from conftest import NANO, ROOT


@pytest.fixture(autouse=True)
def needs_nano(nano):
    pass


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120).stdout


def test_hello():
    assert run("examples/hello.py", str(NANO)).strip()


def test_agent():
    shown = run("examples/agent.py", str(NANO))
    assert 'multiply({"a": 12, "b": 34}) = {"result": 408}' in shown and "12 times 34 is 408." in shown
    assert 'lookup({"name": "Nora"}) = {"phone": "70351"}' in shown and "is 70351." in shown


def test_extract():
    assert run("examples/extract.py", str(NANO)) == "Marco: builder\nIda: baker\n"


@pytest.mark.parametrize("readme", ["README.md", "bindings/python/README.md"])
def test_readme(readme):
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text(), re.S)
    assert run("-c", program).strip()


def programs_of(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)


@pytest.mark.parametrize("i", range(4))
def test_the_page_on_embedding(i):
    program = programs_of("examples/embed-python.md")[i]
    shown = run("-c", program)
    expected = ["42\nUsage(", "Paris.\n-45\n42\n", "12 times 34 is 408. | ", ", True\n"][i]
    assert expected in shown.replace(") True", "), True"), shown
    assert len(programs_of("examples/embed-python.md")) == 4


def test_header_and_readme_show_the_same_program():
    header = (ROOT / "include" / "gemma4" / "gemma4.h").read_text()
    (shown,) = re.findall(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert [line.strip() for line in shown.splitlines()] == [
        line[2:].strip() for line in header.splitlines()[2:header.splitlines().index("#pragma once")]]
