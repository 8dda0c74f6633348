"""Trees mean what functions do: each is made Python again, and gives the very same."""

import datetime
import functools
import math
import os
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from benchmarks.compiled_corpus import CASES, KINDS, Case
from benchmarks.compiled_corpus.columns import rows
from compiled import drawn, reference
from hydrofoil.compiling.translate import translate

# More of both with a variable: HYDROFOIL_COMPILED=1000000 evaluations.
EVALUATIONS = int(os.environ.get("HYDROFOIL_COMPILED", "20000"))
ROWS = list(drawn.values(200, 5))


def outcome(function: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a call gives, with its type, or the error's class."""
    try:
        value = function(*arguments)
    except reference.Trip:
        return ("trip",)
    except Exception as error:
        return "raises", type(error).__name__
    if isinstance(value, float) and math.isnan(value):
        return "value", float, "nan"
    return "value", type(value), repr(value)


def check(function: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> int:
    """Compare; a trip is an answer where Python raises, as a row of it is asked there."""
    document = translate(function).document
    if document is None:
        return 0
    made = reference.compiled(document)
    for one in arguments:
        expected, found = outcome(function, one), outcome(made, one)
        if found[0] in ("trip", "raises"):
            # The JVM has no errors of its own: it asks Python.
            assert expected[0] == "raises", (one, expected)
        else:
            assert found == expected, (one, document["body"])
    return len(arguments)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_corpus(case: Case) -> None:
    check(case.function, rows(case.arguments, 100))


def test_most_of_the_corpus_is_translated() -> None:
    translated = [case for case in CASES if translate(case.function).document is not None]
    assert len(CASES) >= 60
    assert len(translated) >= 60
    assert {case.kind for case in translated} == set(KINDS)


@seed(25)
@settings(
    max_examples=max(1, EVALUATIONS // len(ROWS)),
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(drawn.functions())
def test_drawn_functions(made: tuple[str, tuple[str, ...], str]) -> None:
    text, parameters, _ = made
    function = drawn.function_of(text)
    found = translate(function)
    assert found.document is not None, f"{found.reason}\n{text}"
    check(function, [tuple(row[name] for name in parameters) for row in ROWS])


TABLE = str.maketrans({"a": "b", "x": None, "-": "--"})


def added(x, y=2, *, z=3):
    return x * y + z


WRITTEN = {
    "a partial": functools.partial(added, y=5),
    "a partial by position": functools.partial(added, 4),
    "a partial that leaves some": functools.partial(added, z=1),
    "how many": lambda s: len([c for c in s if c in "aeiou"]),
    "sum of ones": lambda s: sum(1 for c in s if c.isupper()),
    "backwards": lambda s: "".join(reversed(s)),
    "a table of one call": lambda s: s.translate(str.maketrans("", "", "ab-")),
    "two texts": lambda s: s.translate(str.maketrans("ab", "xy")),
    "a table": lambda s: s.translate(TABLE),
    "no punctuation": lambda s: "".join(c for c in s if c not in string.punctuation),
}
ARGUMENTS = ["", "abc", "xaxb-", "Hello, World", "é-ß", 3, -1, None]


@pytest.mark.parametrize("function", WRITTEN.values(), ids=WRITTEN.keys())
def test_what_is_written_in_other_ways(function: Callable[..., Any]) -> None:
    assert check(function, [(one,) for one in ARGUMENTS])


# Python raises for all of these, whatever it is given.
WRONG = {
    "int by name": lambda x: int(x="5"),
    "abs by name": lambda x: abs(x=3),
    "len by name": lambda x: len(obj="a"),
    "float by name": lambda x: float(x="5"),
    "ord by name": lambda x: ord(c="a"),
    "isinstance by name": lambda x: isinstance(x, class_or_tuple=int),
    "format by name": lambda x: format(value="a"),
    "replace by a name": lambda x: "a".replace(old="a", new="b"),
    "strip by name": lambda x: "a".strip(chars="a"),
    "numbered in part": lambda x: "{}{0}".format("a"),  # noqa: F525
    "numbered in part, otherwise": lambda x: "{0}{}".format("a"),  # noqa: F525
    "not numbered enough": lambda x: "{}{}".format("a"),  # noqa: F524
    "strptime by name": lambda x: datetime.datetime.strptime(date_string="1", format="%d"),
    "weekday by name": lambda x: datetime.date(2000, 1, 1).weekday(x=1),
    "sqrt by name": lambda x: math.sqrt(x=4),
    "max by a name": lambda x: max(1, 2, z=3),
    "get by name": lambda x: {"a": 1}.get(key="a"),
    "too many of split": lambda x: "a".split("b", 1, 2),  # noqa: SIM905
    "round by a name": lambda x: round(1.5, digits=1),
    "a helper by a name": lambda x: added(1, w=2),
    "a helper twice": lambda x: added(1, x=2),
    "a helper by position": lambda x: added(1, 2, 3),
    "formats without values": lambda x: "%s %s" % ("a",),  # noqa: F507, UP031
    "values without formats": lambda x: "%s" % ("a", "b"),  # noqa: F507, UP031
}


@pytest.mark.parametrize("function", WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_pythons_to_say(function: Callable[..., Any]) -> None:
    assert outcome(function, (1,))[0] == "raises"
    check(function, [(1,)])


def test_what_a_partial_leaves_to_give() -> None:
    def document(function: Any) -> Any:
        found = translate(function).document
        assert found is not None
        return found["args"], found["kwonly"]

    assert document(functools.partial(added, y=5)) == (["x", "z"], 1)
    assert document(functools.partial(added, 5)) == (["y", "z"], 1)
    assert document(functools.partial(added, z=5)) == (["x", "y"], 0)
    assert document(functools.partial(added, x=5)) == (["z"], 1)
