"""``hydrofoil explain``: run an application, and say which path each of its UDFs took and why."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from hydrofoil import trace
from hydrofoil.cli.spark_command import spark_command
from hydrofoil.errors import UsageError


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option(
    "--trace",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the executors' traces, kept afterwards. On a cluster, one that all executors "
    "see. By default a temporary one.",
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("args", nargs=-1, required=True, type=click.UNPROCESSED)
def explain(folder: Path | None, json_file: Path | None, args: tuple[str, ...]) -> None:
    """Run spark-submit with Hydrofoil and tracing on, then print what happened to each UDF.

    ARGS are spark-submit's: its options, the application, the application's arguments. A fast path
    is one of Hydrofoil's; "stock" is PySpark's own code. Batches that fell back are counted by
    reason. The exit code is the application's.
    """
    with tempfile.TemporaryDirectory(prefix="hydrofoil-explain-") as temporary:
        target = (folder or Path(temporary)).resolve()
        target.mkdir(parents=True, exist_ok=True)
        os.environ[trace.VARIABLE] = str(target)
        try:
            command, environment = spark_command("spark-submit", args)
        except UsageError as error:
            raise click.ClickException(str(error)) from None
        code = subprocess.call(command, env=environment)
        udfs = summarize(target)
    if json_file is not None:
        json_file.write_text(json.dumps(udfs, indent=2) + "\n", encoding="utf-8")
    print_table(udfs)
    sys.exit(code)


def summarize(folder: Path) -> list[dict[str, object]]:
    """One entry for each distinct projection of UDFs: what was planned, and batches by outcome."""
    found: dict[str, dict[str, object]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
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


def print_table(projections: list[dict[str, object]]) -> None:
    """Print a row for each UDF, and under a projection's last one its batches."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not projections:
        console.print("No Python UDF ran in a Hydrofoil worker.")
        return
    table = Table(title="UDFs by the path that they took")
    for heading in ("UDF", "eval type", "path", "why"):
        table.add_column(heading, overflow="fold")
    for heading in ("tasks", "batches fast", "fell back"):
        table.add_column(heading, justify="right", overflow="fold")
    for projection in projections:
        udfs, batches = projection["udfs"], projection["batches"]
        assert isinstance(udfs, list) and isinstance(batches, dict)
        fell_back = [f"{n}: {why}" for why, n in batches.items() if why != trace.FAST]
        # Stock's paths do not count batches.
        fast = str(batches.get(trace.FAST, 0)) if batches else ""
        for i, udf in enumerate(udfs):
            last = i == len(udfs) - 1
            table.add_row(
                f"{udf['name']}{udf['signature']}",
                plain(str(projection["eval_type"])),
                udf["path"],
                udf["reason"],
                str(projection["tasks"]) if last else "",
                fast if last else "",
                "\n".join(fell_back) if last else "",
                end_section=last,
            )
    console.print(table)


def plain(eval_type: str) -> str:
    """The name of an eval type without what all of them have in common."""
    return eval_type.removeprefix("SQL_").removesuffix("_UDF").replace("_", " ").lower()
