"""Tool calls: what gemma4-nano learns to call, from which questions, and how it answers.

Each kind of tool has several names and descriptions, so that a name has to be read from the
declaration instead of being remembered.
"""

import words

SKIES = ["sunny", "cloudy", "rainy", "windy", "snowy", "foggy"]


class Tool:
    """One kind of tool: names, wordings, and functions from arguments to a result and its answer."""

    def __init__(self, names, descriptions, parameters, wordings, draw, result, answer):
        self.names = names
        self.descriptions = descriptions
        self.parameters = parameters  # {name: (type, description)}
        self.wordings = wordings  # the last two are held out
        self.draw = draw  # (random, held_out) -> {argument: value}
        self.result = result  # random -> {field: value}
        self.answer = answer  # filled by the arguments and the result's fields

    def declare(self, random):
        """A declaration under one of the names; parameters with or without descriptions."""
        described = random.random() < 0.5
        return {
            "name": random.choice(self.names),
            "description": random.choice(self.descriptions),
            "parameters": {
                name: (kind, about if described else "")
                for name, (kind, about) in self.parameters.items()
            },
        }

    def ask(self, random, arguments, held_out):
        wordings = self.wordings[-2:] if held_out else self.wordings[:-2]
        return random.choice(wordings).format(**arguments)


def draw_city(random, held_out):
    return {"city": words.proper(random, words.CITIES, held_out)}


def draw_name(random, held_out):
    return {"name": words.proper(random, words.NAMES, held_out)}


def draw_item(random, held_out):
    return {"item": words.item(random, held_out)}


def draw_factors(random, held_out):
    def pair():
        return words.number(random), words.number(random)

    a, b = words.pick(random, pair, held_out)
    return {"a": a, "b": b}


def draw_minutes(random, held_out):
    return {"minutes": words.pick(random, lambda: random.randint(1, 99), held_out)}


def draw_message(random, held_out):
    text = " ".join(words.word(random, held_out) for _ in range(random.randint(1, 2)))
    return {"name": words.proper(random, words.NAMES, held_out), "text": text}


