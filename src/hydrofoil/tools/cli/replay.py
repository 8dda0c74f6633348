"""``hydrofoil replay``: measure workers on recordings, without a JVM in the loop."""

import json
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from hydrofoil.recordings.recording import Recording, RecordingError
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.console import output
from hydrofoil.tools.replay.player import (
    Comparison,
    Player,
    compare,
)
from hydrofoil.tools.sheet import Sheet, show_sheet

# What --engine names. A worker of one's own is given as module:function.
_CHOICES = {"both": ("stock", "hydrofoil")}


@click.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--engine", default="both", show_default=True, help="stock, hydrofoil, both or module:function."
)
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1))
@click.option("--in-memory", is_flag=True, help="Without sockets, from and to memory.")
@click.option("--cold", is_flag=True, help="Measure a worker's first task, not a later one.")
@click.option("--json", "json_file", type=Written())
def replay(
    files: tuple[Path, ...],
    engine: str,
    runs: int,
    in_memory: bool,
    cold: bool,
    json_file: Path | None,
) -> None:
    """Feed recordings to workers and measure the workers' CPU time.

    Each run has a fresh process, which has run the task once before; engines alternate; the figure
    is the median. Figures are shown only if all engines gave the same answer.
    """
    engines = _CHOICES.get(engine, (engine,))
    results = []
    for path in track(files, "Replaying", console=Console(stderr=True), transient=True):
        try:
            recording = Recording.load(path)
            with Player(recording.environment, engines) as player:
                result = compare(
                    recording, engines, runs, "memory" if in_memory else "socket", player, cold
                )
        # A RuntimeError: a worker that can't be imported has ended the measuring process.
        except (RecordingError, RuntimeError, ValueError) as error:
            raise click.ClickException(f"{path}: {error}") from error
        results.append((path, recording, result))
    show_sheet(_sheet(results, engines), output())
    if json_file is not None:
        report = [_as_json(*result) for result in results]
        json_file.write_text(json.dumps(report, indent=2) + "\n")


def _sheet(results: list[tuple[Path, Recording, Comparison]], engines: tuple[str, ...]) -> Sheet:
    columns = ["recording", "rows", *(f"{engine}, ns/row" for engine in engines)]
    if len(engines) > 1:
        columns.append("ratio")
    rows = []
    for path, _, result in results:
        cells = [path.name, f"{result.rows:,}"]
        cells += [f"{result.cpu_ns_per_row(engine):,.0f}" for engine in engines]
        if len(engines) > 1:
            cells.append(f"{result.ratio():.2f}")
        if result.answer.error is not None:
            cells[0] += " (fails)"
        rows.append(cells)
    return Sheet("Worker CPU time by replay", columns, rows)


def _as_json(path: Path, recording: Recording, result: Comparison) -> dict[str, object]:
    return {
        "recording": path.name,
        "spark": recording.spark,
        "python": recording.python,
        "pyarrow": recording.pyarrow,
        "rows": result.rows,
        "failed": result.answer.error is not None,
        "engines": {
            engine: {
                "cpu_ns_per_row": result.cpu_ns_per_row(engine),
                "cpu_s": [run.cpu for run in runs],
                "wall_s": [run.wall for run in runs],
                "exit_codes": [run.exit_code for run in runs],
            }
            for engine, runs in result.runs.items()
        },
        "ratio": result.ratio() if len(result.runs) > 1 else None,
    }
