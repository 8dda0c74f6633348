"""``hydrofoil defaults``: the lines of spark-defaults.conf that turn Hydrofoil on."""

import click

from hydrofoil.errors import UsageError
from hydrofoil.settings import jvm_operators, plugin
from hydrofoil.settings.launch import DAEMON_KEY, SETTINGS, WHY_DIED
from hydrofoil.settings.rows import CHOICES
from hydrofoil.settings.rows import settings as row_settings
from hydrofoil.settings.user_conf import conf_of


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
@click.option(
    "--plugin",
    "by_plugin",
    is_flag=True,
    help="With spark.plugins, by which Hydrofoil sets the rest, and says what, when Spark starts.",
)
def defaults(rows: str | None, wanted: bool | None, by_plugin: bool) -> None:
    """Print what turns Hydrofoil on in spark-defaults.conf.

    Lists that this host's spark-defaults.conf has already are printed whole, to replace its lines.
    """
    try:
        if by_plugin:
            settings = _of_plugin(wanted) | row_settings(rows)
        else:
            settings = {DAEMON_KEY: SETTINGS[DAEMON_KEY], **WHY_DIED, **row_settings(rows)}
            settings |= jvm_operators.settings(wanted, conf_of([]))
    except UsageError as error:
        raise click.ClickException(str(error)) from None
    for key, value in settings.items():
        click.echo(f"{key} {value}")


def _of_plugin(wanted: bool | None) -> dict[str, str]:
    """Return the settings that load the plugin, which is in the jar."""
    if jvm_operators.jar() is None:
        raise UsageError(
            "--plugin, but this installation has no jar, which holds the plugin",
            hint="leave it out, or install a build that has the jar",
        )
    switched = {jvm_operators.ENABLED_KEY: "false"} if wanted is False else {}
    return plugin.additions(conf_of([])) | switched
