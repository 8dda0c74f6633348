"""``hydrofoil bench``: end to end on a local Spark, engines alternating within one session."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hydrofoil.bench.workloads import ENGINES, WORKLOADS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@click.command()
@click.option("--rows", default=8_000_000, show_default=True, type=click.IntRange(1))
@click.option("--master", default="local[2]", show_default=True, help="A local master.")
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1))
@click.option(
    "--workload",
    "names",
    multiple=True,
    type=click.Choice(list(WORKLOADS)),
    help="Only this one; may be given several times.",
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path))
def bench(
    rows: int, master: str, repeat: int, names: tuple[str, ...], json_file: Path | None
) -> None:
    """Compare Hydrofoil with stock PySpark, end to end.

    The same function runs as a pickled, an Arrow, a pandas and a pyarrow UDF on stock workers, and
    as a plain UDF on Hydrofoil's. Results are compared before times count.
    """
    if not _has_java():
        raise click.ClickException(
            "Java is missing: install a Java runtime, version 17 or newer (such as the package "
            "openjdk-17-jre-headless), or set JAVA_HOME"
        )
    if not master.startswith("local"):
        raise click.ClickException(f"--master {master}: only local masters can be measured here")

    from hydrofoil.bench.console import output
    from hydrofoil.bench.machine import describe_machine
    from hydrofoil.bench.report import as_table
    from hydrofoil.bench.runner import Runner, UnequalResultsError

    chosen = [WORKLOADS[name] for name in names or WORKLOADS]
    console = Console(stderr=True)
    console.print("Starting Spark ...")
    spark = _session(master)
    results = []
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=len(chosen) * Runner.steps(ENGINES, repeat))
        runner = Runner(spark, lambda line: progress.update(task, description=line, advance=1))
        for workload in chosen:
            try:
                result = runner.run(workload, ENGINES, rows, repeat)
            except UnequalResultsError as error:
                raise click.ClickException(str(error)) from error
            results.append(result)
            output().print(as_table(result))
    spark.stop()
    if json_file is not None:
        report = {
            "machine": describe_machine(),
            "settings": {"rows": rows, "master": master, "repeat": repeat},
            "workloads": [result.as_json() for result in results],
        }
        json_file.write_text(json.dumps(report, indent=2) + "\n")


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
