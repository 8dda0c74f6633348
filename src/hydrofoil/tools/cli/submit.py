"""``hydrofoil submit``: spark-submit for people who can't touch the application's code."""

import click

from hydrofoil.errors import UsageError
from hydrofoil.settings.rows import CHOICES
from hydrofoil.settings.spark_command import replace_process


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option(
    "--rows", type=click.Choice(CHOICES), help="How plain UDFs exchange rows; see docs/rows.md."
)
@click.option(
    "--columnar/--no-columnar",
    default=None,
    help="Exchange columns with the JVM by Hydrofoil's operators; by default where there are some.",
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS] APP.PY [ARGS]")
def submit(args: tuple[str, ...], rows: str | None, columnar: bool | None) -> None:
    """Run spark-submit with Hydrofoil turned on.

    Every option of spark-submit is passed on and wins over Hydrofoil's.
    """
    if not args:
        raise click.UsageError("name the application: hydrofoil submit app.py")
    try:
        replace_process("spark-submit", args, rows, columnar)
    except UsageError as error:
        raise click.ClickException(str(error)) from None
