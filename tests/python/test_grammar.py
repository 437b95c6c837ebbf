"""json_schema(), regex(), gbnf(), and generations held to them. Judged by jsonschema and re, where they are there."""
import collections
import dataclasses
import enum
import json
import random
import re
import types
import typing

import numpy as np
import pytest

import gemma4

GREEDY = dict(temperature=0.0)


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def test_members_in_any_order_each_once():
    grammar = gemma4.json_schema({"type": "object", "required": ["a"],
                                  "properties": {"a": {"type": "integer"}, "b": {"enum": ["x", "y\u00e9", None]}}})
    for text in ('{"a":1}', '{"b":"x","a":-2}', '{"a":1,"c":[true,{"d":1e-7}]}', '{"a":1,"b":"y\\u00e9"}', '{"a":3.0}',
                 '{"\\u0061":1}', '{"b":null,"a":0}'):
        assert grammar.accepts(text), text
        assert all(grammar.accepts_prefix(text[:i]) for i in range(len(text))), text
    for text in ("", "{}", '{"b":"x"}', '{"a":1,"a":1}', '{"a":1,"c":1,"c":2}', '{"a":1,"\\u0061":2}', '{"a":1.5}',
                 '{"a":1,"b":"z"}', '{"a":1,}', '{"a":01}', '{"a":1} ', '{"a":1}{"a":1}', '{"a":1', '{"a": 1}'):
        assert not grammar.accepts(text), text
    bounded = gemma4.json_schema({"type": "object"}, whitespace="bounded")
    assert bounded.accepts('{\n    "a": [1, 2],\n    "b": {}\n}')
    assert not bounded.accepts(' {}') and not bounded.accepts('{\n\n"a":1}') and not bounded.accepts('{"a" :1}')


def test_schema_as_text():
    assert gemma4.json_schema('{"const": 5}').accepts("5")
    assert gemma4.json_schema(True).accepts('[1,"a",null]')
    assert not gemma4.json_schema(False).accepts("1")
    with pytest.raises(TypeError):
        gemma4.json_schema({"const": object()})


def holding_itself(kind):
    value = {} if kind is dict else []
    inner = {"a": [value]}
    value.update(more=inner) if kind is dict else value.append(inner)
    return value


def deep(n, kind):
    value = {}
    for _ in range(n):
        value = {"not": value} if kind is dict else [value]
    return value


class Color(enum.IntEnum):
    RED = 1


# What Python can hold and JSON cannot, by where it stands in {"x": [value]}.
NOT_JSON = [(float("nan"), "x\\[0\\]: .*finite"), (float("inf"), "x\\[0\\]: .*finite"), (-np.float64("inf"), "x\\[0\\]: .*finite"),
            (holding_itself(dict), "x\\[0\\]\\.more\\.a\\[0\\]: .*hold itself"), (holding_itself(list), "x\\[0\\].*hold itself"),
            (deep(127, dict), "nesting of at most 128"), (deep(100000, dict), "nesting of at most 128"), (deep(100000, list), "nesting of at most 128"),
            ({1: 2}, "x\\[0\\]: expected keys of str"), ({None: 2}, "expected keys of str"), ({b"a": 2}, "expected keys of str"),
            ({(1, 2): 2}, "expected keys of str"), ({1, 2}, "x\\[0\\]: .*set"), (frozenset(), "frozenset"), (object(), "object"),
            (1j, "complex"), (b"\xff", "."), ("\ud800", "x\\[0\\]: .*surrogate"), ({"\udc00": 1}, "x\\[0\\]: a key.*surrogate"),
            (range(3), "range"), (np.zeros(2), "ndarray"), (10 ** 5000, "x\\[0\\].*digits"), (bytearray(b"x"), "bytearray"),
            (iter([1]), "iterator"), (Ellipsis, "ellipsis"), (int, "type")]


