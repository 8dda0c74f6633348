"""What becomes of what pandas functions return: every dtype against every declared type.

Replayed, because most of it is an error, and an error ends a query.
"""

from collections.abc import Iterator, Sequence

import pytest
from pyspark.sql import SparkSession

from parity.harness import Parity, numbers
from parity.replay import Players
from parity.vectorized import values
from parity.vectorized.families import PANDAS, Family
from parity.vectorized.families import family as named
from parity.vectorized.tasks import Recordings, Task, players
from parity.vectorized.values import FRAMES, SERIES, SHAPES, Unit

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

THREE_A_BATCH = {"spark.sql.execution.arrow.maxRecordsPerBatch": "3"}


@pytest.fixture(scope="module")
def both() -> Iterator[Players]:
    pair = players()
    yield pair
    pair.left.close()
    pair.right.close()


@pytest.fixture(scope="module")
def recordings(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Recordings:
    return Recordings(spark, tmp_path_factory.mktemp("recorded"))


def recorded(
    parity: Parity, recordings: Recordings, family: Family, conf: dict[str, str] | None = None
) -> Task:
    """Three batches, or groups, of three rows."""
    conf = {**THREE_A_BATCH, **(conf or {})}
    with parity.under(conf=conf):
        frame = numbers(parity.spark, 9).selectExpr("id div 3 AS k", "id AS n")
        return recordings.task(family, frame, tuple(conf.items()))


def compare(both: Players, names: Sequence[str], streams: Sequence[bytes]) -> None:
    found = both.differences(names, streams)
    assert not found, f"{len(found)} of {len(names)} results differ\n" + "\n".join(found[:8])


def compare_series(both: Players, task: Task, declared: str, *before: tuple[str, str]) -> None:
    streams = [
        task.stream(Unit(task.family.result, *before, ("series", name)), declared)
        for name in SERIES
    ]
    compare(both, list(SERIES), streams)


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("family", [named("scalar pandas"), named("applyInPandas")], ids=str)
def test_series(
    parity: Parity, recordings: Recordings, both: Players, family: Family, declared: str
) -> None:
    compare_series(both, recorded(parity, recordings, family), declared)


@pytest.mark.parametrize("declared", COMMON)
@pytest.mark.parametrize("name", ["scalar pandas", "applyInPandas", "mapInPandas"])
def test_after_right_ones(
    parity: Parity, recordings: Recordings, both: Players, name: str, declared: str
) -> None:
    """What was planned for the first batch need not hold for the second."""
    task = recorded(parity, recordings, named(name))
    compare_series(both, task, declared, ("series", DECLARED[declared]))


REST = [
    family
    for family in PANDAS
    if family.name not in ("scalar pandas", "applyInPandas")
    and "barrier" not in family.name
]


@pytest.mark.parametrize("family", REST, ids=str)
def test_other_families(
    parity: Parity, recordings: Recordings, both: Players, family: Family
) -> None:
    task = recorded(parity, recordings, family)
    for declared in ("bigint", "string", "double"):
        compare_series(both, task, declared)
    names = list(DECLARED.values())
    streams = [
        task.stream(Unit(family.result, ("series", name)), declared)
        for declared, name in DECLARED.items()
    ]
    compare(both, names, streams)


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
    parity: Parity, recordings: Recordings, both: Players, name: str, conf: str, declared: str
) -> None:
    compare_series(both, recorded(parity, recordings, named(name), CONFS[conf][0]), declared)


@pytest.mark.parametrize("family", PANDAS, ids=str)
@pytest.mark.parametrize("declared", ["bigint", "string", "struct<a:bigint,b:string>"])
def test_shapes(
    parity: Parity, recordings: Recordings, both: Players, family: Family, declared: str
) -> None:
    """Anything but a series where a column is due, and anything at all elsewhere."""
    task = recorded(parity, recordings, family)
    right = ("series", DECLARED[declared])
    for entries in ((), (right,)):
        streams = [
            task.stream_of(
                family.wrap(Unit("whole", *entries, ("shapes", name))), declared
            )
            for name in SHAPES
        ]
        compare(both, list(SHAPES), streams)


FRAME_CASES = [(family, {}) for family in PANDAS]
FRAME_CASES += [(family, BY_POSITION) for family in PANDAS if family.result == "table"]
FRAME_CASES += [(named("mapInPandas"), STRICT)]


@pytest.mark.parametrize(("family", "conf"), FRAME_CASES, ids=str)
def test_frames(
    parity: Parity,
    recordings: Recordings,
    both: Players,
    family: Family,
    conf: dict[str, str],
) -> None:
    """Columns wrong by name and by position, none, duplicate; not a frame at all."""
    task = recorded(parity, recordings, family, conf)
    declared = "struct<a:bigint,b:string>"
    for entries in ((), (("frames", "right"),)):
        streams = [
            task.stream_of(family.wrap(Unit("whole", *entries, ("frames", name))), declared)
            for name in FRAMES
        ]
        compare(both, list(FRAMES), streams)


@pytest.mark.parametrize("family", PANDAS, ids=str)
def test_frames_for_other_types(
    parity: Parity, recordings: Recordings, both: Players, family: Family
) -> None:
    """No columns declared, a nullable one that is not, fields of the same name, a nested struct."""
    task = recorded(parity, recordings, family)
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
        compare(both, list(FRAMES), streams)


def test_every_entry_can_be_made() -> None:
    for table in values.TABLES.values():
        for make in table.values():
            make()
