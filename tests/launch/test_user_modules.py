"""Files sent with ``addPyFile`` that have the name of a module that the daemon has imported."""

import json
import os
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from pyspark import SparkFiles
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from hydrofoil.process import user_modules
from hydrofoil.tools.parity.engines import (
    HYDROFOIL,
    STOCK,
    Engine,
    use_core_conf,
    use_engine,
    use_environment,
)

# It loads the library's in its own place: under stock, pandas and pyarrow import it.
LIBRARY = """
import importlib.util
import os
import sys
from importlib.machinery import PathFinder

here = os.path.dirname(os.path.abspath(__file__))
spec = PathFinder.find_spec(__name__, [p for p in sys.path if os.path.abspath(p) != here])
module = sys.modules[__name__] = importlib.util.module_from_spec(spec)
module.SENT = True
spec.loader.exec_module(module)
"""

# Stock's worker has the first three when it gets the files, and none of the others. The last two
# come in an archive.
EARLY = ("json", "random", "pickle")
FILES = (*EARLY, "csv", "gzip", "mmap", "secrets", "pprint", "cloudpickle")
ZIPPED = ("pytz", "pickletools")


@pytest.fixture(scope="module")
def sent(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The files, for as long as this module's tests run."""
    folder = tmp_path_factory.mktemp("sent")
    context, path = spark.sparkContext, list(sys.path)
    for name in FILES:
        (folder / f"{name}.py").write_text(LIBRARY)
        context.addPyFile(str(folder / f"{name}.py"))
    with zipfile.ZipFile(folder / "sent.zip", "w") as archive:
        for name in ZIPPED:
            archive.writestr(f"{name}.py", LIBRARY)
    context.addPyFile(str(folder / "sent.zip"))
    sys.path[:] = path
    yield
    context._python_includes.remove("sent.zip")
    for name in (*(f"{name}.py" for name in FILES), "sent.zip"):
        os.remove(os.path.join(SparkFiles.getRootDirectory(), name))


def look() -> str:
    import importlib
    import json

    names = (*FILES, *ZIPPED)
    return json.dumps({name: hasattr(importlib.import_module(name), "SENT") for name in names})


def on_rdd(spark: SparkSession) -> str:
    return spark.sparkContext.parallelize([0], 1).map(lambda _: look()).collect()[0]


def on_rows(spark: SparkSession, *, arrow: bool) -> str:
    made = F.udf(lambda _: look(), "string", useArrow=arrow)
    return spark.range(0, 1, 1, 1).select(made("id")).collect()[0][0]


def on_series(spark: SparkSession) -> str:
    @F.pandas_udf("string")
    def made(values: pd.Series) -> pd.Series:
        return values.map(lambda _: look())

    return spark.range(0, 1, 1, 1).select(made("id")).collect()[0][0]


KINDS: dict[str, Callable[[SparkSession], str]] = {
    "rdd": on_rdd,
    "pickled": lambda spark: on_rows(spark, arrow=False),
    "arrow": lambda spark: on_rows(spark, arrow=True),
    "pandas": on_series,
}


def found(spark: SparkSession, engine: Engine, names: tuple[str, ...]) -> dict[str, Any]:
    """For each kind of function, which of the files it imports, in a worker of its own."""
    report = {}
    # Workers of earlier tests have imported what their tasks asked for.
    once = {"spark.python.worker.reuse": "false"}
    with (
        use_engine(spark, engine),
        use_core_conf(spark, once),
        use_environment(spark, {"SENT": "1"}),
    ):
        for kind, ask in KINDS.items():
            seen = json.loads(ask(spark))
            report[kind] = {name for name in names if seen[name]}
    return report


def test_functions_import_the_files_that_stock_imports(spark: SparkSession, sent: None) -> None:
    stock = found(spark, STOCK, (*FILES, *ZIPPED))
    # What is the same for every kind of function, and this test would be nothing without.
    assert stock["rdd"] == {*FILES, *ZIPPED} - set(EARLY)
    assert found(spark, HYDROFOIL, (*FILES, *ZIPPED)) == stock


# --- Without Spark -------------------------------------------------------------------------------


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that this process has ahead of stock, with one below it."""
    made = ModuleType("user_modules_test")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    monkeypatch.setitem(sys.modules, f"{made.__name__}.below", ModuleType("below"))
    return made


def test_a_folder_is_looked_at_again_when_it_has_changed(
    loaded: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = user_modules.Ahead(set(sys.modules) - {loaded.__name__}, list(sys.path))
    monkeypatch.syspath_prepend(str(tmp_path))
    # A folder without __init__.py comes after any module of the name.
    (tmp_path / loaded.__name__).mkdir()
    assert ahead.forget() == []
    (tmp_path / f"{loaded.__name__}.py").write_text("")
    os.utime(tmp_path, ns=(1, 1))
    assert ahead.forget() == [loaded.__name__]
    assert not [name for name in sys.modules if name.startswith(loaded.__name__)]
    assert ahead.forget() == []


def test_what_stock_has_and_what_is_for_all_stays(
    loaded: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import numpy

    ahead = user_modules.Ahead(set(sys.modules) - {"numpy"}, list(sys.path))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in (loaded.__name__, "numpy"):
        (tmp_path / f"{name}.py").write_text("")
    assert ahead.forget() == []
    assert sys.modules["numpy"] is numpy and sys.modules[loaded.__name__] is loaded
