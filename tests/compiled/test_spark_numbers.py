"""Numbers of all magnitudes, and those near where rounding turns, bit by bit as Python has them."""

import math
import os
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from compiled.conftest import Both
from compiled.test_drawn import exactly, plan_of

ROWS = max(2000, int(os.environ.get("HYDROFOIL_COMPILED", "0")) // 10)

FUNCTIONS: dict[str, tuple[Callable[..., Any], str]] = {
    "square": (lambda x: x**2 if -1e154 < x < 1e154 else None, "double"),
    "root": (lambda x: x**0.5 if x >= 0 else None, "double"),
    "sqrt": (lambda x: math.sqrt(x) if x >= 0 else None, "double"),
    "quotient": (lambda x, y: x / y if y else None, "double"),
    "floor": (lambda x, y: x // y if y else None, "double"),
    "remainder": (lambda x, y: x % y if y else None, "double"),
    "rounded": (lambda x: round(x, 2), "double"),
    "rounded more": (lambda x: round(x, 7), "double"),
    "rounded to tens": (lambda x: round(x, -1), "double"),
    "rounded to int": (lambda x: round(x) if -1e18 < x < 1e18 else None, "bigint"),
    "cut": (lambda x: int(x) if -1e18 < x < 1e18 else None, "bigint"),
    "ceiling": (lambda x: math.ceil(x) if -1e18 < x < 1e18 else None, "bigint"),
    "shown": (lambda x: str(x), "string"),
    "shown shorter": (lambda x: f"{x:.2f}", "string"),
    "shown without": (lambda x: f"{x:.0f}", "string"),
    "shown in groups": (lambda x: f"{x:,.3f}", "string"),
    "percent": (lambda x: "%.1f" % x, "string"),  # noqa: UP031
    "read again": (lambda x: float(str(x)), "double"),
    "of ints": (lambda i, j: i / j if j else None, "double"),
    "floor of ints": (lambda i, j: i // j if j else None, "bigint"),
    "remainder of ints": (lambda i, j: i % j if j else None, "bigint"),
    "int and float": (lambda i, x: i + x, "double"),
    "compared": (lambda i, x: (i < x) + 2 * (i == x) + 4 * (i > x), "bigint"),
    "int to float": (lambda i: float(i), "double"),
    "tens of ints": (lambda i: round(i, -2), "bigint"),
    "shifted": (lambda i: i >> 3, "bigint"),
    "in groups": (lambda i: f"{i:,}", "string"),
}
PARAMETERS = ("x", "y", "i", "j")


def floats(draw: random.Random) -> Iterator[float]:
    while True:
        kind = draw.randrange(6)
        if kind == 0:
            [value] = struct.unpack("<d", draw.getrandbits(64).to_bytes(8, "little"))
            yield 1.5 if math.isnan(value) or math.isinf(value) else value
        elif kind == 1:
            yield draw.uniform(-1000, 1000)
        elif kind == 2:
            # Near a half of a digit that is cut.
            yield (draw.randint(-(10**6), 10**6) + 0.5) / 10 ** draw.randint(0, 8)
        elif kind == 3:
            near = draw.randint(-(10**5), 10**5) / 100
            yield math.nextafter(near, math.inf if draw.random() < 0.5 else -math.inf)
        elif kind == 4:
            yield float(draw.randint(-(2**62), 2**62))
        else:
            yield draw.choice((0.0, -0.0, 5e-324, 1e16, 1e15 + 0.3, 2.0**53, 1e22, 0.1, 1e-5))


def ints(draw: random.Random) -> int:
    bits = draw.randint(1, 63)
    return max(-(2**63) + 1, min(2**63 - 1, draw.randint(-(2**bits), 2**bits)))


@pytest.mark.parametrize("arrow", [False, True], ids=["pickled", "arrow"])
def test_bit_by_bit(arrow: bool, both: Both) -> None:
    draw = random.Random(7)
    drawn = floats(draw)
    data = {
        "x": pa.array([next(drawn) for _ in range(ROWS)], pa.float64()),
        "y": pa.array([next(drawn) for _ in range(ROWS)], pa.float64()),
        "i": pa.array([ints(draw) for _ in range(ROWS)], pa.int64()),
        "j": pa.array([ints(draw) for _ in range(ROWS)], pa.int64()),
    }
    rows = list(zip(*(column.to_pylist() for column in data.values()), strict=True))
    taken = {
        name: [
            PARAMETERS.index(p)
            for p in function.__code__.co_varnames[: function.__code__.co_argcount]
        ]
        for name, (function, _) in FUNCTIONS.items()
    }
    with both.compiled():
        frame = both.spark.createDataFrame(pa.table(data))
        asked = frame.select(
            *(
                F.udf(function, declared, useArrow=arrow)(*(PARAMETERS[i] for i in taken[name]))
                for name, (function, declared) in FUNCTIONS.items()
            )
        )
        found = asked.collect()
        assert plan_of(asked).count("CompiledUdf") >= len(FUNCTIONS) - 2, plan_of(asked)
    for number, (name, (function, _)) in enumerate(FUNCTIONS.items()):
        for row, got in zip(rows, found, strict=True):
            given = [row[i] for i in taken[name]]
            assert exactly(got[number]) == exactly(function(*given)), (name, given)