@pytest.mark.parametrize("value, words", NOT_JSON, ids=[words for _, words in NOT_JSON])
def test_what_json_cannot_hold_is_an_error_that_says_where(nano, value, words):
    held = {"x": [value]}
    chat = gemma4.Chat(nano)
    message = {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": held}}]}
    tool = {"name": "f", "parameters": {"properties": {"a": {"default": held}}}}
    for call in (lambda: gemma4.json_schema({"default": held}), lambda: chat.send("x", {"default": held}),
                 lambda: chat.send("x", {"type": "json_schema", "json_schema": {"schema": {"default": held}}}),
                 lambda: chat.send([message]), lambda: chat.stream([message]), lambda: gemma4.render_chat([message]),
                 lambda: gemma4.render_chat([{"role": "user", "content": "x"}], [tool]), lambda: gemma4.Chat(nano, [tool]),
                 lambda: gemma4.ReplyParser(nano.tokenizer, tools=[tool]), lambda: gemma4.encode_chat(nano.tokenizer, [message]),
                 lambda: chat.send("x", tool_choice={"function": {"name": held}}),
                 lambda: chat.send([{"role": "user", "content": "x"}, {"role": "tool", "name": "f", "content": held}])):
        with pytest.raises(gemma4.Error, match=words) as error:
            call()
        assert error.value.code in ("invalid_argument", "bad_format") and len(str(error.value)) < 400
    assert chat.messages == []


def test_what_json_can_hold_in_a_schema():
    for schema, text in (({"const": (1, 2)}, "[1,2]"), ({"const": np.float64(0.5)}, "0.5"), ({"const": Color.RED}, "1"),
                         ({"enum": [True, None]}, "null"), (collections.OrderedDict(const="a"), '"a"'), ({"const": b"caf\xc3\xa9"}, '"caf\u00e9"'),
                         (types.MappingProxyType({"const": 2}), "2"), ({"const": deep(50, list)}, "[" * 50 + "{}" + "]" * 50)):
        assert gemma4.json_schema(schema).accepts(text), schema
    for text in ("[" * 100000, '{"not":' * 100000 + "{}" + "}" * 100000, '{"minimum": NaN}', '{"minimum": Infinity}', "{'a': 1}", b"\xff", "\ud800"):
        with pytest.raises(gemma4.Error):
            gemma4.json_schema(text)


@dataclasses.dataclass
class Point:
    """A point."""
    x: int
    label: typing.Optional[str] = None
    next: typing.Optional["Point"] = None


class Named(typing.TypedDict):
    name: str
    tags: typing.List[str]


def test_classes_are_schemas_wherever_schemas_are(nano):
    pydantic = pytest.importorskip("pydantic")

    class Person(pydantic.BaseModel):
        name: str
        age: typing.Optional[int] = None

    cases = [(Person, ['{"name":"a"}', '{"name":"a","age":3}', '{"name":"a","age":null}'], ['{"age":3}', '{"name":1}']),
             (Person(name="x"), ['{"name":"a"}'], ['{"name":1}']),
             (Point, ['{"x":1}', '{"x":1,"label":null}', '{"x":1,"label":"a"}', '{"x":1,"next":{"x":2,"next":null}}'], ['{"x":"1"}', '{"x":1,"next":{}}']),
             (Named, ['{"name":"a","tags":[]}', '{"tags":["b"],"name":""}'], ['{"name":"a"}', '{"name":"a","tags":[1]}'])]
    for kind, good, bad in cases:
        grammar = gemma4.json_schema(kind, closed_objects=True)
        assert all(grammar.accepts(text) for text in good) and not any(grammar.accepts(text) for text in bad), kind
        reply = gemma4.Chat(nano, sampler=gemma4.Sampler(temperature=0)).send("Give me JSON.", kind, max_tokens=200)
        assert reply.finish_reason != "stop" or grammar.accepts(reply.text), (kind, reply.text)
    for kind in (int, object, enum.Enum):
        with pytest.raises(gemma4.Error):
            gemma4.json_schema(kind)
        with pytest.raises(gemma4.Error, match="response_format"):
            gemma4.Chat(nano).send("x", kind)


@pytest.mark.parametrize("schema, code, words", [
    ("{", "bad_format", ["json_schema"]),
    ({"properties": {"a": {"type": "text"}}}, "bad_format", ["#/properties/a/type"]),
    ({"properties": {"a~b": {"pattern": "("}}}, "bad_format", ["#/properties/a~0b/pattern"]),
    ({"$ref": "#/nowhere"}, "bad_format", ["#/$ref", "nowhere"]),
    ({"$ref": "#"}, "bad_format", ["#", "itself"]),
    ({"anyOf": [{"$ref": "#/$defs/a"}], "$defs": {"a": {"$ref": "#"}}}, "bad_format", ["itself"]),
    ({"type": "object", "required": ["next"], "properties": {"next": {"$ref": "#"}}}, "invalid_argument", ["itself"]),
    ({"items": {"$ref": "http://example.com/other"}}, "unsupported", ["#/items/$ref", "$ref"]),
    ({"properties": {"a": {"type": "array", "uniqueItems": True}}}, "unsupported", ["#/properties/a/uniqueItems"]),
    ({"type": "object", "allOf": [{}], "unevaluatedProperties": False}, "unsupported", ["unevaluatedProperties"]),
    ({"$dynamicRef": "#x"}, "unsupported", ["$dynamicRef"]),
    ({"type": "string", "format": "idn-email"}, "unsupported", ["#/format", "idn-email"]),
    ({"minLength": -1}, "bad_format", ["#/minLength"]),
    ({"pattern": "a{10000000}"}, "unsupported", ["#/pattern"]),
])
def test_errors_name_the_place(schema, code, words):
    with pytest.raises(gemma4.Error) as error:
        gemma4.json_schema(schema)
    assert error.value.code == code, str(error.value)
    for word in words:
        assert word in str(error.value)


def test_hostile_schemas_end_soon():
    deep = {}
    for _ in range(200):
        deep = {"items": deep}
    with pytest.raises(gemma4.Error):
        gemma4.json_schema('{"items":' * 100000 + "{}" + "}" * 100000)
    with pytest.raises(gemma4.Error):
        gemma4.json_schema(deep)
    large = gemma4.json_schema({"enum": ["value %d" % i for i in range(100000)]})
    assert large.accepts('"value 99999"') and not large.accepts('"value 100000"')
    counted = gemma4.json_schema({"type": "array", "minItems": 900000, "maxItems": 1000000, "items": {"maxLength": 10**9}})
    assert counted.accepts_prefix("[1,2") and not counted.accepts("[1,2]")
    assert gemma4.json_schema({"pattern": "^(a+)+b$"}).accepts('"' + "a" * 1000 + 'b"')
    wide = {"allOf": [{"anyOf": [{"required": ["k%d_%d" % (i, j)]} for j in range(20)]} for i in range(20)]}
    with pytest.raises(gemma4.Error) as error:
        gemma4.json_schema(wide)
    assert error.value.code == "unsupported"


def random_schema(rng, depth=0):
    kinds = ["integer", "number", "string", "boolean", "null", "enum", "const"]
    if depth < 3:
        kinds += ["object", "object", "array", "anyOf", "oneOf", "allOf", "tuple", "not"]
    kind = rng.choice(kinds)
    if kind in ("integer", "number"):
        schema = {"type": kind}
        if rng.random() < 0.6:
            schema["minimum"] = rng.choice([-100, -7, 0, 3, 2.5, -0.75])
        if rng.random() < 0.6:
            schema["maximum"] = rng.choice([3, 12, 99, 1000, 5.25])
        if rng.random() < 0.2:
            schema["exclusiveMinimum"] = rng.choice([-3, 0, 1])
        if rng.random() < 0.2:
            schema["multipleOf"] = rng.choice([2, 3, 5, 7])
        return schema
    if kind == "string":
        schema = {"type": "string"}
        if rng.random() < 0.4:
            schema["minLength"] = rng.randint(0, 3)
        if rng.random() < 0.4:
            schema["maxLength"] = rng.randint(3, 6)
        if rng.random() < 0.3:
            schema["pattern"] = rng.choice(["^[a-c]+$", "b", "^x?y", "\\d{2}", "^(ab|c)*$", "^[^a]*$", "^.*\u00e9"])
        return schema
    if kind in ("boolean", "null"):
        return {"type": kind}
    if kind == "enum":
        return {"enum": rng.sample(VALUES, rng.randint(1, 4))}
    if kind == "const":
        return {"const": rng.choice(VALUES)}
    if kind == "object":
        names = rng.sample(["a", "b", "ab", "key", "\u00e9", 'q"', ""], rng.randint(0, 4))
        schema = {"type": "object", "properties": {n: random_schema(rng, depth + 1) for n in names}}
        schema["required"] = [n for n in names + ["b"] if rng.random() < 0.4]
        if rng.random() < 0.4:
            schema["additionalProperties"] = rng.choice([False, random_schema(rng, depth + 1)])
        if rng.random() < 0.2:
            schema["patternProperties"] = {rng.choice(["^a", "k", "."]): random_schema(rng, depth + 1)}
        if rng.random() < 0.2:
            schema["maxProperties"] = rng.randint(0, 4)
        if rng.random() < 0.2:
            schema["minProperties"] = rng.randint(0, 2)
        if rng.random() < 0.15:
            schema["dependentRequired"] = {"a": ["b"]}
        if rng.random() < 0.1:
            schema["propertyNames"] = {"maxLength": 2}
        return schema
    if kind == "array":
        schema = {"type": "array", "items": random_schema(rng, depth + 1)}
        if rng.random() < 0.4:
            schema["minItems"] = rng.randint(0, 2)
        if rng.random() < 0.4:
            schema["maxItems"] = rng.randint(1, 4)
        if rng.random() < 0.2:
            schema["contains"] = random_schema(rng, depth + 1)
        return schema
    if kind == "tuple":
        return {"type": "array", "prefixItems": [random_schema(rng, depth + 1) for _ in range(rng.randint(1, 3))],
                "items": rng.choice([False, True, random_schema(rng, depth + 1)])}
    if kind == "not":
        return {"not": random_schema(rng, depth + 1), "type": rng.choice(["string", "integer", "object", "array"])}
    return {kind: [random_schema(rng, depth + 1) for _ in range(rng.randint(1, 3))]}


VALUES = [0, 1, -1, 2, 3.5, 12, 100, "", "a", "b", "ab", "abc", "\u00e9", "x\u00e9y", 'q"\\\n', "12", True, False, None,
          [], [1], ["a", 2], {}, {"a": 1}, {"b": "a", "a": None}]


def random_value(rng, depth=0):
    if depth < 3 and rng.random() < 0.45:
        if rng.random() < 0.5:
            return [random_value(rng, depth + 1) for _ in range(rng.randint(0, 4))]
        names = rng.sample(["a", "b", "ab", "key", "\u00e9", 'q"', "", "other", "k2"], rng.randint(0, 5))
        return {n: random_value(rng, depth + 1) for n in names}
    return rng.choice(VALUES) if rng.random() < 0.8 else rng.randint(-20, 120)


def value_for(rng, schema, depth=0):
    """A value that has a chance to meet the schema."""
    if not isinstance(schema, dict) or depth > 6 or rng.random() < 0.05:
        return random_value(rng, depth)
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return value_for(rng, rng.choice(schema[several]), depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        out = {}
        for name in rng.sample(sorted(set(schema.get("properties", {})) | set(schema.get("required", [])) | {"z"}),
                               rng.randint(0, 4) % (len(schema.get("properties", {})) + 2)):
            out[name] = value_for(rng, schema.get("properties", {}).get(name, schema.get("additionalProperties")), depth + 1)
        for name in schema.get("required", []):
            out.setdefault(name, value_for(rng, schema.get("properties", {}).get(name), depth + 1))
        return out
    if kind == "array":
        prefix = schema.get("prefixItems", [])
        out = [value_for(rng, s, depth + 1) for s in prefix]
        return out + [value_for(rng, schema.get("items"), depth + 1) for _ in range(rng.randint(0, 3))]
    if kind in ("integer", "number"):
        return rng.choice([rng.randint(-110, 1010), rng.randint(-4, 13), 2.5, -0.75, 5.25, 3.0])
    if kind == "string":
        return "".join(rng.choice("abcxy1\u00e9") for _ in range(rng.randint(0, 7)))
    return rng.choice(VALUES)


def test_random_schemas_judge_as_jsonschema_does():
    jsonschema = pytest.importorskip("jsonschema")
    rng = random.Random(5)
    judged = valid = refused = 0
    for _ in range(1500):
        schema = random_schema(rng)
        try:
            grammar = gemma4.json_schema(schema)
        except gemma4.Error as error:
            assert error.code == "unsupported", (schema, str(error))
            refused += 1
            continue
        validator = jsonschema.Draft202012Validator(schema)
        for _ in range(12):
            value = value_for(rng, schema) if rng.random() < 0.8 else random_value(rng)
            expected = validator.is_valid(value)
            text = json.dumps(value, separators=(",", ":"), ensure_ascii=rng.random() < 0.5)
            assert grammar.accepts(text) == expected, (schema, text, expected)
            judged += 1
            valid += expected
    assert valid > judged // 8 and refused < 150


ATOMS = ["a", "b", "c", ".", "[ab]", "[^a]", r"\d", "[a-c]", "(a|b)", "(?:a|bc)", "x", "1", " ", "\u00e9", "(a|)", r"\.",
         "(?=a)", "(?!b)", "^", "$", r"\s"]


def random_pattern(rng, depth=0):
    out = ""
    for _ in range(rng.randint(1, 4)):
        atom = rng.choice(ATOMS)
        if depth < 2 and rng.random() < 0.25:
            atom = "(%s|%s)" % (random_pattern(rng, depth + 1), random_pattern(rng, depth + 1))
        if rng.random() < 0.4 and atom not in ("(?=a)", "(?!b)", "^", "$"):
            atom += rng.choice(["*", "+", "?", "{2}", "{1,3}", "{,2}", "*?", "+?"])
        out += atom
    return out


def test_random_patterns_match_as_re_does():
    rng = random.Random(6)
    judged = 0
    for _ in range(1500):
        pattern = random_pattern(rng)
        compiled = re.compile(pattern)
        try:
            grammar = gemma4.regex(pattern)
        except gemma4.Error as error:
            assert error.code in ("unsupported", "invalid_argument"), (pattern, str(error))
            continue
        for _ in range(20):
            text = "".join(rng.choice("aabbcx1 .\u00e9") for _ in range(rng.randint(0, 6)))
            assert grammar.accepts(text) == (compiled.fullmatch(text) is not None), (pattern, text)
            judged += 1
    assert judged > 15000


@pytest.mark.parametrize("pattern", ["(", ")", "a**", "[b-a]", "a{3,1}", "(?P<>a)", "\\", "[a", r"(a)\1", r"\bword", "(?<=a)b"])
def test_bad_patterns(pattern):
    with pytest.raises(gemma4.Error) as error:
        gemma4.regex(pattern)
    assert error.value.code in ("bad_format", "unsupported")


def test_gbnf():
    grammar = gemma4.gbnf(r'''
# sums
root  ::= sum "\n"?
sum   ::= term (("+" | "-") term)*
term  ::= [0-9]{1,3} | "(" sum ")"
    | name
name  ::= [^\x00-@[-`{-\U0010FFFF] [a-z]?
''')
    for text in ("1", "12+(3-(456))", "(a)", "Zz+1\n"):
        assert grammar.accepts(text), text
    for text in ("", "1234", "(1", "1+", "+1", "1\n\n", "zzz"):
        assert not grammar.accepts(text), text
    for bad in ("", "a ::= b", 'root ::= "a', "root ::= (", "root ::= [z-a]", "root = 1", 'root ::= "a" root ::= "b"\nroot ::= "c"'):
        with pytest.raises(gemma4.Error):
            gemma4.gbnf(bad)
    with pytest.raises(gemma4.Error, match="left recursion"):
        gemma4.gbnf('root ::= list\nlist ::= list "," "a" | "a"')
    with pytest.raises(gemma4.Error):
        gemma4.gbnf('root ::= "a" root')
    assert gemma4.gbnf('root ::= "a" root | ""').accepts("a" * 5000)


SCHEMAS = [
    {"type": "object", "properties": {"city": {"type": "string", "maxLength": 12},
                                      "temperature": {"type": "number", "minimum": -50, "maximum": 60},
                                      "tags": {"type": "array", "items": {"enum": ["warm", "cold"]}, "maxItems": 3}},
     "required": ["city", "temperature"], "additionalProperties": False},
    {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 99}, "minItems": 1, "maxItems": 4},
    {"oneOf": [{"type": "object", "properties": {"kind": {"const": "a"}}, "required": ["kind"], "maxProperties": 1},
               {"type": "string", "pattern": "^[a-z]{2,6}$"}]},
    {"type": "string", "format": "date"},
    {"enum": ["yes", "no", 12, None]},
]


@pytest.mark.parametrize("index", range(len(SCHEMAS)))
def test_generations_validate(nano, tiny, ask, index):
    schema = SCHEMAS[index]
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
    grammar = gemma4.json_schema(schema)
    for model in (nano, tiny):
        prompt = ask(nano, "Give me JSON.") if model is nano else [2, 5, 6]
        for seed in range(8):
            sampler = gemma4.Sampler(temperature=1.0, seed=seed)
            generation = gemma4.generate(gemma4.Session(model, context_length=512), prompt, sampler=sampler,
                                         max_tokens=200, grammar=grammar)
            text = "".join(piece.text for piece in generation)
            if generation.result.reason == "end_of_turn":
                assert validator.is_valid(json.loads(text)), (schema, text)
                assert grammar.accepts(text)
            else:
                assert grammar.accepts_prefix(text), text


def test_a_generation_ends_with_its_grammar(nano, ask):
    generation = gemma4.generate(gemma4.Session(nano), ask(nano, "Hello"), sampler=gemma4.Sampler(**GREEDY),
                                 grammar=gemma4.regex("The answer is: [0-9]{3}\\."))
    text = "".join(piece.text for piece in generation)
    assert re.fullmatch(r"The answer is: [0-9]{3}\.", text) and generation.result.reason == "end_of_turn"
    with pytest.raises(gemma4.Error):
        gemma4.generate(gemma4.Session(nano), [2], grammar=gemma4.json_schema(False))


def test_nul_is_a_byte_like_others():
    strings = gemma4.json_schema({"type": "array", "items": {"type": "string"}})
    assert strings.accepts('["a","b"]')
    assert not strings.accepts_prefix("[\0") and not strings.accepts_prefix('["a",\0')
    assert strings.accepts('["\\u0000"]') and not strings.accepts('["\0"]')


@pytest.mark.parametrize("judge", ["accepts", "accepts_prefix"])
def test_ctrl_c_ends_reading(ctrl_c_soon, judge):
    grammar, text = gemma4.regex("((a|aa){1,9}b?)*"), "a" * 50_000_000
    ctrl_c_soon()
    with pytest.raises(KeyboardInterrupt):
        getattr(grammar, judge)(text)


def test_ctrl_c_ends_the_making_of_a_grammar(ctrl_c_soon):
    patterns = [{"pattern": "(a|b){1,%d}[a-z]{3,90}" % (i + 1)} for i in range(3000)]
    schema = json.dumps({"properties": {"k%d" % i: {"anyOf": patterns[i:i + 4]} for i in range(2990)}})
    with pytest.raises(KeyboardInterrupt):
        ctrl_c_soon()
        for _ in range(1000):
            gemma4.json_schema(schema)
