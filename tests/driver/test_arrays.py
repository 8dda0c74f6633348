"""`to_numpy` and `to_torch`: columns by name."""

import numpy as np
import pytest
from pyspark.sql import SparkSession

import hydrofoil
from hydrofoil.errors import UsageError


def test_numpy(spark: SparkSession) -> None:
    df = spark.sql(
        "select id, id * 0.5D v, cast(id as string) s, array(id, -id) a, id % 2 = 0 b,"
        " timestamp_seconds(id) t from range(0, 25, 1, 3)"
    )
    arrays = hydrofoil.to_numpy(df)
    assert list(arrays) == ["id", "v", "s", "a", "b", "t"]
    numbers = np.arange(25)
    np.testing.assert_array_equal(arrays["id"], numbers)
    np.testing.assert_array_equal(arrays["v"], numbers * 0.5)
    assert arrays["s"].tolist() == [str(i) for i in range(25)]
    np.testing.assert_array_equal(arrays["a"], np.stack([numbers, -numbers], axis=1))
    np.testing.assert_array_equal(arrays["b"], numbers % 2 == 0)
    np.testing.assert_array_equal(arrays["t"], numbers.astype("datetime64[s]"))
    assert hydrofoil.to_numpy(df.where("id < 0"))["id"].shape == (0,)


def test_nulls(spark: SparkSession) -> None:
    df = spark.sql("select if(id = 1, null, id) x from range(0, 3, 1, 1)")
    with pytest.raises(ValueError, match="'x'"):
        hydrofoil.to_numpy(df)
    np.testing.assert_array_equal(hydrofoil.to_numpy(df, nulls="nan")["x"], [0.0, np.nan, 2.0])
    masked = hydrofoil.to_numpy(df, nulls="mask")["x"]
    assert masked.mask.tolist() == [False, True, False]


def test_columns_with_one_name(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="several columns have the name 'a'"):
        hydrofoil.to_numpy(spark.sql("select 1 a, 2 a from range(2)"))


def test_torch(spark: SparkSession) -> None:
    torch = pytest.importorskip("torch")
    tensors = hydrofoil.to_torch(spark.sql("select id, array(0.5D, 1D) v from range(0, 4, 1, 2)"))
    assert torch.equal(tensors["id"], torch.arange(4))
    assert tensors["v"].shape == (4, 2)
    assert tensors["v"].dtype is torch.float64
