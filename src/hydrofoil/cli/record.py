"""``hydrofoil record``: spark-submit, with every Python task recorded by the executors."""

import os
import subprocess
import sys
from pathlib import Path

import click

from hydrofoil.replay.recorder import DAEMON, FOLDER_VARIABLE


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the recordings, one file a task. On a cluster, one that all executors see.",
)
@click.argument("arguments", nargs=-1, required=True, type=click.UNPROCESSED)
def record(out: Path, arguments: tuple[str, ...]) -> None:
    """Keep what the JVM sends the Python workers of an application.

    ARGUMENTS are those of spark-submit: its options, the application, the application's arguments.
    The application runs on stock PySpark workers. A recording holds the data and the functions of
    its task: handle it like the data.
    """
    from pyspark.find_spark_home import _find_spark_home

    folder = out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    known = set(folder.iterdir())
    environment = {**os.environ}
    environment.setdefault("PYSPARK_PYTHON", sys.executable)
    submit = Path(_find_spark_home()) / "bin" / "spark-submit"
    settings = {
        "spark.python.daemon.module": DAEMON,
        "spark.python.use.daemon": "true",
        f"spark.executorEnv.{FOLDER_VARIABLE}": str(folder),
    }
    options = [part for item in settings.items() for part in ("--conf", "=".join(item))]
    code = subprocess.call([str(submit), *options, *arguments], env=environment)
    made = len(set(folder.iterdir()) - known)
    click.echo(f"{made} recordings in {out}; replay them with: hydrofoil replay {out}/*", err=True)
    sys.exit(code)
