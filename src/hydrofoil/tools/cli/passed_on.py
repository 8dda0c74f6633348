"""Commands that hand their words on to one of Spark's own, with Hydrofoil turned on."""

from collections.abc import Callable
from typing import Any

import click

from hydrofoil.errors import UsageError
from hydrofoil.settings.rows import CHOICES
from hydrofoil.settings.spark_command import replace_process


def passing_on(metavar: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command of Spark's words and of Hydrofoil's own choices: ``args, rows, columnar``."""

    def command(function: Callable[..., None]) -> click.Command:
        for add in (
            click.argument("args", nargs=-1, type=click.UNPROCESSED, metavar=metavar),
            click.option(
                "--columnar/--no-columnar",
                default=None,
                help="Exchange columns with the JVM by Hydrofoil's operators; by default where "
                "there are some.",
            ),
            click.option(
                "--rows",
                type=click.Choice(CHOICES),
                help="How plain UDFs exchange rows; see docs/rows.md.",
            ),
        ):
            function = add(function)
        words: dict[str, Any] = {"ignore_unknown_options": True, "allow_interspersed_args": False}
        return click.command(context_settings=words)(function)

    return command


def run(command: str, args: tuple[str, ...], rows: str | None, columnar: bool | None) -> None:
    """Become the command of Spark's."""
    try:
        replace_process(command, args, rows, columnar)
    except UsageError as error:
        raise click.ClickException(str(error)) from None
