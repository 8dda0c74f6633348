"""``hydrofoil defaults``: the lines of spark-defaults.conf that turn Hydrofoil on."""

import click

from hydrofoil import columnar
from hydrofoil.errors import UsageError
from hydrofoil.launch import DAEMON_KEY, SETTINGS
from hydrofoil.rows import CHOICES
from hydrofoil.rows import settings as row_settings
from hydrofoil.user_conf import conf_of


@click.command()
@click.option(
    "--rows", type=click.Choice(CHOICES), help="How plain UDFs exchange rows; see docs/rows.md."
)
@click.option(
    "--columnar/--no-columnar",
    "wanted",
    default=None,
    help="With Hydrofoil's operators in the JVM; by default where there are some for this Spark.",
)
def defaults(rows: str | None, wanted: bool | None) -> None:
    """Print what turns Hydrofoil on in spark-defaults.conf.

    Lists that this host's spark-defaults.conf has already are printed whole, to replace its lines.
    """
    try:
        settings = {DAEMON_KEY: SETTINGS[DAEMON_KEY], **row_settings(rows)}
        settings |= columnar.settings(wanted, conf_of([]))
    except UsageError as error:
        raise click.ClickException(str(error)) from None
    for key, value in settings.items():
        click.echo(f"{key} {value}")
