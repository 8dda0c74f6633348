"""Peak memory of a worker on one huge group and on very many tiny ones.

Each run is a fresh process that imports what Spark's daemon does and then works on a socket, so
that neither the recording nor the answer is in its memory. The figure is the kernel's peak of the
resident set while the worker ran, and how far that is above where it started.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydrofoil.tools.bench.bench import Bench, by_value, in_order
from hydrofoil.tools.bench.figures import Factor, Spread, number
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.replay.player import ENGINES
from hydrofoil.tools.replay.stream import group_section
from hydrofoil.tools.sheet import Sheet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from hydrofoil.recordings.recording import Recording

_SCHEMA = "id long, v double"
_KINDS = ("applyInPandas", "applyInArrow")
# Of the one huge group, and as many tiny ones as a fifth of it.
_ROWS = 5_000_000
_TINY = 5
# Groups that are really recorded; the rest are the same bytes again.
_RECORDED = 10_000


@dataclass(frozen=True)
class Task:
    """What one worker is sent, ``rows`` in all: a recording with its groups ``repeat`` times."""

    name: str
    recording: "Recording"
    rows: int
    repeat: int

    def chunks(self) -> Iterator[bytes]:
        """The bytes of the task, piece by piece."""
        start, end = group_section(self.recording)
        data = memoryview(self.recording.data)
        yield bytes(data[:start])
        for _ in range(self.repeat):
            yield bytes(data[start:end])
        yield bytes(data[end:])


@dataclass(frozen=True)
class Peak:
    """MB, and CPU seconds, of one run."""

    peak_mb: float
    above_start_mb: float
    cpu_s: float


def _same(group: Any) -> Any:
    return group


def _tasks(bench: Bench, kind: str) -> list[Task]:
    """One group of many rows, and many groups of one row."""
    rows = bench.rows(_ROWS)
    spark = bench.session()
    recorded = max(1, min(rows // _TINY, _RECORDED))
    repeat = max(1, rows // _TINY // recorded)
    one = _record(kind, spark.range(rows).selectExpr("0L as id", "id * 0.5D as v"))
    tiny = _record(kind, spark.range(recorded).selectExpr("id", "id * 0.5D as v"))
    total = recorded * repeat
    return [
        Task(f"{kind}, 1 group of {rows:,} rows", one, rows, 1),
        Task(f"{kind}, {total:,} groups of 1 row", tiny, total, repeat),
    ]


def _record(kind: str, data: "DataFrame") -> "Recording":
    from hydrofoil.tools.bench.stopwatch import drain
    from hydrofoil.tools.parity.engines import use_conf
    from hydrofoil.tools.replay.recorder import record

    spark = data.sparkSession
    with use_conf(spark, {"spark.sql.shuffle.partitions": "1"}):
        groups: Any = data.repartition(1).groupBy("id")
        (made,) = record(spark, lambda: drain(getattr(groups, kind)(_same, _SCHEMA)))
    return made


def measure(task: Task, engine: str) -> Peak:
    """Run the task in a fresh process and check how many rows it answered.

    Raises
    ------
    RuntimeError
        The worker failed, or answered a different number of rows.
    """
    import pyarrow as pa

    ours, theirs = socket.socketpair()
    worker = [sys.executable, "-m", "hydrofoil.tools.bench.memory_worker"]
    with theirs:
        child = subprocess.Popen(
            [*worker, str(theirs.fileno()), ENGINES[engine]],
            pass_fds=[theirs.fileno()],
            stdout=subprocess.PIPE,
            env=os.environ | task.recording.environment,
        )
    assert child.stdout is not None
    with ours, child.stdout, tempfile.TemporaryFile() as answer:
        feeder = threading.Thread(target=_feed, args=(ours, task), daemon=True)
        feeder.start()
        while chunk := ours.recv(1 << 20):
            answer.write(chunk)
        feeder.join()
        figures = child.stdout.read()
        if child.wait():
            raise RuntimeError(f"{engine} failed on {task.name!r}; its error is on stderr")
        answer.seek(4)  # The marker before the Arrow stream.
        rows = sum(batch.num_rows for batch in pa.ipc.open_stream(answer))
    if rows != task.rows:
        raise RuntimeError(f"{engine} answered {rows} rows to {task.name!r}")
    return Peak(**json.loads(figures))


def _feed(sock: socket.socket, task: Task) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for chunk in task.chunks():
            sock.sendall(chunk)
        sock.shutdown(socket.SHUT_WR)


def workloads() -> list[str]:
    """What --workload can choose."""
    return list(_KINDS)


def run(bench: Bench) -> Result:
    by_value(__name__)
    kinds = bench.chosen("memory", workloads())
    repeat = bench.options.repeat
    bench.expect(len(kinds) * (1 + 2 * len(ENGINES) * repeat))
    found: dict[str, dict[str, list[Peak]]] = {}
    for kind in kinds:
        bench.step(f"memory: recording {kind}")
        for task in _tasks(bench, kind):
            peaks = found[task.name] = {engine: [] for engine in ENGINES}
            for turn in range(repeat):
                for engine in in_order(ENGINES, turn):
                    bench.step(f"{task.name}: run {turn + 1} of {repeat}, {engine}")
                    peaks[engine].append(measure(task, engine))
    result = Result("memory", "")
    lines: list[list[str]] = []
    strong: list[int] = []
    shown: dict[str, dict[str, Spread]] = {}
    for name, peaks in found.items():
        above = {e: Spread.of([peak.above_start_mb for peak in peaks[e]]) for e in ENGINES}
        shown[name] = above
        for engine in ENGINES:
            if engine != "stock":
                strong.append(len(lines))
            top = Spread.of([peak.peak_mb for peak in peaks[engine]])
            cpu = Spread.of([peak.cpu_s for peak in peaks[engine]])
            less = str(Factor.of(above[engine], above["stock"])) if engine != "stock" else ""
            lines.append(
                [
                    name,
                    engine,
                    number(top.median),
                    number(above[engine].median),
                    above[engine].percent(),
                    number(cpu.median),
                    less,
                ]
            )
            result.records.append(
                {
                    "suite": "memory",
                    "workload": name,
                    "engine": engine,
                    "peak_mb": top.median,
                    "above_start_mb": above[engine].median,
                    "worker_cpu_s": cpu.median,
                    "runs": [vars(peak) for peak in peaks[engine]],
                }
            )
    columns = ["task", "engine", "peak, MB", "above start, MB", "spread", "CPU s", "times less"]
    result.sheets.append(
        Sheet("Peak resident memory of a worker", columns, lines, "", ("engine",), tuple(strong))
    )
    result.charts.append(
        Bars(
            "Peak memory of a worker above where it started",
            list(shown),
            {engine: [shown[name][engine].median for name in shown] for engine in ENGINES},
            unit="MB",
            strong=("hydrofoil",),
            style="{:,.0f} MB",
        )
    )
    first = next(iter(shown))
    stock, ours = (shown[first][engine].median for engine in ENGINES)
    result.headline = (
        f"{first}: Hydrofoil's worker takes {number(ours)} MB more than at its start, stock's "
        f"{number(stock)} MB."
    )
    return result
