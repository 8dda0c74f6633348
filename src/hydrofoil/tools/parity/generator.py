"""Generates comparisons until one differs, and makes that one as small as it can be.

Needs hypothesis, which is in the extra "parity".
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from hydrofoil.errors import UsageError

try:
    import hypothesis
    from hypothesis import HealthCheck, Phase
    from hypothesis import strategies as st
except ImportError as error:
    raise UsageError(
        "--generate needs hypothesis, which is not installed",
        'pip install hypothesis (the extra "parity")',
    ) from error

from pyspark.sql import SparkSession

from hydrofoil.tools.parity.drawn import (
    KINDS,
    NAMED,
    NOT_NULL,
    ROW_FUNCTIONS,
    ROWS,
    TABLES,
    UNIT_FUNCTIONS,
    Drawn,
)
from hydrofoil.tools.parity.engines import HYDROFOIL, Engine
from hydrofoil.tools.parity.run import as_users_functions


@dataclass(frozen=True)
class Found:
    """The smallest comparison that differs, and what differs."""

    drawn: Drawn
    difference: str


def generate(
    spark: SparkSession,
    count: int,
    seed: int,
    right: Engine = HYDROFOIL,
    progress: Callable[[], None] = lambda: None,
) -> Found | None:
    """Draw ``count`` comparisons, the same ones for a seed, and stop at one that differs.

    ``progress`` is called after each comparison, those of shrinking included.
    """
    found: list[Found] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(comparisons())
    def check(drawn: Drawn) -> None:
        report = drawn.difference(spark, right=right)
        progress()
        if report is not None:
            found.append(Found(drawn, report))
            raise _DifferentError

    with as_users_functions():
        try:
            check()
        except (_DifferentError, hypothesis.errors.Flaky):
            # The last is the smallest, or one that does not differ each time.
            return found[-1]
    return None


class _DifferentError(Exception):
    pass


# --- Types and their values -----------------------------------------------------------------------

Typed = tuple[str, st.SearchStrategy[Any]]

_WIDE = Context(prec=60)


def _decimals(precision: int, scale: int) -> Typed:
    most = 10**precision - 1
    made = st.integers(-most, most).map(lambda digits: Decimal(digits).scaleb(-scale, _WIDE))
    return f"decimal({precision},{scale})", made


def _integers(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


# Far enough from the ends for every zone, and for pandas, which counts nanoseconds.
_TIMES = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2200, 1, 1))
_SPANS = st.timedeltas(datetime.timedelta(-(10**5)), datetime.timedelta(10**5))

_KEYS: list[Typed] = [
    ("bigint", _integers(64)),
    ("string", st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
    ("int", _integers(32)),
    ("boolean", st.booleans()),
    ("date", st.dates()),
    _decimals(18, 4),
]

_LEAVES: list[Typed] = [
    *_KEYS,
    ("tinyint", _integers(8)),
    ("smallint", _integers(16)),
    ("float", st.floats(width=32, allow_nan=False) | st.just(float("nan"))),
    ("double", st.floats(allow_nan=False) | st.just(float("nan"))),
    ("binary", st.binary(max_size=20)),
    ("timestamp", _TIMES),
    ("timestamp_ntz", _TIMES),
    ("interval day to second", _SPANS),
    _decimals(38, 10),
    _decimals(1, 0),
]


def _nullable(typed: Typed) -> st.SearchStrategy[Any]:
    return st.none() | typed[1]


def _arrays(element: Typed) -> Typed:
    return f"array<{element[0]}>", st.lists(_nullable(element), max_size=4)


def _maps(key: Typed, value: Typed) -> Typed:
    # Rows that come back pickled have maps in the order of their hashes: one entry has one order.
    made = st.dictionaries(key[1], _nullable(value), max_size=1)
    return f"map<{key[0]},{value[0]}>", made


def _structs(fields: list[Typed]) -> Typed:
    inner = ",".join(f"f{number}:{field[0]}" for number, field in enumerate(fields))
    return f"struct<{inner}>", st.tuples(*map(_field, fields))


def _field(typed: Typed) -> st.SearchStrategy[Any]:
    return typed[1] if typed[0].endswith(NOT_NULL) else _nullable(typed)


def _fields(types: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    """A type of a column or of a struct's field: one in four has no nulls."""
    required = types.map(lambda typed: (typed[0] + NOT_NULL, typed[1]))
    return st.integers(0, 3).flatmap(lambda number: required if number == 3 else types)


def _containers(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    return st.one_of(
        inner.map(_arrays),
        st.builds(_maps, st.sampled_from(_KEYS), inner),
        st.lists(_fields(inner), min_size=1, max_size=3).map(_structs),
    )


_TYPES = st.recursive(st.sampled_from(_LEAVES), _containers, max_leaves=4)

# --- Comparisons ----------------------------------------------------------------------------------

_SETTINGS: dict[str, list[str]] = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": ["10000", "1", "3", "0"],
    "spark.sql.session.timeZone": ["UTC", "Asia/Kathmandu", "America/New_York"],
    "spark.sql.execution.arrow.useLargeVarTypes": ["false", "true"],
    "spark.sql.execution.pandas.convertToArrowArraySafely": ["false", "true"],
    "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName": ["true", "false"],
    "spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled": ["false", "true"],
    "spark.sql.execution.pyspark.binaryAsBytes": ["true", "false"],
    "spark.sql.columnVector.offheap.enabled": ["false", "true"],
    "spark.sql.ansi.enabled": ["true", "false"],
    "spark.sql.adaptive.enabled": ["false", "true"],
}


@st.composite
def _conf(draw: st.DrawFn) -> dict[str, str]:
    """Up to three settings that are not the first of their values."""
    keys = draw(st.lists(st.sampled_from(sorted(_SETTINGS)), max_size=3, unique=True))
    return {key: draw(st.sampled_from(_SETTINGS[key][1:])) for key in sorted(keys)}


@st.composite
def comparisons(draw: st.DrawFn) -> Drawn:
    """A strategy for whole comparisons; one in eight functions declares a wrong type."""
    columns = draw(st.lists(_fields(_TYPES), min_size=1, max_size=5))
    kinds = [kind for kind, _ in columns]
    row = st.tuples(*map(_field, columns))
    kind = draw(st.sampled_from(KINDS))
    functions = ROW_FUNCTIONS if kind in (*ROWS, *TABLES) else UNIT_FUNCTIONS
    declared = list(kinds)
    if draw(st.integers(0, 7)) == 7:
        wrong = draw(st.integers(0, len(kinds) - 1))
        declared[wrong] = draw(_TYPES)[0]
    return Drawn(
        columns=tuple(kinds),
        rows=tuple(draw(st.lists(row, max_size=8))),
        kind=kind,
        does=draw(st.sampled_from(list(functions))),
        declared=tuple(declared),
        groups=draw(st.integers(1, 3)),
        named=kind in ROWS and NAMED and draw(st.booleans()),
        conf=draw(_conf()),
    )
