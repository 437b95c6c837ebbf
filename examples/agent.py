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


def told(call, result):
    print("  %s(%s) = %s" % (call.name, json.dumps(call.arguments), json.dumps(result)))


def main():
    model = gemma4.Model(sys.argv[1] if len(sys.argv) > 1 else "examples/nano/model")
    chat = gemma4.Chat(model, [multiply, lookup], sampler=gemma4.Sampler(temperature=0.0))
    for question in sys.argv[2:] or ["What is 12 times 34?", "What is the phone number of Nora?"]:
        print(question)
        print(chat.run(question, rounds=4, on_call=told).text)
        chat.reset()


if __name__ == "__main__":
    main()
