"""Functions of the subset, written by hypothesis as source text, and values to call them with."""

# ruff: noqa: RUF001 - letters that look like others are the point.

import datetime
import itertools
import linecache
import math
import random
import re
import struct
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import strategies as st

# Each parameter: its Spark type, what it holds, and whether it may be None.
PARAMETERS: dict[str, tuple[str, str, bool]] = {
    "i": ("bigint", "int", False),
    "n": ("bigint", "int", True),
    "x": ("double", "float", False),
    "y": ("double", "float", True),
    "s": ("string", "str", False),
    "t": ("string", "str", True),
    "b": ("boolean", "bool", False),
    "c": ("boolean", "bool", True),
    "d": ("date", "date", False),
    "e": ("date", "date", True),
    "k": ("int", "int", False),
    "m": ("smallint", "int", True),
    "h": ("float", "float", False),
}
DECLARED = {
    "int": "bigint",
    "float": "double",
    "str": "string",
    "bool": "boolean",
    "date": "date",
}
GLOBALS: dict[str, Any] = {
    "math": math,
    "NAMES": {"a": "Alpha", "b": "Beta", "": "none"},
    "SIZES": {0: 1, 1: 10, -1: 7},
    "LETTERS": ("a", "b", "é"),
    "SOME": {1, 2, 3},
    "LIMIT": 1000,
    "SHARE": 0.1,
    "DAY": datetime.date(2000, 2, 29),
    "timedelta": datetime.timedelta,
    "re": re,
    "SPACES": re.compile(r"\s+"),
}
_HELPERS = """
def half(v):
    return v / 2


def clean(v, end=""):
    if v is None:
        return ""
    return v.strip().lower() + end
"""

_COUNT = itertools.count()


def function_of(text: str) -> Callable[..., Any]:
    """The function that a text defines, in a module of its own, whose source can be found."""
    name = f"<drawn {next(_COUNT)}>"
    text = _HELPERS + text
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space: dict[str, Any] = {**GLOBALS, "__name__": "__main__"}
    exec(compile(text, name, "exec"), space)
    made: Callable[..., Any] = space["drawn"]
    return made


# What is written.

_INTS = (
    "0",
    "1",
    "-1",
    "2",
    "3",
    "7",
    "10",
    "100",
    "LIMIT",
    "-9223372036854775808",
    "2**53",
    "2**62",
)
_FLOATS = (
    "0.0",
    "-0.0",
    "1.0",
    "0.5",
    "2.5",
    "-1.5",
    "1e308",
    "5e-324",
    "SHARE",
    "1e16",
    "math.pi",
)
_TEXTS = (
    "''",
    "'a'",
    "'b'",
    "'abc'",
    "' '",
    "'é'",
    "'ß'",
    "'A1'",
    "'-'",
    "','",
    "'12'",
    "'\\u0130'",
)


_PATTERNS = tuple(
    repr(one)
    for one in (
        "[^0-9]",
        r"\s+",
        r"\d",
        r"\D+",
        "[a-z]+",
        "[^a-zA-Z ]",
        "a",
        "[a-]",
        r"\W",
        "[é]",
        "a*",
        ".",
    )
)
_PUT = ("''", "' '", "'-'", "'aa'", r"'\\g<0>'", "'é'")


