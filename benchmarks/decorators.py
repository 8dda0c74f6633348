"""Compare Hydrofoil's decorators with what they replace: ``python -m benchmarks.decorators``.

Each contestant is recorded once on a real local Spark and then replayed to its worker, all in turn,
as `benchmarks.report` does. Answers of one contest are compared before times count. The contests
against PySpark's own decorators run with the default settings of the installed Spark: run them in
the environment of each Spark version.
"""

import os
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import click
import numpy as np
import pandas as pd
import pyarrow as pa
import pyspark
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession, functions

import hydrofoil
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.replay.answer import read_answer
from hydrofoil.tools.replay.player import Player
from hydrofoil.tools.replay.recorder import record

_FEATURES = 128


@dataclass(frozen=True)
class Contestant:
    """A query, and the worker that runs it."""

    query: Callable[[DataFrame], DataFrame]
    engine: str


@dataclass(frozen=True)
class Contest:
    """Queries with the same answer.

    Attributes
    ----------
    name : str
    data : callable (SparkSession, rows) -> DataFrame
    rows : int
    contestants : dict of Contestant
        The first is Hydrofoil's.
    targets : dict of float
        The least ratio of a contestant's CPU time to that of the first.
    """

    name: str
    data: Callable[[SparkSession, int], DataFrame]
    rows: int
    contestants: dict[str, Contestant]
    targets: dict[str, float]


