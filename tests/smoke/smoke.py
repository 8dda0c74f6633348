"""Runs every kind of function in one Spark session, with the Hydrofoil that is installed.

    python smoke.py

It needs the package, PySpark and pandas, and nothing of a checkout. Each answer is compared with
what plain Python gives. From Spark 4.0 on, the plan has to show Hydrofoil's operator; and the
workers' traces have to say that the function took the fast path with every batch. What was wrong is
printed; the exit code is 1 then.
"""

import json
import os
import platform
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyspark
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

import hydrofoil
from hydrofoil import gang
from hydrofoil.counts import task_trace
from hydrofoil.settings import jvm_operators

LINE = tuple(int(part) for part in pyspark.__version__.split(".")[:2])

# What `source` has, as plain Python: two partitions, three groups, a null.
ROWS = [(i, i % 3, None if i == 5 else i / 4, f"é{i}") for i in range(12)]
IDS = [row[0] for row in ROWS]
GROUPS = {k: [i for i in IDS if i % 3 == k] for k in range(3)}


def source(spark: SparkSession) -> DataFrame:
    return spark.range(0, len(ROWS), 1, 2).selectExpr(
        "id", "id % 3 AS k", "IF(id = 5, NULL, id / 4) AS x", "concat('é', id) AS s"
    )


@dataclass(frozen=True)
class Kind:
    """A kind of function: its query, what that has to give, and what has to have run it."""

    query: Callable[[DataFrame], DataFrame]
    expected: list[tuple[Any, ...]]
    # Hydrofoil's, that the plan shows; empty where the JVM's half has none.
    operator: str
    # The first Spark with this kind, on which all of it is fast.
    since: tuple[int, int]
    # Whether Hydrofoil's code runs it, and not stock's.
    fast: bool
    # The function in the traces, where it is not named as the query is.
    function: str

    @property
    def name(self) -> str:
        return self.query.__name__


KINDS: list[Kind] = []


def kind(
    expected: list[Any],
    operator: str = "",
    since: tuple[int, int] = (3, 5),
    fast: bool = True,
    function: str = "",
) -> Callable[[Callable[[DataFrame], DataFrame]], None]:
    """Add a query to `KINDS`."""

    def add(query: Callable[[DataFrame], DataFrame]) -> None:
        rows = [row if isinstance(row, tuple) else (row,) for row in expected]
        KINDS.append(Kind(query, rows, operator, since, fast, function or query.__name__))

    return add


EVAL = "HydrofoilEvalPython"
MAP = "HydrofoilMapInBatch"
GROUPED = "HydrofoilGroupedMap"
COGROUPED = "HydrofoilCogroupedMap"
AGGREGATE = "HydrofoilGroupedAggregate"


# Up to 4.1 a null of a number is NaN there, as under stock.
@kind([f"{i} {x} {s}" for i, _, x, s in ROWS], EVAL, since=(4, 2))
def row_on_arrow(rows: DataFrame) -> DataFrame:
    def row_on_arrow(i: int, x: float, s: str) -> str:
        return f"{i} {x} {s}"

    return rows.select(F.udf(row_on_arrow, "string", useArrow=True)("id", "x", "s"))


@kind([(i, [s] * 2) for i, _, _, s in ROWS])
def row_pickled(rows: DataFrame) -> DataFrame:
    def row_pickled(s: str) -> list[str]:
        return [s, s]

    return rows.select("id", F.udf(row_pickled, "array<string>", useArrow=False)("s"))


@kind([None if x is None else x * 2 + i for i, _, x, _ in ROWS], EVAL)
def pandas_series(rows: DataFrame) -> DataFrame:
    @F.pandas_udf("double")
    def pandas_series(x: pd.Series, i: pd.Series) -> pd.Series:
        return x * 2 + i

    return rows.select(pandas_series("x", "id"))


