"""A version of Spark that equals the newest takes one row of the table, and no more."""

import json
import os
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import hydrofoil
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine, use_environment
from matrix.altered_pyspark import copy_of_pyspark

SOURCES = Path(hydrofoil.__file__).parent
TABLE = "spark/versions.py"
NEWEST = "for version in (_V43, "
MADE_UP = 'for version in (replace(_V43, minor="4.4"), _V43, '


def with_another_row(folder: Path) -> None:
    """A copy of the package, of links but for the table."""
    for path in SOURCES.rglob("*"):
        if path.suffix in (".py", ".so"):
            link = folder / "hydrofoil" / path.relative_to(SOURCES)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    source = (SOURCES / TABLE).read_text("utf-8")
    assert NEWEST in source
    (folder / "hydrofoil" / TABLE).unlink()
    (folder / "hydrofoil" / TABLE).write_text(source.replace(NEWEST, MADE_UP), "utf-8")


@pytest.mark.skipif(not pyspark.__version__.startswith("4.3."), reason="not the newest version")
def test_a_row_is_all_it_takes(spark: SparkSession, tmp_path: Path) -> None:
    folder = copy_of_pyspark(tmp_path / "copy", version='__version__: str = "4.4.0"\n')
    with_another_row(folder)
    traces = tmp_path / "traces"
    environment = {
        "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]),
        "HYDROFOIL_TRACE": str(traces),
    }

    def where(_: int) -> str:
        import pyspark

        import hydrofoil

        return f"{pyspark.__version__} {hydrofoil.__file__}"

    with use_engine(spark, HYDROFOIL), use_environment(spark, environment):
        columns = [
            F.udf(where, "string", useArrow=True)("id"),
            F.udf(where, "string", useArrow=False)("id"),
            F.pandas_udf(lambda series: series + 1, "long")("id"),
            F.arrow_udf(lambda column: column, "long")("id"),
        ]
        answers = [spark.range(0, 1, 1, 1).select(column).collect()[0][0] for column in columns]
    inside = f"4.4.0 {folder / 'hydrofoil' / '__init__.py'}"
    assert answers == [inside, inside, 1, 0]
    records = [
        json.loads(line)
        for file in traces.glob("*.jsonl")
        for line in file.read_text("utf-8").splitlines()
    ]
    assert {udf["path"] for record in records for udf in record["udfs"]} == {"fast"}
    assert len(records) == len(columns)
