"""What text costs a worker that is not ASCII: ``python -m benchmarks.text``.

Two tables. The first compares each language with ASCII text of as many bytes, row for row, at what
is left of the worker's CPU time without the bare loop that calls the function. The second compares
with stock what functions do with short text.
"""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from benchmarks.case import Case
from benchmarks.cases import CASES
from benchmarks.cases_text import LANGUAGES, LENGTHS, TEXT, TEXTS, language_case
from benchmarks.recordings import recordings
from benchmarks.report import Result
from hydrofoil.recordings.recording import Recording
from hydrofoil.tools.cli.written import Written
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.replay.player import Player, compare
from hydrofoil.tools.replay.stream import input_columns

# The most that what is above the bare loop may be of what it is for ASCII.
_MOST = 1.8


def _measure(case: Case, recording: Recording, player: Player, runs: int) -> Result:
    """The fastest of the runs: a difference of two of these is what the first table is about."""
    comparison = compare(recording, runs=runs, player=player)
    stock, ours = (
        min(run.cpu for run in comparison.runs[engine]) / comparison.rows * 1e9 * case.unit_rows
        for engine in ("stock", "hydrofoil")
    )
    floor = None
    if case in LANGUAGES and case.function is not None:
        columns = input_columns(recording)
        seconds = min(player.floor(case.function, columns) for _ in range(runs))
        floor = seconds / len(columns[0]) * 1e9
    return Result(
        case.name,
        case.unit,
        comparison.rows,
        stock,
        ours,
        stock / ours,
        case.target,
        floor,
        None,
        None,
    )


def _above(result: Result) -> float:
    assert result.floor is not None
    return result.hydrofoil - result.floor


def _languages(results: dict[str, Result]) -> list[str]:
    lines = [
        "| text | characters | bytes | stock | Hydrofoil | times | loop | above the loop "
        "| ASCII of as many bytes | of ASCII |",
        "| --- |" + " ---: |" * 9,
    ]
    for language, text in TEXTS.items():
        for length in LENGTHS:
            one = results[language_case(language, length)]
            cells = [language, f"{length:,}", f"{len(text.encode()) / len(text) * length:,.0f}"]
            cells += [f"{value:,.0f}" for value in (one.stock, one.hydrofoil)]
            cells += [f"{one.ratio:.2f}", f"{one.floor:,.0f}", f"{_above(one):,.0f}"]
            if language != "ascii":
                partner = results[language_case(language, length, ascii_partner=True)]
                share = _above(one) / _above(partner)
                cells += [f"{_above(partner):,.0f}", f"{share:.2f}{'' if share <= _MOST else ' !'}"]
            else:
                cells += ["", ""]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def _functions(results: dict[str, Result]) -> list[str]:
    lines = [
        "| case | ns per | stock | Hydrofoil | times | asked |",
        "| --- | --- |" + " ---: |" * 4,
    ]
    for case in TEXT:
        one = results[case.name]
        asked = "" if one.target is None else f"{one.target}"
        cells = [one.case, one.unit, f"{one.stock:,.0f}", f"{one.hydrofoil:,.0f}"]
        cells += [f"{one.ratio:.2f}{'' if one.met else ' !'}", asked]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _page(command: str, tables: list[list[str]]) -> str:
    return "\n".join(
        [
            "# Text",
            "",
            f"Made by `{command}`. The worker's CPU time by replay, of each engine the fastest "
            "run: other guests of the machine make runs up to 1.7 times slower. Engines alternate; "
            "each run has a fresh process. What misses its target has a `!`.",
            "",
            *(f"- {name}: {value}" for name, value in describe_machine().items()),
            "",
            *(line for table in tables for line in table),
        ]
    )


def _languages_section(results: dict[str, Result]) -> list[str]:
    return [
        "## Languages",
        "",
        "`lambda s: s` as a `udf`, in ns a row: decoding and encoding, and nothing else. The loop "
        "is that function over a list of the same strings. The partner of each text is ASCII of as "
        f"many bytes, row for row; asked is at most {_MOST} times its time above the loop. Much of "
        "the time of 1,000 characters a row, which are batches of 10 to 40 MB, is the kernel's: "
        "new memory, and the socket.",
        "",
        *_languages(results),
        "",
    ]


def _functions_section(results: dict[str, Result]) -> list[str]:
    return [
        "## Functions",
        "",
        "Short text, as names and codes are. `benchmarks/cases_text.py` has the functions.",
        "",
        *_functions(results),
        "",
    ]


_TABLES = {
    "languages": ([case.name for case in LANGUAGES], _languages_section),
    "functions": ([case.name for case in TEXT], _functions_section),
}


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1))
@click.option("--table", "tables", multiple=True, type=click.Choice(list(_TABLES)))
@click.option("--markdown", type=Written())
def main(runs: int, tables: tuple[str, ...], markdown: Path | None) -> None:
    """Replay cases of text to both workers, and write the tables; all, or those that are named."""
    chosen = tables or tuple(_TABLES)
    names = [name for table in chosen for name in _TABLES[table][0]]
    recorded = recordings(names)
    results: dict[str, Result] = {}
    with Player(recorded[names[0]].environment) as player:
        for name in track(names, "Replaying", console=Console(stderr=True), transient=True):
            results[name] = _measure(CASES[name], recorded[name], player, runs)
    command = f"python -m benchmarks.text --runs {runs}"
    command += "".join(f" --table {table}" for table in tables)
    page = _page(command, [_TABLES[table][1](results) for table in chosen])
    if markdown is None:
        print(page)
    else:
        markdown.write_text(page)


if __name__ == "__main__":
    main()
