"""``hydrofoil parity``: does Hydrofoil answer as stock PySpark does, for your functions too?"""

import fnmatch
import json
import shlex
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console

from hydrofoil.errors import UsageError
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.console import output, progress_bar

if TYPE_CHECKING:
    from hydrofoil.tools.parity.case import Case
    from hydrofoil.tools.parity.engines import Engine

_FILE = Written()
_DAEMON = "hydrofoil.daemon"
T = TypeVar("T")


@click.command()
@click.argument("args", nargs=-1, metavar="[CASE_GLOB... | MODULE.py]")
@click.option("--family", help="Only cases of this family; --list shows them.")
@click.option(
    "--thorough", is_flag=True, help="The whole catalogue, not the usual selection of it."
)
@click.option("--list", "only_list", is_flag=True, help="Print the cases' ids and run nothing.")
@click.option(
    "--generate",
    "count",
    type=click.IntRange(1),
    help="Generate this many comparisons instead; needs the package hypothesis.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="For --generate.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A sample for MODULE.py: a file of Parquet, CSV or JSON.",
)
@click.option(
    "--bind",
    "binds",
    multiple=True,
    metavar="FUNCTION=COLUMN,...",
    help="Columns for a function of MODULE.py whose parameters are not called as columns are.",
)
@click.option(
    "--conf",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="A Spark setting, as for spark-submit; may be given several times.",
)
@click.option(
    "--daemon",
    default=_DAEMON,
    show_default=True,
    help="What is compared with stock; hydrofoil.tools.parity.warm_stock is stock again.",
)
@click.option(
    "--columnar/--no-columnar",
    default=None,
    help="Whether the JVM's half is on beside Hydrofoil's workers.  [default: where it can be]",
)
@click.option("--json", "json_file", type=_FILE, help="Everything that was compared.")
@click.option("--html", "html_file", type=_FILE, help="One page with the tables and differences.")
def parity(
    args: tuple[str, ...],
    family: str | None,
    thorough: bool,
    only_list: bool,
    count: int | None,
    seed: int,
    data: Path | None,
    binds: tuple[str, ...],
    settings: tuple[str, ...],
    daemon: str,
    columnar: bool | None,
    json_file: Path | None,
    html_file: Path | None,
) -> None:
    """Run the same queries on stock workers and on Hydrofoil's, and print what differs.

    Without arguments, a selection of the catalogue; globs such as 'udf-arrow/*' choose from all of
    it. MODULE.py with --data compares that module's own functions on a sample of your data. Values,
    nulls, schemas and errors are compared.

    Exit codes: 0 all equal; 1 something differs; 2 the command line is wrong.
    """
    modules = [arg for arg in args if arg.endswith(".py")]
    if modules and len(args) > 1:
        raise click.UsageError(f"{modules[0]} is a module: give it alone, without cases")
    if bool(modules) != (data is not None):
        raise click.UsageError("a MODULE.py and --data go together")
    if count is not None and (args or json_file or html_file):
        raise click.UsageError(
            "--generate makes its own comparisons: give no cases, module, --json or --html"
        )
    conf = dict(_pair("--conf", setting) for setting in settings)
    columns = {name: given.split(",") for name, given in (_pair("--bind", bind) for bind in binds)}

    from hydrofoil.settings.jvm_operators import settings as settings_of_operators
    from hydrofoil.tools.parity.engines import Engine

    try:
        operators = bool(settings_of_operators(columnar, conf))
        right = Engine(daemon.partition(".")[0], daemon, columnar=operators)
        if modules:
            assert data is not None
            sys.exit(_mine(Path(modules[0]), data, columns, conf, right, json_file, html_file))
        if count is not None:
            sys.exit(_generate(count, seed, conf, right))
        cases = _chosen(args, family, thorough)
        if only_list:
            click.echo("\n".join(case.id for case in cases))
            return
        sys.exit(_catalogue(cases, conf, right, json_file, html_file))
    except UsageError as error:
        raise click.UsageError(str(error)) from None


