"""``hydrofoil bench``: end to end on a local Spark, engines alternating within one session."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hydrofoil.errors import UsageError
from hydrofoil.tools.bench.suites import SUITES
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.console import above, output, progress_bar

_FILE = Written()
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
# As shells have it for a command that a signal of the keyboard's has ended.
_INTERRUPTED = 130
_SUITE_LINES = "\n".join(f"  {name:9}{line}" for name, (_, line) in SUITES.items())


@click.command(epilog="\b\nSuites:\n" + _SUITE_LINES)
@click.option(
    "--suite",
    "suites",
    multiple=True,
    type=click.Choice(list(SUITES)),
    metavar="NAME",
    help="What to measure, by default 'first'; may be given several times.",
)
@click.option(
    "--mine", "module", type=_EXISTING, help="A module with functions of yours: suite mine."
)
@click.option("--data", type=_EXISTING, help="Data for --mine: a file of Parquet, CSV or JSON.")
@click.option(
    "--bind",
    "binds",
    multiple=True,
    metavar="FUNCTION=COLUMN,...",
    help="Columns for a function of --mine whose parameters are not called as columns are.",
)
@click.option("--peers", is_flag=True, help="The same as --suite peers.")
@click.option("--rows", type=click.IntRange(1), help="Instead of each workload's own number.")
@click.option("--repeat", default=3, show_default=True, type=click.IntRange(1), help="Timed runs.")
@click.option(
    "--workload", "workloads", multiple=True, metavar="NAME", help="Only these of a suite."
)
@click.option("--master", default="local[2]", show_default=True, help="A local master.")
@click.option("--json", "json_file", type=_FILE, help="Everything that was measured, all runs.")
@click.option("--csv", "csv_file", type=_FILE, help="A line for each thing measured.")
@click.option("--chart", "chart_file", type=_FILE, help="The charts, as .svg or .png.")
@click.option("--html", "html_file", type=_FILE, help="One page with the tables and charts.")
@click.option(
    "--from",
    "made_file",
    type=_EXISTING,
    help="Measure nothing: write --html, --chart and --csv from a report of --json.",
)
def bench(
    suites: tuple[str, ...],
    module: Path | None,
    data: Path | None,
    binds: tuple[str, ...],
    peers: bool,
    rows: int | None,
    repeat: int,
    workloads: tuple[str, ...],
    master: str,
    json_file: Path | None,
    csv_file: Path | None,
    chart_file: Path | None,
    html_file: Path | None,
    made_file: Path | None,
) -> None:
    """Compare Hydrofoil with stock PySpark, end to end.

    The same functions run on stock's workers and on what hydrofoil.session gives, in turn and in
    one session. Answers are compared before times count.
    """
    if chart_file is not None and chart_file.suffix not in (".svg", ".png"):
        raise click.BadParameter(f"{chart_file} is no .svg and no .png", param_hint="--chart")
    if chart_file is not None or html_file is not None:
        _need_charts()
    if made_file is not None:
        _again(made_file, csv_file, chart_file, html_file)
        return
    if (module is None) != (data is None):
        raise click.UsageError("--mine and --data go together")
    if not _has_java():
        raise click.ClickException(
            "Java is missing: install a Java runtime, version 17 or newer (such as the package "
            "openjdk-17-jre-headless), or set JAVA_HOME"
        )
    # local-cluster has executors of its own, which no setting of a running driver reaches.
    if master.partition("[")[0] != "local":
        raise click.ClickException(f"--master {master}: only local masters can be measured here")
    chosen = [*suites, *["mine"] * (module is not None), *["peers"] * peers]
    names = list(dict.fromkeys(chosen)) or ["first"]
    if "mine" in names and module is None:
        raise click.UsageError("suite mine needs your functions: give --mine MODULE.py --data FILE")

    from hydrofoil.tools.bench import report
    from hydrofoil.tools.bench.bench import Options, check_workloads
    from hydrofoil.tools.machine import describe_machine

    options = Options(rows, repeat, workloads, master, module, data, _columns(binds))
    # The executors' Python must be this one, or it would not find Hydrofoil.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        for name in names:
            there = _suite(name).workloads()
            if there is not None:
                check_workloads(workloads, name, there)
        Console(stderr=True).print("Starting Spark ...")
        results = _run(names, options)
        machine = describe_machine()
        command = shlex.join(["hydrofoil", *sys.argv[1:]])
        if json_file is not None:
            settings = {"suites": names, "rows": rows, "master": master, "repeat": repeat}
            report.write_json(json_file, results, machine, settings, command)
        _write(results, machine, command, csv_file, chart_file, html_file)
    except UsageError as error:
        raise click.ClickException(str(error)) from None
    if not all(result.is_whole for result in results):
        raise click.exceptions.Exit(_INTERRUPTED)


def _need_charts() -> None:
    """Find out before anything is measured, not after it."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise click.ClickException(
            'charts and pages need matplotlib: pip install matplotlib (the extra "charts")'
        )


