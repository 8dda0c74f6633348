"""Workers that fail or die: the same error as stock's, and the next query works."""

import importlib.util
import os
import signal
import sys
import threading
from pathlib import Path

import pytest
from pyspark.errors import PythonException
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from faults.conftest import Both
from faults.outcomes import CRASHED
from hydrofoil.tools.parity.engines import HYDROFOIL, STOCK, Engine, use_conf, use_engine


class FailsToUnpickle:
    def __reduce__(self):
        return int, ("not a number",)


@pytest.fixture(autouse=True)
def next_query_works(spark: SparkSession, both: Both):
    yield
    doubled = udf(lambda x: 2 * x, "long")
    rows = both(lambda: [row[0] for row in spark.range(4).select(doubled("id")).collect()])
    assert rows == ("value", [0, 2, 4, 6])


def run(spark: SparkSession, function):
    # The UDF is made anew for each engine: it keeps what it was first run with.
    return spark.range(0, 3, 1, 1).select(udf(function, "string")("id")).collect()


def test_function_that_cannot_be_unpickled(spark: SparkSession, both: Both) -> None:
    broken = FailsToUnpickle()
    kind, message = both(lambda: run(spark, lambda x: str((x, broken))))
    assert kind == "PythonException"
    assert "invalid literal for int() with base 10: 'not a number'" in message


def test_missing_module(
    spark: SparkSession, both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "only_on_the_driver.py"
    source.write_text("def shout(x):\n    return f'{x}!'\n")
    spec = importlib.util.spec_from_file_location("only_on_the_driver", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "only_on_the_driver", module)
    spec.loader.exec_module(module)
    kind, message = both(lambda: run(spark, module.shout))
    assert kind == "PythonException"
    assert message.endswith("No module named 'only_on_the_driver'")


def test_python_version_mismatch(
    spark: SparkSession, both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark.sparkContext, "pythonVer", "3.7")
    kind, message = both(lambda: run(spark, str))
    assert kind == "PythonException"
    assert "PYTHON_VERSION_MISMATCH" in message


@pytest.mark.parametrize("use_arrow", [True, False], ids=["arrow", "pickled"])
@pytest.mark.parametrize(
    "how", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)", "os.abort()"]
)
def test_worker_that_dies(spark: SparkSession, both: Both, how: str, use_arrow: bool) -> None:
    def function(_):
        import os
        import signal

        return eval(how, {"os": os, "signal": signal})

    query = spark.range(0, 3, 1, 1)
    kind, message = both(
        lambda: query.select(udf(function, "string", useArrow=use_arrow)("id")).collect()
    )
    assert (kind, message) == ("Py4JJavaError", CRASHED)


def test_exit_from_a_function(spark: SparkSession, both: Both) -> None:
    kind, _ = both(lambda: run(spark, lambda x: sys.exit(5)))
    assert kind != "value"


def test_error_between_rows(spark: SparkSession, both: Both) -> None:
    kind, message = both(lambda: run(spark, lambda x: str(1 // (x - 1))))
    assert kind == "PythonException"
    assert message == "ZeroDivisionError: integer division or modulo by zero"


@pytest.mark.parametrize("use_arrow", [True, False], ids=["arrow", "pickled"])
def test_error_that_has_no_bytes_in_utf8(spark: SparkSession, use_arrow: bool) -> None:
    """Stock's worker fails to send such text, and the JVM waits for it for ever."""

    def misses(x: int) -> None:
        raise FileNotFoundError("caf\udce9.txt")

    rows = spark.range(3).select(udf(misses, "string", useArrow=use_arrow)("id"))
    end = threading.Timer(120, spark.sparkContext.cancelAllJobs)
    end.start()
    try:
        with (
            use_engine(spark, HYDROFOIL),
            pytest.raises(PythonException, match=r"FileNotFoundError: caf\\udce9\.txt"),
        ):
            rows.collect()
    finally:
        end.cancel()


@pytest.mark.parametrize("engine", [STOCK, HYDROFOIL], ids=lambda engine: engine.name)
def test_idle_worker_that_is_killed(spark: SparkSession, engine: Engine) -> None:
    with use_engine(spark, engine):
        [first] = {int(row[0]) for row in run(spark, lambda _: str(os.getpid()))}
        os.kill(first, signal.SIGKILL)
        [second] = {int(row[0]) for row in run(spark, lambda _: str(os.getpid()))}
    assert first != second


def test_fault_handler_shows_where_python_crashed(spark: SparkSession) -> None:
    def crash(_):
        import ctypes

        return str(ctypes.string_at(0))

    settings = {"spark.sql.execution.pyspark.udf.faulthandler.enabled": "true"}
    for engine in (STOCK, HYDROFOIL):
        with (
            use_engine(spark, engine),
            use_conf(spark, settings),
            pytest.raises(Exception, match="Segmentation fault") as raised,
        ):
            run(spark, crash)
        assert "in crash" in str(raised.value)
