"""A monitor, a measurer and a debugger from the package index, on workers that take fast paths."""

import gzip
import http.server
import inspect
import json
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import coverage
import pytest
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

from hydrofoil.failures.notes import MARK
from hydrofoil.tools.parity.engines import HYDROFOIL, use_core_conf, use_engine, use_environment
from others import functions
from others.debugger import Debugger

TRACE = "HYDROFOIL_TRACE"


@contextmanager
def hydrofoil_with(spark: SparkSession, traces: Path, **environment: str) -> Iterator[None]:
    """Hydrofoil's daemon with these variables, and traces of its tasks."""
    with use_engine(spark, HYDROFOIL), use_environment(spark, {TRACE: str(traces), **environment}):
        yield


def paths(traces: Path) -> set[tuple[str, str]]:
    """Each function of the traced tasks, and the path that was planned for it."""
    lines = [line for file in traces.glob("*.jsonl") for line in file.read_text().splitlines()]
    udfs = [traced for line in lines for traced in json.loads(line)["udfs"]]
    return {(traced["name"], traced["path"]) for traced in udfs}


class Collector(http.server.ThreadingHTTPServer):
    """What a monitor sends its reports to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Report)
        self.items: list[dict[str, Any]] = []


class Report(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.items += [json.loads(line) for line in body.splitlines()]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: what arrived is looked at."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fail_at_two(x):
    if x == 2:
        raise ValueError("two is too many")
    return x


def test_sentry_hears_of_an_error(
    spark: SparkSession, tmp_path: Path, collector: Collector
) -> None:
    dsn = f"http://key@127.0.0.1:{collector.server_port}/1"
    with (
        hydrofoil_with(
            spark, tmp_path, HYDROFOIL_DAEMON_INNER="others.sentry_daemon", SENTRY_DSN=dsn
        ),
        pytest.raises(Exception, match="two is too many"),
    ):
        spark.range(0, 3, 1, 1).select(udf(fail_at_two, "long")("id")).collect()
    assert paths(tmp_path) == {("fail_at_two", "fast")}
    (event,) = [item for item in collector.items if "exception" in item]
    (error,) = [value for value in event["exception"]["values"] if value["type"] == "ValueError"]
    # Sentry's text of an error has its notes.
    text, note = error["value"].splitlines()
    assert text == "two is too many"
    assert note.startswith(f"{MARK}in fail_at_two (")
    assert error["mechanism"]["type"] == "spark"
    assert error["stacktrace"]["frames"][-1]["function"] == "fail_at_two"
    assert event["tags"]["partitionId"] == "0"


def test_coverage_sees_the_lines_that_workers_run(spark: SparkSession, tmp_path: Path) -> None:
    data, settings, traces = tmp_path / "data", tmp_path / "settings", tmp_path / "traces"
    settings.write_text(
        # Workers end by os._exit.
        f"[run]\nparallel = true\npatch = fork, _exit\ndata_file = {data}\n"
        f"include = {functions.__file__}\n"
    )
    with (
        hydrofoil_with(
            spark,
            traces,
            HYDROFOIL_AFTER_FORK="coverage:process_startup",
            COVERAGE_PROCESS_START=str(settings),
        ),
        # A worker that waits for another task is ended by a signal.
        use_core_conf(spark, {"spark.python.worker.reuse": "false"}),
    ):
        query = spark.range(0, 4, 1, 2).select(udf(functions.measured, "long")("id"))
        assert [row[0] for row in query.collect()] == [1, 2, 3, 4]
    assert paths(traces) == {("measured", "fast")}
    combined = _combined(data)
    (file,) = combined.measured_files()
    lines, first = inspect.getsourcelines(functions.measured)
    numbers = set(combined.lines(file) or ())
    ran = [line.strip() for number, line in enumerate(lines, first) if number in numbers]
    assert "return x + 1" in ran and "return -1" not in ran


def _combined(data: Path) -> coverage.CoverageData:
    """What both workers have left. They write it when they end, which is after the query's end."""
    give_up = time.monotonic() + 60
    while True:
        parts = [path for path in data.parent.glob(f"{data.name}.*") if path.stat().st_size]
        # While they are being written, they have no tables.
        with suppress(coverage.CoverageException, sqlite3.Error):
            if len(parts) >= 2:
                combined = coverage.CoverageData(no_disk=True)
                for path in parts:
                    part = coverage.CoverageData(str(path))
                    part.read()
                    combined.update(part)
                return combined
        assert time.monotonic() < give_up, "each of the two workers should have left its data"
        time.sleep(0.2)


def test_debugpy_stops_in_a_function(spark: SparkSession, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    results: list[Any] = []

    def collect() -> None:
        query = spark.range(20, 21, 1, 1).select(udf(functions.stopped_at, "long")("id"))
        results.extend(row[0] for row in query.collect())

    with hydrofoil_with(
        spark,
        tmp_path,
        HYDROFOIL_AFTER_FORK="others.functions:listen",
        **{functions.DEBUG_PORT: str(port)},
    ):
        query = threading.Thread(target=collect, daemon=True)
        query.start()
        debugger = Debugger(port)
        doubled = _value_where_it_stops(debugger)
        query.join()
    debugger.close()
    assert doubled == "40"
    assert results == [41]
    assert paths(tmp_path) == {("stopped_at", "fast")}


def _value_where_it_stops(debugger: Debugger) -> str:
    """Have the function stop before its last line, look at a variable there, and let it go on."""
    debugger.ask("initialize", adapterID="hydrofoil-tests")
    attach = debugger.send("attach", justMyCode=True)
    debugger.event("initialized")
    lines, first = inspect.getsourcelines(functions.stopped_at)
    (place,) = debugger.ask(
        "setBreakpoints",
        source={"path": os.path.abspath(functions.__file__)},
        breakpoints=[{"line": first + len(lines) - 1}],
    )["breakpoints"]
    assert place["verified"]
    debugger.ask("configurationDone")
    debugger.answer(attach)
    thread = debugger.event("stopped")["threadId"]
    frame = debugger.ask("stackTrace", threadId=thread)["stackFrames"][0]
    assert frame["name"].endswith("stopped_at")
    value: str = debugger.ask("evaluate", expression="doubled", frameId=frame["id"])["result"]
    debugger.ask("continue", threadId=thread)
    debugger.ask("disconnect", terminateDebuggee=False)
    return value
