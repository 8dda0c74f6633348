"""Errors say which function, partition and row they come from, behind stock's own text."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from hydrofoil.failures.notes import MARK
from hydrofoil.spark.versions import VERSIONS, installed_minor
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    WARM_STOCK,
    Engine,
    use_conf,
    use_engine,
    use_environment,
)
from hydrofoil.tools.parity.harness import normalized
from tests.failures.planted import BAD_KEY, KEYS, PLANTED, rows

COLUMNAR = Engine("hydrofoil, columnar", "hydrofoil.daemon", columnar=True)
ORDER = [*VERSIONS]  # the newest first
HERE = ORDER.index(installed_minor())
# See tests/conftest.py: all of them on the newest version, some on each of the others.
ONE_IN = 1 if HERE == 0 else 3


@pytest.fixture(autouse=True)
def two_partitions(spark: SparkSession) -> Iterator[None]:
    with use_conf(spark, {"spark.sql.shuffle.partitions": "2"}):
        yield


def message_of(spark: SparkSession, name: str) -> str:
    planted = PLANTED[name]
    with use_conf(spark, dict(planted.conf)), pytest.raises(Exception) as caught:
        planted.query(rows(spark)).collect()
    return str(caught.value)


def place_of_group(spark: SparkSession) -> str:
    """Where the bad key's group is, by Spark's own hashes; groups come in the order of keys."""
    placed = spark.range(KEYS).selectExpr("id", "pmod(hash(id), 2) p").collect()
    partition = {row.id: row.p for row in placed}
    before = sum(partition[key] == partition[BAD_KEY] for key in range(BAD_KEY))
    return f"partition {partition[BAD_KEY]}, group {before}"


def last_line(message: str) -> str:
    """The error's own class and text, as Python prints them."""
    return normalized(message).rstrip().splitlines()[-1]


@pytest.mark.parametrize("name", PLANTED)
def test_the_note_names_function_partition_and_row(spark: SparkSession, name: str) -> None:
    planted = PLANTED[name]
    if ORDER.index(planted.since) < HERE:
        pytest.skip(f"Spark has it from {planted.since} on")
    code = planted.code.__code__
    function = planted.code.__qualname__
    where = planted.where.replace(
        "PLACE", place_of_group(spark) if "PLACE" in planted.where else ""
    )
    expected = f"{MARK}in {function} ({code.co_filename}:{code.co_firstlineno}), {where}"
    with use_engine(spark, WARM_STOCK):
        stock = message_of(spark, name)
    assert MARK not in stock
    for engine in (HYDROFOIL, COLUMNAR):
        with use_engine(spark, engine):
            message = message_of(spark, name)
        (note,) = {line for line in message.splitlines() if line.startswith(MARK)}
        assert note.startswith(expected)
        assert last_line(message) == last_line(stock)


@pytest.mark.parametrize("name", ["udf", "wrong result", "applyInPandas"])
def test_values_can_be_left_out(spark: SparkSession, name: str) -> None:
    off = {"HYDROFOIL_SHOW_VALUES": "off"}
    with use_engine(spark, HYDROFOIL), use_environment(spark, off):
        message = message_of(spark, name)
    (note,) = {line for line in message.splitlines() if line.startswith(MARK)}
    assert "partition" in note
    for shown in ("called with", "returned", "key"):
        assert shown not in note
