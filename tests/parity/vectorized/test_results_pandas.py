"""What becomes of what pandas functions return: every dtype against every declared type.

Replayed, because most of it is an error, and an error ends a query.
"""

import pytest

from hydrofoil.tools.parity.families import PANDAS, Family
from hydrofoil.tools.parity.families import family as named
from parity.replay import Players
from parity.vectorized import values
from parity.vectorized.conftest import Record
from parity.vectorized.tasks import Task
from parity.vectorized.values import FRAMES, SERIES, SHAPES, Unit

# See tests/conftest.py.
ONE_IN = 19

# Types, and an entry of `SERIES` that is right for each.
DECLARED = {
    "boolean": "bool",
    "tinyint": "int8",
    "smallint": "int16",
    "int": "int32",
    "bigint": "int64",
    "float": "float32",
    "double": "float64",
    "decimal(10,2)": "decimals",
    "decimal(38,18)": "decimals",
    "string": "str null",
    "binary": "bytes null",
    "date": "dates",
    "timestamp": "datetime64[ns]",
    "timestamp_ntz": "datetime64[us]",
    "interval day to second": "timedeltas",
    "void": "none",
    "array<bigint>": "lists",
    "array<string>": "lists of str",
    "map<string,bigint>": "dicts of int",
    "struct<a:bigint,b:string>": "dicts",
    "variant": "none",
}
COMMON = ("boolean", "int", "bigint", "double", "decimal(10,2)", "string", "timestamp", "date")

SAFE = {"spark.sql.execution.pandas.convertToArrowArraySafely": "true"}
COERCE = {"spark.sql.execution.pythonUDF.pandas.intToDecimalCoercionEnabled": "true"}
LARGE = {"spark.sql.execution.arrow.useLargeVarTypes": "true"}
KATHMANDU = {"spark.sql.session.timeZone": "Asia/Kathmandu"}
NEW_YORK = {"spark.sql.session.timeZone": "America/New_York"}
BY_POSITION = {"spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName": "false"}
STRICT = {"spark.sql.execution.pythonUDF.mapInBatch.legacy.acceptAnyIterable.enabled": "false"}


def compare_series(both: Players, task: Task, declared: str, *before: tuple[str, str]) -> None:
    streams = [
        task.stream(Unit(task.family.result, *before, ("series", name)), declared)
        for name in SERIES
    ]
    both.same(list(SERIES), streams)


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("family", [named("scalar pandas"), named("applyInPandas")], ids=str)
def test_series(recorded: Record, both: Players, family: Family, declared: str) -> None:
    compare_series(both, recorded(family), declared)


@pytest.mark.parametrize("declared", COMMON)
@pytest.mark.parametrize("name", ["scalar pandas", "applyInPandas", "mapInPandas"])
def test_after_right_ones(recorded: Record, both: Players, name: str, declared: str) -> None:
    """What was planned for the first batch need not hold for the second."""
    task = recorded(named(name))
    compare_series(both, task, declared, ("series", DECLARED[declared]))


REST = [
    family
    for family in PANDAS
    if family.name not in ("scalar pandas", "applyInPandas") and "barrier" not in family.name
]


@pytest.mark.parametrize("family", REST, ids=str)
def test_other_families(recorded: Record, both: Players, family: Family) -> None:
    task = recorded(family)
    for declared in ("bigint", "string", "double"):
        compare_series(both, task, declared)
    names = list(DECLARED.values())
    streams = [
        task.stream(Unit(family.result, ("series", name)), declared)
        for declared, name in DECLARED.items()
    ]
    both.same(names, streams)


CONFS = {
    "safe": (SAFE, COMMON),
    "coerce": (COERCE, ("decimal(10,2)", "decimal(38,18)", "bigint")),
    "large": (LARGE, ("string", "binary", "array<string>")),
    "kathmandu": (KATHMANDU, ("timestamp", "timestamp_ntz", "date")),
    "new york": (NEW_YORK, ("timestamp", "timestamp_ntz")),
}


@pytest.mark.parametrize(
    ("conf", "declared"),
    [(name, declared) for name, (_, types) in CONFS.items() for declared in types],
)
@pytest.mark.parametrize("name", ["scalar pandas", "applyInPandas"])
def test_configurations(
    recorded: Record, both: Players, name: str, conf: str, declared: str
) -> None:
    compare_series(both, recorded(named(name), CONFS[conf][0]), declared)


@pytest.mark.parametrize("family", PANDAS, ids=str)
@pytest.mark.parametrize("declared", ["bigint", "string", "struct<a:bigint,b:string>"])
def test_shapes(recorded: Record, both: Players, family: Family, declared: str) -> None:
    """Anything but a series where a column is due, and anything at all elsewhere."""
    if family.result == "table" and not declared.startswith("struct"):
        pytest.skip("Spark declares a struct for frames")
    task = recorded(family)
    right = ("series", DECLARED[declared])
    for entries in ((), (right,)):
        streams = [
            task.stream_of(family.wrap(Unit("whole", *entries, ("shapes", name))), declared)
            for name in SHAPES
        ]
        both.same(list(SHAPES), streams)


FRAME_CASES = [(family, {}) for family in PANDAS]
FRAME_CASES += [(family, BY_POSITION) for family in PANDAS if family.result == "table"]
FRAME_CASES += [(named("mapInPandas"), STRICT)]


@pytest.mark.parametrize(("family", "conf"), FRAME_CASES, ids=str)
def test_frames(
    recorded: Record,
    both: Players,
    family: Family,
    conf: dict[str, str],
) -> None:
    """Columns wrong by name and by position, none, duplicate; not a frame at all."""
    task = recorded(family, conf)
    declared = "struct<a:bigint,b:string>"
    for entries in ((), (("frames", "right"),)):
        streams = [
            task.stream_of(family.wrap(Unit("whole", *entries, ("frames", name))), declared)
            for name in FRAMES
        ]
        both.same(list(FRAMES), streams)


@pytest.mark.parametrize("family", PANDAS, ids=str)
def test_frames_for_other_types(recorded: Record, both: Players, family: Family) -> None:
    """No columns declared, a nullable one that is not, fields of the same name, a nested struct."""
    task = recorded(family)
    for declared in (
        "struct<>",
        "struct<a:bigint not null,b:string not null>",
        "struct<b:string>",
        "struct<`0`:bigint,`1`:string>",
        "struct<A:bigint,B:string>",
        "struct<a:struct<x:bigint>,b:string>",
    ):
        streams = [
            task.stream_of(family.wrap(Unit("whole", ("frames", name))), declared)
            for name in FRAMES
        ]
        both.same(list(FRAMES), streams)


def test_every_entry_can_be_made() -> None:
    for table in values.TABLES.values():
        for name, make in table.items():
            try:
                make()
            except UnicodeEncodeError:
                # pandas 3 has text in Arrow's memory, where half a character can't be.
                assert "surrogate" in name