def _pair(option: str, text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise click.BadParameter(f"{text!r} has no =", param_hint=option)
    return key, value


def _chosen(globs: tuple[str, ...], family: str | None, thorough: bool) -> "list[Case]":
    from hydrofoil.tools.parity.catalogue import catalogue, usual

    everything = catalogue()
    named = globs or family is not None
    cases = [
        case
        for case in (everything if named or thorough else usual())
        if (family is None or case.family == family)
        and (not globs or any(fnmatch.fnmatchcase(case.id, glob) for glob in globs))
    ]
    if not cases:
        families = ", ".join(dict.fromkeys(case.family for case in everything))
        raise UsageError("no such case on this Spark", f"families are {families}; see --list")
    return cases


def _catalogue(
    cases: "list[Case]",
    conf: dict[str, str],
    right: "Engine",
    json_file: Path | None,
    html_file: Path | None,
) -> int:
    from hydrofoil.tools.parity import report
    from hydrofoil.tools.parity.run import run

    spark = _session(conf, right)
    results = list(_watched(run(spark, cases, right=right), len(cases)))
    again = [] if right.daemon == _DAEMON else ["--daemon", right.daemon]
    again += [] if right.columnar else ["--no-columnar"]
    for key, value in conf.items():
        again += ["--conf", f"{key}={value}"]
    report.show_results(results, output(), again)
    _write(json_file, report.results_as_json(results))
    if html_file is not None:
        report.page_of_results(results, _command(), again).write(html_file)
    return int(not all(result.equal for result in results))


def _mine(
    file: Path,
    data: Path,
    binds: dict[str, list[str]],
    conf: dict[str, str],
    right: "Engine",
    json_file: Path | None,
    html_file: Path | None,
) -> int:
    from hydrofoil.tools.parity import mine, report

    if not file.exists():
        raise UsageError(f"there is no {file}")
    spark = _session(conf, right, path=[str(file.parent.resolve())])
    sample, module = mine.read_sample(spark, data), mine.load(file)
    with tempfile.TemporaryDirectory(prefix="hydrofoil-parity-") as folder:
        verdicts = list(mine.compare(sample, module, binds, Path(folder), right))
    report.show_verdicts(verdicts, output())
    _write(json_file, report.verdicts_as_json(verdicts))
    if html_file is not None:
        report.page_of_verdicts(verdicts, _command()).write(html_file)
    if all(verdict.status == mine.NOT_BOUND for verdict in verdicts):
        raise UsageError("no function could be given its arguments", "see --bind")
    return int(any(verdict.status == mine.DIFFERENT for verdict in verdicts))


def _generate(count: int, seed: int, conf: dict[str, str], right: "Engine") -> int:
    from hydrofoil.tools.parity.generator import generate

    spark = _session(conf, right)
    with progress_bar() as progress:
        task = progress.add_task("generated", total=count)
        found = generate(spark, count, seed, right, lambda: progress.advance(task))
    console = output()
    if found is None:
        console.print(f"{count} comparisons generated with seed {seed}: all equal")
        return 0
    for text in (found.difference, f"\n{found.drawn.program()}"):
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    return 1


def _session(conf: dict[str, str], right: "Engine", path: Iterable[str] = ()) -> Any:
    from hydrofoil.settings import jvm_operators
    from hydrofoil.tools.parity.run import require_hydrofoil
    from hydrofoil.tools.parity.session import local_session

    Console(stderr=True).print("Starting Spark ...")
    if right.columnar:
        # Off for stock; the engine turns it on.
        conf = {**conf, **jvm_operators.additions(conf), jvm_operators.ENABLED_KEY: "false"}
    spark = local_session(conf=conf, path=list(path))
    if right.daemon == _DAEMON:
        require_hydrofoil(spark)
    return spark


def _watched(items: Iterator[T], total: int) -> Iterator[T]:
    with progress_bar() as progress:
        task = progress.add_task("cases", total=total)
        for item in items:
            yield item
            progress.advance(task)


def _command() -> str:
    return shlex.join(["hydrofoil", *sys.argv[1:]])


def _write(json_file: Path | None, report: dict[str, Any]) -> None:
    if json_file is not None:
        json_file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
