"""`hydrofoil.waiting_calls`: the calls that functions which wait have made."""

from typing import TYPE_CHECKING

from hydrofoil.errors import UsageError
from hydrofoil.waiting.hub import driver
from hydrofoil.waiting.hub.tally import WaitingCalls

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def waiting_calls(spark: "SparkSession") -> list[WaitingCalls]:
    """The calls of functions by `hydrofoil.async_udf`, of the newest queries, oldest first.

    They are a second old at most while tasks run. Calls of tasks that have failed count too: they
    were made.

    Raises
    ------
    UsageError
        The session is a Spark Connect client's, which has no driver beside it to count them.
    """
    if not hasattr(spark, "_sc"):
        raise UsageError("a Spark Connect client has no counts of calls")
    known = driver.known_hub()
    return [] if known is None else known.tally.all()
