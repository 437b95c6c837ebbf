#!/usr/bin/env python3
"""The ten lines everyone starts from, with the model as an argument."""
import sys

import gemma4

model = gemma4.Model(sys.argv[1] if len(sys.argv) > 1 else "examples/nano/model")
session = gemma4.Session(model)
question = "<bos><|turn>user\nWhat is 17 + 25?<turn|>\n<|turn>model\n"
for piece in gemma4.generate(session, model.tokenizer.encode(question, parse_special=True)):
    print(piece.text, end="", flush=True)
print()
