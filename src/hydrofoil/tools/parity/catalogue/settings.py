"""Every kind of function under the settings that change what it is given or may return."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.case import ARROW, Case, case
from hydrofoil.tools.parity.catalogue.vectorized import CORE
from hydrofoil.tools.parity.families import FAMILIES, Family
from hydrofoil.tools.parity.harness import numbers
from hydrofoil.tools.parity.probes import describe_arguments

_SQL = "spark.sql."
_ARROW = "spark.sql.execution.arrow."
_UDF = "spark.sql.execution.pyspark.udf."
_PANDAS = "spark.sql.execution.pandas."

SETTINGS: dict[str, dict[str, str]] = {
    "kathmandu": {_SQL + "session.timeZone": "Asia/Kathmandu"},
    "new-york": {_SQL + "session.timeZone": "America/New_York"},
    "not-ansi": {_SQL + "ansi.enabled": "false"},
    "ansi": {_SQL + "ansi.enabled": "true"},
    "aqe": {_SQL + "adaptive.enabled": "true"},
    "off-heap": {_SQL + "columnVector.offheap.enabled": "true"},
    "large-var-types": {_ARROW + "useLargeVarTypes": "true"},
    "one-row-batches": {_ARROW + "maxRecordsPerBatch": "1"},
    "no-batch-limit": {_ARROW + "maxRecordsPerBatch": "0"},
    "few-bytes-batches": {_ARROW + "maxBytesPerBatch": "64"},
    "safe-conversion": {_PANDAS + "convertToArrowArraySafely": "true"},
    "structs-as-dicts": {_PANDAS + "structHandlingMode": "dict"},
    "structs-as-rows": {_PANDAS + "structHandlingMode": "row"},
    "columns-by-position": {
        _SQL + "legacy.execution.pandas.groupedMap.assignColumnsByName": "false"
    },
    "legacy-pandas-udf": {_SQL + "legacy.execution.pythonUDF.pandas.conversion.enabled": "true"},
    "int-to-decimal": {_SQL + "execution.pythonUDF.pandas.intToDecimalCoercionEnabled": "true"},
    "compressed": {_ARROW + "compression.codec": "zstd"},
    "one-row-output-batches": {_ARROW + "maxRecordsPerOutputBatch": "1"},
    "two-threads": {_SQL + "execution.pythonUDF.arrow.concurrency.level": "2"},
    "whole-traceback": {_UDF + "simplifiedTraceback.enabled": "false"},
    "hidden-traceback": {_UDF + "hideTraceback.enabled": "true"},
    "faulthandler": {_UDF + "faulthandler.enabled": "true"},
    "binary-as-bytearray": {_SQL + "execution.pyspark.binaryAsBytes": "false"},
    "small-buffer": {_PANDAS + "udf.buffer.size": "16"},
    "pickled-batches-of-one": {_SQL + "execution.python.udf.maxRecordsPerBatch": "1"},
}

CORE_SETTINGS: dict[str, dict[str, str]] = {
    "no-worker-reuse": {"spark.python.worker.reuse": "false"},
}

_TRACEBACKS = ("whole-traceback", "hidden-traceback", "faulthandler")


def cases() -> Iterator[Case]:
    """The core of the families and plain functions, each under each setting."""
    families = [family for family in FAMILIES if family.name in CORE]
    for setting in (*SETTINGS, *CORE_SETTINGS):
        conf, core = SETTINGS.get(setting, {}), CORE_SETTINGS.get(setting, {})
        path = ("settings", setting)
        if setting in _TRACEBACKS:
            for family in families:
                failing = partial(_failing, family)
                yield case(*path, family, build=failing, conf=conf, last_line_only=True)
            continue
        for transport, switch in (("pickled", "false"), ("arrow", "true")):
            settings = {ARROW: switch, **conf}
            yield case(*path, f"udf-{transport}", build=_rows, conf=settings, core=core)
        for family in families:
            yield case(*path, family, build=partial(_seen, family), conf=conf, core=core)
    for family in families:
        for setting in ("safe-conversion", "int-to-decimal", "columns-by-position", "ansi"):
            for name, build in _RESULTS.items():
                if family.result in ("table", "column") and not family.arrow:
                    made = partial(build, family)
                    yield case(
                        "settings", setting, family, name, build=made, conf=SETTINGS[setting]
                    )


def _frame(spark: SparkSession) -> DataFrame:
    """The commonest types, with nulls, in three groups."""
    return numbers(spark, 6).selectExpr(
        "IF(id % 3 = 2, NULL, id % 3) AS k",
        "id AS n",
        "IF(id = 1, NULL, id) AS i",
        "IF(id = 2, NULL, concat('é', id)) AS s",
        "IF(id = 3, NULL, timestamp_micros(1711846800000000 + id * 1000003)) AS t",
        "IF(id = 4, NULL, TIMESTAMP_NTZ'2024-03-31 02:30:00') AS z",
        "IF(id = 5, NULL, CAST(id AS DECIMAL(10, 2))) AS d",
        "IF(id = 0, NULL, array(id, NULL)) AS a",
        "IF(id = 4, NULL, named_struct('x', id, 'y', CAST(id AS STRING))) AS r",
        "map('m', id) AS m",
        "CAST(concat('b', id) AS BINARY) AS b",
    )


def _rows(spark: SparkSession) -> DataFrame:
    frame = _frame(spark)
    later = udf(lambda t: t, "timestamp")
    return frame.select(
        udf(describe_arguments, "string")(*frame.columns).alias("seen"),
        later("t").alias("t"),
        udf(lambda b: b, "binary")("b").alias("b"),
        udf(lambda r: r, "struct<x:bigint,y:string>")("r").alias("r"),
    )


def _seen(family: Family, spark: SparkSession) -> DataFrame:
    return family.observed(_frame(spark))


def _failing(family: Family, spark: SparkSession) -> DataFrame:
    def observe(*values: Any) -> str:
        raise ValueError("no")

    return family.observed(_frame(spark), observe)


def _wrapped(family: Family, series: "pd.Series[Any]") -> Any:
    return series if family.result == "column" else pd.DataFrame({"other": series})


def _fractions(family: Family, spark: SparkSession) -> DataFrame:
    def unit(*values: Any) -> Any:
        value = values[-1]
        return _wrapped(family, pd.Series([1.5] * len(value)))

    return family.query(_frame(spark).select("k", "n"), unit, "bigint")


def _integers(family: Family, spark: SparkSession) -> DataFrame:
    def unit(*values: Any) -> Any:
        value = values[-1]
        return _wrapped(family, pd.Series([3] * len(value)))

    return family.query(_frame(spark).select("k", "n"), unit, "decimal(10,2)")


_RESULTS = {"fractions": _fractions, "integers": _integers}
