#!/usr/bin/env bash
# Make the goldens anew with HF transformers and compare them with the committed ones; --write replaces those instead.
# The reference lives in a virtual environment, $GEMMA4_REFERENCE (default ~/.cache/gemma4-reference), made if absent.
# pip's own variables apply: PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu brings a torch without CUDA.
set -euo pipefail
cd "$(dirname "$0")"

write=no
case "${1:-}" in
  "") ;;
  --write) write=yes ;;
  *) echo "usage: regenerate.sh [--write]" >&2; exit 2 ;;
esac

reference=${GEMMA4_REFERENCE:-$HOME/.cache/gemma4-reference}
python=$reference/bin/python
if ! "$python" -c "import torch, transformers" 2>/dev/null; then
  python3 -m venv "$reference"
  "$python" -m pip install --quiet --disable-pip-version-check torch==2.13.0
  "$python" -m pip install --quiet --disable-pip-version-check transformers==5.23.0 safetensors numpy
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$python" reference.py "$scratch/goldens"
if [ $write = yes ]; then
  mkdir -p goldens
  rm -f goldens/*.safetensors
  cp "$scratch"/goldens/*.safetensors goldens/
  du -ch goldens/*.safetensors | tail -n 1
else
  "$python" compare.py "$scratch/goldens" goldens
fi
