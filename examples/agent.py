#!/usr/bin/env python3
"""A loop of tool calls: the model asks for a calculation or looks into a file, and answers with the result.

    examples/agent.py [MODEL [QUESTION...]]
"""
import json
import sys
from pathlib import Path

import gemma4

PHONE_BOOK = Path(__file__).with_name("phone_book.json")


def multiply(a: int, b: int) -> dict:
    """Multiplies two numbers.

    Args:
        a: First number
        b: Second number
    """
    return {"result": a * b}


def lookup(name: str) -> dict:
    """Looks up a phone number.

    Args:
        name: Name of the person
    """
    return {"phone": json.loads(PHONE_BOOK.read_text()).get(name, "unknown")}


TOOLS = [multiply, lookup]
FUNCTIONS = {function.__name__: function for function in TOOLS}


def run(call):
    """The result of a call; what goes wrong is told to the model, which may know better then."""
    try:
        return FUNCTIONS[call.name](**call.arguments)
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}


def ask(chat, question, rounds=4):
    reply = chat.send(question)
    while reply.tool_calls and rounds:
        results = []
        for call in reply.tool_calls:
            result = run(call)
            print("  %s(%s) = %s" % (call.name, json.dumps(call.arguments), json.dumps(result)))
            results.append({"role": "tool", "tool_call_id": call.id, "content": result})
        rounds -= 1
        reply = chat.send(results, tool_choice="auto" if rounds else "none")
    return reply.text


def main():
    model = gemma4.Model(sys.argv[1] if len(sys.argv) > 1 else "examples/nano/model")
    chat = gemma4.Chat(model, TOOLS, sampler=gemma4.Sampler(temperature=0.0))
    for question in sys.argv[2:] or ["What is 12 times 34?", "What is the phone number of Nora?"]:
        print(question)
        print(ask(chat, question))
        chat.reset()


if __name__ == "__main__":
    main()
