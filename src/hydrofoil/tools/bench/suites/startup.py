"""What starting Python on Spark costs: the first query, a further worker, and eight in memory."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from hydrofoil.tools.bench.bench import Bench, in_order
from hydrofoil.tools.bench.figures import NOISE_NOTE, Factor, Spread, number
from hydrofoil.tools.bench.one_session import DAEMONS, WORKERS
from hydrofoil.tools.bench.result import Result
from hydrofoil.tools.page.charts import Bars
from hydrofoil.tools.sheet import Sheet


@dataclass(frozen=True)
class Figure:
    """One line of the report, and what the project asks for, given the medians of both engines."""

    name: str
    unit: str
    target: str = ""
    met: Callable[[float, float], bool] = lambda stock, ours: True


FIGURES = {
    "first_query_s": Figure(
        "first UDF query of a session", "s", "0.4 s less", lambda s, h: s - h >= 0.4
    ),
    "worker_ready_ms": Figure(
        "a further worker, asked for to its first answer", "ms", "under 50 ms", lambda s, h: h < 50
    ),
    "workers_pss_mb": Figure(
        f"memory (PSS) of {WORKERS} workers", "MB", "60 % at most", lambda s, h: h <= 0.6 * s
    ),
    "all_pss_mb": Figure("the same and their daemon", "MB"),
}


def workloads() -> list[str]:
    """What --workload can choose: nothing."""
    return []


def run(bench: Bench) -> Result:
    bench.chosen("startup", workloads())
    repeat = bench.options.repeat
    bench.expect(repeat * len(DAEMONS))
    runs: dict[str, list[dict[str, float]]] = {engine: [] for engine in DAEMONS}
    for turn in range(repeat):
        for engine in in_order(DAEMONS, turn):
            bench.step(f"startup: session {turn + 1} of {repeat}, {engine}")
            runs[engine].append(_in_fresh_process(engine))
    result = Result("startup", "")
    lines = []
    for key, figure in FIGURES.items():
        stock, ours = (Spread.of([run[key] for run in runs[engine]]) for engine in DAEMONS)
        met = "yes" if figure.met(stock.median, ours.median) else "no"
        lines.append(
            [
                figure.name,
                f"{number(stock.median)} {figure.unit}",
                stock.percent(),
                f"{number(ours.median)} {figure.unit}",
                ours.percent(),
                str(Factor.of(ours, stock)),
                figure.target,
                met if figure.target else "",
            ]
        )
        for engine, spread in zip(DAEMONS, (stock, ours), strict=True):
            result.records.append(
                {
                    "suite": "startup",
                    "workload": key,
                    "engine": engine,
                    "value": spread.median,
                    "unit": figure.unit,
                    "runs": [run[key] for run in runs[engine]],
                }
            )
    columns = ["", "stock", "spread", "Hydrofoil", "spread", "times less", "asked", "met"]
    note = "Medians of alternating sessions, each with a driver and a JVM of its own. "
    result.sheets.append(Sheet("Starting Python on Spark", columns, lines, note + NOISE_NOTE))
    result.charts.append(
        Bars(
            "Starting Python: Hydrofoil's share of what stock takes",
            [figure.name for figure in FIGURES.values()],
            {
                "percent": [
                    100
                    * Spread.of([run[key] for run in runs["Hydrofoil"]]).median
                    / Spread.of([run[key] for run in runs["stock"]]).median
                    for key in FIGURES
                ]
            },
            unit="% of stock's",
            strong=[figure.name for figure in FIGURES.values()],
            style="{:,.0f} %",
            mark=(100.0, "stock"),
        )
    )
    result.headline = f"A session's first UDF query takes {lines[0][3]} in place of {lines[0][1]}."
    return result


def _in_fresh_process(engine: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "hydrofoil.tools.bench.one_session", engine],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures
