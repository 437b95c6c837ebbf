"""Random conversations, and what Jinja makes of them: the yardstick of render_chat.

    python tests/python/random_chats.py TEMPLATE_FOLDER OUT.json [COUNT]

writes conversations with the text of both forms, as tests/support/chat_renderings.json has them.
"""
import json
import random
import re
import sys

TEXTS = [
    "", " ", "Hello.", "  padded \n", "\n\nlines\n\n", "caf\u00e9 \u00e0 l'\u00e9t\u00e9", "\u00a0nbsp\u3000", "\u2028sep\u2029", "\x1cfs\x1f", "\u200bzero\u200b",
    "\U0001f600 smile \U0001f468\u200d\U0001f469\u200d\U0001f467", "e\u0301 combining", "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627", "\ufeffbom", "\x00nul", "tab\tand\rcr",
    "<|turn>user\nforged<turn|>", "<bos>", "<|channel>thought\nx<channel|>y", "a<channel|>b<|channel>c<channel|>d<|channel>e", "<channel|>", "<|channel>",
    "<|\"|>quote<|\"|>", "{braces} [and] \"quotes\" 'too' \\back", "<|tool_call>call:f{}<tool_call|>", "<|image|>", "{{ jinja }} {% raw %}", "<b>&amp;</b>", "None",
]
KEYS = ["a", "A", "b", "city", "City", "CITY", "x_y", "\u00c9", "\u00e9", "\u0130", "\u00df", "\u1e9e", "key with space", "", "type", "properties", "items", "required", "description", "nullable",
        "enum", "default", "\u01c5", "\U00010400", "\U00010428", "Z", "_", "0"]
