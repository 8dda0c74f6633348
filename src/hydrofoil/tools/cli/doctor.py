"""``hydrofoil doctor``: what keeps Hydrofoil from running, or from being fast, and what to do."""

import json
import shlex
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console

from hydrofoil.errors import UsageError
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.console import output


@click.command()
@click.option("--master", default="local[2]", show_default=True, help="Where the small job runs.")
@click.option(
    "--conf",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A Spark setting of the program, as for spark-submit; may be given several times.",
)
@click.option(
    "--configured",
    is_flag=True,
    help="The program turns Hydrofoil on itself: hydrofoil.session, configure or submit.",
)
@click.option(
    "--app",
    "logs",
    type=click.Path(exists=True, path_type=Path),
    metavar="LOG",
    help="Examine no installation, but what an application's workers died of: an executor's or the "
    "driver's log, an event log, or a folder of them.",
)
@click.option("--no-job", is_flag=True, help="Don't start Spark; the executors are not looked at.")
@click.option(
    "--timeout",
    default=180.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds for the small job.",
)
@click.option(
    "--json",
    "json_file",
    type=Written(str, allow_dash=True),
    help="File for the same as JSON; - prints nothing else.",
)
@click.option(
    "--html",
    "html_file",
    type=Written(),
    help="One page with the same.",
)
def doctor(
    master: str,
    settings: tuple[str, ...],
    configured: bool,
    logs: Path | None,
    no_job: bool,
    timeout: float,
    json_file: str | None,
    html_file: Path | None,
) -> None:
    """Check this installation and the executors, and say what to change.

    Exit codes: 0 all is well; 1 it works, but something costs speed or is a risk; 2 something is
    broken (or the command line is wrong).
    """
    if logs is not None:
        sys.exit(_application(logs, json_file))
    conf = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{setting!r} is not KEY=VALUE", param_hint="--conf")
        conf[key] = value

    from hydrofoil.tools.checkup.examine import examine
    from hydrofoil.tools.checkup.report import as_json, as_page, show

    with Console(stderr=True).status("Examining ..."):
        examination = examine(master, conf, configured, not no_job, timeout)
    text = json.dumps(as_json(examination), indent=2)
    if json_file == "-":
        click.echo(text)
    else:
        show(examination, output())
    if json_file not in (None, "-"):
        Path(str(json_file)).write_text(text + "\n", encoding="utf-8")
    if html_file is not None:
        as_page(examination, shlex.join(["hydrofoil", *sys.argv[1:]])).write(html_file)
    sys.exit(examination.exit_code)


def _application(logs: Path, json_file: str | None) -> int:
    """Show what is known of an application's workers that died; return the exit code."""
    from hydrofoil.tools.checkup.deaths import told_in

    try:
        told = told_in(logs)
    except UsageError as error:
        raise click.ClickException(str(error)) from None
    text = json.dumps([asdict(each) for each in told], indent=2)
    if json_file == "-":
        click.echo(text)
        return int(bool(told))
    if json_file is not None:
        Path(json_file).write_text(text + "\n", encoding="utf-8")
    for each in told:
        click.echo(f"worker {each.process} {each.what}: {each.why}\n    {each.file}")
    died = sum(each.what == "died" for each in told)
    slow = len(told) - died
    click.echo(f"{died} workers died, {slow} were slow" if told else "No worker died.")
    return int(bool(told))
