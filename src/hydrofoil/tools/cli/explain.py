"""``hydrofoil explain``: run an application, and say which path each of its UDFs took and why."""

import json
import os
import sys
import tempfile
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hydrofoil import private
from hydrofoil.counts import task_trace
from hydrofoil.driver import paths as driver_paths
from hydrofoil.errors import UsageError
from hydrofoil.process import switch
from hydrofoil.settings.launch import DAEMON_KEY, SETTINGS
from hydrofoil.settings.spark_command import spark_command
from hydrofoil.settings.user_conf import conf_of
from hydrofoil.tools.cli.spark_log import say_failed
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.programs import exit_code
from hydrofoil.tools.tables import of_them, percent, plain

if TYPE_CHECKING:
    from hydrofoil.tools.paths.jvm import Operator

_EVENT_LOG_KEY = "spark.eventLog.enabled"
# Below the folder of a run, which may hold earlier ones.
_EVENTS = "events"

Projections = list[dict[str, object]]


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--trace",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the executors' traces and Spark's log, kept afterwards. On a cluster, one "
    "that all executors see. By default a temporary one.",
)
@click.option("--json", "json_file", type=Written())
@click.argument("args", nargs=-1, required=True, type=click.UNPROCESSED)
def explain(folder: Path | None, json_file: Path | None, args: tuple[str, ...]) -> None:
    """Run spark-submit with Hydrofoil and tracing on, then print what happened to each UDF.

    ARGS are spark-submit's: its options, the application, the application's arguments. A fast path
    is one of Hydrofoil's; "stock" is PySpark's own code. Batches that fell back are counted by
    reason. The application's output is shown; Spark's log goes to a file, which is named if the
    application fails. The exit code is the application's.
    """
    from hydrofoil.tools.paths import event_log

    with _folder(folder) as target:
        events = target / _EVENTS
        before = _sizes(target)
        os.environ[task_trace.VARIABLE] = str(target)
        conf = conf_of(args)
        logs_itself = conf.get(_EVENT_LOG_KEY, "").strip().lower() == "true"
        added = {} if logs_itself else event_log.settings(events)
        options = [word for item in added.items() for word in ("--conf", "=".join(item))]
        try:
            command, environment = spark_command("spark-submit", [*options, *args])
        except UsageError as error:
            raise click.ClickException(str(error)) from None
        log = target / "spark.log"
        with log.open("wb") as stream:
            code = exit_code(command, environment, stream)
        if code:
            say_failed(code, log, kept=folder is not None)
        projections = summarize(target, before)
        calls = calls_in(target, before)
        operators = event_log.operators_in(sorted(_sizes(events).keys() - before.keys()))
    for projection in projections:
        projection["operators"] = _operators_of(projection, operators)
    if json_file is not None:
        json_file.write_text(json.dumps(projections, indent=2) + "\n", encoding="utf-8")
    click.echo(headline(projections) or nothing(conf, operators))
    if projections:
        print_table(projections)
        if not operators:
            click.echo(f"The JVM's operators are not known. {_without_log(conf)}".rstrip())
    print_compiled(operators)
    if calls:
        print_calls(calls)
    sys.exit(code)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder of this run."""
    with tempfile.TemporaryDirectory(prefix="hydrofoil-explain-") as temporary:
        target = (given or Path(temporary)).resolve()
        try:
            private.make_folder(target)
            (target / _EVENTS).mkdir(exist_ok=True)
        except OSError as error:
            raise click.BadParameter(
                f"no folder can be made: {error}", param_hint="--trace"
            ) from None
        yield target


def _sizes(folder: Path) -> dict[Path, int]:
    """What earlier runs have left in a folder that is kept: a process may have an earlier one's
    number, and goes on in its file."""
    return {file: file.stat().st_size for file in folder.rglob("*") if file.is_file()}


def _without_log(conf: Mapping[str, str]) -> str:
    """Why the program has left no event log here, where its settings say it."""
    if _EVENT_LOG_KEY not in conf:
        return ""
    if conf[_EVENT_LOG_KEY].strip().lower() == "true":
        return f"{_EVENT_LOG_KEY} is set: your event log has them"
    return f"{_EVENT_LOG_KEY} is {conf[_EVENT_LOG_KEY]}: leave it out to see them"


def summarize(folder: Path, before: Mapping[Path, int] | None = None) -> Projections:
    """One entry for each distinct projection of UDFs: what was planned, and batches by outcome.

    ``before`` has the sizes of files whose beginning is an earlier run's.
    """
    found: dict[str, dict[str, object]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        added = file.read_bytes()[(before or {}).get(file, 0) :]
        for line in added.decode("utf-8").splitlines():
            record = json.loads(line)
            key = json.dumps([record["eval_type"], record["udfs"]])
            entry = found.setdefault(
                key,
                {
                    "eval_type": record["eval_type"],
                    "udfs": record["udfs"],
                    "tasks": 0,
                    "batches": {},
                },
            )
            entry["tasks"] = int(str(entry["tasks"])) + 1
            batches = entry["batches"]
            assert isinstance(batches, dict)
            for outcome, count in record["batches"].items():
                batches[outcome] = batches.get(outcome, 0) + count
    return list(found.values())


def calls_in(folder: Path, before: Container[Path]) -> list[dict[str, object]]:
    """The driver's calls that give or take rows, by the way that they took."""
    files = sorted(file for file in folder.glob(f"*{driver_paths.SUFFIX}") if file not in before)
    texts = [file.read_text("utf-8") for file in files]
    return [call for text in texts for call in json.loads(text)]


