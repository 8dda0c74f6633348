"""What a function logs and prints, as Spark's table of worker logs shows it."""

from collections import Counter

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.engines import use_engine
from hydrofoil.tools.parity.harness import Parity, numbers
from hydrofoil.tools.parity.probes import describe


@pytest.mark.parametrize("arrow", [True, False], ids=["arrow", "pickled"])
def test_worker_logs(parity: Parity, arrow: bool) -> None:
    """Each record names the user's function, which stock finds on the worker's stack."""

    class Shouter:
        def __call__(self, x: int) -> int:
            return self.shout(x)

        def shout(self, x: int) -> int:
            print("from a method", x)
            return x

    def chatty(x: int) -> int:
        import logging

        logging.getLogger("chatty").warning("value %s", x)
        print("printed", x)
        return inner(x)

    def inner(x: int) -> int:
        print("inner", x)
        return x

    def build(spark: SparkSession) -> DataFrame:
        return numbers(spark, 2).select(
            udf(chatty, "bigint", useArrow=arrow)("id"),
            udf(Shouter(), "bigint", useArrow=arrow)("id"),
            udf(lambda x: print("lambda", x), "void", useArrow=arrow)("id"),
        )

    def logs() -> Counter[str]:
        """How often each record stands in the table, which has no order."""
        frame = parity.spark.tvf.python_worker_logs()
        return Counter(map(describe, frame.select("level", "msg", "context", "logger").collect()))

    with parity.under(conf={"spark.sql.pyspark.worker.logging.enabled": "true"}):
        seen = []
        for engine in (parity.left, parity.right):
            before = logs()
            with use_engine(parity.spark, engine):
                build(parity.spark).collect()
            seen.append(logs() - before)
    assert seen[0], "stock logged nothing"
    assert seen[0] == seen[1]