TOOLS = [
    Tool(
        ["get_weather", "weather", "current_weather"],
        ["Weather in a city.", "Gets the current weather.", "Current weather for a city."],
        {"city": ("string", "City name")},
        ["What is the weather in {city}?", "How is the weather in {city}?", "Weather in {city}?",
         "Tell me the weather in {city}.", "What's the weather like in {city}?",
         "Is it warm in {city}?", "Is it raining in {city}?", "How warm is it in {city}?",
         "Do I need a coat in {city}?", "weather {city}", "I want to know the weather in {city}.",
         "Please tell me the weather in {city}.", "How is the weather today in {city}?"],
        draw_city,
        lambda random: {"sky": random.choice(SKIES), "temperature": random.randint(-9, 39)},
        "It is {sky} and {temperature} degrees in {city}.",
    ),
    Tool(
        ["get_time", "time_in", "clock"],
        ["Time in a city.", "Gets the local time.", "Current time for a city."],
        {"city": ("string", "City name")},
        ["What time is it in {city}?", "What is the time in {city}?", "Time in {city}?",
         "Tell me the time in {city}.", "How late is it in {city}?", "time {city}",
         "I want to know the time in {city}.", "What's the time in {city}?",
         "Do you know the time in {city}?", "Please tell me the time in {city}.",
         "What time is it now in {city}?"],
        draw_city,
        lambda random: {"time": f"{random.randint(0, 23):02}:{random.randint(0, 59):02}"},
        "It is {time} in {city}.",
    ),
    Tool(
        ["lookup", "find_phone", "phone_book"],
        ["Phone number of a person.", "Looks up a phone number."],
        {"name": ("string", "Name of the person")},
        ["What is the phone number of {name}?", "Look up {name}.", "How can I call {name}?",
         "Tell me the phone number of {name}.", "I need the number of {name}.",
         "Find the phone number of {name}.", "phone {name}", "What's the number of {name}?",
         "Do you know the phone number of {name}?", "Please look up {name}.",
         "I want to know the phone number of {name}."],
        draw_name,
        lambda random: {"phone": words.digits(random)},
        "The phone number of {name} is {phone}.",
    ),
    Tool(
        ["get_price", "price", "shop_price"],
        ["Price of an item.", "Gets the price of an item in euros."],
        {"item": ("string", "Item name")},
        ["What is the price of the {item}?", "How much is the {item}?", "What does the {item} cost?",
         "Tell me the price of the {item}.", "price {item}", "How much does the {item} cost?",
         "I want to buy the {item}. How much is it?", "What's the price of the {item}?",
         "Do you know the price of the {item}?", "Please tell me the price of the {item}.",
         "I want to know the price of the {item}."],
        draw_item,
        lambda random: {"price": random.randint(1, 999)},
        "The {item} costs {price} euros.",
    ),
    Tool(
        ["multiply", "times", "product"],
        ["Multiplies two numbers.", "Product of two numbers."],
        {"a": ("integer", "First number"), "b": ("integer", "Second number")},
        ["What is {a} times {b}?", "Multiply {a} by {b}.", "{a} * {b}", "{a}*{b}",
         "What is {a} * {b}?", "Multiply {a} and {b}.", "{a} times {b}", "{a} x {b}",
         "What is the product of {a} and {b}?", "How much is {a} times {b}?",
         "Tell me {a} times {b}.", "Please multiply {a} by {b}.", "Can you multiply {a} by {b}?",
         "Please multiply {a} and {b}.", "Can you tell me {a} times {b}?"],
        draw_factors,
        lambda random: {"result": random.randint(100, 9999)},
        "{a} times {b} is {result}.",
    ),
    Tool(
        ["set_timer", "timer", "start_timer"],
        ["Starts a timer.", "Sets a timer in minutes."],
        {"minutes": ("integer", "Minutes")},
        ["Set a timer for {minutes} minutes.", "Start a timer of {minutes} minutes.",
         "Timer {minutes} minutes", "Wake me in {minutes} minutes.", "timer {minutes}",
         "Please set a timer for {minutes} minutes.", "I need a timer for {minutes} minutes.",
         "Remind me in {minutes} minutes.", "Can you set a timer for {minutes} minutes?",
         "Please start a timer of {minutes} minutes.", "Set the timer to {minutes} minutes."],
        draw_minutes,
        lambda random: {"ok": True},
        "The timer is set to {minutes} minutes.",
    ),
    Tool(
        ["send_message", "message", "write_to"],
        ["Sends a message.", "Sends a text to a person."],
        {"name": ("string", "Name of the person"), "text": ("string", "The message")},
        ['Send "{text}" to {name}.', 'Tell {name} "{text}".', 'Write "{text}" to {name}.',
         'Send {name} the message "{text}".', 'Message {name}: "{text}"',
         'Please send "{text}" to {name}.', 'Write {name} the message "{text}".',
         'Can you send "{text}" to {name}?', 'Please tell {name} "{text}".',
         'Please write "{text}" to {name}.', 'Can you write "{text}" to {name}?',
         'Please send {name} the message "{text}".'],
        draw_message,
        lambda random: {"ok": True},
        "I sent the message to {name}.",
    ),
]


def draw(random, held_out=False):
    """A question that needs a tool: (tools, question, call, result, answer, thoughts).

    tools: one or two declarations in any order, the needed one among them.
    call: (name, arguments). result: (name, fields). thoughts: before the call, and after it.
    """
    kinds = random.sample(TOOLS, random.choices([1, 2], [7, 3])[0])
    needed = kinds[0]
    declared = needed.declare(random)
    tools = [declared] + [kind.declare(random) for kind in kinds[1:]]
    random.shuffle(tools)
    arguments = needed.draw(random, held_out)
    question = needed.ask(random, arguments, held_out)
    fields = needed.result(random)
    answer = needed.answer.format(**arguments, **fields)
    name = declared["name"]
    if random.random() < 0.2 and "ok" not in fields:  # a host that returns one string
        text = ", ".join(str(value) for value in fields.values())
        if len(fields) > 1:
            answer = f"The weather in {arguments['city']}: {text}."
        fields = text
    thoughts = f"I need the tool {name}.", "The tool has answered."
    return tools, question, (name, arguments), (name, fields), answer, thoughts
