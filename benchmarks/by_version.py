"""Reports of several Spark versions in one table: ``python -m benchmarks.by_version FILE...``.

Each file is what ``python -m benchmarks.report --json`` wrote in a version's own environment.
Figures of two versions are not comparable, but each version's ratio to its own stock worker is one.
"""

import json
from pathlib import Path
from typing import Any

import click

from hydrofoil.tools.cli.written import Written


def as_markdown(reports: list[dict[str, Any]]) -> str:
    """The ratios, a row for each case and a column for each report, newest Spark first."""
    reports = sorted(reports, key=lambda report: _version(report), reverse=True)
    found = [{result["case"]: result for result in report["results"]} for report in reports]
    cases = list(dict.fromkeys(case for results in found for case in results))
    names = [f"{report['machine']['pyspark']}" for report in reports]
    lines = [
        "# Worker CPU time by replay, stock over Hydrofoil, on each Spark version",
        "",
        "Each column is from a report of its own, made in that version's environment (`make",
        "test-matrix` makes them) by the command in `profiles/README.md`, and put",
        "together by `python -m benchmarks.by_version FILE...`. Empty: that version does",
        "not offer it.",
        "",
        *(f"- Spark {name}: {_libraries(report)}" for name, report in _pairs(names, reports)),
        "",
        f"| case | asked on 4.3 | {' | '.join(names)} |",
        f"| --- | ---: |{' ---: |' * len(names)}",
    ]
    for case in cases:
        targets = [results[case]["target"] for results in found if case in results]
        ratios = [f"{r[case]['ratio']:.2f}" if case in r else "" for r in found]
        asked = next((f"{target:.1f}" for target in targets if target is not None), "")
        lines.append(f"| {case} | {asked} | {' | '.join(ratios)} |")
    return "\n".join(lines) + "\n"


def _pairs(names: list[str], reports: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return list(zip(names, reports, strict=True))


def _version(report: dict[str, Any]) -> tuple[int, ...]:
    return tuple(map(int, report["machine"]["pyspark"].split(".")[:2]))


def _libraries(report: dict[str, Any]) -> str:
    machine = report["machine"]
    return ", ".join(f"{name} {machine[name]}" for name in ("python", "pyarrow", "pandas", "numpy"))


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--markdown", type=Written())
def main(files: tuple[Path, ...], markdown: Path | None) -> None:
    """Put reports of several Spark versions into one table."""
    text = as_markdown([json.loads(file.read_text()) for file in files])
    if markdown is None:
        click.echo(text)
    else:
        markdown.write_text(text)


if __name__ == "__main__":
    main()
