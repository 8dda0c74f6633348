"""`hydrofoil.batch_udf`: full batches, models that stay, and the predictions of Spark's own."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import DataFrame, Row, SparkSession

import hydrofoil
from hydrofoil.decorators import models
from hydrofoil.decorators.ddl import parse_ddl
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import Engine, use_conf

Floats = NDArray[np.float32]


def values(frame: DataFrame) -> list[Any]:
    return [row[0] for row in frame.collect()]


def features(spark: SparkSession, rows: int) -> DataFrame:
    elements = "transform(sequence(1, 4), i -> cast(id * i as float))"
    return spark.range(0, rows, 1, 1).selectExpr("id", f"{elements} as x", "id * 1D as y")


def sizes() -> Callable[[Any], Any]:
    return lambda x: np.full(len(x), len(x))


def test_batches_are_full_across_arrow_batches(worker: Engine, spark: SparkSession) -> None:
    predict = hydrofoil.batch_udf(sizes, return_type="int", batch_size=8)
    with use_conf(spark, {"spark.sql.execution.arrow.maxRecordsPerBatch": "5"}):
        assert values(features(spark, 20).select(predict("x"))) == [8] * 16 + [4] * 4


def test_model_is_loaded_once_a_process(
    worker: Engine, spark: SparkSession, tmp_path: Path
) -> None:
    log = str(tmp_path / "loads")

    def load() -> float:
        with open(log, "a") as file:
            print(os.getpid(), file=file)
        return 0.5

    @hydrofoil.batch_udf(load=load, batch_size=3)
    def scale(model: float, x: Floats, y: Floats) -> Floats:
        assert x.shape == (len(y), 4)
        return (x.sum(axis=1) * model + y).astype("float32")  # type: ignore[no-any-return]

    for _ in range(3):
        assert values(features(spark, 7).select(scale("x", "y")))[2] == 12.0
    processes = Path(log).read_text().split()
    assert len(processes) == len(set(processes))


def test_answers_as_predict_batch_udf(worker: Engine, spark: SparkSession) -> None:
    def outputs(x: Any) -> Any:
        return {"total": x.sum(axis=1), "twice": x * 2}

    def rows(x: Any) -> Any:
        return [{"total": row.sum(), "twice": row * 2} for row in x]

    struct = "total float, twice array<float>"
    cases: list[tuple[Callable[[Any], Any], str, tuple[str, ...], Any]] = [
        (lambda x: x @ np.arange(4, dtype="float32"), "float", ("x",), [[4]]),
        (lambda x: x * 2, "array<float>", ("x",), {0: [4]}),
        (lambda x: x.sum(axis=(1, 2)), "float", ("x",), [[2, 2]]),
        (lambda x, y: x[:, 0] + y, "double", ("x", "y"), [[4], None]),  # type: ignore[misc]
        (lambda y: y.reshape(-1, 1), "double", ("y",), None),
        (lambda y: np.nan_to_num(y), "double", ("n",), None),
        (lambda t: t.sum(axis=1), "double", ("t",), None),
        (outputs, struct, ("x",), [[4]]),
        (rows, struct, ("x",), [[4]]),
    ]
    data = features(spark, 11).selectExpr("x", "y", "nullif(y, 3D) as n", "struct(y, y + 1) as t")
    ours, theirs = [], []
    for i, (predict, kind, columns, shapes) in enumerate(cases):

        def load(predict: Any = predict) -> Any:
            return predict

        options = {"batch_size": 5, "input_tensor_shapes": shapes}
        our = hydrofoil.batch_udf(load, return_type=kind, **options)
        their = predict_batch_udf(load, return_type=parse_ddl(kind), **options)
        ours.append(our(*columns).alias(f"case{i}"))
        theirs.append(their(*columns).alias(f"case{i}"))
    assert data.select(ours).collect() == data.select(theirs).collect()


def test_several_outputs(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.batch_udf(load=lambda: 2, return_type="a: double, b: array<double>", batch_size=4)
    def predict(model: int, x: Floats) -> dict[str, Any]:
        return {"b": x[:, :2] * model, "a": x[:, 0]}

    assert values(features(spark, 6).select(predict("x")))[5] == Row(a=5.0, b=[10.0, 20.0])


def test_wrong_predictions(worker: Engine, spark: SparkSession) -> None:
    data = features(spark, 6)
    for predict, kind, message in (
        (lambda x: x[1:, 0], "float", r"returned 3 for 4 rows"),
        (lambda x: 1, "float", r"returned one value for 4 rows"),
        (lambda x: x[:, 0], "array<float>", "needs two"),
        (lambda x: {"b": x[:, 0]}, "a float", r"returned \['b'\], and its type has the fields"),
        (lambda x, y: x, "float", "was given 1 columns and takes 2"),
    ):

        def load(predict: Any = predict) -> Any:
            return predict

        with pytest.raises(Exception, match=message):
            data.select(hydrofoil.batch_udf(load, return_type=kind, batch_size=4)("x")).collect()


def test_the_least_recently_used_model_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_kept", models.OrderedDict())
    loads: list[str] = []

    def use(key: str) -> None:
        models.model(key, lambda: loads.append(key), 2)

    for key in "abaca":
        use(key)
    use("b")
    assert loads == ["a", "b", "c", "b"]


def test_local_and_explain() -> None:
    @hydrofoil.batch_udf(load=lambda: 3.0, batch_size=2)
    def scale(model: float, x: Floats) -> Floats:
        return x * model

    column = pa.array([1, 2, 3], pa.float32())
    assert scale.local(column).to_pylist() == [3.0, 6.0, 9.0]
    assert "arrays of 2 rows" in scale.explain()
    assert "loaded by <lambda>() once a worker process" in scale.explain()


def test_mistakes_are_named_when_decorating() -> None:
    def load(path: str) -> str:
        return path

    for make, message in (
        (lambda: hydrofoil.batch_udf(return_type="int", batch_size=1), "a function that loads"),
        (lambda: hydrofoil.batch_udf(load, return_type="int", batch_size=1), "without arguments"),
        (lambda: hydrofoil.batch_udf(sizes, return_type="int", batch_size=0), "batch_size=0"),
        (lambda: hydrofoil.batch_udf(sizes, batch_size=1), "has no return type"),
        (
            lambda: hydrofoil.batch_udf(load=sizes, return_type="int", batch_size=1)(lambda m: m),
            "takes no column",
        ),
    ):
        with pytest.raises(UsageError, match=message):
            make()
