"""PySpark whose functions are not the published ones: stock's worker, a line, and no failed job."""

import ast
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyspark
import pyspark.daemon
import pyspark.worker
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf, udf
from pyspark.sql.types import LongType

import hydrofoil
from hydrofoil.evals.eval_types import EvalType
from hydrofoil.recordings.recording import Recording
from hydrofoil.reports import on_error
from hydrofoil.spark import signatures
from hydrofoil.spark.plans import planning_worker
from hydrofoil.spark.stock.capture import Capture
from hydrofoil.spark.stock.worker import StockWorker
from hydrofoil.spark.versions import installed_version
from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine, use_environment
from hydrofoil.tools.replay.answer import read_answer
from hydrofoil.tools.replay.recorder import record
from matrix.altered_pyspark import (
    ATTRIBUTE,
    CLASS,
    HOWS,
    MORE,
    PARAMETER,
    RENAMED,
    Alteration,
    alter,
    copy_of_pyspark,
)

MINOR = ".".join(pyspark.__version__.split(".")[:2])
WORKER = signatures.TABLE[MINOR][signatures.WORKER]
SOURCES = Path(hydrofoil.__file__).parent
# What `stock.serializers` takes from the serializers' own module.
NOT_ITS = {"ArrowStreamSerializer", "ArrowStreamUDFSerializer"}


def test_table_has_the_published_functions() -> None:
    signatures.check_worker(MINOR, pyspark.worker)
    signatures.check_daemon(MINOR, pyspark.daemon)


def test_table_has_all_that_is_touched() -> None:
    version = installed_version()
    assert version is not None
    touched = {*StockWorker.exchanged, version.map_check, *version.group_checks}
    for path in (SOURCES / "spark").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                owner = node.value
                name = owner.id if isinstance(owner, ast.Name) else owner.attr
                if name in ("worker", "stock"):
                    touched.add(node.attr)
    ours = {name for name in touched if callable(getattr(pyspark.worker, name, None))}
    assert {"read_udfs", "to_arrow_type"} <= ours
    assert ours - NOT_ITS <= set(WORKER)


def alterations() -> list[Alteration]:
    """What is done to each function that the table has of the worker, but for its main.

    One thing each, in turn; everything with ``HYDROFOIL_PARITY=full``.
    """
    source = ast.parse(Path(pyspark.worker.__file__).read_text())
    own = {node.name for node in source.body if isinstance(node, ast.FunctionDef)}
    made = []
    for place, (name, parameters) in enumerate(WORKER.items()):
        hows = [how for how in HOWS if how != PARAMETER or name in own]
        if parameters == signatures.CLASS:
            hows = [RENAMED]
        if os.environ.get("HYDROFOIL_PARITY") != "full":
            hows = [hows[place % len(hows)]]
        made += [Alteration(name, how) for how in hows if name != "main"]
    return made


@pytest.fixture(scope="module")
def recordings(spark: SparkSession) -> list[Recording]:
    """A task of a row UDF, and one of pandas."""
    by_pandas = pandas_udf(lambda series: series + 1, "long")
    made: list[Recording] = []
    for function in (udf(lambda x: x + 1, "long"), by_pandas):
        query = spark.range(0, 5, 1, 1).select(function("id"))
        made += record(spark, query.collect)
    assert len(made) == 2
    return made


def replayed(made: list[Alteration], recordings: list[Recording]) -> list[Any]:
    """For each alteration what `altered_pyspark` tells of its replays."""
    done = subprocess.run(
        [sys.executable, "-m", "matrix.altered_pyspark"],
        input=pickle.dumps((made, recordings)),
        capture_output=True,
        check=False,
        timeout=300,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            # It forks, and must not run threads meanwhile.
            "JE_ARROW_MALLOC_CONF": "background_thread:false",
            "OPENBLAS_NUM_THREADS": "1",
        },
    )
    assert done.returncode == 0, done.stderr.decode()
    answers: list[Any] = pickle.loads(done.stdout)
    assert len(answers) == len(made)
    return answers


def assert_same(recordings: list[Recording], stock: Any, ours: Any, what: object = "") -> None:
    for recording, (left, expected), (right, actual) in zip(recordings, stock, ours, strict=True):
        assert left == right == 0, what
        found = read_answer(expected, recording)
        difference = found.difference(read_answer(actual, recording), True)
        assert not difference, f"{what}: {difference}"