def print_calls(calls: list[dict[str, object]]) -> None:
    """Print a row for each way that a call of the driver took."""
    from hydrofoil.tools.console import output
    from hydrofoil.tools.sheet import Sheet, show_sheet

    keys = ("call", "path", "reason", "calls", "rows")
    rows = [[str(call[key]) for key in keys] for call in calls]
    columns = ["call", "path", "why", "calls", "rows"]
    left = ("path", "why")
    show_sheet(Sheet("The driver's calls and their paths", columns, rows, left=left), output())


def print_compiled(operators: "list[Operator]") -> None:
    """Print a row for each function that the JVM computes, or might have."""
    from hydrofoil.tools.console import output
    from hydrofoil.tools.paths.jvm import compiled
    from hydrofoil.tools.sheet import Sheet, show_sheet

    rows = [list(one) for one in compiled(operators)]
    if rows:
        columns = ["function", "compiled", "why"]
        show_sheet(Sheet("Compiled functions", columns, rows, left=("compiled", "why")), output())


def headline(projections: Projections) -> str:
    """What share is fast, in one line; empty if no function ran in Hydrofoil's workers."""
    paths: dict[str, bool] = {}
    batches = fast = 0
    for projection in projections:
        udfs, counted = projection["udfs"], projection["batches"]
        assert isinstance(udfs, list) and isinstance(counted, dict)
        for udf in udfs:
            name = json.dumps([projection["eval_type"], udf["name"], udf["signature"]])
            path = task_trace.path_taken(task_trace.UdfTrace(**udf), counted)
            paths[name] = paths.get(name, True) and path == task_trace.FAST
        batches += sum(counted.values())
        fast += counted.get(task_trace.FAST, 0)
    if not paths:
        return ""
    functions = f"{of_them(sum(paths.values()), len(paths), 'function')} took the fast path"
    return (
        f"{functions}; {percent(fast / batches)} of batches (or groups)" if batches else functions
    )


def nothing(conf: Mapping[str, str], operators: "list[Operator]") -> str:
    """Why there is nothing to show."""
    daemon = conf.get(DAEMON_KEY, SETTINGS[DAEMON_KEY])
    off = conf.get(f"spark.executorEnv.{switch.VARIABLE}", "").strip().lower() == "off"
    if off or switch.is_off():
        why = "HYDROFOIL=off is set, so stock PySpark's workers ran"
    elif daemon != SETTINGS[DAEMON_KEY]:
        why = f"{DAEMON_KEY} is {daemon}"
    elif operators and all(op.guards is not None for op in operators):
        return "No Python function ran in a Hydrofoil worker: the JVM computed all, compiled."
    elif operators:
        why = (
            f"the application's own settings name other workers ({DAEMON_KEY}), or its executors "
            "can't write to the folder of traces (--trace)"
        )
    else:
        why = "the application finished no task that calls one"
    return f"No Python function ran in a Hydrofoil worker: {why}."


def _operators_of(projection: dict[str, object], operators: "list[Operator]") -> list[str]:
    """The JVM's operators that call a projection's functions, by the functions' names."""
    udfs = projection["udfs"]
    assert isinstance(udfs, list)
    return list(
        dict.fromkeys(
            f"{op.name}: {op.why_sparks}" if op.why_sparks else op.name
            for op in operators
            if any(f"{udf['name']}(" in op.description for udf in udfs)
        )
    )


def print_table(projections: Projections) -> None:
    """Print a row for each UDF, and under a projection's last one its batches."""
    from hydrofoil.tools.console import output
    from hydrofoil.tools.sheet import Sheet, show_sheet

    columns = ["function", "eval type", "path", "JVM's operator", "tasks", "batches fast", "why"]
    rows: list[list[str]] = []
    for projection in projections:
        udfs, batches, operators = (projection[key] for key in ("udfs", "batches", "operators"))
        assert isinstance(udfs, list) and isinstance(batches, dict) and isinstance(operators, list)
        fell_back = [f"{n}: {why}" for why, n in batches.items() if why != task_trace.FAST]
        # Stock's paths do not count batches.
        fast = str(batches.get(task_trace.FAST, 0)) if batches else ""
        below = f"runs with {udfs[-1]['name']}: its batches are those of that row" if udfs else ""
        for i, udf in enumerate(udfs):
            last = i == len(udfs) - 1
            rows.append(
                [
                    f"{udf['name']}{udf['signature']}",
                    plain(str(projection["eval_type"])),
                    task_trace.path_taken(task_trace.UdfTrace(**udf), batches),
                    "\n".join(operators) if last else "",
                    str(projection["tasks"]) if last else "",
                    fast if last else "",
                    "\n".join(filter(None, [udf["reason"], *(fell_back if last else [below])])),
                ]
            )
    left = ("eval type", "path", "why", "JVM's operator")
    note = task_trace.LEGEND if any(row[2] == task_trace.PARTLY for row in rows) else ""
    show_sheet(Sheet("Functions and their paths", columns, rows, note, left), output())
