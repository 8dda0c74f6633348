"""One table of reports of the JVM's operators: ``python -m benchmarks.columnar_table FILE...``.

Each file is what ``python -m benchmarks.columnar --json`` wrote in one Spark version's environment.
"""

import json
from pathlib import Path
from typing import Any

import click

from benchmarks.columnar import best, ratio
from hydrofoil.tools.cli.written import Written

# What is asked for, as a share of what a prototype on Spark 4.3 reached.
NINE_TENTHS = 0.9


def as_markdown(reports: list[dict[str, Any]]) -> str:
    """A table for the newest version with all figures, and two of CPU time for all versions."""
    reports = sorted(reports, key=_version, reverse=True)
    newest = reports[0]
    machine, settings = newest["machine"], newest["settings"]
    lines = [
        "# The JVM's operators: Spark's against Hydrofoil's",
        "",
        "By `python -m benchmarks.columnar`, in one session for each Spark version, engines taking",
        "turns, answers compared first; of several runs, the fastest counts. **Task** is the CPU",
        "time of the tasks' threads (`executorCpuTime`), **JVM** that of the whole process, with",
        "compiling, collecting garbage and planning. Both, and **wall**, are stock over",
        "Hydrofoil's operators with stock's worker on both sides; **end to end** is the wall clock",
        "of stock over that of Hydrofoil's operators and worker.",
        "",
        f"{machine['processor']}, {machine['cores']} cores; {settings['rows']:,} rows,",
        f"{settings['master']}, {settings['repeat']} runs. In brackets what is asked for.",
        "",
        f"## Spark {machine['pyspark']}",
        "",
        "| query | stock task ns/row | ours | task | JVM | wall | end to end |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *map(_row, newest["results"]),
        "",
        *_pickled(newest["results"]),
        "## By Spark version",
        "",
        "Stock over Hydrofoil's operators. Before the newest version half of what the ratios above",
        "gain is asked for.",
        "",
        *_by_version(reports, "task", 0),
        "",
        *_by_version(reports, "JVM", 1),
    ]
    return "\n".join(lines) + "\n"


def _by_version(reports: list[dict[str, Any]], figure: str, place: int) -> list[str]:
    """A table of one figure; ``place`` is its place in what the prototype reached."""
    versions = [report["machine"]["pyspark"] for report in reports]
    found = [{result["case"]: result for result in report["results"]} for report in reports]
    lines = [
        f"| {figure} CPU of query | {' | '.join(versions)} | asked before |",
        f"| --- |{' ---: |' * (len(reports) + 1)}",
    ]
    for case in dict.fromkeys(case for results in found for case in results):
        cells = [
            f"{ratio(results[case], 'operators', figure.lower()):.1f}" if case in results else ""
            for results in found
        ]
        prototype = next(results[case] for results in found if case in results)["prototype"]
        asked = f"{1 + (prototype[place] * NINE_TENTHS - 1) / 2:.1f}" if prototype else ""
        lines.append(f"| {case} | {' | '.join(cells)} | {asked} |")
    return lines


def _row(result: dict[str, Any]) -> str:
    rows = result["rows"]
    stock, ours = (best(result, name, "task") / rows * 1e9 for name in ("stock", "operators"))
    asked = [f" ({value * NINE_TENTHS:.1f})" for value in result["prototype"] or ()] or ["", ""]
    end_to_end = result["end_to_end"]
    cells = [
        f"{ratio(result, 'operators', 'task'):.1f}{asked[0]}",
        f"{ratio(result, 'operators', 'jvm'):.1f}{asked[1]}",
        f"{ratio(result, 'operators', 'wall'):.1f}",
        f"{ratio(result, 'both', 'wall'):.1f}" + (f" ({end_to_end:g})" if end_to_end else ""),
    ]
    return f"| {result['case']} | {stock:.0f} | {ours:.0f} | {' | '.join(cells)} |"


def _pickled(results: list[dict[str, Any]]) -> list[str]:
    lines = [
        f"{result['case']}: stock takes {best(result, 'pickled', 'wall'):.2f} s with pickled rows, "
        f"{best(result, 'pickled', 'wall') / best(result, 'both', 'wall'):.1f} times what both "
        "halves take (10 are asked for)."
        for result in results
        if "pickled" in result["variants"]
    ]
    return [*lines, ""] if lines else []


def _version(report: dict[str, Any]) -> list[int]:
    return [int(part) for part in report["machine"]["pyspark"].split(".")]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--markdown", required=True, type=Written())
def main(files: tuple[Path, ...], markdown: Path) -> None:
    """Write one table of several lines' reports."""
    reports = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    markdown.write_text(as_markdown(reports), encoding="utf-8")


if __name__ == "__main__":
    main()
