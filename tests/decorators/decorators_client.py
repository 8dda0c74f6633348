"""Run every decorator as a Spark Connect client of a server in this process; print the results.

Argument: the server's daemon module. The decorators run before there is a session, as they do in
modules that a program imports.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark import cloudpickle
from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.aggregates import Mean, Quantiles
from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.session import CONF

cloudpickle.register_pickle_by_value(sys.modules[__name__])


@dataclass
class Item:
    name: str
    amount: int


@hydrofoil.udf
def twice(item: Item, times: int) -> Item:
    return Item(item.name * times, item.amount)


@hydrofoil.async_udf
async def later(x: int | None, item: Item) -> Item:
    await asyncio.sleep(0.001)
    return Item(f"{x}", item.amount)


@hydrofoil.async_udf(rate="10/s")
async def limited(x: int) -> int:
    return x


def refused(data: Any) -> str:
    """What is said of a limit, which nobody here could hold."""
    try:
        data.select(limited("id")).collect()
    except UsageError as error:
        return error.message
    return ""


@hydrofoil.pandas_udf
def half(x: pd.Series) -> Annotated[pd.Series, float]:
    return x / 2


@hydrofoil.pandas_udf
def largest(x: pd.Series) -> int:
    return int(x.max())


@hydrofoil.arrow_udf
def next_one(x: pa.Array) -> Annotated[pa.Array, int]:
    return pc.add(x, 1)


@hydrofoil.numpy_udf
def ratio(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.float64]:
    return x / y


def load() -> Callable[[Any], Any]:
    return lambda x: x.sum(axis=1)


predict = hydrofoil.batch_udf(load, return_type="double", batch_size=2)
shared = hydrofoil.batch_udf(load, return_type="double", batch_size=2, share="host")
mean = hydrofoil.aggregate(Mean)
median = hydrofoil.aggregate(Quantiles(0.5))


def results(spark: SparkSession) -> dict[str, Any]:
    data = spark.sql(
        "select id, id % 2 as k, nullif(id, 1) as n, named_struct('name', 'a', 'amount', id) as i, "
        "array(id * 1D, 1D) as a from range(4)"
    ).coalesce(1)
    spark.udf.register("next_one", next_one)
    spark.udf.register("twice", twice)
    data.createOrReplaceTempView("data")
    frames = {
        "udf": data.select(twice("i", "id")),
        "udf.sql": spark.sql("select twice(i, id).name from data"),
        "async_udf": data.select(later("n", "i")),
        "pandas_udf": data.select(half("n")),
        "pandas_udf.aggregate": data.groupBy("k").agg(largest("id")).orderBy("k"),
        "arrow_udf": data.select(next_one("n")),
        "arrow_udf.sql": spark.sql("select next_one(n) from data"),
        "numpy_udf": data.select(ratio("n", data.id + 1)),
        "numpy_udf.named": data.select(ratio(y=data.id + 1, x="id")),
        "batch_udf": data.select(predict("a")),
        "batch_udf.shared": data.select(shared("a")),
        "aggregate": data.groupBy("k").agg(mean("n")).orderBy("k"),
        "group_by": hydrofoil.group_by(data, "k").agg(m=(mean, "n"), q=(median, "id")).orderBy("k"),
        "not deterministic": data.select(half.asNondeterministic()("id")),
    }
    try:
        import torch
    except ImportError:
        pass
    else:
        negated = hydrofoil.torch_udf(lambda x: torch.neg(x), "bigint")
        frames["torch_udf"] = data.select(negated("n"))
    found = {name: [list(row) for row in frame.collect()] for name, frame in frames.items()}
    return found | {"async_udf.limits": refused(data)}


def main(daemon: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.remote("local[2]").config("spark.python.daemon.module", daemon)
    for key, value in CONF.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    assert type(spark).__module__.startswith("pyspark.sql.connect"), type(spark)
    print("RESULTS", json.dumps(results(spark)), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
