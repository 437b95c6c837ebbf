"""Functions as tools, of the kinds that Hugging Face's get_json_schema takes too.

    python tests/python/tool_functions.py OUT.json      (where transformers is installed)

writes what that makes of them, as tests/support/tool_schemas.json has it.
"""
import enum
import json
import sys
from typing import Any, Dict, List, Literal, Optional, Tuple, Union


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def multiply(a: int, b: int):
    """Multiplies two numbers.

    Args:
        a: First number
        b: Second number
    """
    return a * b


def weather(city: str, unit: Literal["celsius", "fahrenheit"] = "celsius", days: Optional[int] = None) -> str:
    """
    Tells the weather.
    For the next days, if asked.

    Args:
        city: The city, and
            where several have the name: its country.
        unit: Of the temperature
        days: How many days

    Returns:
        The weather,
            in words.
    """
    return ""


def everything(a: int, b: float, c: str, d: bool, e: list, f: dict, g: Any, h: tuple, i: None = None):
    """Has every plain type.

    Args:
        a: one
        b: two
        c: three
        d: four
        e: five
        f: six
        g: seven
        h: eight

        i: nine
    """


def nested(names: List[str], table: Dict[str, List[int]], pair: Tuple[int, str], either: Union[int, str],
           complex_one: Union[List[int], str, None], maybe: Optional[Dict[str, float]] = None, deep: list[list[dict[str, bool]]] = ()):
    """Nests.

    Args:
        names: Names: those that count
        table: Numbers by name
        pair: A pair
        either: A number or a text
        complex_one: Numbers or a text
        maybe: Perhaps
        deep: Deep

    Raises:
        ValueError: never
    """


def choices(drink: str, size: int) -> None:
    """Orders.

    Args:
        drink: What to drink (choices: ["tea", "coffee"])
        size: How large (Choices: [1, 2])
    """


def enums(color: Color, level: Optional[Level], mixed: Literal["a", 1, True, None]) -> Optional[List[int]]:
    """Paints.

    Args:
        color: Its colour
        level: How much
        mixed: Whatever

    Returns:
        nothing much
    """


def no_arguments() -> int:
    """Tells the time."""
    return 0


class Box:
    def open(self, how: str) -> bool:
        """Opens the box.

        Args:
            how: With a key or a hammer
        """
        return bool(how)


FUNCTIONS = [multiply, weather, everything, nested, choices, enums, no_arguments, Box().open, Box.open]


def main():
    from transformers.utils import get_json_schema
    with open(sys.argv[1], "w", encoding="ascii") as file:
        file.write("[\n" + ",\n".join(json.dumps(get_json_schema(function)) for function in FUNCTIONS) + "\n]\n")


if __name__ == "__main__":
    main()