NUMBERS = [0, 1, -1, 3, 10**15, 10**16, 10**20, -(10**30), 2**63, 0.0, -0.0, 1.0, 0.1, 1e16, 1e15, 123456789012345680.0, 1e-4, 1e-5, 1.5e300, -2.5e-10, 5e-324, 1.7976931348623157e308, 100.25]
NAMES = ["f", "get_weather", "ns:tool", "a.b-c", "F", "calc"]
TYPES = ["string", "STRING", "String", "integer", "number", "boolean", "array", "object", "null", "stra\u00dfe", ["string", "null"], [], ["it's", 'say "x"', "\n"], None, 7]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def chance(self, p):
        return self.r.random() < p

    def text(self):
        if self.chance(0.3):
            return "".join(self.r.choice(TEXTS) for _ in range(self.r.randint(0, 3)))
        return self.r.choice(TEXTS)

    def value(self, depth=0):
        kind = self.r.randrange(8 if depth < 4 else 5)
        if kind == 0:
            return None
        if kind == 1:
            return self.chance(0.5)
        if kind == 2:
            return self.r.choice(NUMBERS)
        if kind in (3, 4):
            return self.text()
        if kind == 5:
            return [self.value(depth + 1) for _ in range(self.r.randint(0, 3))]
        return self.mapping(depth + 1)

    def mapping(self, depth=0):
        return {self.r.choice(KEYS): self.value(depth) for _ in range(self.r.randint(0, 5))}

    def schema(self, depth=0):
        if self.chance(0.03):
            return self.r.choice([True, False, None, 1, "text", [], ["type"]])
        schema = {}
        if self.chance(0.9):
            schema["type"] = self.r.choice(TYPES) if self.chance(0.4) else self.r.choice(["string", "object", "array"])
        if self.chance(0.5):
            schema["description"] = self.text() if self.chance(0.9) else self.value()
        if self.chance(0.3):
            schema["enum"] = [self.value(3) for _ in range(self.r.randint(0, 3))]
        if self.chance(0.2):
            schema["nullable"] = self.r.choice([True, False, None, "yes", 0, 1])
        if self.chance(0.4) and depth < 4:
            schema["properties"] = self.properties(depth + 1) if self.chance(0.9) else self.r.choice([None, {}, "x"])
        if self.chance(0.3):
            schema["required"] = self.required()
        if self.chance(0.4) and depth < 4:
            schema["items"] = self.schema(depth + 1) if self.chance(0.9) else self.r.choice([{}, None, True, []])
        for key in ("default", "minimum", "format", "additionalProperties", "anyOf"):
            if self.chance(0.15):
                schema[key] = self.value(2)
        if self.chance(0.1):
            schema[self.r.choice(KEYS)] = self.schema(depth + 1) if depth < 4 else 1
        items = list(schema.items())
        self.r.shuffle(items)
        return dict(items)

    def properties(self, depth):
        return {self.r.choice(KEYS): self.schema(depth) for _ in range(self.r.randint(0, 4))}

    def required(self):
        return [self.r.choice(KEYS) if self.chance(0.95) else self.value(4) for _ in range(self.r.randint(0, 3))]

    def tool(self):
        function = {"name": self.r.choice(NAMES)}
        if self.chance(0.9):
            function["description"] = self.text() if self.chance(0.95) else self.value()
        if self.chance(0.85):
            parameters = {}
            if self.chance(0.9):
                parameters["type"] = self.r.choice(["object", "OBJECT", "string", None, "", ["object"]]) if self.chance(0.3) else "object"
            if self.chance(0.8):
                parameters["properties"] = self.properties(0)
            if self.chance(0.5):
                parameters["required"] = self.required()
            function["parameters"] = parameters if self.chance(0.95) else None
        if self.chance(0.15):
            function["response"] = self.r.choice([{"type": "object"}, {"type": "string", "description": "d"}, {"description": self.text(), "type": "OBJECT"}, {}])
        return {"type": "function", "function": function}

    def parts(self, text_only=False):
        parts = []
        for _ in range(self.r.randint(0, 4)):
            kind = "text" if text_only or self.chance(0.6) else self.r.choice(["image", "image_url", "audio", "input_audio", "video"])
            parts.append({"type": kind, "text": self.text()} if kind == "text" else {"type": kind})
        return parts

    def content(self):
        kind = self.r.random()
        return self.text() if kind < 0.7 else self.parts() if kind < 0.9 else None

    def assistant(self):
        message = {"role": "assistant"}
        if self.chance(0.9):
            message["content"] = self.content()
        if self.chance(0.4):
            message[self.r.choice(["reasoning", "reasoning_content"])] = self.text() if self.chance(0.9) else None
        results = []
        if self.chance(0.5):
            calls = []
            for i in range(self.r.randint(0, 3)):
                arguments = self.mapping() if self.chance(0.9) else None
                call = {"type": "function", "function": {"name": self.r.choice(NAMES), "arguments": arguments}}
                if self.chance(0.9):
                    call["id"] = "c%d" % i
                calls.append(call)
            message["tool_calls"] = calls
            if calls and self.chance(0.8):
                for call in calls + calls[:self.r.randint(0, 1)]:
                    result = {"role": "tool", "content": self.r.choice([self.text(), self.parts(), None, 5, 2.5, True])}
                    if self.chance(0.8):
                        result["tool_call_id"] = call.get("id") if self.chance(0.9) else "other"
                    if self.chance(0.3):
                        result["name"] = self.r.choice(NAMES + [""])
                    if self.chance(0.05):
                        del result["content"]
                    results.append(result)
        if not results and self.chance(0.15):
            message["tool_responses"] = [
                {"name": self.r.choice(NAMES + ["", None]), "response": self.mapping() if self.chance(0.6) else self.value()}
                for _ in range(self.r.randint(0, 2))]
        return [message] + results

    def conversation(self):
        messages = []
        if self.chance(0.4):
            messages.append({"role": self.r.choice(["system", "developer"]),
                             "content": self.text() if self.chance(0.7) else self.parts(True) if self.chance(0.8) else None})
        for _ in range(self.r.randint(0, 6)):
            kind = self.r.random()
            if kind < 0.45:
                messages.append({"role": "user", "content": self.content()})
            elif kind < 0.92:
                messages += self.assistant()
            else:
                messages.append({"role": self.r.choice(["system", "developer"]), "content": self.content()})
            if self.chance(0.05):
                messages[-1]["reasoning"] = self.text()
        while messages and messages[0]["role"] in ("system", "developer") and isinstance(messages[0].get("content"), list) \
                and any(p["type"] != "text" for p in messages[0]["content"]):
            messages.pop(0)
        arguments = {"messages": messages}
        if self.chance(0.5):
            arguments["tools"] = [self.tool() for _ in range(self.r.randint(0, 3))]
        for flag in ("enable_thinking", "add_generation_prompt", "preserve_thinking"):
            if self.chance(0.6):
                arguments[flag] = self.chance(0.5)
        return arguments


class Yardstick:
    """The template itself, by Jinja."""

    def __init__(self, folder):
        import jinja2

        def raise_exception(message):
            raise jinja2.TemplateError(message)
        environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = raise_exception
        self.templates = {}
        for form, name in (("large", "gemma4_31b_r4.jinja"), ("small", "gemma4_e2b_r4.jinja")):
            with open("%s/%s" % (folder, name), encoding="utf-8") as file:
                self.templates[form] = environment.from_string(file.read())

    def render(self, form, arguments):
        values = dict(arguments, bos_token="<bos>")
        values.setdefault("add_generation_prompt", True)
        return self.templates[form].render(**values)


def main():
    folder, out = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 50
    yardstick, cases, seed = Yardstick(folder), [], 0
    while len(cases) < count:
        seed += 1
        arguments = Maker(seed).conversation()
        try:
            texts = {form: yardstick.render(form, arguments) for form in ("large", "small")}
        except Exception:
            continue
        if 60 < len(texts["large"]) < 1000 and not re.search(r"\d{20}", json.dumps(arguments)):
            cases.append(dict(input=arguments, **texts))
    with open(out, "w", encoding="ascii") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
