"""``hydrofoil submit``: spark-submit for people who can't touch the application's code."""

import click

from hydrofoil.cli.spark_command import replace_process
from hydrofoil.errors import UsageError


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS] APP.PY [ARGS]")
def submit(args: tuple[str, ...]) -> None:
    """Run spark-submit with Hydrofoil turned on.

    Every option of spark-submit is passed on and wins over Hydrofoil's.
    """
    if not args:
        raise click.UsageError("name the application: hydrofoil submit app.py")
    try:
        replace_process("spark-submit", args)
    except UsageError as error:
        raise click.ClickException(str(error)) from None
