"""What text costs a worker that is not ASCII: ``python -m benchmarks.text``.

Two tables. The first compares each language with ASCII text of as many bytes, row for row, at what
is left of the worker's CPU time without the bare loop that calls the function. The second compares
with stock what functions do with short text.
"""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from benchmarks.cases import CASES
from benchmarks.cases_text import LENGTHS, TEXT, TEXTS, language_case
from benchmarks.recordings import recordings
from benchmarks.report import Result, measure
from hydrofoil.tools.machine import describe_machine
from hydrofoil.tools.replay.player import Player

# The most that what is above the bare loop may be of what it is for ASCII.
_MOST = 1.8


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


def _page(results: dict[str, Result], runs: int) -> str:
    return "\n".join(
        [
            "# Text",
            "",
            f"Made by `python -m benchmarks.text --runs {runs} --markdown profiles/text.md`. "
            "Medians of the worker's CPU time by replay; engines alternate; each run has a fresh "
            "process. "
            "What misses its target has a `!`.",
            "",
            *(f"- {name}: {value}" for name, value in describe_machine().items()),
            "",
            "## Languages",
            "",
            "`lambda s: s` as a `udf`, in ns a row: decoding and encoding, and nothing else. The "
            "loop is that function over a list of the same strings. The partner of each text is "
            f"ASCII of as many bytes, row for row; asked is at most {_MOST} times its time above "
            "the loop.",
            "",
            *_languages(results),
            "",
            "## Functions",
            "",
            "Short text, as names and codes are. `benchmarks/cases_text.py` has the functions.",
            "",
            *_functions(results),
            "",
        ]
    )


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(1))
@click.option("--markdown", type=click.Path(dir_okay=False, path_type=Path))
def main(runs: int, markdown: Path | None) -> None:
    """Replay all cases of text to both workers, and write the tables."""
    names = [
        *(language_case(language, length) for language in TEXTS for length in LENGTHS),
        *(
            language_case(language, length, ascii_partner=True)
            for language in TEXTS
            if language != "ascii"
            for length in LENGTHS
        ),
        *(case.name for case in TEXT),
    ]
    recorded = recordings(names)
    results: dict[str, Result] = {}
    with Player(recorded[names[0]].environment) as player:
        for name in track(names, "Replaying", console=Console(stderr=True), transient=True):
            results[name] = measure(CASES[name], recorded[name], player, runs, False)
    page = _page(results, runs)
    if markdown is None:
        print(page)
    else:
        markdown.write_text(page)


if __name__ == "__main__":
    main()
