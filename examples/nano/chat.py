"""Gemma 4's chat format, the part gemma4-nano is trained on.

`render` turns a conversation into the text a model sees, ending where the model is to speak.
It writes what the chat template of the small Gemma 4 models writes: nothing after the cue
`<|turn>model\\n` when thinking is off.

A message is one of
    {"role": "system" | "user", "content": text}
    {"role": "assistant", "content": text}
    {"role": "assistant", "calls": [(name, {argument: value})], "results": [(name, result)],
     "thought": text or None, "content": text or absent}
A tool is {"name", "description", "parameters": {name: (type, description)}}; all parameters
are required.
"""

QUOTE = '<|"|>'


def value_text(value):
    """A value inside a call or a response: strings between string tokens, nothing escaped."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return QUOTE + value + QUOTE
    if isinstance(value, dict):
        return "{" + pairs_text(value) + "}"
    return str(value)


def pairs_text(mapping):
    """`key:value,key:value` with the keys in case-insensitive order."""
    keys = sorted(mapping, key=str.lower)
    return ",".join(f"{key}:{value_text(mapping[key])}" for key in keys)


def call_text(name, arguments):
    return f"<|tool_call>call:{name}{{{pairs_text(arguments)}}}<tool_call|>"


def response_text(name, result):
    """A tool's result: a mapping shows its fields, anything else is the field `value`."""
    fields = result if isinstance(result, dict) else {"value": result}
    return f"<|tool_response>response:{name}{{{pairs_text(fields)}}}<tool_response|>"


def thought_text(thought):
    return f"<|channel>thought\n{thought}\n<channel|>"


def declaration_text(tool):
    """The declaration of a tool, as it stands in the system turn."""
    properties = []
    for name in sorted(tool["parameters"], key=str.lower):
        kind, description = tool["parameters"][name]
        about = f"description:{value_text(description)}," if description else ""
        properties.append(f"{name}:{{{about}type:{value_text(kind.upper())}}}")
    required = ",".join(value_text(name) for name in tool["parameters"])
    return (
        f"<|tool>declaration:{tool['name']}{{description:{value_text(tool['description'])},"
        f"parameters:{{properties:{{{','.join(properties)}}},required:[{required}],"
        f"type:{value_text('OBJECT')}}}}}<tool|>"
    )


def render(messages, tools=(), thinking=False):
    """The text of a conversation whose next speaker is the model."""
    messages = list(messages)
    text = "<bos>"
    system = messages.pop(0)["content"].strip() if messages[0]["role"] == "system" else None
    if thinking or tools or system is not None:
        text += "<|turn>system\n" + ("<|think|>\n" if thinking else "") + (system or "")
        text += "".join(declaration_text(tool) for tool in tools) + "<turn|>\n"
    for message in messages:
        if message["role"] == "user":
            text += f"<|turn>user\n{message['content'].strip()}<turn|>\n"
            continue
        text += "<|turn>model\n"
        if message.get("thought"):
            text += thought_text(message["thought"])
        text += "".join(call_text(*call) for call in message.get("calls", ()))
        text += "".join(response_text(*result) for result in message.get("results", ()))
        if "content" not in message:  # the model goes on after the results, in the same turn
            return text + ("<|channel>thought\n" if thinking else "")
        text += message["content"] + "<turn|>\n"
    return text + "<|turn>model\n"