@st.composite
def _nested(draw: Any, kind: str, names: tuple[tuple[str, str], ...], depth: int) -> str:
    """An expression that is usually of a kind."""
    own = [name for name, held in names if held == kind]
    if depth <= 0 or draw(st.integers(0, 9)) < 2:
        leaves = {
            "int": _INTS,
            "float": _FLOATS,
            "str": _TEXTS,
            "bool": ("True", "False"),
            "date": ("DAY",),
        }[kind]
        if own and draw(st.integers(0, 3)):
            return draw(st.sampled_from(own))  # type: ignore[no-any-return]
        return draw(st.sampled_from(leaves))  # type: ignore[no-any-return]

    def of(other: str) -> str:
        return draw(_nested(other, names, depth - 1))  # type: ignore[no-any-return]

    def one(*values: str) -> str:
        return draw(st.sampled_from(values))  # type: ignore[no-any-return]

    if draw(st.integers(0, 7)) == 0:
        return f"({of(kind)} if {of('bool')} else {of(kind)})"
    if draw(st.integers(0, 11)) == 0:
        return f"({of(kind)} {one('and', 'or')} {of(kind)})"
    make: dict[str, tuple[Callable[[], str], ...]] = {
        "int": (
            lambda: f"({of('int')} {one('+', '-', '*')} {of('int')})",
            lambda: f"({of('int')} {one('+', '-', '*')} {of('int')})",
            lambda: f"({of('int')} {one('//', '%')} {of('int')})",
            lambda: f"({of('int')} {one('//', '%')} {one('2', '3', '-7', '1000')})",
            lambda: f"({of('int')} {one('&', '|', '^')} {of('int')})",
            lambda: f"({of('int')} {one('<<', '>>')} {one('0', '1', '5', '63', '70')})",
            lambda: f"({of('int')} ** {one('0', '1', '2', '3')})",
            lambda: f"({one('-', '+', '~')}{of('int')})",
            lambda: f"abs({of('int')})",
            lambda: f"{one('min', 'max')}({of('int')}, {of('int')})",
            lambda: f"{one('min', 'max')}({of('int')}, {of('int')}, {of('int')})",
            lambda: f"len({of('str')})",
            lambda: f"int({of('float')})",
            lambda: f"int({of('bool')})",
            lambda: f"int({of('str')})",
            lambda: f"round({of('float')})",
            lambda: f"round({of('int')}, {one('0', '1', '-1', '-2')})",
            lambda: f"math.{one('floor', 'ceil', 'trunc')}({of('float')})",
            lambda: f"({of('bool')} + {of('int')})",
            lambda: f"{of('date')}.{one('year', 'month', 'day')}",
            lambda: f"{of('date')}.{one('weekday', 'isoweekday', 'toordinal')}()",
            lambda: f"({of('date')} - {of('date')}).days",
            lambda: f"{of('str')}.{one('find', 'count', 'rfind')}({of('str')})",
            lambda: f"SIZES.get({of('int')}, {of('int')})",
            lambda: f"SIZES[{of('int')}]",
            lambda: f"(3, 1, 4, 1, 5)[{of('int')} % 5]",
            lambda: f"ord({of('str')}[0])",
            lambda: f"len([ch for ch in {of('str')} if ch in 'abc'])",
            lambda: f"({of('date')} - timedelta(days={one('1', '7')})).day",
            lambda: f"len({of('str')}.split({one(repr('a'), repr(','), '')}))",
        ),
        "float": (
            lambda: f"({of('float')} {one('+', '-', '*')} {of('float')})",
            lambda: f"({of('float')} {one('+', '-', '*')} {of('int')})",
            lambda: f"({of('int')} {one('+', '-', '*')} {of('float')})",
            lambda: f"({of('int')} / {of('int')})",
            lambda: f"({of('float')} / {of('float')})",
            lambda: f"({of('int')} / {one('2', '3', '-7', '1000')})",
            lambda: f"({of('float')} {one('//', '%')} {of('float')})",
            lambda: f"({of('float')} {one('//', '%')} {one('2', '0.1', '-3')})",
            lambda: f"({one('-', '+')}{of('float')})",
            lambda: f"abs({of('float')})",
            lambda: f"{one('min', 'max')}({of('float')}, {of('float')})",
            lambda: f"{one('min', 'max')}({of('int')}, {of('float')})",
            lambda: f"round({of('float')}, {one('0', '1', '2', '3', '-1')})",
            lambda: f"float({of('int')})",
            lambda: f"float({of('str')})",
            lambda: f"math.{one('sqrt', 'fabs')}({of('float')})",
            lambda: f"math.copysign({of('float')}, {of('float')})",
            lambda: f"half({of('int')})",
            lambda: f"({of('float')} ** {one('2', '0.5', '2')})",
            lambda: f"({of('date')} - {of('date')}).total_seconds()",
        ),
        "str": (
            lambda: f"({of('str')} + {of('str')})",
            lambda: f"({of('str')} * {one('0', '2', '3')})",
            lambda: f"{of('str')}.{one('strip', 'lstrip', 'rstrip')}()",
            lambda: f"{of('str')}.strip({of('str')})",
            lambda: f"{of('str')}.{one('lower', 'upper', 'title', 'capitalize', 'swapcase')}()",
            lambda: f"{of('str')}.replace({of('str')}, {of('str')})",
            lambda: f"{of('str')}.{one('zfill', 'ljust', 'rjust', 'center')}({one('0', '3', '8')})",
            lambda: f"{of('str')}.{one('removeprefix', 'removesuffix')}({of('str')})",
            lambda: f"{of('str')}[{one('0', '-1', '1', 'i')}]",
            lambda: (
                f"{of('str')}[{one(':2', '1:', '-2:', ':-1', '1:3', '::-1', '::2', ':', 'i:')}]"
            ),
            lambda: f"{of('str')}.split({of('str')})[{one('0', '-1', '1')}]",
            lambda: f"{of('str')}.split()[0]",
            lambda: f"str({of(one('int', 'float', 'bool', 'str', 'date'))})",
            lambda: _formatted((of("str"), ""), (of("int"), "")),
            lambda: _formatted((of("int"), one("d", "05d", ">6", ",", "x", "+d"))),
            lambda: _formatted((of("float"), one(".2f", ".0f", "8.1f", ".3f"))),
            lambda: _formatted((of("str"), one(">5", "<5", "^5", "s"))),
            lambda: f"('%s/%d' % ({of('str')}, {of('int')}))",
            lambda: f"'{{}}:{{}}'.format({of('str')}, {of('int')})",
            lambda: f"'-'.join([{of('str')}, {of('str')}])",
            lambda: f"''.join(ch for ch in {of('str')} if ch.{one('isdigit', 'isalpha')}())",
            lambda: f"NAMES.get({of('str')}, {of('str')})",
            lambda: f"NAMES[{of('str')}]",
            lambda: f"clean({of('str')})",
            lambda: f"{of('date')}.isoformat()",
            lambda: f"{of('date')}.strftime('{one('%Y-%m', '%d/%m/%Y', '%Y%m%d', '%y', 'x')}')",
            lambda: f"{of('str')}.translate(str.maketrans('ab', 'b ', '-,'))",
            lambda: f"''.join(reversed({of('str')}))",
            lambda: f"re.sub({one(*_PATTERNS)}, {one(*_PUT)}, {of('str')})",
            lambda: f"SPACES.sub({one(*_PUT)}, {of('str')})",
            lambda: f"('low', 'mid', 'high')[{of('int')} % 3]",
        ),
        "bool": (
            lambda: f"({of('int')} {one('<', '<=', '>', '>=', '==', '!=')} {of('int')})",
            lambda: f"({of('float')} {one('<', '<=', '>', '>=', '==', '!=')} {of('float')})",
            lambda: f"({of('int')} {one('<', '<=', '>', '>=', '==', '!=')} {of('float')})",
            lambda: f"({of('str')} {one('<', '<=', '>', '>=', '==', '!=')} {of('str')})",
            lambda: f"({of('date')} {one('<', '<=', '>', '>=', '==', '!=')} {of('date')})",
            lambda: f"({of('int')} {one('==', '!=')} {of('str')})",
            lambda: f"({of('int')} < {of('int')} <= {of('float')})",
            lambda: f"(not {of('bool')})",
            lambda: f"({of('bool')} {one('and', 'or')} {of('bool')})",
            lambda: f"({one('n', 'y', 't', 'c', 'e')} {one('is', 'is not')} None)",
            lambda: f"({of('str')} {one('in', 'not in')} {of('str')})",
            lambda: f"({of('str')} in {one('LETTERS', 'NAMES', repr(('a', 'é')))})",
            lambda: f"({of('int')} {one('in', 'not in')} {one('SOME', '(0, 1)', 'SIZES')})",
            lambda: f"{of('str')}.{one('startswith', 'endswith')}({of('str')})",
            lambda: f"{of('str')}.startswith(('a', 'é'))",
            lambda: f"{of('str')}.{one('isdigit', 'isalpha', 'isspace', 'isupper', 'isalnum')}()",
            lambda: f"{of('str')}.isascii()",
            lambda: (
                f"isinstance({of(one('int', 'str', 'float'))}, {one('int', 'str', '(int, float)')})"
            ),
            lambda: f"any(ch in {of('str')} for ch in LETTERS)",
            lambda: f"all(ch.isdigit() for ch in {of('str')})",
            lambda: f"bool({of(one('int', 'float', 'str', 'bool'))})",
            lambda: f"math.{one('isnan', 'isinf')}({of('float')})",
            lambda: f"({of('date')} - {of('date')} {one('<', '>=', '==')} timedelta(days=30))",
        ),
        "date": (
            lambda: f"({of('date')} if {of('bool')} else {of('date')})",
            lambda: f"({of('date')} {one('+', '-')} timedelta(days={one('1', '-30', 'k', 'i')}))",
            lambda: f"({of('date')} {one('+', '-')} timedelta(days={of('int')}))",
        ),
    }
    return draw(st.sampled_from(make[kind]))()  # type: ignore[no-any-return]


