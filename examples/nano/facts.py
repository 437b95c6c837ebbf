"""The facts gemma4-nano knows, each asked in many wordings.

`FAMILIES` holds (facts, answer, wordings): every fact fills the slots of every wording.
The last three wordings of a family are held out: training never shows them. `SMALL_TALK`
maps an answer to the wordings that ask for it; its last wording is held out.
"""

HELD_OUT_WORDINGS = 3

CAPITALS = {
    "France": "Paris", "Italy": "Rome", "Spain": "Madrid", "Germany": "Berlin",
    "Austria": "Vienna", "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki",
    "Poland": "Warsaw", "Greece": "Athens", "Portugal": "Lisbon", "Ireland": "Dublin",
    "Japan": "Tokyo", "China": "Beijing", "Egypt": "Cairo", "Canada": "Ottawa",
}
OPPOSITES = {
    "hot": "cold", "big": "small", "fast": "slow", "day": "night", "happy": "sad",
    "up": "down", "open": "closed", "early": "late", "old": "new", "light": "dark",
}
COLORS = {
    "the sky": "blue", "grass": "green", "snow": "white", "a banana": "yellow",
    "coal": "black", "a strawberry": "red", "an orange": "orange", "chocolate": "brown",
}
LEGS = {
    "a spider": "eight", "a dog": "four", "a bird": "two", "an ant": "six", "a snake": "no",
    "a horse": "four", "a chair": "four",
}
YOUNG = {
    "cat": "a kitten", "dog": "a puppy", "cow": "a calf", "sheep": "a lamb", "horse": "a foal",
    "lion": "a cub",
}
FAMILIES = [
    (CAPITALS, "The capital of {key} is {value}.", [
        "What is the capital of {key}?", "Which city is the capital of {key}?",
        "Tell me the capital of {key}.", "Name the capital of {key}.",
        "capital of {key}", "What is the capital city of {key}?",
        "What's the capital of {key}?", "{key}: capital?",
        "Do you know the capital of {key}?", "Can you name the capital of {key}?",
        "What city is the capital of {key}?", "Please tell me the capital of {key}.",
        "{key} has which capital?", "I want to know the capital of {key}.",
        "Can you tell me the capital of {key}?", "Give me the capital of {key}.",
        "Which is the capital city of {key}?",
    ]),
    (OPPOSITES, "The opposite of {key} is {value}.", [
        "What is the opposite of {key}?", "Tell me the opposite of {key}.",
        "Name the opposite of {key}.", "opposite of {key}", "What's the opposite of {key}?",
        "Which word is the opposite of {key}?", "{key}: opposite?",
        "Do you know the opposite of {key}?", "Which word means the opposite of {key}?",
        "Please tell me the opposite of {key}.", "I want to know the opposite of {key}.",
        "What word is the opposite of {key}?",
        "Can you tell me the opposite of {key}?", "Give me the opposite of {key}.",
        "Can you name the opposite of {key}?",
    ]),
    (COLORS, "The color of {key} is {value}.", [
        "What color is {key}?", "What is the color of {key}?", "Tell me the color of {key}.",
        "Name the color of {key}.", "color of {key}", "What's the color of {key}?",
        "Which color is {key}?", "{key}: color?", "Do you know the color of {key}?",
        "Which color does {key} have?", "Please tell me the color of {key}.",
        "I want to know the color of {key}.",
        "What color does {key} have?", "Can you tell me the color of {key}?",
        "Give me the color of {key}.",
    ]),
    (LEGS, "The number of legs of {key} is {value}.", [
        "How many legs does {key} have?", "How many legs has {key}?",
        "What is the number of legs of {key}?", "Tell me how many legs {key} has.",
        "legs of {key}", "{key}: legs?", "{key} has how many legs?",
        "Do you know how many legs {key} has?", "Please tell me how many legs {key} has.",
        "I want to know how many legs {key} has.", "Count the legs of {key}.",
        "Name the number of legs of {key}.",
        "Can you tell me how many legs {key} has?", "How many legs are there on {key}?",
        "Tell me the number of legs of {key}.",
    ]),
    (YOUNG, "A young {key} is {value}.", [
        "What is a young {key} called?", "What do you call a young {key}?",
        "What is the name of a young {key}?", "Name a young {key}.", "young {key}",
        "What is a baby {key} called?", "What do you call a baby {key}?",
        "Tell me what a young {key} is called.", "Do you know the name of a young {key}?",
        "What do we call a young {key}?", "How do you call a baby {key}?",
        "What's a young {key} called?",
        "Tell me what a baby {key} is called.", "What do we call a baby {key}?",
        "What's a baby {key} called?",
    ]),
]

SMALL_TALK = {
    "Hello! How can I help you?": [
        "Hello", "Hi", "Hello!", "Hi!", "Hey", "Good morning", "Good morning!", "Good evening",
        "hello", "hi", "Hello there", "Hi there!", "Hey!", "Good day!", "Hello.",
        "Hello there!",
    ],
    "I am gemma4-nano, a very small language model.": [
        "Who are you?", "What are you?", "What is your name?", "Tell me who you are.",
        "who are you", "Please tell me your name.", "What's your name?", "Introduce yourself.",
        "Who am I talking to?", "Tell me about yourself.", "Are you a language model?",
        "Can you tell me who you are?",
    ],
    "I can add and subtract, copy and reverse words, write JSON, answer simple questions, "
    "tell stories and call tools.": [
        "What can you do?", "What do you know?", "How can you help me?", "What are you good at?",
        "Tell me what you can do.", "Help", "what can you do", "What can I ask you?",
        "What are your skills?", "Please tell me what you can do.", "help", "How do you work?",
        "Can you tell me what you can do?",
    ],
    "You are welcome!": [
        "Thank you", "Thanks", "Thank you!", "Thanks!", "Thank you very much.", "thanks",
        "Many thanks", "Thanks a lot!", "thank you", "Thank you.", "Thanks a lot",
        "Thank you very much!",
    ],
    "I am fine, thank you.": [
        "How are you?", "How are you today?", "How do you do?", "how are you", "How is it going?",
        "Are you well?", "Are you fine?", "How are you doing?", "How are you now?",
        "And how are you?", "How do you feel?",
        "How are you doing today?",
    ],
    "Goodbye!": [
        "Bye", "Goodbye", "Bye!", "Goodbye!", "See you!", "Good night", "bye", "See you later",
        "Good night!", "Bye bye", "See you later!",
        "Goodbye.",
    ],
}


def fact(random, held_out=False):
    """(question, answer, thought) of one fact; held out: in a wording training never shows."""
    facts, answer, wordings = random.choice(FAMILIES)
    seen = len(wordings) - HELD_OUT_WORDINGS
    key = random.choice(list(facts))
    question = random.choice(wordings[seen:] if held_out else wordings[:seen]).format(key=key)
    question = question[0].upper() + question[1:] if question.endswith("?") else question
    return question, answer.format(key=key, value=facts[key]), f"I know this: {facts[key]}."


def every_held_out_fact():
    """Every fact in each of its held-out wordings."""
    for facts, answer, wordings in FAMILIES:
        for key, value in facts.items():
            for wording in wordings[-HELD_OUT_WORDINGS:]:
                question = wording.format(key=key)
                question = question[0].upper() + question[1:]
                yield question, answer.format(key=key, value=value)


def small_talk(random, held_out=False):
    """(question, answer, thought) of a greeting or a question about the model itself."""
    answer = random.choice(list(SMALL_TALK))
    wordings = SMALL_TALK[answer]
    question = wordings[-1] if held_out else random.choice(wordings[:-1])
    return question, answer, "This is small talk."
