"""The tasks gemma4-nano is trained on, as examples made from a seed.

An example is a prompt in Gemma 4's chat format and the answer that follows it. Everything is
deterministic for a `random.Random`, and needs the standard library alone.

    python tasks.py            # writes heldout/*.jsonl and heldout/english.txt
"""

import json
import random as random_module
from dataclasses import asdict, dataclass
from pathlib import Path

import chat
import facts
import stories
import tools
import words

HERE = Path(__file__).parent
SYSTEM_PROMPTS = [
    "You are a helpful assistant.", "Be brief.", "You are gemma4-nano.", "Answer the question.",
    "You are a friendly assistant.", "Help the user.",
]


@dataclass
class Example:
    """A prompt and its answer; `thought` is the part of the answer before `expected`."""

    task: str
    prompt: str
    thought: str  # "" or the whole thought channel up to and with <channel|>
    expected: str
    end: str  # the token the answer stops with

    @property
    def answer(self):
        return self.thought + self.expected + self.end


def add(random, held_out=False):
    a, b = words.pick(random, lambda: operands(random, held_out), held_out)
    wording = random.choice([
        "{a} + {b}", "{a}+{b}", "{a} + {b} =", "{a}+{b}=", "{a} + {b} = ?", "What is {a} + {b}?",
        "What is {a}+{b}?", "What is {a} plus {b}?", "{a} plus {b}", "Add {a} and {b}.",
        "Calculate {a} + {b}.", "How much is {a} + {b}?", "What is the sum of {a} and {b}?",
        "Compute {a}+{b}.", "How much is {a} plus {b}?", "Please add {a} and {b}.", "{a}+{b}?",
    ])
    carry = a % 10 + b % 10
    tens = a // 10 * 10 + b // 10 * 10
    thought = f"{a % 10} + {b % 10} = {carry}, {a // 10 * 10} + {b // 10 * 10} = {tens}, "
    thought += f"{tens} + {carry} = {a + b}."
    return wording.format(a=a, b=b), str(a + b), thought


def subtract(random, held_out=False):
    a, b = words.pick(random, lambda: operands(random, held_out), held_out)
    wording = random.choice([
        "{a} - {b}", "{a}-{b}", "{a} - {b} =", "{a}-{b}=", "{a} - {b} = ?", "What is {a} - {b}?",
        "What is {a}-{b}?", "What is {a} minus {b}?", "{a} minus {b}", "Subtract {b} from {a}.",
        "Calculate {a} - {b}.", "How much is {a} - {b}?", "Take {b} from {a}.",
        "Compute {a}-{b}.", "How much is {a} minus {b}?", "Please subtract {b} from {a}.",
        "{a}-{b}?",
    ])
    large, small = max(a, b), min(a, b)
    middle = large - small // 10 * 10
    thought = f"{large} - {small // 10 * 10} = {middle}, {middle} - {small % 10} = {large - small}"
    thought += "." if a >= b else f", {a} is less than {b}, so {a - b}."
    return wording.format(a=a, b=b), str(a - b), thought


def operands(random, held_out):
    """Two numbers below 100; the held-out ones have two digits each."""
    if held_out:
        return random.randint(10, 99), random.randint(10, 99)
    return words.number(random), words.number(random)


def copy(random, held_out=False):
    count = random.choice([1, 1, 2, 3])
    text = " ".join(words.word(random, held_out) for _ in range(count))
    if random.random() < 0.15:
        text = words.pick(random, lambda: words.digits(random), held_out)
    wording = random.choice([
        'Repeat "{}".', "Repeat: {}", "Copy: {}", 'Copy "{}".', "Say {}", 'Say "{}".',
        "Repeat after me: {}", 'Write "{}".', "Please repeat: {}", "Copy this: {}", "Echo: {}",
    ])
    return wording.format(text), text, "I copy the text."


def reverse(random, held_out=False):
    text = words.word(random, held_out)
    wording = random.choice([
        'Reverse "{}".', "Reverse: {}", "Reverse {}", "Reverse the word {}.",
        'Reverse the word "{}".', "Spell {} backwards.", 'Spell "{}" backwards.',
        "Write {} backwards.", 'Write "{}" backwards.', "Please reverse {}.", "{} backwards",
        'What is "{}" backwards?', "What is {} backwards?", "What is {} in reverse?",
    ])
    return wording.format(text), text[::-1], f"{' '.join(text)} -> {' '.join(text[::-1])}"


