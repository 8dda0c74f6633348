"""What functions are handed: every type, with and without nulls, in every family."""

from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from hydrofoil.tools.parity import samples
from hydrofoil.tools.parity.data import NEAR, NULLS, filled, held, small
from hydrofoil.tools.parity.families import FAMILIES, Family
from hydrofoil.tools.parity.families import family as named
from hydrofoil.tools.parity.harness import Parity
from hydrofoil.tools.parity.samples import BASE, PARTIAL, SPECIAL, TIME, TIME_CONF, Sample

# See tests/conftest.py.
ONE_IN = 13

ROWS = "spark.sql.execution.arrow.maxRecordsPerBatch"
BYTES = "spark.sql.execution.arrow.maxBytesPerBatch"
CODEC = "spark.sql.execution.arrow.compression.codec"
LARGE = "spark.sql.execution.arrow.useLargeVarTypes"
INT_EXT = "spark.sql.execution.pythonUDF.pandas.preferIntExtensionDtype"
AS_BYTES = "spark.sql.execution.pyspark.binaryAsBytes"
BY_NAME = "spark.sql.legacy.execution.pandas.groupedMap.assignColumnsByName"
TIME_ZONE = "spark.sql.session.timeZone"

BATCHES = {ROWS: "4"}

every_family = pytest.mark.parametrize(
    "family", [family for family in FAMILIES if "barrier" not in family.name], ids=str
)
# One of each way from Arrow to what a function gets.
some_families = pytest.mark.parametrize(
    "family",
    [
        named(name)
        for name in (
            "scalar pandas", "mapInPandas", "applyInPandas key", "scalar arrow", "mapInArrow",
            "applyInArrow key",
        )
    ],
    ids=str,
)  # fmt: skip

Frames = dict[str, DataFrame]


@pytest.fixture(scope="module")
def frames(spark: SparkSession) -> Frames:
    """Evaluated once: what takes time is planning columns made of literals."""
    containers = [made for base in NEAR for made in _containers(base)]
    return {
        "base": held(filled(spark, NEAR, NULLS)),
        "containers": held(filled(spark, containers, ("some",))),
        "small": held(small(spark)),
        "long": held(small(spark, 1000)),
    }


def _containers(base: Sample) -> tuple[Sample, ...]:
    return samples.arrays(base), samples.string_maps(base), samples.structs(base)


def same(parity: Parity, family: Family, frame: DataFrame) -> None:
    parity.same_rows(lambda spark: family.observed(frame))


@every_family
def test_base_types(parity: Parity, family: Family, frames: Frames) -> None:
    with parity.under(conf=BATCHES):
        same(parity, family, frames["base"])


@every_family
def test_containers(parity: Parity, family: Family, frames: Frames) -> None:
    with parity.under(conf=BATCHES):
        same(parity, family, frames["containers"])


@some_families
@pytest.mark.parametrize(
    "conf",
    [
        {INT_EXT: "true", TIME_ZONE: "Asia/Kathmandu"},
        {LARGE: "true", TIME_ZONE: "America/New_York"},
        {ROWS: "1", CODEC: "zstd"},
        {ROWS: "0", CODEC: "lz4", TIME_ZONE: "UTC"},
        {BYTES: "200", AS_BYTES: "false"},
        {BY_NAME: "false", "spark.sql.ansi.enabled": "false"},
    ],
    ids=["extension-integers", "large-types", "rows-zstd", "lz4", "bytes", "by-position"],
)
def test_configurations(
    parity: Parity, family: Family, frames: Frames, conf: dict[str, str]
) -> None:
    with parity.under(conf=conf):
        # pyarrow can't read what Spark compresses with LZ4, and says so from elsewhere in its code.
        parity.same(
            lambda spark: family.observed(frames["base"]),
            last_line_only=conf.get(CODEC) == "lz4",
        )


@some_families
def test_many_rows(parity: Parity, family: Family, frames: Frames) -> None:
    """Bit maps of more than a few bytes, and columns of more than one vector register."""
    with parity.under(conf={ROWS: "130"}):
        same(parity, family, frames["long"])


@some_families
@pytest.mark.parametrize("sample", SPECIAL + PARTIAL + (TIME,), ids=lambda sample: sample.name)
def test_special_types(parity: Parity, family: Family, sample: Sample) -> None:
    with parity.under(conf=TIME_CONF):
        parity.same(lambda spark: family.observed(filled(spark, [sample], ("some",))))


