"""``hydrofoil submit``: spark-submit for people who can't touch the application's code."""

import click

from hydrofoil.tools.cli.passed_on import passing_on, run


@passing_on("[OPTIONS] APP.PY [ARGS]")
def submit(args: tuple[str, ...], rows: str | None, columnar: bool | None) -> None:
    """Run spark-submit with Hydrofoil turned on.

    Every option of spark-submit is passed on and wins over Hydrofoil's. Output and Spark's log are
    those of spark-submit.
    """
    if not args:
        raise click.UsageError("name the application: hydrofoil submit app.py")
    run("spark-submit", args, rows, columnar)
