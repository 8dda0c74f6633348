"""A user's module on a sample of the user's data."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from hydrofoil.errors import UsageError
from hydrofoil.tools.parity.engines import HYDROFOIL, Engine
from hydrofoil.tools.parity.mine import compare, load, read_sample
from parity.test_catalogue import ALTERED

MODULE = """
from collections.abc import Iterator
import random

import pandas as pd
from pyspark.sql.functions import pandas_udf, udf, udtf

LIMIT = 100

@udf("string")
def label(name, amount):
    return f"{name}:{amount}"

@udf("bigint")
def more(Amount):
    return Amount + LIMIT

@udf("double")
def chance(amount):
    return random.random()

@udf("int")
def lacking(amount, nothing):
    return 1

@udf("bigint")
def defaulted(amount, rate=3):
    return amount * rate

@udf("int")
def broken(name):
    return 1 // 0

@pandas_udf("double")
def total(amount: pd.Series) -> float:
    return float(amount.sum())

@pandas_udf("long")
def twice(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    for batch in batches:
        yield batch * 2

@udtf(returnType="letter string")
class Letters:
    def eval(self, name):
        for letter in name or "":
            yield (letter,)

def clean(frames):
    for frame in frames:
        yield frame[frame.amount > 1]

def first(frame):
    return frame.head(1)

SCHEMA = "name string, amount long"
PARITY = {
    "clean": {"as": "mapInPandas", "schema": SCHEMA},
    "first": {"as": "applyInPandas", "schema": SCHEMA, "by": ["name"]},
}
"""

SAMPLE = 'name,amount\na,1\nb,2\n"c d",3\n'


def verdicts(
    spark: SparkSession,
    folder: Path,
    right: Engine = HYDROFOIL,
    module: str = MODULE,
    **binds: list,
):
    (folder / "users.py").write_text(module)
    (folder / "sample.csv").write_text(SAMPLE)
    traces = folder / "traces"
    traces.mkdir()
    sample = read_sample(spark, folder / "sample.csv")
    return {
        verdict.name: verdict
        for verdict in compare(sample, load(folder / "users.py"), binds, traces, right)
    }


def test_a_module(spark: SparkSession, tmp_path: Path) -> None:
    found = verdicts(spark, tmp_path, twice=["amount"])
    assert {name: verdict.status for name, verdict in found.items()} == {
        "label": "equal",
        "more": "equal",
        "chance": "differs from run to run",
        "lacking": "not bound",
        "defaulted": "equal",
        "broken": "stock raises too",
        "total": "equal",
        "twice": "equal",
        "Letters": "equal",
        "clean": "equal",
        "first": "equal",
    }
    assert found["label"].arguments == ["name", "amount"]
    assert found["more"].arguments == ["amount"]
    assert found["label"].path == "fast"
    assert found["Letters"].path == "fast"
    assert "'nothing'" in found["lacking"].reason


def test_a_planted_difference(spark: SparkSession, tmp_path: Path) -> None:
    found = verdicts(spark, tmp_path, ALTERED, twice=["amount"])
    assert found["more"].status == "different"
    assert found["label"].status == "equal"
    assert "row 0, column 'result'\n  expected: int:101\n  actual:   int:102" in str(
        found["more"].difference
    )


MISTAKES = {
    "X = 1": "no function of Spark's",
    "PARITY = {'f': {'as': 'mapInPandas', 'schema': 'a int'}}": "has no f",
    "PARITY = {'f': {'as': 'applyInPandas', 'schema': 'a int'}}\nf = len": "'by'",
    "raise ValueError('x')": "raises ValueError: x",
}


@pytest.mark.parametrize("module", MISTAKES)
def test_mistakes(spark: SparkSession, tmp_path: Path, module: str) -> None:
    with pytest.raises(UsageError, match=MISTAKES[module]):
        verdicts(spark, tmp_path, module=module)


def test_a_bind_names_what_there_is(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column 'price'"):
        verdicts(spark, tmp_path, twice=["price"])


def test_samples(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(3).write.parquet(str(tmp_path / "s.parquet"))
    assert read_sample(spark, tmp_path / "s.parquet").count() == 3
    (tmp_path / "s.json").write_text('{"a": 1}\n')
    assert read_sample(spark, tmp_path / "s.json").columns == ["a"]
    with pytest.raises(UsageError, match="there is no"):
        read_sample(spark, tmp_path / "missing.csv")
    (tmp_path / "s.txt").write_text("")
    with pytest.raises(UsageError, match=r"\.parquet"):
        read_sample(spark, tmp_path / "s.txt")


NAMES = """
import pandas as pd
from pyspark.sql.functions import pandas_udf, udf, udtf

more = udf(lambda x: x + 1, "bigint")

@pandas_udf("double")
def total(x: pd.Series) -> float:
    return float(x.sum())

@udtf(returnType="y bigint")
class Same:
    def eval(self, x):
        yield (x,)
"""


@pytest.mark.parametrize("column", ["a.b", "a`b", "größe 東京"])
def test_columns_whose_names_mean_something_to_spark(
    spark: SparkSession, tmp_path: Path, column: str
) -> None:
    # Beside a column of which it would be a field.
    schema = f"`{column.replace('`', '``')}` bigint, a struct<b: string>"
    rows = [(i, ("x",)) for i in (1, 2, 3)]
    spark.createDataFrame(rows, schema).write.parquet(str(tmp_path / "sample.parquet"))
    (tmp_path / "users_names.py").write_text(NAMES)
    (tmp_path / "traces").mkdir()
    sample = read_sample(spark, tmp_path / "sample.parquet")
    binds = {name: [column] for name in ("more", "total", "Same")}
    module = load(tmp_path / "users_names.py")
    found = list(compare(sample, module, binds, tmp_path / "traces"))
    assert {verdict.name: verdict.status for verdict in found} == dict.fromkeys(
        ("more", "total", "Same"), "equal"
    )