@pytest.mark.parametrize("family", [named("scalar pandas"), named("applyInPandas")], ids=str)
@pytest.mark.parametrize("name", ["timestamp", "timestamp_ntz", "day_time_interval", "date"])
@pytest.mark.parametrize("wrap", [lambda base: base, *[samples.arrays, samples.structs]])
def test_far_times(
    parity: Parity, family: Family, name: str, wrap: Callable[[Sample], Sample]
) -> None:
    """pandas counts nanoseconds, which end in 2262."""
    sample = wrap(samples.named(BASE, name))
    parity.same(lambda spark: family.observed(filled(spark, [sample], ("some",))))


@pytest.mark.parametrize("family", [named("scalar pandas"), named("scalar arrow")], ids=str)
@pytest.mark.parametrize("start", range(0, len(NEAR), 5))
def test_deep_types(parity: Parity, family: Family, start: int) -> None:
    columns = [
        made
        for base in NEAR[start : start + 5]
        for made in samples.nested(base)
        if family.arrow or "keyed_struct" not in made.name  # Dicts, which pandas gets, are no keys.
    ]
    # Of some nested columns stock can't make what pandas gets.
    parity.same(lambda spark: family.observed(filled(spark, columns, ("some",))))


@every_family
def test_nested_in_structs(parity: Parity, family: Family, frames: Frames) -> None:
    """Scalar pandas functions get structs as frames, others as dicts."""
    packed = frames["small"].selectExpr(
        "k", "n", "struct(i, s, d) AS all_flat", "struct(n, t, b) AS no_nulls",
        "IF(n % 3 = 0, NULL, struct(i, s)) AS maybe",
        "struct(struct(i) AS a, array(s) AS b) AS deep",
        "struct(n AS `odd name`, n AS `Odd Name`) AS odd", "struct(n) AS one",
    )  # fmt: skip
    same(parity, family, packed)


@every_family
def test_names(parity: Parity, family: Family, frames: Frames) -> None:
    """Names of columns that mean something elsewhere, and a single column."""
    renamed = frames["small"].toDF("k", "n", "0", "index", "odd name", "é", "values")
    same(parity, family, renamed)
    same(parity, family, frames["small"].select("k", "n"))


@some_families
def test_duplicate_names(parity: Parity, family: Family, frames: Frames) -> None:
    def build(spark: SparkSession) -> DataFrame:
        frame = frames["small"]
        if family.result in ("table", "batch"):
            frame = frame.toDF("k", "n", "x", "x", "y", "x", "y")
        else:
            frame = frame.select("k", "n", "n", "d", "n", "k")
        return family.observed(frame)

    parity.same(build)


@every_family
def test_only_the_key(parity: Parity, family: Family, frames: Frames) -> None:
    if "bounded" in family.name:
        pytest.skip("a bounded frame needs an order")
    same(parity, family, frames["small"].select("k"))


@every_family
def test_no_rows(parity: Parity, family: Family, frames: Frames) -> None:
    same(parity, family, frames["small"].filter("n < 0"))


@pytest.mark.parametrize(
    "family", [family for family in FAMILIES if "barrier" in family.name], ids=str
)
def test_barrier(parity: Parity, family: Family, frames: Frames) -> None:
    same(parity, family, frames["small"])


def _warned(work: Callable[[Any], Any]) -> Callable[..., str]:
    def observe(*values: Any) -> str:
        import warnings

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                done = str(work(values[-1]))
            except Exception as error:
                done = f"{type(error).__name__}: {error}"
        return done + "".join(f"{type(w.message).__name__}: {w.message}" for w in caught)

    return observe


def _add_column(frame: Any) -> Any:
    frame["new"] = 1
    return frame.sum(numeric_only=True)


def _set_in_part(frame: Any) -> Any:
    part = frame[frame["c3"] > 5]
    part["new"] = 1
    return part["new"].sum()


def _chained(frame: Any) -> Any:
    frame["c3"][0] = 99.0
    return frame["c3"].sum()


@pytest.mark.parametrize(
    "name", ["mapInPandas", "applyInPandas", "applyInPandas iter", "cogroup pandas key"]
)
@pytest.mark.parametrize(
    "work", [_add_column, _set_in_part, _chained], ids=lambda work: work.__name__
)
def test_warnings(parity: Parity, name: str, work: Callable[[Any], Any]) -> None:
    """A frame of many blocks warns that it is fragmented; a slice of a frame warns of copies."""

    def build(spark: SparkSession) -> DataFrame:
        from hydrofoil.tools.parity.harness import numbers

        columns = [f"CAST(id AS {('double', 'int', 'string')[i % 3]}) AS c{i}" for i in range(150)]
        frame = numbers(spark, 12).selectExpr("id % 2 AS k", "id AS n", *columns)
        return named(name).observed(frame, _warned(work))

    parity.same_rows(build)