def test_altered_workers_answer_as_without_hydrofoil(recordings: list[Recording]) -> None:
    made = alterations()
    works = 0
    for alteration, (problem, *answered) in zip(made, replayed(made, recordings), strict=True):
        assert problem is None, problem
        stock, ours, messages = answered
        assert [status for status, _ in stock] == [status for status, _ in ours], alteration
        if not any(status for status, _ in stock):
            assert_same(recordings, stock, ours, alteration)
            works += 1
        assert messages.count("is not as published") == 1, f"{alteration}: {messages}"
        assert alteration.name in messages and "stock PySpark's worker runs instead" in messages
    # Some are used in ways that the alteration does not follow.
    assert works > 0.8 * len(made) > 10


def altered(folder: Path, alteration: Alteration, module: str) -> Path:
    """A copy of PySpark in which the other of worker and daemon goes along with the alteration."""
    sources = {}
    for name in ("worker", "daemon"):
        source = Path(pyspark.__file__).with_name(f"{name}.py").read_text()
        if name == module:
            sources[name] = alter(source, alteration)
        elif alteration.name == "main" and name == "daemon":
            sources[name] = _calling(source, alteration.how)
    return copy_of_pyspark(folder, **sources)


def _calling(daemon: str, how: str) -> str:
    """A daemon that calls an altered main."""
    if how == MORE:
        return daemon.replace("worker_main(infile, outfile)", "worker_main(None, infile, outfile)")
    if how == RENAMED:
        daemon = daemon.replace("worker_module.main", "worker_module.main_renamed")
        return daemon.replace("import main as", "import main_renamed as")
    return daemon


@pytest.mark.parametrize(
    ("module", "name", "how", "off"),
    [
        ("worker", "main", MORE, ""),
        ("worker", "main", RENAMED, ""),
        ("worker", "main", CLASS, "off"),
        ("worker", "main", RENAMED, "off"),
        ("worker", "read_udfs", MORE, ""),
        ("daemon", "manager", MORE, ""),
        ("daemon", "manager", RENAMED, "off"),
        ("daemon", "worker", PARAMETER, ""),
    ],
)
def test_jobs_on_altered_copies(
    spark: SparkSession, tmp_path: Path, module: str, name: str, how: str, off: str
) -> None:
    folder = altered(tmp_path / "copy", Alteration(name, how), module)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    environment = {
        "PYTHONPATH": path,
        "HYDROFOIL_TRACE": str(tmp_path / "traces"),
        "HYDROFOIL": off,
    }

    def where(_):
        import pyspark.worker

        return pyspark.worker.__file__

    with use_engine(spark, HYDROFOIL), use_environment(spark, environment):
        rows = spark.range(0, 1, 1, 1).select(udf(where, "string")("id")).collect()
    assert rows[0][0] == str(folder / "pyspark" / "worker.py")
    assert not (tmp_path / "traces").exists()


@pytest.mark.parametrize(
    ("module", "name", "how"), [("worker", "main", MORE), ("daemon", "manager", MORE)]
)
def test_says_that_pyspark_is_altered(tmp_path: Path, module: str, name: str, how: str) -> None:
    folder = altered(tmp_path / "copy", Alteration(name, how), module)
    done = subprocess.run(
        [sys.executable, "-m", "hydrofoil.daemon", "pyspark.worker"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)]),
        },
    )
    assert len(done.stdout) == 4
    (line,) = done.stderr.decode().splitlines()
    assert f"this PySpark {pyspark.__version__} is not as published: its pyspark.{module}" in line
    assert f"{name} is (added, *args, **kwargs), not (" in line
    assert "so stock PySpark's worker runs instead" in line


@pytest.mark.skipif(MINOR < "4.2", reason="older workers have no object for this")
def test_a_plan_that_cannot_be_made_leaves_the_task_to_stock(
    recordings: list[Recording],
) -> None:
    # Plans ask a task's configuration for it.
    ((problem, *answered),) = replayed([Alteration("use_large_var_types", ATTRIBUTE)], recordings)
    assert problem is None, problem
    assert_same(recordings, *answered[:2])
    assert "no plan can be made of what PySpark's worker holds (AttributeError: " in answered[2]


@pytest.mark.parametrize("on_error_key", [(), (on_error.ON_ERROR_KEY,)])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_commands_with_more_parts_are_stocks_to_read(
    parts: int, on_error_key: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    version = installed_version()
    assert version is not None
    monkeypatch.setattr(on_error, "_setting", dict.fromkeys(on_error_key, "nobody=null").get)
    worker = planning_worker(version)
    command = (len, LongType(), "of a platform")[:parts]
    monkeypatch.setitem(worker.original, "read_command", lambda: command)
    worker.capture = Capture(EvalType.SQL_BATCHED_UDF)
    assert worker.read_command() == command
    assert worker.capture.functions == [len]
    assert (worker.capture.unknown is None) == (parts == 2)
