"""The functions that capi/gemma4_c/*.h declare, read from the headers."""
import pathlib
import re


def headers(folder):
    return sorted(pathlib.Path(folder).glob("gemma4_c/*.h"))


def prototypes(folder):
    """name -> (result type, [(type, parameter name)])"""
    found = {}
    for header in headers(folder):
        text = re.sub(r"//[^\n]*", "", header.read_text())
        for result, name, parameters in re.findall(r"GEMMA4_API\s+([\w\s*]+?)\s*(gemma4_\w+)\(([^)]*)\)\s*;", text):
            split = []
            for parameter in parameters.split(","):
                parameter = " ".join(parameter.split())
                if parameter != "void":
                    kind, last = re.fullmatch(r"(.*?[\s*])(\w+)", parameter).groups()
                    split.append((kind.strip(), last))
            found[name] = (" ".join(result.split()), split)
    return found