def _numpy(data: DataFrame) -> DataFrame:
    @hydrofoil.numpy_udf
    def add_one(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return x + 1

    return data.select(add_one("c").alias("r"))


def _arrow(data: DataFrame) -> DataFrame:
    @hydrofoil.arrow_udf
    def add_one(x: pa.Array) -> Annotated[pa.Array, "double"]:
        return pa.array(x.to_numpy(zero_copy_only=False) + 1)

    return data.select(add_one("c").alias("r"))


def _pandas(data: DataFrame) -> DataFrame:
    @hydrofoil.pandas_udf
    def add_one(x: pd.Series) -> Annotated[pd.Series, "double"]:
        return x + 1

    return data.select(add_one("c").alias("r"))


def _plus_one(x: int) -> int:
    return x + 1


def _twice(x: pd.Series) -> Annotated[pd.Series, "double"]:
    return x * 2


def _same(x: pa.Array) -> Annotated[pa.Array, "double"]:
    return x


def _calls(make: Callable[[], Callable[..., Any]]) -> Callable[[DataFrame], DataFrame]:
    """A query of a function that is made when there is a session."""
    return lambda data: data.select(make()("c").alias("r"))


def _against_pyspark(
    name: str,
    values: str,
    rows: int,
    ours: Callable[[], Callable[..., Any]],
    theirs: Callable[[], Callable[..., Any]],
) -> "Contest":
    """A decorator of PySpark's name, which may cost 3 % more than PySpark's own."""
    own = _calls(theirs)
    return Contest(
        name,
        lambda spark, rows: spark.range(0, rows, 1, 1).selectExpr(f"{values} as c"),
        rows,
        {
            f"hydrofoil.{name}": Contestant(_calls(ours), "hydrofoil"),
            f"PySpark's {name}": Contestant(own, "hydrofoil"),
            f"PySpark's {name}, stock": Contestant(own, "stock"),
        },
        {f"PySpark's {name}": 0.97, f"PySpark's {name}, stock": 0.97},
    )


def _load() -> Callable[[Any], Any]:
    weights = np.random.default_rng(7).integers(-8, 8, _FEATURES).astype("float32")
    return lambda x: x @ weights


def _batch(data: DataFrame) -> DataFrame:
    predict = hydrofoil.batch_udf(
        _load, return_type="float", batch_size=1000, input_tensor_shapes=[[_FEATURES]]
    )
    return data.select(predict("c").alias("r"))


def _predict_batch(data: DataFrame) -> DataFrame:
    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql.types import FloatType

    predict = predict_batch_udf(
        _load, return_type=FloatType(), batch_size=1000, input_tensor_shapes=[[_FEATURES]]
    )
    return data.select(predict("c").alias("r"))


def _features(spark: SparkSession, rows: int) -> DataFrame:
    elements = "transform(sequence(1, 128), i -> cast((id * i) % 251 as float))"
    return spark.range(0, rows, 1, 1).selectExpr(f"{elements} as c")


CONTESTS = (
    _against_pyspark(
        "udf",
        "id",
        2_000_000,
        lambda: hydrofoil.udf(_plus_one),
        lambda: functions.udf(_plus_one, "bigint"),
    ),
    _against_pyspark(
        "pandas_udf",
        "id * 0.5D",
        4_000_000,
        lambda: hydrofoil.pandas_udf(_twice),
        lambda: functions.pandas_udf(_twice, "double"),
    ),
    *(
        [
            _against_pyspark(
                "arrow_udf",
                "id * 0.5D",
                8_000_000,
                lambda: hydrofoil.arrow_udf(_same),
                lambda: functions.arrow_udf(_same, "double"),
            )
        ]
        # Before Spark 4.1 there is none to compare with.
        if hasattr(functions, "arrow_udf")
        else []
    ),
    Contest(
        "numpy-double",
        lambda spark, rows: spark.range(0, rows, 1, 1).selectExpr("id * 0.5D as c"),
        8_000_000,
        {
            "numpy_udf": Contestant(_numpy, "hydrofoil"),
            "arrow_udf with to_numpy": Contestant(_arrow, "hydrofoil"),
            "arrow_udf with to_numpy, stock": Contestant(_arrow, "stock"),
            "pandas_udf, stock": Contestant(_pandas, "stock"),
        },
        {"arrow_udf with to_numpy": 1.3, "pandas_udf, stock": 3.0},
    ),
    Contest(
        "batch-linear",
        _features,
        200_000,
        {
            "batch_udf": Contestant(_batch, "hydrofoil"),
            "predict_batch_udf": Contestant(_predict_batch, "hydrofoil"),
            "predict_batch_udf, stock": Contestant(_predict_batch, "stock"),
        },
        {"predict_batch_udf": 5.0, "predict_batch_udf, stock": 5.0},
    ),
)


def recorded(contest: Contest, rows: int) -> dict[str, Recording]:
    """What the JVM sends to each contestant; those with the same query share it."""
    from pyspark import cloudpickle

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    spark = (
        SparkSession.builder.master("local[1]")
        .appName("hydrofoil benchmarks")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    made: dict[Any, Recording] = {}
    for contestant in contest.contestants.values():
        if contestant.query not in made:
            query = contestant.query(contest.data(spark, rows))
            [made[contestant.query]] = record(
                spark, lambda q=query: q.write.format("noop").mode("overwrite").save()
            )
    return {name: made[one.query] for name, one in contest.contestants.items()}


def measure(contest: Contest, rows: int, runs: int) -> dict[str, list[float]]:
    """CPU ns a row of each contestant's worker, run by run.

    Raises
    ------
    RuntimeError
        If two of them answer differently.
    """
    recordings = recorded(contest, rows)
    spent: dict[str, list[float]] = {name: [] for name in recordings}
    expected = None
    environment = next(iter(recordings.values())).environment
    with Player(environment) as player:
        for _ in range(runs):
            for name, recording in recordings.items():
                run = player.play(recording, contest.contestants[name].engine)
                answer = read_answer(run.output, recording)
                expected = expected or answer
                difference = expected.difference(answer, False)
                if difference:
                    raise RuntimeError(f"{contest.name}: {name} answers differently: {difference}")
                spent[name].append(run.cpu / rows * 1e9)
    return spent


def lines(contest: Contest, rows: int, runs: int) -> Iterator[str]:
    """The results of one contest in words."""
    times = measure(contest, rows, runs)
    first = next(iter(times.values()))
    yield (
        f"{contest.name}, Spark {pyspark.__version__}: {rows} rows, CPU ns a row of the worker, "
        f"least of {runs} runs in turn; ratio to the first, and the quartiles of the ratio by run"
    )
    for name, spent in times.items():
        ratios = [one / ours for one, ours in zip(spent, first, strict=True)]
        low, _, high = statistics.quantiles(ratios, n=4) if runs > 1 else ratios * 3
        target = contest.targets.get(name)
        wanted = "" if target is None else f" (target {target}x)"
        yield (
            f"  {name:32} {min(spent):9.2f}   {min(spent) / min(first):5.2f}x "
            f"[{low:.2f}, {high:.2f}]{wanted}"
        )


@click.command()
@click.option("--contest", "names", multiple=True, help="only these contests")
@click.option("--rows", type=int, help="rows of each, instead of its own number")
@click.option("--runs", default=5, show_default=True)
def main(names: tuple[str, ...], rows: int | None, runs: int) -> None:
    """Replay each contest's queries in turn and print their CPU time."""
    for contest in CONTESTS:
        if not names or contest.name in names:
            for line in lines(contest, rows or contest.rows, runs):
                click.echo(line)


if __name__ == "__main__":
    main()
