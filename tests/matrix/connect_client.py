"""Run cases as a Spark Connect client of a server in this process; print what comes of each.

Arguments: the server's daemon module, a folder, and the cases' names.
"""

import json
import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from hydrofoil.tools.parity.harness import Raised, outcome_of
from hydrofoil.tools.parity.session import CONF
from matrix.cases import CASES, nothing


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
    print("OUTCOMES", json.dumps(outcomes), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
