"""``hydrofoil profile``: where the CPU time of Python workers goes, under stock and Hydrofoil."""

import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from hydrofoil.errors import HydrofoilError
from hydrofoil.tools.cli.spark_log import say_failed
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.console import output

if TYPE_CHECKING:
    from hydrofoil.tools.profiling.run import Sampling

_SAMPLERS = {"auto": "", "py-spy": "py-spy", "cprofile": "cprofile"}
_LOCAL = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}

# Runs once under an engine, profiled into a folder; returns an exit code.
Runner = Callable[[str, Path, "Sampling"], int]


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--workload", help="A workload of `hydrofoil bench`, such as long or applyInPandas.")
@click.option("--rows", type=click.IntRange(1), help="Rows of the workload.")
@click.option("--master", default="local[2]", show_default=True, help="Where the workload runs.")
@click.option(
    "--recording",
    "recordings",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A recorded task (see `hydrofoil record`); may be given several times.",
)
@click.option(
    "--tasks",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="How often a worker runs each recorded task.",
)
@click.option("--sampler", default="auto", show_default=True, type=click.Choice(list(_SAMPLERS)))
@click.option(
    "--rate", default=100, show_default=True, type=click.IntRange(1, 1000), help="Stacks a second."
)
@click.option(
    "--overhead",
    is_flag=True,
    help="Run once more under each engine without taking stacks, to see what that costs.",
)
@click.option(
    "--top",
    default=25,
    show_default=True,
    type=click.IntRange(0),
    help="Functions in the table.",
)
@click.option("--html", "html_file", type=Written())
@click.option("--json", "json_file", type=Written())
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="For the executors' figures, kept afterwards. On a cluster, one that all executors see.",
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[SPARK-SUBMIT OPTIONS] APP.PY")
def profile(
    workload: str | None,
    rows: int | None,
    master: str,
    recordings: tuple[Path, ...],
    tasks: int,
    sampler: str,
    rate: int,
    overhead: bool,
    top: int,
    html_file: Path | None,
    json_file: Path | None,
    folder: Path | None,
    args: tuple[str, ...],
) -> None:
    """Show where the CPU time of Python workers goes, under stock PySpark and under Hydrofoil.

    What is profiled is an application, with spark-submit's options before it and its own arguments
    behind; or a workload, or recorded tasks. An application RUNS TWICE, unchanged, once under each
    engine: what it writes, it writes twice. The exit code is that of the run that failed, if one
    did.
    """
    from hydrofoil.recordings.recording import RecordingError
    from hydrofoil.tools.profiling.attribution import attribute
    from hydrofoil.tools.profiling.report import Report, show
    from hydrofoil.tools.profiling.run import ENGINES, LOG, Sampling
    from hydrofoil.tools.profiling.sampler import CPROFILE, NONE

    if (workload is not None) + bool(recordings) + bool(args) != 1:
        raise click.UsageError("name one of: an application, --workload, --recording")
    if folder is not None:
        _make(folder)
    if html_file is not None:
        _need_charts()
    console = Console(stderr=True)
    if sampler != "cprofile" and shutil.which("py-spy", path=_programs()) is None:
        console.print(
            "py-spy is not installed here: where executors lack it, cProfile counts calls instead, "
            'which is rough and several times slower: pip install py-spy (the extra "profile")',
            markup=False,
            highlight=False,
        )
    profiles, unprofiled, code = [], {}, 0
    sampling = Sampling(_SAMPLERS[sampler], rate)

    def one_run(engine: str, place: Path, chosen: Sampling) -> Path:
        nonlocal code
        without = ", without stacks" if chosen.choice == NONE else ""
        console.print(f"{subject}: a run with {engine}'s workers{without}", markup=False)
        place.mkdir(0o700, parents=True)
        ended = run(engine, place, chosen)
        if ended:
            say_failed(ended, place / LOG, kept=folder is not None)
        code = ended or code
        return place

    try:
        subject, run = _subject(workload, rows, master, recordings, tasks, args)
        with tempfile.TemporaryDirectory(prefix="hydrofoil-profile-") as temporary:
            root = (folder or Path(temporary)).resolve()
            for engine in ENGINES:
                place = one_run(engine, root / engine, sampling)
                result = attribute(place, engine)
                counted = CPROFILE in result.samplers
                if overhead or counted:
                    bare = one_run(engine, root / f"{engine}-bare", Sampling(NONE))
                    unprofiled[engine] = attribute(bare, engine).total
                    if counted:
                        inside = result.total + result.profiler
                        result = attribute(bare, engine, counted=place)
                        result.profiler = inside - result.total
                profiles.append(result)
        report = Report(subject, profiles, unprofiled)
        show(report, output(160), top)
        if json_file is not None:
            json_file.write_text(json.dumps(report.as_json(), indent=1) + "\n", encoding="utf-8")
        if html_file is not None:
            from hydrofoil.tools.profiling import html_report

            html_report.write(report, _command(), top, html_file)
            console.print(f"The page is {html_file}", highlight=False, markup=False)
        if args:
            console.print(_NEXT, highlight=False, markup=False)
    except (HydrofoilError, RecordingError) as error:
        failed = f"the program failed (exit code {code}), and " if code else ""
        raise click.ClickException(f"{failed}{error}") from None
    sys.exit(code)


def _make(folder: Path) -> None:
    """Find out before the runs whether their figures can be kept there."""
    try:
        folder.mkdir(0o700, parents=True, exist_ok=True)
        full = any(folder.iterdir())
    except OSError as error:
        raise click.BadParameter(str(error), param_hint="--folder") from None
    if full:
        raise click.BadParameter(f"{folder} is not empty", param_hint="--folder")
    if not os.access(folder, os.W_OK):
        raise click.BadParameter(f"no file can be made in {folder}", param_hint="--folder")


def _subject(
    workload: str | None,
    rows: int | None,
    master: str,
    recordings: tuple[Path, ...],
    tasks: int,
    args: tuple[str, ...],
) -> tuple[str, Runner]:
    """What is profiled, in words, and what runs it once."""
    from hydrofoil.tools.profiling.run import run_program

    if recordings:
        from hydrofoil.tools.profiling import feed

        loaded = feed.load(recordings)

        def replay(engine: str, folder: Path, sampling: "Sampling") -> int:
            feed.feed(loaded, tasks, engine, folder, sampling)
            return 0

        return ", ".join(path.name for path in recordings), replay
    words = list(args)
    subject = next((Path(word).name for word in args if word.endswith(".py")), "the application")
    if workload is not None:
        from hydrofoil.tools.profiling import application, workloads

        if workload not in workloads.NAMES:
            raise click.BadParameter(
                f"{workload!r} is none of {', '.join(workloads.NAMES)}", param_hint="--workload"
            )
        count = rows or workloads.default_rows(workload)
        script = Path(str(application.__file__)).with_name("workload.py")
        options = [word for item in _LOCAL.items() for word in ("--conf", "=".join(item))]
        words = ["--master", master, *options, str(script), workload, str(count)]
        subject = f"workload {workload}, {count:,} rows"
    return subject, lambda engine, folder, sampling: run_program(words, engine, folder, sampling)


_NEXT = (
    "hydrofoil explain, with the same program, shows which of its functions are fast, and what to "
    "change in the others."
)


def _need_charts() -> None:
    """Find out before the runs, not after them."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise click.ClickException(
            '--html needs matplotlib: pip install matplotlib (the extra "charts")'
        )


def _programs() -> str:
    """Where workers look for py-spy: beside this Python, then on ``PATH``."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def _command() -> str:
    return shlex.join(["hydrofoil", *sys.argv[1:]])
