"""from_pretrained: a model of the Hugging Face hub, or of a folder. The hub's client is the extra gemma4[hub]."""
import importlib
import os
import re
from typing import Any, List, Optional, Tuple

from ._gemma4 import Error, Model

_FILES = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
          "model*.safetensors", "model.safetensors.index.json"]
_PART = re.compile(r"-\d{5}-of-(\d{5})\.gguf$")


def from_pretrained(
    name: Any,
    *,
    filename: Optional[str] = None,
    revision: Optional[str] = None,
    cache_dir: Any = None,
    token: Any = None,
    local_files_only: bool = False,
    **options: Any,
) -> Model:
    """The Model of a repository of the Hugging Face hub ("google/gemma-4-E2B-it"), downloaded once, or of a folder.

    filename: one file of it, a GGUF (of a split one, the first part). revision, cache_dir, token and local_files_only are
    those of huggingface_hub, which `pip install gemma4[hub]` installs. The others are Model's. Raises Error not_found
    where there is no such repository, revision or file, io where the hub cannot be reached.
    """
    if os.path.isdir(name):
        return Model(os.path.join(name, filename) if filename else name, **options)
    hub = _client()
    patterns, first = _wanted(filename)
    try:
        folder = hub.snapshot_download(name, revision=revision, cache_dir=cache_dir, token=token,
                                       local_files_only=local_files_only, allow_patterns=patterns)
    except Exception as error:
        raise _told(name, error) from error
    path = os.path.join(folder, first) if first else folder
    if not os.path.exists(path if first else os.path.join(folder, "config.json")):
        raise _error("not_found", "%s: has no %s" % (name, first or "config.json; a GGUF is named by filename="))
    return Model(path, **options)


def _client() -> Any:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError:
        raise ImportError("from_pretrained needs huggingface_hub, for names that are not folders: "
                          "pip install 'gemma4[hub]'") from None


def _wanted(filename: Optional[str]) -> Tuple[List[str], Optional[str]]:
    """What to download, and the file to open."""
    if filename is None:
        return _FILES, None
    part = _PART.search(filename)
    if part:
        return [filename[: part.start()] + "-?????-of-" + part.group(1) + ".gguf"], filename
    return [filename], filename


def _error(code: str, message: str) -> Error:
    error = Error(message)
    error.code = code
    return error


def _told(name: Any, error: Exception) -> Exception:
    """The hub's exceptions as ours; what is no trouble with the hub (a wrong type) as it is."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & {"RepositoryNotFoundError", "RevisionNotFoundError", "EntryNotFoundError", "LocalEntryNotFoundError",
                "HFValidationError"}:
        return _error("not_found", "%s: %s" % (name, error))
    if kinds & {"HfHubHTTPError", "HTTPError", "OSError", "ConnectionError", "TimeoutError"}:
        return _error("io", "%s: %s" % (name, error))
    return error
