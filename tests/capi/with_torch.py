"""In one process with torch, which brings a oneDNN and an OpenMP of its own: before it, after it, and after it again.

usage: with_torch.py LIBRARY MODEL_FOLDER      status 77: there is no torch here
"""
import contextlib
import io
import os
import pathlib
import runpy
import subprocess
import sys


def step(what, model):
    if what == "torch":
        import torch

        layer = torch.nn.Linear(64, 64).bfloat16()
        if not torch.isfinite(layer(torch.ones(8, 64).bfloat16()).float()).all():
            raise SystemExit("torch computes something else")
        return
    printed = io.StringIO()
    sys.argv = ["embed.py", model]
    with contextlib.redirect_stdout(printed):
        runpy.run_path(str(pathlib.Path(__file__).parents[2] / "examples/ctypes/embed.py"))
    if "Paris" not in printed.getvalue():
        raise SystemExit(f"gemma4 said {printed.getvalue()!r}")


def main():
    if len(sys.argv) == 4:
        _, _, model, order = sys.argv
        for what in order.split(","):
            step(what, model)
        return
    library, model = map(os.path.abspath, sys.argv[1:3])
    if subprocess.run([sys.executable, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode != 0:
        print("skipped: no torch")
        sys.exit(77)
    environment = dict(os.environ, LD_LIBRARY_PATH=os.path.dirname(library))
    for order in ("torch,gemma4,torch", "gemma4,torch,gemma4"):
        subprocess.run([sys.executable, __file__, library, model, order], env=environment, check=True)


if __name__ == "__main__":
    main()