def extract(random, held_out=False):
    """Fields of a sentence as compact JSON, in the order the question names them."""
    values = {
        "name": words.proper(random, words.NAMES, held_out),
        "city": words.proper(random, words.CITIES, held_out),
        "item": words.item(random, held_out),
        "job": random.choice(words.JOBS), "color": random.choice(words.COLORS),
        "age": words.number(random), "price": words.number(random),
    }
    sentence, fields = random.choice([
        ("{name} is {age} years old and lives in {city}.", ["name", "age", "city"]),
        ("{name} lives in {city} and is {age} years old.", ["name", "age", "city"]),
        ("{name} from {city} works as a {job}.", ["name", "city", "job"]),
        ("{name} is a {job} and lives in {city}.", ["name", "city", "job"]),
        ("{name}, {age} years old, is a {job}.", ["name", "age", "job"]),
        ("{name} bought a {color} {item} for {price} euros.", ["name", "color", "item", "price"]),
        ("The {color} {item} costs {price} euros.", ["color", "item", "price"]),
        ("In {city}, {name} sells a {item} for {price} euros.", ["name", "city", "item", "price"]),
    ])
    fields = random.sample(fields, random.randint(2, min(3, len(fields))))
    listed = ", ".join(fields[:-1]) + " and " + fields[-1]
    wording = random.choice([
        "Give {fields} as JSON: {sentence}", "{sentence} Give {fields} as JSON.",
        "Extract {fields} as JSON: {sentence}", "JSON with {fields}: {sentence}",
        "{sentence} Write {fields} as JSON.", "{sentence}\nGive {fields} as JSON.",
    ])
    question = wording.format(fields=listed, sentence=sentence.format(**values))
    answer = json.dumps({field: values[field] for field in fields}, separators=(",", ":"))
    return question, answer, f"The fields are {listed}."


def tell_story(random, held_out=False):
    animal = random.choice(stories.ANIMALS)
    question = random.choice([
        "Tell me a story about a {}.", "Write a story about a {}.", "A story about a {}, please.",
        "Please tell me a story about a {}.", "Tell a story about a {}.",
    ]).format(animal)
    if random.random() < 0.3:
        animal, question = None, random.choice(["Tell me a story.", "Write a short story."])
    return question, stories.story(random, animal), "I tell a story."


TASKS = {
    "add": add, "subtract": subtract, "copy": copy, "reverse": reverse, "json": extract,
    "facts": facts.fact, "small_talk": facts.small_talk, "story": tell_story,
}


def example(random, task, held_out=False, thinking=False, tool_list=(), history=()):
    """One question and its answer, after the turns of `history`."""
    question, answer, thought = TASKS[task](random, held_out)
    messages = [*history, {"role": "user", "content": question}]
    if random.random() < 0.1:
        messages.insert(0, {"role": "system", "content": random.choice(SYSTEM_PROMPTS)})
    thought = chat.thought_text(thought) if thinking else ""
    prompt = chat.render(messages, tool_list, thinking)
    return Example(task, prompt, thought, answer, "<turn|>")


def tool_call(random, held_out=False, thinking=False):
    """A question with tools declared; the answer is the call."""
    declared, question, call, _, _, thoughts = tools.draw(random, held_out)
    messages = [{"role": "user", "content": question}]
    if random.random() < 0.15:
        messages.insert(0, {"role": "system", "content": random.choice(SYSTEM_PROMPTS)})
    prompt = chat.render(messages, declared, thinking)
    thought = chat.thought_text(thoughts[0]) if thinking else ""
    return Example("tool_call", prompt, thought, chat.call_text(*call), "<|tool_response>")


