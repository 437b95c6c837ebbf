#!/usr/bin/env python3
"""Sentences to JSON: the answer is held to a schema, so it is always an object with these fields.

    examples/extract.py [MODEL [SENTENCE...]]
"""
import json
import sys

import gemma4

PERSON = {
    "type": "object",
    "properties": {"job": {"type": "string", "maxLength": 20}, "name": {"type": "string", "maxLength": 20}},
    "required": ["job", "name"],
    "additionalProperties": False,
}


def main():
    model = gemma4.Model(sys.argv[1] if len(sys.argv) > 1 else "examples/nano/model")
    chat = gemma4.Chat(model, sampler=gemma4.Sampler(temperature=0.0))
    for sentence in sys.argv[2:] or ["Marco is a builder and lives in Cadu.", "Ida lives in Sorn. She is a baker."]:
        reply = chat.send("Give job and name as JSON: " + sentence, response_format=PERSON)
        person = json.loads(reply.text)
        print("%s: %s" % (person["name"], person["job"]))
        chat.reset()


if __name__ == "__main__":
    main()
