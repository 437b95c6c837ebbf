"""Simple English stories from a small grammar: the prose gemma4-nano learns to continue.

Every story has a hero, a friend, a thing and a place that stay the same from the first
sentence to the last, so a model that continues one has something to remember.
"""

GIRLS = "Anna Mia Lily Emma Nora Ella Sara Ruth Clara Ida".split()
BOYS = "Tom Ben Max Leo Sam Paul Jack Finn Oscar Hugo".split()
ANIMALS = "cat dog rabbit bird fox horse frog duck mouse bear".split()
PLACES = "park forest garden beach river farm school market lake hill".split()
THINGS = "ball kite box hat book drum boat lamp key basket".split()
COLORS = "red blue green yellow white black brown small big old".split()
FOODS = "apple cake pie soup bread cheese honey milk".split()
WEATHER = ["sunny", "rainy", "cold", "warm", "windy"]
MOODS = ["happy", "sad", "tired", "hungry", "proud", "scared"]
WORDS = {*GIRLS, *BOYS, *ANIMALS, *PLACES, *THINGS, *COLORS, *FOODS, *WEATHER, *MOODS}

OPENINGS = [
    "Once upon a time there was a {kid} named {hero}.",
    "{hero} was a little {kid} who lived near the {place}.",
    "One day {hero} went to the {place}.",
    "It was a {weather} day, and {hero} wanted to play.",
    "{hero} had a {color} {thing} and loved it very much.",
]
EARLY = [
    "{He} had a {color} {thing}.",
    "{His} best friend was a {animal}.",
    "Every day {he} played with the {animal}.",
    "The {place} was big and quiet.",
    "{He} liked to play with {his} {thing}.",
    "The sun was bright and the sky was blue.",
    "{His} mother gave {him} some {food}.",
]
MIDDLE = [
    "One morning the {thing} was gone.",
    "{He} looked for the {thing} in the {place}, but it was not there.",
    "Then {he} saw a {animal} under a tree.",
    "The {animal} was {mood} and did not know what to do.",
    '"Can you help me?" asked the {animal}.',
    '"Do not worry," said {hero}. "I will help you."',
    "They looked behind the big tree and under the bridge.",
    "{hero} gave the {animal} some {food} to eat.",
    "It began to rain, so they ran to a small house.",
    '"Look!" said {hero}. "I can see the {thing}!"',
    "{He} was {mood}, but {he} did not give up.",
    "They walked and walked until they found the {thing}.",
]
ENDINGS = [
    "Then {hero} and the {animal} went home and were very happy.",
    "At the end of the day {he} went home and told {his} mother everything.",
    '"Thank you," said the {animal}. They were friends from that day on.',
    "{hero} smiled and put the {thing} in a safe place.",
    "That night {he} slept well and dreamed of the {place}.",
]


def story(random, animal=None):
    """One story of five to nine sentences; `random` is a random.Random."""
    girl = random.random() < 0.5
    slots = {
        "kid": "girl" if girl else "boy",
        "hero": random.choice(GIRLS if girl else BOYS),
        "he": "she" if girl else "he",
        "He": "She" if girl else "He",
        "his": "her" if girl else "his",
        "His": "Her" if girl else "His",
        "him": "her" if girl else "him",
        "animal": animal or random.choice(ANIMALS),
        "place": random.choice(PLACES),
        "thing": random.choice(THINGS),
        "color": random.choice(COLORS),
        "food": random.choice(FOODS),
        "weather": random.choice(WEATHER),
        "mood": random.choice(MOODS),
    }
    early = random.sample(EARLY, random.randint(1, 2))
    middle = random.sample(range(len(MIDDLE)), random.randint(2, 4))
    lines = [random.choice(OPENINGS), *early, *(MIDDLE[i] for i in sorted(middle))]
    lines.append(random.choice(ENDINGS))
    return " ".join(lines).format(**slots)
