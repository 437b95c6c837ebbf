"""How often each task occurs in training, in groups of examples of similar length.

A training step takes a fixed number of examples of every group, so that no batch is mostly
padding; a group's weight is its share of the loss.
"""

from functools import partial

import tasks


def choose(*weighted):
    """A maker that draws one of (weight, maker) each time."""
    weights, makers = zip(*weighted)
    return lambda random: random.choices(makers, weights)[0](random)


def plain(task, thinking=False):
    return partial(tasks.example, task=task, thinking=thinking)


SHORT = choose(
    (20, plain("add")), (30, plain("subtract")), (30, plain("reverse")), (10, plain("copy")),
    (8, plain("facts")), (3, plain("small_talk")),
)
THINKING = choose(
    (8, plain("add", True)), (12, plain("subtract", True)), (18, plain("reverse", True)),
    (2, plain("copy", True)), (3, plain("facts", True)), (2, plain("small_talk", True)),
    (2, plain("json", True)),
)
JSON = plain("json")
TOOLS = choose(
    (9, tasks.tool_call), (6, tasks.tool_answer), (5, tasks.no_call),
    (3, partial(tasks.tool_call, thinking=True)), (2, partial(tasks.tool_answer, thinking=True)),
    (1, partial(tasks.no_call, thinking=True)),
)
CHAT = choose((8, tasks.conversation), (1, partial(tasks.conversation, thinking=True)))
ENGLISH = choose((12, tasks.english), (4, plain("story")), (1, plain("story", True)))

# name: (maker, examples a step, batches they are cut into, weight of the loss)
GROUPS = {
    "short": (SHORT, 96, 2, 0.44),
    "thinking": (THINKING, 28, 1, 0.20),
    "json": (JSON, 10, 1, 0.07),
    "tools": (TOOLS, 20, 2, 0.19),
    "chat": (CHAT, 8, 1, 0.06),
    "english": (ENGLISH, 4, 1, 0.04),
}


def draw(random):
    """One example of the mixture."""
    groups = list(GROUPS.values())
    maker = random.choices(groups, [group[1] for group in groups])[0][0]
    return maker(random)
