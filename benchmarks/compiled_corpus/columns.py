"""What the corpus's functions are given: columns of usual values, some of them null.

The same seed gives the same rows. `rows` is for tests, `frame` for measuring: there the JVM makes
the values.
"""

import datetime
import random
from collections.abc import Callable
from typing import Any

_WORDS = ("alpha", "Beta", "GAMMA", "delta", "", "Zeta-eta", "theta_iota", "kappa")
_STATES = ("CA", "NY", "TX", "WA", "OR", "ZZ", "ca")
_EPOCH = datetime.date(1995, 1, 1)


def _text(draw: random.Random) -> str:
    return draw.choice(("", " ", "  ")) + " ".join(
        draw.choice(_WORDS) for _ in range(draw.randint(0, 4))
    )


# Name: its type, its share of nulls, and how one value is drawn.
COLUMNS: dict[str, tuple[str, float, Callable[[random.Random], Any]]] = {
    "count": ("bigint", 0.0, lambda r: r.randint(0, 500)),
    "number": ("bigint", 0.0, lambda r: r.randint(-1_000_000, 1_000_000)),
    "maybe_count": ("bigint", 0.1, lambda r: r.randint(0, 500)),
    "small": ("int", 0.0, lambda r: r.randint(0, 120)),
    "price": ("double", 0.0, lambda r: round(r.uniform(0, 5000), 2)),
    "rate": ("double", 0.0, lambda r: r.uniform(0.01, 0.3)),
    "maybe_price": ("double", 0.1, lambda r: round(r.uniform(-100, 5000), 2)),
    "degrees": ("double", 0.0, lambda r: r.uniform(-180, 180)),
    "flag": ("boolean", 0.0, lambda r: r.random() < 0.5),
    "maybe_flag": ("boolean", 0.2, lambda r: r.random() < 0.5),
    "text": ("string", 0.0, _text),
    "maybe_text": ("string", 0.1, _text),
    "email": (
        "string",
        0.05,
        lambda r: f"{r.choice(_WORDS)}{r.randint(1, 99)}@{r.choice(('Mail.com', 'site.ORG', 'x'))}",
    ),
    "phone": (
        "string",
        0.05,
        lambda r: f"({r.randint(200, 999)}) {r.randint(200, 999)}-{r.randint(0, 9999):04}",
    ),
    "state": ("string", 0.05, lambda r: r.choice(_STATES)),
    "digits": ("string", 0.0, lambda r: str(r.randint(0, 99_999))),
    "maybe_digits": ("string", 0.1, lambda r: r.choice(("12", " 7", "x1", "", "-40"))),
    "path": ("string", 0.0, lambda r: "/".join(r.choice(_WORDS) for _ in range(r.randint(1, 4)))),
    "pair": ("string", 0.0, lambda r: f"{r.choice(_WORDS)}:{r.randint(0, 9)}"),
    "day": ("date", 0.0, lambda r: _EPOCH + datetime.timedelta(days=r.randint(0, 12_000))),
    "maybe_day": ("date", 0.1, lambda r: _EPOCH + datetime.timedelta(days=r.randint(0, 12_000))),
    "moment": (
        "timestamp",
        0.0,
        lambda r: datetime.datetime(2001, 2, 3) + datetime.timedelta(seconds=r.randint(0, 10**9)),
    ),
}


def rows(names: tuple[str, ...], count: int, seed: int = 0) -> list[tuple[Any, ...]]:
    """Rows of these columns, as a worker is given them."""
    draw = random.Random(seed)
    return [tuple(_value(name, draw) for name in names) for _ in range(count)]


def _value(name: str, draw: random.Random) -> Any:
    _, nulls, make = COLUMNS[name]
    return None if draw.random() < nulls else make(draw)


def schema(names: tuple[str, ...]) -> str:
    """The DDL of these columns, called a0, a1 and so on."""
    return ", ".join(f"a{i} {COLUMNS[name][0]}" for i, name in enumerate(names))
