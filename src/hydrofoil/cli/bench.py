"""``hydrofoil bench``: end to end on a local Spark, engines alternating within one session."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress

from hydrofoil.bench.console import output, progress_bar
from hydrofoil.bench.groups import GROUP_WORKLOADS
from hydrofoil.bench.workloads import ENGINES, WORKLOADS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


_DEFAULT_ROWS = {"rows": 8_000_000, "groups": 200_000}
_NAMES = {"rows": tuple(WORKLOADS), "groups": tuple(GROUP_WORKLOADS)}


@click.command()
@click.option(
    "--suite",
    default="rows",
    show_default=True,
    type=click.Choice(list(_NAMES)),
    help="UDFs on every row, or on many groups of ten rows.",
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    help="; ".join(f"{rows:,} for {suite}" for suite, rows in _DEFAULT_ROWS.items())
    + " unless given.",
)
@click.option("--master", default="local[2]", show_default=True, help="A local master.")
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1))
@click.option(
    "--workload",
    "names",
    multiple=True,
    type=click.Choice([name for suite in _NAMES.values() for name in suite]),
    help="Only this one of the suite; may be given several times.",
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path))
def bench(
    suite: str,
    rows: int | None,
    master: str,
    repeat: int,
    names: tuple[str, ...],
    json_file: Path | None,
) -> None:
    """Compare Hydrofoil with stock PySpark, end to end.

    Suite rows: the same function runs as a pickled, an Arrow, a pandas and a pyarrow UDF on stock
    workers, and as a plain UDF on Hydrofoil's. Suite groups: the same query runs on stock workers
    and on Hydrofoil's. Results are compared before times count.
    """
    wrong = [name for name in names if name not in _NAMES[suite]]
    if wrong:
        raise click.BadParameter(
            f"{wrong[0]!r} is not in suite {suite!r}, which has {', '.join(_NAMES[suite])}",
            param_hint="--workload",
        )
    if not _has_java():
        raise click.ClickException(
            "Java is missing: install a Java runtime, version 17 or newer (such as the package "
            "openjdk-17-jre-headless), or set JAVA_HOME"
        )
    if not master.startswith("local"):
        raise click.ClickException(f"--master {master}: only local masters can be measured here")

    from hydrofoil.bench.machine import describe_machine
    from hydrofoil.bench.runner import UnequalResultsError

    chosen = names or _NAMES[suite]
    count = rows or _DEFAULT_ROWS[suite]
    Console(stderr=True).print("Starting Spark ...")
    spark = _session(master)
    run = _run_groups if suite == "groups" else _run_rows
    with progress_bar() as progress:
        try:
            results = run(spark, chosen, count, repeat, progress)
        except UnequalResultsError as error:
            raise click.ClickException(str(error)) from error
    spark.stop()
    if json_file is not None:
        report = {
            "machine": describe_machine(),
            "settings": {"suite": suite, "rows": count, "master": master, "repeat": repeat},
            "workloads": results,
        }
        json_file.write_text(json.dumps(report, indent=2) + "\n")


def _run_rows(
    spark: "SparkSession", names: tuple[str, ...], rows: int, repeat: int, progress: Progress
) -> list[dict[str, Any]]:
    from hydrofoil.bench.report import as_table
    from hydrofoil.bench.runner import Runner

    task = progress.add_task("", total=len(names) * Runner.steps(ENGINES, repeat))
    runner = Runner(spark, lambda line: progress.update(task, description=line, advance=1))
    entries = []
    for name in names:
        result = runner.run(WORKLOADS[name], ENGINES, rows, repeat)
        output().print(as_table(result))
        entries.append(result.as_json())
    return entries


def _run_groups(
    spark: "SparkSession", names: tuple[str, ...], rows: int, repeat: int, progress: Progress
) -> list[dict[str, Any]]:
    from hydrofoil.bench.group_runner import GroupRunner
    from hydrofoil.bench.report import groups_as_table

    task = progress.add_task("", total=len(names) * GroupRunner.steps(repeat))
    runner = GroupRunner(spark, lambda line: progress.update(task, description=line, advance=1))
    results = [runner.run(GROUP_WORKLOADS[name], rows, repeat) for name in names]
    output().print(groups_as_table(results))
    return [result.as_json() for result in results]


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None) is not None


def _session(master: str) -> "SparkSession":
    from pyspark.sql import SparkSession

    # The executors' Python must be this one, or it would not find Hydrofoil.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = (
        SparkSession.builder.master(master)
        .appName("hydrofoil bench")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark
