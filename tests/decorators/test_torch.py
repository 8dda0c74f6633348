"""`hydrofoil.torch_udf`: tensors over Spark's memory, on both workers."""

import datetime
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from pyspark.sql import DataFrame, Row, SparkSession

import hydrofoil
from hydrofoil import Masked, Ragged
from hydrofoil.decorators.torch import OfTensors
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import Engine

Doubles = Annotated[torch.Tensor, "double"]


def values(frame: DataFrame) -> list[Any]:
    return [row[0] for row in frame.collect()]


def test_arguments_and_results_share_memory() -> None:
    seen: list[Any] = []

    def double(x: Any) -> Any:
        seen.extend([x, x * 2])
        return seen[1]

    array = np.arange(3.0)
    array.flags.writeable = False
    result = OfTensors(double, None)(array)
    argument, returned = seen
    assert argument.data_ptr() == array.__array_interface__["data"][0]
    assert result.__array_interface__["data"][0] == returned.data_ptr()
    assert result.tolist() == [0.0, 2.0, 4.0]


def test_numbers_and_nulls(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.torch_udf
    def norm(x: torch.Tensor, y: torch.Tensor) -> Doubles:
        return torch.sqrt(x * x + y * y)

    @hydrofoil.torch_udf(nulls="mask")
    def flip(x: Masked) -> Annotated[Masked, "bigint"]:
        return Masked(torch.where(x.mask, 9, x.values), ~x.mask)

    @hydrofoil.torch_udf("float", nulls="nan")
    def half(x: torch.Tensor) -> torch.Tensor:
        return (x / 2).to(torch.bfloat16).requires_grad_()

    data = spark.sql("select id, id * 1D as d, nullif(id, 1) as n from range(4)").coalesce(1)
    assert values(data.select(norm("d", "d"))) == pytest.approx([i * 2**0.5 for i in range(4)])
    assert values(data.select(norm("d", "n")))[1:3] == [None, pytest.approx(8**0.5)]
    assert values(data.select(flip("n"))) == [None, 9, None, None]
    assert values(data.select(half("n"))) == [0.0, None, 1.0, 1.5]
    spark.udf.register("torch_norm", norm)
    assert values(data.selectExpr("torch_norm(id, 0)"))[3] == 3.0


def test_shapes(worker: Engine, spark: SparkSession) -> None:
    @hydrofoil.torch_udf
    def linear(x: torch.Tensor) -> Annotated[torch.Tensor, "array<float>"]:
        assert x.shape[1] == 2
        return x.flip(1)

    @hydrofoil.torch_udf("total: double, count: int")
    def ragged(x: Ragged) -> dict[str, Any]:
        counts = x.offsets[1:] - x.offsets[:-1]
        rows = torch.repeat_interleave(torch.arange(len(counts)), counts)
        total = torch.zeros(len(counts), dtype=torch.float64).index_add(0, rows, x.values)
        return {"total": total, "count": counts}

    @hydrofoil.torch_udf
    def running(batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> Iterator[Doubles]:
        scale = 2  # Set up once.
        for x, y in batches:
            yield (x + y) * scale

    data = spark.sql(
        "select id * 1D as x, array(cast(id as float), 1F) as a, "
        "slice(array(1D, 2D), 1, cast(id as int)) as r from range(3)"
    ).coalesce(1)
    assert values(data.select(linear("a"))) == [[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]
    assert values(data.select(ragged("r")))[1:] == [
        Row(total=1.0, count=1),
        Row(total=3.0, count=2),
    ]
    assert values(data.select(running("x", "x"))) == [0.0, 4.0, 8.0]


def test_times_are_integers(worker: Engine, spark: SparkSession) -> None:
    hour = 3_600_000_000
    data = spark.sql("select timestamp_ntz'2026-03-02 01:00:00' as t, date'2026-03-02' as d")
    later = hydrofoil.torch_udf(lambda t: t + hour, "timestamp_ntz")
    tomorrow = hydrofoil.torch_udf(lambda d: d + 1, "date")
    assert data.select(later("t"), tomorrow("d")).collect() == [
        (datetime.datetime(2026, 3, 2, 2), datetime.date(2026, 3, 3))
    ]


def test_mistakes(worker: Engine, spark: SparkSession) -> None:
    def add(x: torch.Tensor) -> torch.Tensor:
        x += 1
        return x

    data = spark.sql("select id * 1D as x, 'a' as s from range(3)")
    with pytest.raises(Exception, match=r"add\(\) changed an argument in place.*x.clone\(\)"):
        data.select(hydrofoil.torch_udf(add, "double")("x")).collect()
    with pytest.raises(Exception, match=r"parameter 's'.*torch has no tensors of object"):
        data.select(hydrofoil.torch_udf(lambda s: s, "string")("s")).collect()


def test_mistakes_are_named_when_decorating() -> None:
    def untyped(x: torch.Tensor) -> torch.Tensor:
        return x

    def total(x: torch.Tensor) -> float:
        return float(x.sum())

    with pytest.raises(UsageError, match=r"untyped\(\) has no return type: Tensor does not say"):
        hydrofoil.torch_udf(untyped)
    with pytest.raises(UsageError, match="returns float, and a torch_udf returns a tensor"):
        hydrofoil.torch_udf(total)


def test_local() -> None:
    @hydrofoil.torch_udf
    def half(x: torch.Tensor) -> Doubles:
        return x / 2

    assert half.local(pa.array([1.0, None])).to_pylist() == [0.5, None]
    assert half.explain().startswith("half(x) -> double\n")
