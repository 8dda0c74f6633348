"""``hydrofoil record``: spark-submit, with every Python task recorded by the executors."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from hydrofoil import private
from hydrofoil.daemon import IN_PLACE
from hydrofoil.errors import UsageError
from hydrofoil.recordings.recording import SUFFIX
from hydrofoil.settings.jvm_operators import ENABLED_KEY
from hydrofoil.settings.launch import DAEMON_KEY, SETTINGS, STOCK
from hydrofoil.settings.spark_command import on_this_python
from hydrofoil.settings.turned_on import USE_DAEMON_KEY
from hydrofoil.settings.user_conf import given_conf, spark_home, with_conf
from hydrofoil.tools.programs import exit_code
from hydrofoil.tools.replay.recorder import DAEMON, FOLDER_VARIABLE


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
    The application runs on stock PySpark workers, also where it turns Hydrofoil on itself. A
    recording holds the data and the functions of its task: handle it like the data.
    """
    problem = cannot(arguments)
    if problem:
        raise click.ClickException(problem)

    folder = out.resolve()
    try:
        private.make_folder(folder)
    except OSError as error:
        raise click.ClickException(f"--out {out}: {error}") from None
    if not os.access(folder, os.W_OK):
        raise click.ClickException(f"--out {out}: no file can be made there")
    known = set(folder.glob(f"*{SUFFIX}"))
    try:
        submit = spark_home() / "bin" / "spark-submit"
    except UsageError as error:
        raise click.ClickException(str(error)) from None
    settings = {
        DAEMON_KEY: DAEMON,
        USE_DAEMON_KEY: "true",
        # Stock's operators send what stock's workers read.
        ENABLED_KEY: "false",
        f"spark.executorEnv.{FOLDER_VARIABLE}": str(folder),
        # For programs that name Hydrofoil's daemon themselves.
        f"spark.executorEnv.{IN_PLACE}": DAEMON,
    }
    options = [part for item in settings.items() for part in ("--conf", "=".join(item))]
    # An option of the user's that names stock's or Hydrofoil's daemon would win.
    words = with_conf(arguments, {DAEMON_KEY: DAEMON})
    code = exit_code([str(submit), *options, *words], on_this_python())
    # A task that was ended before its worker had answered has left a piece of one.
    made = len(set(folder.glob(f"*{SUFFIX}")) - known)
    if made:
        files = f"{shlex.quote(str(out))}/*{SUFFIX}"
        click.echo(
            f"{made} recordings in {out}; replay them with: hydrofoil replay {files}", err=True
        )
    else:
        click.echo(f"Nothing was recorded in {out}: {nothing(code)}.", err=True)
    sys.exit(code or (0 if made else 1))


def cannot(arguments: Sequence[str]) -> str:
    """Why nothing could be recorded, if the options tell."""
    conf = given_conf(arguments)
    if conf.get(USE_DAEMON_KEY, "true").strip().lower() == "false":
        return f"--conf {USE_DAEMON_KEY}=false, but the recorder is a daemon: leave it out"
    daemon = conf.get(DAEMON_KEY, DAEMON)
    if daemon not in (DAEMON, SETTINGS[DAEMON_KEY], STOCK[DAEMON_KEY]):
        return f"--conf {DAEMON_KEY}={daemon}, but the recorder is a daemon itself: leave it out"
    return ""


def nothing(code: int) -> str:
    """Why an application was not recorded, as far as that is known."""
    if code:
        return f"the application failed first (exit code {code})"
    return (
        "either no task ran Python, or the application itself sets a different "
        f"{DAEMON_KEY} or {USE_DAEMON_KEY}=false, or the executors don't see that folder"
    )