@kind([s.upper() for *_, s in ROWS], EVAL)
def pandas_iterator(rows: DataFrame) -> DataFrame:
    @F.pandas_udf("string")
    def pandas_iterator(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        for batch in batches:
            yield batch.str.upper()

    return rows.select(pandas_iterator("s"))


@kind([(k, sum(ids)) for k, ids in GROUPS.items()], AGGREGATE)
def pandas_aggregate(rows: DataFrame) -> DataFrame:
    @F.pandas_udf("long")
    def pandas_aggregate(i: pd.Series) -> int:
        return int(i.sum())

    return rows.groupBy("k").agg(pandas_aggregate("id"))


@kind([(k, sum(ids)) for k, ids in GROUPS.items()], AGGREGATE, since=(4, 2))
def pandas_aggregate_iterator(rows: DataFrame) -> DataFrame:
    @F.pandas_udf("long")
    def pandas_aggregate_iterator(batches: Iterator[pd.Series]) -> int:
        return sum(int(batch.sum()) for batch in batches)

    return rows.groupBy("k").agg(pandas_aggregate_iterator("id"))


@kind([(i, i + i - 3 if i > 2 else i) for i in IDS])
def pandas_window(rows: DataFrame) -> DataFrame:
    @F.pandas_udf("long")
    def pandas_window(i: pd.Series) -> int:
        return int(i.sum())

    window = Window.partitionBy("k").orderBy("id").rowsBetween(-1, 0)
    return rows.select("id", pandas_window("id").over(window))


@kind([i * 10 for i in IDS], EVAL, since=(4, 1))
def arrow_array(rows: DataFrame) -> DataFrame:
    @F.arrow_udf("long")
    def arrow_array(i: pa.Array) -> pa.Array:
        return pc.multiply(i, 10)

    return rows.select(arrow_array("id"))


@kind([s + s for *_, s in ROWS], EVAL, since=(4, 1))
def arrow_iterator(rows: DataFrame) -> DataFrame:
    @F.arrow_udf("string")
    def arrow_iterator(batches: Iterator[pa.Array]) -> Iterator[pa.Array]:
        for batch in batches:
            yield pc.binary_join_element_wise(batch, batch, "")

    return rows.select(arrow_iterator("s"))


@kind([(k, max(ids)) for k, ids in GROUPS.items()], AGGREGATE, since=(4, 1))
def arrow_aggregate(rows: DataFrame) -> DataFrame:
    @F.arrow_udf("long")
    def arrow_aggregate(i: pa.Array) -> int:
        return int(pc.max(i).as_py())

    return rows.groupBy("k").agg(arrow_aggregate("id"))


@kind([(k, max(ids)) for k, ids in GROUPS.items()], AGGREGATE, since=(4, 2))
def arrow_aggregate_iterator(rows: DataFrame) -> DataFrame:
    @F.arrow_udf("long")
    def arrow_aggregate_iterator(batches: Iterator[pa.Array]) -> int:
        return max(int(pc.max(batch).as_py()) for batch in batches)

    return rows.groupBy("k").agg(arrow_aggregate_iterator("id"))


@kind([(i, len(GROUPS[i % 3])) for i in IDS], since=(4, 1))
def arrow_window(rows: DataFrame) -> DataFrame:
    @F.arrow_udf("long")
    def arrow_window(i: pa.Array) -> int:
        return len(i)

    return rows.select("id", arrow_window("id").over(Window.partitionBy("k")))


@kind([(i, i + 0.5) for i in IDS if i % 2], MAP)
def map_in_pandas(rows: DataFrame) -> DataFrame:
    def map_in_pandas(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            odd = frame[frame["id"] % 2 == 1]
            yield pd.DataFrame({"id": odd["id"], "y": odd["id"] + 0.5})

    return rows.mapInPandas(map_in_pandas, "id long, y double")


@kind([(i, s) for i, _, _, s in ROWS] * 2, MAP)
def map_in_arrow(rows: DataFrame) -> DataFrame:
    def map_in_arrow(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield from (batch.select(["id", "s"]),) * 2

    return rows.mapInArrow(map_in_arrow, "id long, s string")


@kind([(i, i - ids[0]) for ids in GROUPS.values() for i in ids], GROUPED)
def grouped_pandas(rows: DataFrame) -> DataFrame:
    def grouped_pandas(group: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"id": group["id"], "past": group["id"] - group["id"].min()})

    return rows.groupBy("k").applyInPandas(grouped_pandas, "id long, past long")


@kind([(k, len(ids)) for k, ids in GROUPS.items()], GROUPED, since=(4, 1))
def grouped_pandas_iterator(rows: DataFrame) -> DataFrame:
    def grouped_pandas_iterator(
        key: tuple[Any, ...], frames: Iterator[pd.DataFrame]
    ) -> Iterator[pd.DataFrame]:
        yield pd.DataFrame({"k": [key[0]], "n": [sum(map(len, frames))]})

    return rows.groupBy("k").applyInPandas(grouped_pandas_iterator, "k long, n long")


@kind([(k, len(ids)) for k, ids in GROUPS.items()], GROUPED, since=(4, 0))
def grouped_arrow(rows: DataFrame) -> DataFrame:
    def grouped_arrow(key: tuple[pa.Scalar, ...], group: pa.Table) -> pa.Table:
        return pa.table({"k": [key[0].as_py()], "n": [group.num_rows]})

    return rows.groupBy("k").applyInArrow(grouped_arrow, "k long, n long")


@kind([(k, len(ids)) for k, ids in GROUPS.items()], GROUPED, since=(4, 1))
def grouped_arrow_iterator(rows: DataFrame) -> DataFrame:
    def grouped_arrow_iterator(
        key: tuple[pa.Scalar, ...], batches: Iterator[pa.RecordBatch]
    ) -> Iterator[pa.RecordBatch]:
        number = sum(batch.num_rows for batch in batches)
        yield pa.RecordBatch.from_pydict({"k": [key[0].as_py()], "n": [number]})

    return rows.groupBy("k").applyInArrow(grouped_arrow_iterator, "k long, n long")


@kind([(k, len(ids), k != 2) for k, ids in GROUPS.items()], COGROUPED)
def cogrouped_pandas(rows: DataFrame) -> DataFrame:
    def cogrouped_pandas(key: Any, left: pd.DataFrame, right: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"k": [key[0]], "n": [len(left)], "both": [len(right) > 0]})

    others = rows.where("k < 2").groupBy("k")
    cogroups = rows.groupBy("k").cogroup(others)
    return cogroups.applyInPandas(cogrouped_pandas, "k long, n long, both boolean")


@kind([(k, len(ids), k != 2) for k, ids in GROUPS.items()], COGROUPED, since=(4, 0))
def cogrouped_arrow(rows: DataFrame) -> DataFrame:
    def cogrouped_arrow(key: Any, left: pa.Table, right: pa.Table) -> pa.Table:
        counts = {"k": [key[0].as_py()], "n": [left.num_rows], "both": [right.num_rows > 0]}
        return pa.table(counts)

    others = rows.where("k < 2").groupBy("k")
    cogroups = rows.groupBy("k").cogroup(others)
    return cogroups.applyInArrow(cogrouped_arrow, "k long, n long, both boolean")


def repeat(rows: DataFrame, name: str, table_function: Any) -> DataFrame:
    """Call a table function, which repeats ids, with each row."""
    rows.sparkSession.udtf.register(name, table_function)
    rows.createOrReplaceTempView("smoke")
    return rows.sparkSession.sql(f"SELECT i, j FROM smoke, LATERAL {name}(id)")


REPEATED = [(i, str(j)) for i in IDS for j in range(i % 3)]


@kind(REPEATED)
def udtf_pickled(rows: DataFrame) -> DataFrame:
    class udtf_pickled:
        def eval(self, i: int) -> Iterator[tuple[int, str]]:
            for j in range(i % 3):
                yield i, str(j)

    made = F.udtf(udtf_pickled, returnType="i long, j string", useArrow=False)
    return repeat(rows, "udtf_pickled", made)


@kind(REPEATED, since=(4, 1))
def udtf_on_arrow(rows: DataFrame) -> DataFrame:
    class udtf_on_arrow:
        def eval(self, i: int) -> Iterator[tuple[int, str]]:
            for j in range(i % 3):
                yield i, str(j)

    made = F.udtf(udtf_on_arrow, returnType="i long, j string", useArrow=True)
    return repeat(rows, "udtf_on_arrow", made)


@kind([(5, "0"), (5, "1")], since=(4, 1), fast=False)
def udtf_of_arrays(rows: DataFrame) -> DataFrame:
    class Repeat:
        def eval(self, i: pa.Array) -> Iterator[pa.Table]:
            pairs = [(each, str(j)) for each in i.to_pylist() for j in range(each % 3)]
            yield pa.table({"i": [i for i, _ in pairs], "j": [j for _, j in pairs]})

    # Spark has no lateral joins with these.
    return F.arrow_udtf(Repeat, returnType="i long, j string")(F.lit(5).cast("long"))


@kind([i + 1 for i in IDS], EVAL, since=(4, 2))
def our_udf(rows: DataFrame) -> DataFrame:
    @hydrofoil.udf
    def our_udf(i: int) -> int:
        return i + 1

    return rows.select(our_udf("id"))


@kind([None if x is None else -x for _, _, x, _ in ROWS], EVAL)
def our_pandas_udf(rows: DataFrame) -> DataFrame:
    @hydrofoil.pandas_udf
    def our_pandas_udf(x: pd.Series) -> Annotated[pd.Series, float]:
        return -x

    return rows.select(our_pandas_udf("x"))


@kind([-i for i in IDS], EVAL, since=(4, 1))
def our_arrow_udf(rows: DataFrame) -> DataFrame:
    @hydrofoil.arrow_udf
    def our_arrow_udf(i: pa.Array) -> Annotated[pa.Array, int]:
        return pc.negate(i)

    return rows.select(our_arrow_udf("id"))


@kind([i * 0.5 for i in IDS], EVAL)
def our_numpy_udf(rows: DataFrame) -> DataFrame:
    @hydrofoil.numpy_udf
    def our_numpy_udf(i: NDArray[np.int64]) -> NDArray[np.float64]:
        return i * 0.5

    return rows.select(our_numpy_udf("id"))


@kind([i * 3.0 for i in IDS], EVAL)
def our_batch_udf(rows: DataFrame) -> DataFrame:
    @hydrofoil.batch_udf(load=lambda: 3.0, batch_size=4)
    def our_batch_udf(model: Any, i: NDArray[np.int64]) -> NDArray[np.float64]:
        return i * model

    return rows.select(our_batch_udf("id"))


@kind([(k, sum(ids) / len(ids)) for k, ids in GROUPS.items()], MAP, function="Partial")
def our_aggregate(rows: DataFrame) -> DataFrame:
    @hydrofoil.aggregate
    class Mean:
        def init(self) -> Any:
            return np.zeros(2)

        def update(self, state: Any, i: NDArray[np.int64]) -> Any:
            return state + np.array([i.sum(), len(i)])

        def merge(self, state: Any, other: Any) -> Any:
            return state + other

        def finish(self, state: Any) -> float:
            return float(state[0] / state[1])

    return hydrofoil.group_by(rows, "k").agg(mean=(Mean, "id"))


def run_gang(rows: DataFrame) -> Iterator[str]:
    def train(ctx: Any) -> tuple[int, int]:
        seen = sum(int(batch["id"].sum()) for batch in ctx.data.numpy(batch_size=4, steps="uneven"))
        return ctx.rank, sum(ctx.all_gather(seen))

    result = gang.run(train, rows, num_tasks=2, columns=["id"])
    wanted = [(0, sum(IDS)), (1, sum(IDS))]
    if list(result) != wanted:
        yield f"gang.run gave {list(result)}, not {wanted}"


# ``gang.run`` runs ranks in this function of Hydrofoil's own.
RANK = "run"


def checked(kind: Kind, rows: DataFrame) -> Iterator[str]:
    """Run a kind's query; yield what is wrong with its answer and its plan."""
    frame = kind.query(rows)
    got = [tuple(row) for row in frame.collect()]
    if Counter(map(repr, got)) != Counter(map(repr, kind.expected)):
        yield f"{kind.name} gave {got}, not {kind.expected}"
    plan = frame._jdf.queryExecution().executedPlan().toString()
    if LINE >= (4, 0) and kind.operator not in plan:
        yield f"{kind.name} is not run by {kind.operator}:\n{plan}"


def check_traces(folder: Path, functions: list[str]) -> Iterator[str]:
    """Yield what the workers' traces say against the fast path of functions."""
    seen = set()
    for file in folder.glob("*.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            task = json.loads(line)
            for udf in task["udfs"]:
                seen.add(udf["name"])
                slow = set(task["batches"]) - {task_trace.FAST}
                if udf["name"] in functions and (udf["path"] != task_trace.FAST or slow):
                    yield f"{udf['name']} did not take the fast path: {line}"
    for name in functions:
        if name not in seen:
            yield f"no worker of Hydrofoil's ran {name}"


def run(folder: Path) -> tuple[list[str], int]:
    """Run everything; return what was wrong, and the number of kinds."""
    os.environ[task_trace.VARIABLE] = str(folder)
    os.environ["PYSPARK_PYTHON"] = sys.executable
    conf = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
    }
    spark = hydrofoil.session(master="local[2]", conf=conf)
    spark.sparkContext.setLogLevel("ERROR")
    kinds = [kind for kind in KINDS if kind.since <= LINE]
    rows = source(spark)
    wrong = [what for kind in kinds for what in checked(kind, rows)]
    wrong += run_gang(rows)
    # Workers have written what they did when their daemon has ended.
    spark.stop()
    wrong += check_traces(folder, [kind.function for kind in kinds if kind.fast] + [RANK])
    return wrong, len(kinds) + 1


def main() -> int:
    if LINE >= (4, 0) and jvm_operators.jar() is None:
        print("smoke: the package has no jar")
        return 1
    # Without it, which is an error here, workers run stock's code.
    import hydrofoil._cext.rows

    with tempfile.TemporaryDirectory(prefix="hydrofoil-smoke-") as folder:
        wrong, number = run(Path(folder))
    for what in wrong:
        print(f"smoke: {what}")
    print(
        f"smoke: {number} kinds of functions, {len(wrong)} wrong: Python "
        f"{platform.python_version()}, Spark {pyspark.__version__}, pyarrow {pa.__version__}, "
        f"pandas {pd.__version__}, {Path(hydrofoil.__file__).parent}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
