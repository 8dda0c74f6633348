"""Gangs that cannot run are refused before anything is submitted, with the counts."""

import pytest
from pyspark.sql import SparkSession

from hydrofoil import gang
from hydrofoil.errors import UnsupportedError, UsageError
from hydrofoil.gang.devices import assign
from hydrofoil.gang.hub.events import Member
from hydrofoil.tools.parity.engines import use_conf


def jobs(spark: SparkSession) -> int:
    return len(spark.sparkContext.statusTracker().getJobIdsForGroup(None))


def test_one_slot_too_many(spark: SparkSession) -> None:
    before = jobs(spark)
    df = spark.range(10).repartition(3)
    with pytest.raises(gang.SlotError) as caught:
        gang.run(lambda ctx: None, df, num_tasks=3)
    error = caught.value
    assert (error.needed, error.slots.total) == (3, 2)
    text = "needs 3 slots at once, and there are 2; 2 slot(s): 1 executor(s), 2 core(s) in all"
    assert text in str(error) and "num_tasks=2" in str(error)
    assert jobs(spark) == before


def test_slots_count_cpus(spark: SparkSession) -> None:
    assert gang.preflight(spark, 2).total == 2
    assert list(gang.preflight(spark).per_executor.values()) == [2]


def test_resources_that_local_spark_cannot_give(spark: SparkSession) -> None:
    with pytest.raises(UnsupportedError, match="can't give stages resources of their own"):
        gang.preflight(spark, 1, gang.Resources(cpus=2))


def test_the_idle_timeout_that_kills(spark: SparkSession) -> None:
    settings = {
        "spark.sql.execution.pyspark.udf.idleTimeoutSeconds": "3",
        "spark.sql.execution.pyspark.udf.killOnIdleTimeout": "true",
    }
    if spark.version < "4.1":
        pytest.skip("this Spark has no such setting")
    with use_conf(spark, settings), pytest.raises(UsageError, match="would kill ranks"):
        gang.run(lambda ctx: None, num_tasks=1)


def test_gpus_are_dealt_out_once() -> None:
    def members(*devices: list[str]) -> list[Member]:
        return [Member(rank, "h", 1, "a", list(mine)) for rank, mine in enumerate(devices)]

    given = members(["0"], ["1"])
    assert [assign(rank, given, 1, False, []) for rank in (0, 1)] == [["0"], ["1"]]
    same = members(["0"], ["0"])
    with pytest.raises(gang.GangError, match="ranks 0 and 1 on h were both given GPU 0"):
        assign(0, same, 1, False, [])
    assert assign(1, same, 1, True, []) == ["0"]
    none = members([], [])
    assert [assign(rank, none, 1, False, ["4", "5"]) for rank in (0, 1)] == [["4"], ["5"]]
    with pytest.raises(gang.GangError, match=r"need 1 GPU\(s\) each and the host has 1"):
        assign(1, none, 1, False, ["0"])
    assert assign(1, none, 1, True, ["0"]) == ["0"]
    assert assign(1, none, 0, False, ["0"]) == []
    two_hosts = [Member(0, "h", 1, "a", ["0"]), Member(1, "other", 1, "a", ["0"])]
    assert assign(1, two_hosts, 1, False, []) == ["0"]
