"""Two versions of Hydrofoil in one table: ``python -m benchmarks.before_after``.

Takes what `benchmarks.report` or `benchmarks.columnar` wrote with ``--json``, several runs of each
version, made in turn. What is compared is Hydrofoil's time over stock's of the same run, so that a
machine that is slower for a while slows both; of several runs the least counts.
"""

import json
from pathlib import Path
from typing import Any

import click

from benchmarks.columnar import best

Shares = dict[str, float]


def shares(report: dict[str, Any]) -> Shares:
    """For each case Hydrofoil's CPU time over stock's."""
    found: Shares = {}
    for result in report["results"]:
        if "ratio" in result:
            found[result["case"]] = 1 / result["ratio"]
        else:
            for what in ("task", "jvm"):
                ours, stock = (best(result, name, what) for name in ("both", "stock"))
                found[f"{result['case']}, {what}"] = ours / stock
    return found


def least(files: tuple[Path, ...]) -> Shares:
    """The least of several runs, of the cases that all of them have."""
    runs = [shares(json.loads(file.read_text())) for file in files]
    common = [name for name in runs[0] if all(name in run for run in runs)]
    return {name: min(run[name] for run in runs) for name in common}


_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--before", multiple=True, required=True, type=_file, help="A run; once for each.")
@click.option("--after", multiple=True, required=True, type=_file, help="A run; once for each.")
def main(before: tuple[Path, ...], after: tuple[Path, ...]) -> None:
    """Print Hydrofoil's share of stock's CPU time before and after, as a table of Markdown."""
    old, new = least(before), least(after)
    print("| case | before | after | after / before |")
    print("| --- | ---: | ---: | ---: |")
    for name in old:
        if name in new:
            change = new[name] / old[name]
            print(f"| {name} | {old[name]:.3f} | {new[name]:.3f} | {change:.2f} |")


if __name__ == "__main__":
    main()