def _formatted(*fields: tuple[str, str]) -> str:
    """An f-string, or calls of format() where quotes would end it before Python 3.12."""
    if any(quote in value for value, _ in fields for quote in "'\\{"):
        return "(" + " + '-' + ".join(f"format({value}, {spec!r})" for value, spec in fields) + ")"
    parts = (f"{{{value}:{spec}}}" if spec else f"{{{value}}}" for value, spec in fields)
    return f"f'{'-'.join(parts)}'"


@st.composite
def functions(draw: Any, depth: int = 3) -> tuple[str, tuple[str, ...], str]:
    """The text of a function, its parameters, and what it usually returns."""
    kind = draw(st.sampled_from(("int", "float", "str", "bool", "int", "float", "str", "date")))
    names = [(name, held) for name, (_, held, _) in PARAMETERS.items()]
    lines: list[str] = []

    def nested(other: str, deep: int = depth) -> str:
        return draw(_nested(other, tuple(names), deep))  # type: ignore[no-any-return]

    for name, (_, _, may) in PARAMETERS.items():
        how = draw(st.integers(0, 5)) if may else 5
        if how == 0:
            lines.append(f"    if {name} is None:\n        return {nested(kind, 1)}")
        elif how == 1:
            lines.append(f"    {name} = {name} or {nested(PARAMETERS[name][1], 0)}")
        elif how == 2:
            lines.append(
                f"    if {name} is None:\n        {name} = {nested(PARAMETERS[name][1], 0)}"
            )
        elif how == 3:
            names.remove((name, PARAMETERS[name][1]))
    for count in range(draw(st.integers(0, 3))):
        held = draw(st.sampled_from(("int", "float", "str", "bool")))
        local = f"v{count}"
        how = draw(st.integers(0, 7))
        if how <= 1:
            lines.append(f"    {local} = {nested(held)}")
        elif how == 2:
            lines.append(
                f"    if {nested('bool', 2)}:\n        {local} = {nested(held, 2)}\n"
                f"    else:\n        {local} = {nested(held, 2)}"
            )
        elif how == 3:
            lines.append(
                f"    {local} = {nested(held, 1)}\n    if {nested('bool', 2)}:\n"
                f"        {local} += {nested(held, 1)}\n    elif {nested('bool', 1)}:\n"
                f"        {local} = {nested(held, 1)}"
            )
        elif how == 4:
            lines.append(
                f"    {local} = {nested(held, 1)}\n    w = {nested('int', 1)}\n"
                f"    if {nested('bool', 2)}:\n        {local} = {nested(held, 1)}\n        w += 1"
            )
            names.append(("w", "int"))
        elif how == 5:
            lines.append(
                f"    {local} = {nested(held, 1)}\n    for limit in (1, 10, LIMIT):\n"
                f"        if i < limit:\n            {local} = {nested(held, 1)}\n"
                f"            {draw(st.sampled_from(('break', 'continue', 'pass')))}"
            )
        elif how == 6:
            lines.append(
                f"    {local} = {nested(held, 1)}\n    match {nested('int', 1)}:\n"
                f"        case 0 | 1:\n            {local} = {nested(held, 1)}\n"
                f"        case z if z > 5:\n            return {nested(kind, 1)}\n"
                f"        case None:\n            return None"
            )
        else:
            lines.append(
                f"    if {nested('bool', 2)}:\n        return {nested(kind, 2)}\n"
                f"    {local} = {nested(held, 1)}"
            )
        names.append((local, held))
    if draw(st.integers(0, 9)) == 0:
        lines.append(f"    if {nested('bool', 1)}:\n        raise ValueError('no')")
    lines.append(f"    return {nested(kind)}")
    body = "\n".join(lines)
    used = tuple(name for name in PARAMETERS if _has(body, name))
    parameters = used or ("i",)
    return f"def drawn({', '.join(parameters)}):\n{body}\n", parameters, kind


