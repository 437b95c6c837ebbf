"""Generations held to random schemas: those that end by themselves parse and validate, judged by json and jsonschema;
those that are cut short are a beginning that the grammar accepts.

GEMMA4_GRAMMAR_RUNS is how many must end by themselves (tests/run.sh --all: 2000); half come from a fixed seed."""
import json
import os
import random
import time

import pytest

import gemma4

RUNS = int(os.environ.get("GEMMA4_GRAMMAR_RUNS", "80"))
TEMPERATURES = [0.0, 0.4, 1.0, 1.0, 2.5, 8.0]
VALUES = [0, 1, 2.5, "", "a", "b\u00e9", 'q"\\', True, None, [], [1], {}, {"a": "b"}]
NAMES = ["a", "name", "id", "list", "\u00e9t\u00e9", 'q"', "x y", ""]


def bounded_schema(rng, depth=0):
    """A schema whose instances cannot go on for ever, whatever writes them."""
    kinds = ["integer", "number", "string", "string", "format", "boolean", "null", "enum"]
    if depth < 3:
        kinds += ["object"] * 4 + ["array", "array", "tuple", "anyOf", "oneOf", "allOf", "if", "not"]
    kind = rng.choice(kinds)
    if kind in ("integer", "number"):
        schema = {"type": kind, "minimum": rng.choice([-1000, -1, 0, 2.5])}
        schema["maximum"] = rng.choice([3, 9.75, 100, 65535])
        if rng.random() < 0.3:
            schema["multipleOf"] = rng.choice([1, 5, 0.25, 7])
        return schema
    if kind == "string":
        schema = {"type": "string", "maxLength": rng.randint(0, 12)}
        if rng.random() < 0.3:
            schema["minLength"] = rng.randint(0, schema["maxLength"])
        if rng.random() < 0.4:
            schema["pattern"] = rng.choice(["^[a-z]*$", "^[^a]*$", "^.*$", "^\\S*$", "^(?!x)", "^[A-Z][a-z ]*$|^$"])
        return schema
    if kind == "format":
        return {"type": "string", "format": rng.choice(["date", "ipv4", "uuid"])}
    if kind in ("boolean", "null"):
        return {"type": kind}
    if kind == "enum":
        return {"enum": rng.sample(VALUES, rng.randint(1, 4))}
    if kind == "array":
        schema = {"type": "array", "items": bounded_schema(rng, depth + 1), "maxItems": rng.randint(0, 4)}
        if rng.random() < 0.3:
            schema["minItems"] = rng.randint(0, 2)
        if rng.random() < 0.2:
            schema["contains"] = bounded_schema(rng, depth + 2)
        return schema
    if kind == "tuple":
        items = [bounded_schema(rng, depth + 1) for _ in range(rng.randint(1, 3))]
        return {"type": "array", "items": False, "prefixItems": items}
    if kind == "object":
        names = rng.sample(NAMES, rng.randint(0, 4))
        schema = {"type": "object", "properties": {n: bounded_schema(rng, depth + 1) for n in names}}
        schema["required"] = [n for n in names if rng.random() < 0.5]
        if rng.random() < 0.7:
            schema["additionalProperties"] = False
        else:
            schema["additionalProperties"] = bounded_schema(rng, depth + 1)
            schema["propertyNames"] = {"maxLength": 5}
            schema["maxProperties"] = rng.randint(len(schema["required"]), 5)
        if rng.random() < 0.2:
            schema["patternProperties"] = {rng.choice(["^x", "e", "^id$"]): bounded_schema(rng, depth + 1)}
        if len(names) > 1 and rng.random() < 0.2:
            schema["dependentRequired"] = {names[0]: [names[1]]}
        return schema
    if kind == "if":
        inner = bounded_schema(rng, depth + 1)
        return {"allOf": [inner], "if": bounded_schema(rng, depth + 2), "then": bounded_schema(rng, depth + 2)}
    if kind == "not":
        return {"allOf": [bounded_schema(rng, depth + 1)], "not": bounded_schema(rng, depth + 2)}
    if kind == "allOf":
        return {"allOf": [bounded_schema(rng, depth + 1), bounded_schema(rng, depth + 1)]}
    return {kind: [bounded_schema(rng, depth + 1) for _ in range(rng.randint(1, 3))]}


def as_python(schema):
    """Patterns as Python writes what they mean in ECMA-262: `$` is the end itself, `.` no line terminator."""
    if isinstance(schema, list):
        return [as_python(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key == "pattern":
            out[key] = value.replace("$", "\\Z").replace(".", "[^\n\r\u2028\u2029]")
        elif key == "patternProperties":
            out[key] = {k.replace("$", "\\Z"): as_python(v) for k, v in value.items()}
        else:
            out[key] = value if key in ("enum", "const") else as_python(value)
    return out


def hold(rng, models, wanted, judge):
    """Runs until `wanted` have ended by themselves."""
    ended = cut = refused = 0
    while ended < wanted:
        schema = bounded_schema(rng)
        try:
            grammar = gemma4.json_schema(schema, whitespace=rng.choice(["compact", "compact", "bounded"]))
        except gemma4.Error as error:
            assert error.code in ("unsupported", "invalid_argument"), (schema, str(error))
            refused += 1
            continue
        for model, prompt in models:
            sampler = gemma4.Sampler(temperature=rng.choice(TEMPERATURES), top_k=rng.choice([0, 0, 64]),
                                     top_p=rng.choice([1.0, 0.95]), seed=rng.randrange(2**32))
            limit = rng.choice([5, 40, 300, 300, 300])
            try:
                generation = gemma4.generate(gemma4.Session(model, context_length=512), prompt, sampler=sampler,
                                             max_tokens=limit, grammar=grammar)
            except gemma4.Error as error:  # a schema that contradicts itself
                assert "nothing satisfies" in str(error), (schema, str(error))
                break
            text = "".join(piece.text for piece in generation)
            if generation.result.reason != "end_of_turn":
                assert grammar.accepts_prefix(text.rstrip("\ufffd")), (schema, text)
                cut += 1
                continue
            judge(schema, json.loads(text))
            assert grammar.accepts(text), (schema, text)
            ended += 1
    return ended, cut, refused


@pytest.mark.parametrize("seed", [20, None], ids=["fixed seed", "rotating seed"])
def test_generations_held_to_random_schemas(nano, tiny, ask, seed):
    jsonschema = pytest.importorskip("jsonschema")
    seed = int(time.time()) if seed is None else seed
    print("seed", seed)

    def judge(schema, value):
        checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
        validator = jsonschema.Draft202012Validator(as_python(schema), format_checker=checker)
        assert validator.is_valid(value), (seed, schema, value)

    print(hold(random.Random(seed), [(nano, ask(nano, "Give me JSON.")), (tiny, [2, 5, 6, 7])], (RUNS + 1) // 2, judge))
