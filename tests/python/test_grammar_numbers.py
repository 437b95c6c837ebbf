"""Random conditions on numbers, and random spellings of numbers, judged by jsonschema with exact decimals.

GEMMA4_NUMBER_SCHEMAS sets how many schemas there are (default 120)."""
import decimal
import json
import os
import random

import pytest

import gemma4

SCHEMAS = int(os.environ.get("GEMMA4_NUMBER_SCHEMAS", "120"))
MANTISSAS = [0, 1, 2, 3, 5, 7, 9, 10, 12, 25, 99, 100, 125, 1000, 12345]
DIVISORS = ["1", "2", "0.5", "1e-3", "2.5e1", "3", "0.01", "7", "1e2", "0.125", "1e-7"]
Decimal = decimal.Decimal


def a_number(r):
    mantissa = r.choice(MANTISSAS + [r.randrange(10**9), r.randrange(10**15)])
    exponent = r.choice([0, 0, 0, 0, -1, -2, -3, 1, 2, -6, -7, 5, r.randrange(-25, 25)])
    return ("-" if r.random() < 0.3 else "") + str(mantissa) + ("e%d" % exponent if exponent else "")


def spelled(value, r):
    """A JSON text of the value: plain, or with the point anywhere and an exponent."""
    sign, digits, exponent = value.as_tuple()
    digits = "".join(map(str, digits))
    minus = "-" if sign else ""
    if r.random() < 0.5 and -40 < exponent < 40:
        zeros = "0" * r.randrange(3)
        digits += "0" * max(exponent, 0)
        places = max(-exponent, 0)
        digits = digits.rjust(places + 1, "0")
        fraction = (digits[len(digits) - places:] if places else "") + zeros
        return minus + (digits[:len(digits) - places].lstrip("0") or "0") + ("." + fraction if fraction else "")
    at = r.randrange(-5, len(digits) + 5)
    exponent += len(digits) - at
    whole, fraction = ("0", "0" * -at + digits) if at <= 0 else (digits.ljust(at, "0")[:at].lstrip("0") or "0", digits[at:])
    sign = "-" if exponent < 0 else r.choice(["+", ""])
    return minus + whole + ("." + fraction if fraction else "") + r.choice("eE") + sign + r.choice(["", "0", "00"]) + str(abs(exponent))


def conditions(r, values):
    parts = {}
    for key, chance, text in (
            ("type", 0.75, json.dumps(r.choice(["number", "number", "integer"]))), ("minimum", 0.35, values[0]),
            ("exclusiveMinimum", 0.2, values[1]), ("maximum", 0.35, values[2]), ("exclusiveMaximum", 0.2, values[3]),
            ("multipleOf", 0.25, r.choice(DIVISORS)), ("const", 0.1, values[0]), ("enum", 0.1, "[%s,%s]" % (values[0], values[1])),
            ("not", 0.1, r.choice(['{"const":%s}' % values[1], '{"multipleOf":%s}' % r.choice(["1", "2", "0.5"])])),
            ("anyOf", 0.05, '[{"maximum":%s},{"minimum":%s}]' % (values[1], values[2]))):
        if r.random() < chance:
            parts[key] = text
    return "{" + ",".join('"%s":%s' % part for part in parts.items()) + "}"


def exact_validator():
    jsonschema = pytest.importorskip("jsonschema")
    base = jsonschema.Draft202012Validator
    number = lambda _, x: isinstance(x, Decimal)  # noqa: E731
    integer = lambda _, x: isinstance(x, Decimal) and x == x.to_integral_value()  # noqa: E731

    def multiple_of(validator, divisor, instance, schema):
        if isinstance(instance, Decimal) and instance % divisor != 0:
            yield jsonschema.ValidationError("no multiple")
    return jsonschema.validators.extend(base, {"multipleOf": multiple_of},
                                        type_checker=base.TYPE_CHECKER.redefine("integer", integer).redefine("number", number))


def test_numbers_are_compared_by_value_however_they_are_written():
    validator, r, judged, refused = exact_validator(), random.Random(8), 0, 0
    with decimal.localcontext() as context:
        context.prec = 400
        for _ in range(SCHEMAS):
            values = [a_number(r) for _ in range(4)]
            source = conditions(r, values)
            try:
                grammar = gemma4.json_schema(source)
            except gemma4.Error as error:
                assert error.code in ("unsupported", "invalid_argument"), (source, str(error))
                refused += 1
                continue
            judge = validator(json.loads(source, parse_float=Decimal, parse_int=Decimal))
            for _ in range(25):
                value = Decimal(r.choice(values) if r.random() < 0.7 else a_number(r))
                if r.random() < 0.3:
                    value += r.choice([1, -1]) * Decimal(10) ** r.randrange(-12, 3)
                text = spelled(value, r)
                assert Decimal(text) == value
                assert grammar.accepts(text) == judge.is_valid(value), (source, text)
                judged += 1
    assert judged > 20 * SCHEMAS and refused < SCHEMAS // 10