def _has(body: str, name: str) -> bool:
    import ast

    tree = ast.parse(f"def f():\n{body}")
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(tree))


# What they are called with.


def _every_category() -> list[str]:
    """Some characters of each of Unicode's categories but surrogates, the widest among them."""
    found: dict[str, list[str]] = {}
    for code in itertools.chain(range(0x3000), range(0x3000, sys.maxunicode + 1, 97)):
        category = unicodedata.category(chr(code))
        if category != "Cs":
            found.setdefault(category, []).append(chr(code))
    chosen = []
    for characters in found.values():
        step = max(1, len(characters) // 12)
        chosen += characters[::step]
    return chosen


_SPECIAL: dict[str, list[Any]] = {
    "int": [
        *range(-12, 13),
        *(
            sign * 2**power + more
            for power in (31, 32, 53, 62)
            for sign in (1, -1)
            for more in (-1, 0, 1)
        ),
        2**63 - 1,
        2**63 - 2,
        -(2**63),
        -(2**63) + 1,
        100,
        999,
        1000,
        1001,
        3037000500,
    ],
    "float": [
        0.0,
        -0.0,
        math.nan,
        math.inf,
        -math.inf,
        1.7976931348623157e308,
        -1.7976931348623157e308,
        5e-324,
        -5e-324,
        2.2250738585072014e-308,
        *(sign * v for v in (0.1, 0.5, 1.0, 1.5, 2.5, 3.5, 2.675, 1.005, 0.15) for sign in (1, -1)),
        1e15,
        1e16,
        1e17,
        1e22,
        123456789.125,
        9007199254740992.0,
        9007199254740993.0,
        9.223372036854775e18,
        -9.223372036854775808e18,
        1e-5,
        1e-4,
        0.00001234,
        4503599627370497.5,
    ],
    "str": [
        "",
        " ",
        "a",
        "b",
        "abc",
        "ABC",
        "  a b  ",
        "a,b,,c",
        "12",
        "-12",
        " 12 ",
        "1_000",
        "+5",
        "1.5",
        "1e3",
        "nan",
        "inf",
        "-Infinity",
        "0x10",
        "٣",
        "²",
        "½",
        "é",
        "e\u0301",
        "ß",
        "İ",
        "ı",
        "ǆ",
        "ǅ",
        "ﬀ",
        "ΑΣ",
        "σς",
        "\u2028",
        "a\x1cb",
        "a\x85b",
        "a\u00a0b",
        "\u200b",
        "\x00",
        "\t\n",
        "😀",
        "a😀b",
        "𝟘𝟙",
        "𐐀",
        "𝓐",
        "中文",
        "\ufeffa",
        "9223372036854775808",
        "-9223372036854775808",
        "000123",
        "hello world",
        "Hello-World",
        "o'neill mc'x",
        *_every_category(),
    ],
    "bool": [True, False],
    "date": [
        datetime.date(1, 1, 1),
        datetime.date(9999, 12, 31),
        datetime.date(1582, 10, 4),
        datetime.date(1582, 10, 15),
        datetime.date(1969, 12, 31),
        datetime.date(1970, 1, 1),
        datetime.date(2000, 2, 29),
        datetime.date(1900, 2, 28),
        datetime.date(1900, 3, 1),
        datetime.date(2024, 2, 29),
        datetime.date(2024, 12, 30),
        datetime.date(2026, 1, 1),
    ],
}


def _usual(kind: str, draw: random.Random) -> Any:
    if kind == "int":
        return draw.randint(-(10 ** draw.randint(1, 18)), 10 ** draw.randint(1, 18))
    if kind == "float":
        return draw.uniform(-1, 1) * 10 ** draw.randint(-8, 20)
    if kind == "str":
        return "".join(
            draw.choice("abcXYZ 019-_,.é") if draw.random() < 0.8 else draw.choice(_SPECIAL["str"])
            for _ in range(draw.randint(0, 8))
        )
    if kind == "bool":
        return draw.random() < 0.5
    return datetime.date.fromordinal(draw.randint(1, 3652059))


def _narrow(value: Any, declared: str) -> Any:
    """The value as a column of a narrower type has it."""
    if declared in ("int", "smallint"):
        bits = 32 if declared == "int" else 16
        return (value + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
    if declared == "float":
        try:
            return struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            return math.copysign(math.inf, value)
    return value


def values(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Rows of all parameters: extremes, usual values, and None where it may be."""
    draw = random.Random(seed)
    for _ in range(count):
        row = {}
        for name, (declared, kind, may) in PARAMETERS.items():
            if may and draw.random() < 0.15:
                row[name] = None
            else:
                special = draw.random() < 0.6
                value = draw.choice(_SPECIAL[kind]) if special else _usual(kind, draw)
                row[name] = _narrow(value, declared)
        yield row
