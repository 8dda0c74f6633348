"""Hydrofoil's daemon around those of others, and the user's functions before a worker's first task.

`inner_daemon` has the daemons.
"""

import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from hydrofoil.tools.parity.engines import HYDROFOIL, use_engine, use_environment
from matrix import inner_daemon

TESTS = str(Path(__file__).parents[1])
INNER = "matrix.inner_daemon"
# Two functions that can't be called stand before and between those that can.
HOOKS = "no_such_module:x,matrix.inner_daemon:hook,matrix.inner_daemon:failing_hook,bare,{0}:hook"


def seen(spark: SparkSession, traces: Path, **environment: str) -> tuple[dict[str, str], set[str]]:
    """What a UDF finds in its environment, and the paths that it took."""

    def look(_):
        import os

        return json.dumps({name: os.environ.get(name, "") for name in ("WRAPPED", "HOOKED")})

    with (
        use_engine(spark, HYDROFOIL),
        use_environment(spark, {"HYDROFOIL_TRACE": str(traces), **environment}),
    ):
        rows = spark.range(0, 1, 1, 1).select(udf(look, "string")("id")).collect()
    lines = [line for file in traces.glob("*.jsonl") for line in file.read_text().splitlines()]
    paths = {traced["path"] for line in lines for traced in json.loads(line)["udfs"]}
    return json.loads(rows[0][0]), paths


@pytest.mark.parametrize("how", ["late look", "early look", "the worker's", "the daemon's"])
def test_wraps_fast_workers(spark: SparkSession, tmp_path: Path, how: str) -> None:
    found, paths = seen(spark, tmp_path, HYDROFOIL_DAEMON_INNER=INNER, INNER=how)
    assert found["WRAPPED"] == f"{how} inner_daemon.py"
    assert paths == {"fast"}


@pytest.mark.parametrize("how", ["late look", "early look"])
def test_wraps_stock_workers_when_off(spark: SparkSession, tmp_path: Path, how: str) -> None:
    environment = {"HYDROFOIL_DAEMON_INNER": INNER, "INNER": how, "HYDROFOIL": "off"}
    found, paths = seen(
        spark, tmp_path, HYDROFOIL_AFTER_FORK="matrix.inner_daemon:hook", **environment
    )
    assert found == {"WRAPPED": f"{how} inner_daemon.py", "HOOKED": "hooked"}
    assert paths == set()


@pytest.mark.parametrize("how", ["an error", "no manager"])
def test_jobs_survive_an_inner_daemon_that_fails(
    spark: SparkSession, tmp_path: Path, how: str
) -> None:
    found, paths = seen(spark, tmp_path, HYDROFOIL_DAEMON_INNER=INNER, INNER=how)
    assert found["WRAPPED"] == ""
    assert paths == {"fast"}


def test_hooks_run_before_the_first_task(spark: SparkSession, tmp_path: Path) -> None:
    found, paths = seen(spark, tmp_path, HYDROFOIL_AFTER_FORK=HOOKS.format(INNER))
    assert found["HOOKED"] == "hookedhooked"
    assert paths == {"fast"}


@pytest.mark.skipif(pyspark.__version__.startswith("3."), reason="3.5 has no Python data sources")
def test_planner_runs_are_wrapped_too(spark: SparkSession) -> None:
    from pyspark.sql.datasource import DataSource, DataSourceReader

    class Reader(DataSourceReader):
        def read(self, partition):
            import os

            yield (os.environ.get("WRAPPED", ""),)

    class Source(DataSource):
        @classmethod
        def name(cls):
            import os

            return os.environ.get("WRAPPED", "wrapped source")

        def schema(self):
            return "found string"

        def reader(self, schema):
            return Reader()

    environment = {"HYDROFOIL_DAEMON_INNER": INNER, "INNER": "late look"}
    with use_engine(spark, HYDROFOIL), use_environment(spark, environment):
        spark.dataSource.register(Source)
        (row,) = spark.read.format("wrapped source").load().collect()
    assert row[0] == "late look inner_daemon.py"


def daemon_messages(how: str, inner: str = INNER) -> list[str]:
    """What a daemon writes to stderr by the time that it has forked a worker and ended."""
    daemon = subprocess.Popen(
        [sys.executable, "-m", "hydrofoil.daemon", "pyspark.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")]),
            "PYTHON_WORKER_FACTORY_SECRET": "secret",
            "HYDROFOIL_DAEMON_INNER": inner,
            "INNER": how,
        },
    )
    assert daemon.stdout is not None
    (port,) = struct.unpack("!i", daemon.stdout.read(4))
    with socket.create_connection(("127.0.0.1", port)) as worker:
        assert len(worker.recv(4)) == 4  # Its process.
    _, messages = daemon.communicate(timeout=60)
    return [line for line in messages.decode().splitlines() if line.startswith("hydrofoil on ")]


def test_says_nothing_when_all_is_well() -> None:
    # Before Spark 4.2 its worker imports NumPy, which must not start its threads there.
    assert daemon_messages("", "") == []


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("an error", "failed (OSError: no licence), so workers run without it"),
        ("no manager", "ended without a call of pyspark.daemon.manager(), so workers run"),
        ("a thread", "has started 1 thread(s): "),
    ],
)
def test_says_what_is_wrong_with_an_inner_daemon(how: str, message: str) -> None:
    (line,) = daemon_messages(how)
    assert f"the daemon {INNER}" in line and message in line


def test_says_that_an_inner_daemon_is_missing() -> None:
    (line,) = daemon_messages("", "no.such_daemon")
    assert "the daemon no.such_daemon, which HYDROFOIL_DAEMON_INNER names, failed" in line
    assert "No module named 'no'" in line and "unset HYDROFOIL_DAEMON_INNER" in line


def test_says_which_hook_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hydrofoil.process import hooks

    monkeypatch.setenv("HYDROFOIL_AFTER_FORK", HOOKS.format(INNER))
    monkeypatch.setenv(inner_daemon.HOOKED, "")
    ran: list[str] = []
    main = hooks.before_first_task(lambda *_: ran.append("task"))
    for _ in range(2):
        main(None, None)
    assert ran == ["task", "task"] and os.environ[inner_daemon.HOOKED] == "hookedhooked"
    missing, failing, bare = capsys.readouterr().err.splitlines()
    assert "HYDROFOIL_AFTER_FORK=no_such_module:x failed in worker" in missing
    assert "matrix.inner_daemon:failing_hook failed" in failing and "OSError: no disk" in failing
    assert "'bare' is not of the form module:function" in bare