def tool_answer(random, held_out=False, thinking=False):
    """The same conversation once the tool has answered; with thinking on the cue is open."""
    declared, question, call, result, answer, thoughts = tools.draw(random, held_out)
    asked = {"role": "assistant", "calls": [call], "results": [result]}
    asked["thought"] = thoughts[0] if thinking else None
    prompt = chat.render([{"role": "user", "content": question}, asked], declared, thinking)
    thought = thoughts[1] + "\n<channel|>" if thinking else ""
    return Example("tool_answer", prompt, thought, answer, "<turn|>")


def no_call(random, held_out=False, thinking=False):
    """Tools are declared, but the question needs none."""
    declared = tools.draw(random)[0]
    task = random.choice(["facts", "small_talk", "add", "reverse", "copy"])
    made = example(random, task, held_out, thinking, declared)
    made.task = "no_call"
    return made


def conversation(random, held_out=False, thinking=False):
    """The last answer of a conversation of two or three questions."""
    if random.random() < 0.25:
        return remembered_name(random, held_out, thinking)
    history = []
    for _ in range(random.choice([1, 1, 2])):
        task = random.choice(["add", "subtract", "copy", "reverse", "facts", "small_talk"])
        question, answer, _ = TASKS[task](random)
        history += [{"role": "user", "content": question}]
        history += [{"role": "assistant", "content": answer}]
    task = random.choice(["add", "subtract", "copy", "reverse", "facts", "small_talk", "json"])
    made = example(random, task, held_out, thinking, history=history)
    made.task = "conversation"
    return made


def remembered_name(random, held_out, thinking):
    """A name told in the first turn and asked for in the second."""
    name = words.proper(random, words.NAMES, held_out)
    messages = [
        {"role": "user", "content": random.choice(["My name is {}.", "I am {}.", "Hello, I am {}."])},
        {"role": "assistant", "content": "Nice to meet you, {}!"},
        {"role": "user", "content": random.choice(["What is my name?", "Who am I?"])},
    ]
    messages[0]["content"] = messages[0]["content"].format(name)
    messages[1]["content"] = messages[1]["content"].format(name)
    thought = chat.thought_text("The user told me.") if thinking else ""
    prompt, answer = chat.render(messages, (), thinking), f"Your name is {name}."
    if random.random() < 0.3:
        prompt, answer = chat.render(messages[:1], (), thinking), messages[1]["content"]
    return Example("conversation", prompt, thought, answer, "<turn|>")


def english(random, held_out=False, thinking=False):
    """Plain text without any turn: the whole story is the answer."""
    return Example("english", "<bos>", "", stories.story(random), "<eos>")


def held_out_sets(count=200):
    """{name: examples} of the committed held-out sets, the same on every run."""
    random = random_module.Random(2026)
    sets = {}
    for task in ("add", "subtract", "copy", "reverse", "json"):
        sets[task] = [example(random, task, held_out=True) for _ in range(count)]
    sets["facts"] = []
    for question, answer in facts.every_held_out_fact():
        prompt = chat.render([{"role": "user", "content": question}])
        sets["facts"].append(Example("facts", prompt, "", answer, "<turn|>"))
    sets["small_talk"] = []
    for answer, wordings in facts.SMALL_TALK.items():
        prompt = chat.render([{"role": "user", "content": wordings[-1]}])
        sets["small_talk"].append(Example("small_talk", prompt, "", answer, "<turn|>"))
    for task in ("add", "subtract", "reverse"):
        name = f"thinking_{task}"
        sets[name] = [example(random, task, True, thinking=True) for _ in range(count)]
    for make in (tool_call, tool_answer, no_call, conversation):
        sets[make.__name__] = [make(random, held_out=True) for _ in range(count)]
        for _ in range(count // 4):
            sets[make.__name__].append(make(random, held_out=True, thinking=True))
    return sets


def write_held_out():
    folder = HERE / "heldout"
    folder.mkdir(exist_ok=True)
    for name, examples in held_out_sets().items():
        with open(folder / f"{name}.jsonl", "w") as file:
            for item in examples:
                fields = asdict(item)
                fields["thinking"] = bool(fields.pop("thought"))
                file.write(json.dumps(fields) + "\n")
    random = random_module.Random(7_000_000)
    text = "\n".join(stories.story(random) for _ in range(60))
    (folder / "english.txt").write_text(text + "\n")


if __name__ == "__main__":
    write_held_out()
