"""THE table of settings that cost speed, and what to set instead."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hydrofoil.settings.sources import Settings
from hydrofoil.tools.checkup.finding import Finding, Level

# Below these a batch's own cost shows beside that of its rows.
FEWEST_RECORDS = 1000
FEWEST_PICKLED = 100
FEWEST_BYTES = 1 << 20
SMALLEST_BUFFER = 4096

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def is_true(value: str) -> bool:
    return value.strip().lower() == "true"


def is_false(value: str) -> bool:
    return value.strip().lower() == "false"


def below(limit: int) -> Callable[[str], bool]:
    """Whether a number, or a size such as ``64k``, is positive and below a limit."""

    def is_below(value: str) -> bool:
        found = re.fullmatch(r"(\d+)\s*([bkmgt]?)b?", value.strip().lower())
        return found is not None and 0 < int(found[1]) * _UNITS[found[2]] < limit

    return is_below


def is_not(*harmless: str) -> Callable[[str], bool]:
    return lambda value: value.strip().lower() not in harmless


@dataclass(frozen=True)
class Costly:
    """A setting: the values that cost speed, why they do, and what to do about it."""

    key: str
    costs: Callable[[str], bool]
    why: str
    advice: str
    level: Level = Level.WARNING


SQL = "spark.sql.execution."
REMOVE = "remove it"
# Without them, versions before 4.2 are as slow.
TURN_ON = "set it to true, as it is by default from Spark 4.2 on"

COSTLY = (
    Costly(
        f"{SQL}arrow.maxRecordsPerBatch",
        below(FEWEST_RECORDS),
        "tiny batches: each one costs as much to hand over as hundreds of rows",
        "remove it (the default is 10000), or raise it; to bound memory, set "
        f"{SQL}arrow.maxBytesPerBatch instead",
    ),
    Costly(
        f"{SQL}arrow.maxBytesPerBatch",
        below(FEWEST_BYTES),
        "tiny batches: each one costs as much to hand over as hundreds of rows",
        "remove it, or raise it above 1m",
    ),
    Costly(
        f"{SQL}python.udf.maxRecordsPerBatch",
        below(FEWEST_PICKLED),
        "tiny batches of pickled rows (what workers see as PYTHON_UDF_BATCH_SIZE)",
        "remove it (the default is 100), or raise it",
    ),
    Costly(
        f"{SQL}pythonUDF.arrow.enabled",
        is_false,
        "plain UDFs get pickled rows, several times slower than Arrow",
        f"{TURN_ON}; for single functions whose results must be cast as pickled ones are, use "
        "udf(..., useArrow=False)",
    ),
    Costly(
        f"{SQL}pythonUDTF.arrow.enabled",
        is_false,
        "table functions get pickled rows, several times slower than Arrow",
        TURN_ON,
    ),
    Costly(
        f"{SQL}arrow.pyspark.enabled",
        is_false,
        "toPandas and createDataFrame convert row by row",
        TURN_ON,
    ),
    Costly(
        f"{SQL}arrow.enabled",
        is_false,
        "toPandas and createDataFrame convert row by row (and the name is deprecated)",
        f"{REMOVE}, and set {SQL}arrow.pyspark.enabled to true, as it is by default from Spark 4.2 "
        "on",
    ),
    Costly(
        f"{SQL}arrow.compression.codec",
        is_not("none", ""),
        "batches are compressed between two processes of the same host",
        "remove it, unless memory is what you lack",
    ),
    Costly(
        f"{SQL}pandas.convertToArrowArraySafely",
        is_true,
        "every result of a pandas function is checked for overflow and loss",
        "keep it if you rely on those errors; otherwise false saves the check",
        Level.NOTE,
    ),
    Costly(
        f"{SQL}pandas.structHandlingMode",
        is_not("legacy", "dict"),
        "toPandas makes a Row of each struct",
        "use legacy or dict, unless the program needs rows",
    ),
    Costly(
        f"{SQL}pythonUDF.pandas.intToDecimalCoercionEnabled",
        is_true,
        "results of decimal columns are converted one by one",
        f"{REMOVE}, and return Decimal objects",
    ),
    Costly(
        f"{SQL}pythonUDF.pandas.preferIntExtensionDtype",
        is_true,
        "integer columns reach pandas functions as extension arrays",
        f"{REMOVE}, unless the functions need pandas.NA",
    ),
    Costly(
        "spark.sql.legacy.execution.pythonUDF.pandas.conversion.enabled",
        is_true,
        "plain Arrow UDFs go through pandas, on stock's code",
        REMOVE,
    ),
    Costly(
        "spark.sql.legacy.execution.pythonUDTF.pandas.conversion.enabled",
        is_true,
        "Arrow table functions go through pandas, on stock's code",
        REMOVE,
    ),
    Costly(
        "spark.python.worker.reuse",
        is_false,
        "every task starts a worker of its own",
        f"{REMOVE}, unless functions leave state behind that must not last",
    ),
    Costly(
        "spark.python.use.daemon",
        is_false,
        "every worker is a new Python that imports everything again",
        REMOVE,
    ),
    Costly(
        "spark.buffer.size",
        below(SMALLEST_BUFFER),
        "a system call for every few rows",
        "remove it (the default is 64k)",
    ),
    Costly(
        f"{SQL}pandas.udf.buffer.size",
        below(SMALLEST_BUFFER),
        "a system call for every few rows",
        "remove it (the default is 64k)",
    ),
    Costly(
        f"{SQL}python.udf.buffer.size",
        below(SMALLEST_BUFFER),
        "a system call for every few rows",
        "remove it (the default is 64k)",
    ),
    Costly(
        "spark.sql.pyspark.udf.profiler",
        is_not(""),
        "every call is profiled",
        "remove it when you have the profile",
    ),
    Costly(
        "spark.python.profile",
        is_true,
        "RDD functions are profiled",
        "remove it when you have the profile",
    ),
    Costly(
        "spark.sql.pyspark.worker.logging.enabled",
        is_true,
        "workers keep and send what functions log",
        "remove it when you have the logs",
    ),
)


def check(settings: Settings) -> Iterator[Finding]:
    """Compare the settings with the table; one finding says so if none of them costs speed."""
    well = True
    for row in COSTLY:
        setting = settings.get(row.key)
        if setting is None or not row.costs(setting.value):
            continue
        well = False
        yield Finding(
            "settings",
            row.level,
            f"{row.key}={setting.value} ({setting.source}): {row.why}",
            row.advice,
        )
    if well:
        yield Finding("settings", Level.OK, f"none of {len(COSTLY)} known ones costs speed")