def _again(
    made_file: Path, csv_file: Path | None, chart_file: Path | None, html_file: Path | None
) -> None:
    """Write a report's page and charts again, as this version makes them."""
    from hydrofoil.tools.bench import report

    try:
        results, machine, command = report.read_json(made_file)
        _write(results, machine, command, csv_file, chart_file, html_file)
    except UsageError as error:
        raise click.ClickException(str(error)) from None
    for result in results:
        report.show(result, output())


def _write(
    results: list[Any],
    machine: dict[str, object],
    command: str,
    csv_file: Path | None,
    chart_file: Path | None,
    html_file: Path | None,
) -> None:
    from hydrofoil.tools.bench import report
    from hydrofoil.tools.page import save

    if csv_file is not None:
        report.write_csv(csv_file, results)
    if chart_file is not None:
        save([chart for result in results for chart in result.charts], chart_file)
    if html_file is not None:
        report.as_page(results, machine, command).write(html_file)


def _run(names: list[str], options: Any) -> list[Any]:
    """Run the suites, and show each as soon as it is there."""
    from hydrofoil.tools.bench.bench import Bench, UnequalResultsError
    from hydrofoil.tools.bench.report import show
    from hydrofoil.tools.bench.spark_log import SparkLog

    results = []
    log = SparkLog()
    with progress_bar() as progress:
        task = progress.add_task("", total=0)
        expected = 0

        def expect(steps: int) -> None:
            nonlocal expected
            expected += steps
            progress.update(task, total=expected)

        def tell(line: str) -> None:
            with above(progress):
                output().print(line, markup=False, highlight=False)

        measuring = Bench(
            options,
            lambda line: progress.update(task, description=line, advance=1),
            expect,
            tell=tell,
            log=log,
        )
        is_needed = False
        try:
            for name in names:
                results.append(_suite(name).run(measuring))
                with above(progress):
                    show(results[-1], output())
                if not results[-1].is_whole:
                    break
        except UnequalResultsError as error:
            raise click.ClickException(str(error)) from error
        except UsageError:
            raise
        except Exception:
            is_needed = True
            with above(progress):
                click.echo(f"hydrofoil: Spark's log is {log.path}", err=True)
            raise
        finally:
            try:
                measuring.stop()
            finally:
                if not is_needed:
                    log.remove()
    return results


def _suite(name: str) -> Any:
    from importlib import import_module

    return import_module(f"hydrofoil.tools.bench.suites.{SUITES[name][0]}")


def _columns(binds: tuple[str, ...]) -> dict[str, list[str]]:
    made = {}
    for bind in binds:
        name, equals, columns = bind.partition("=")
        if not equals or not name:
            raise click.BadParameter(f"{bind!r} has no =", param_hint="--bind")
        made[name] = columns.split(",")
    return made


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=f"{home}/bin" if home else None) is not None
