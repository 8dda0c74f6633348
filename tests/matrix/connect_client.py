"""Run cases as a Spark Connect client of a server in this process; print what comes of each.

Arguments: the server's daemon module, a folder, and the cases' names.
"""

import json
import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.driver import paths
from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.harness import Raised, outcome_of
from hydrofoil.tools.parity.session import CONF
from matrix.cases import CASES, nothing


def rows_of_functions(spark: SparkSession) -> str:
    """Call Hydrofoil's functions for rows, and compare with the client's own methods."""
    df = spark.sql("select id, concat('n', id) name, array(id, null) a from range(0, 2500, 1, 3)")
    stock = df.collect()
    assert hydrofoil.collect(df) == stock
    for prefetch in (False, True):
        with hydrofoil.iterate(df, prefetch=prefetch) as rows:
            assert list(rows) == stock
        with hydrofoil.iterate(df, prefetch=prefetch) as rows:
            assert next(rows) == stock[0]
        assert list(rows) == []
    version = installed_version()
    assert version is not None
    by_core = {paths.FAST} if version.clients_convert_as_workers else set()
    assert {one["path"] for one in paths.taken()} == by_core, paths.taken()
    made = hydrofoil.create_dataframe(spark, stock, df.schema)
    assert made.schema == df.schema
    assert made.collect() == stock
    assert hydrofoil.to_numpy(df.select("id", "name"))["id"].tolist() == [*range(2500)]
    texts = df.select("id", "name").toPandas()
    hydrofoil.enable(spark)
    try:
        assert df.select("id", "name").toPandas().equals(texts)
    finally:
        hydrofoil.disable(spark)
    return "as the client's own"


def rows_that_fail(spark: SparkSession) -> str:
    """Go on without a row, whose count no client gets; and not without a table."""

    def parse(s: str) -> int:
        return int(s)

    data = spark.createDataFrame([("1",), ("x",), ("3",)], "s string")
    made = data.select(hydrofoil.udf(parse, on_error="null")("s"))
    assert [row[0] for row in made.collect()] == [1, None, 3]
    kept = hydrofoil.udf(parse, on_error="quarantine", quarantine="/nowhere")
    try:
        data.select(kept("s")).collect()
    except Exception as error:
        assert "needs a session without Spark Connect" in str(error), error
        return "as they should"
    return "no error"


def main(daemon: str, folder: Path, names: list[str]) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.remote("local[2]").config("spark.python.daemon.module", daemon)
    for key, value in CONF.items():
        builder = builder.config(key, value)
    spark = builder.config("spark.sql.warehouse.dir", str(folder / "warehouse")).getOrCreate()
    assert type(spark).__module__.startswith("pyspark.sql.connect"), type(spark)
    outcomes = {}
    for name in names:
        outcome = outcome_of(spark, lambda spark, name=name: CASES[name](spark, folder, nothing))
        outcomes[name] = (
            [outcome.kind, outcome.last_line]
            if isinstance(outcome, Raised)
            else [outcome.schema, *map(list, outcome.values)]
        )
    outcomes["rows"] = [rows_of_functions(spark)]
    outcomes["failing"] = [rows_that_fail(spark)]
    print("OUTCOMES", json.dumps(outcomes), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
