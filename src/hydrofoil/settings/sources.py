"""The Spark settings that a program started here would have, and where each comes from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hydrofoil.settings import plugin
from hydrofoil.settings.launch import settings as launch_settings
from hydrofoil.settings.user_conf import (
    SUBMIT_ARGUMENTS,
    files_of,
    given_conf,
    read_settings,
    spark_version,
    submit_words,
)

CONFIGURED = "hydrofoil.configure"
SESSION = "this session"

_OF_SESSIONS = ("spark.sql.", "spark.hydrofoil.")


@dataclass(frozen=True)
class Setting:
    """A value and the file, variable or option that gives it."""

    value: str
    source: str


Settings = Mapping[str, Setting]


def gather(given: Mapping[str, str], configured: bool) -> dict[str, Setting]:
    """Collect settings in Spark's own order, later ones winning.

    Parameters
    ----------
    given : mapping
        What ``--conf`` asks for.
    configured : bool
        Whether the program calls `hydrofoil.configure` or is started by ``hydrofoil submit``.
    """
    found: dict[str, Setting] = {}
    words = submit_words()
    for file in files_of(words):
        in_file = read_settings(file)
        found |= {key: Setting(value, str(file)) for key, value in in_file.items()}
    arguments = given_conf(words)
    found |= {key: Setting(value, SUBMIT_ARGUMENTS) for key, value in arguments.items()}
    if configured:
        added = launch_settings(present=_values(found) | dict(given))
        found |= {key: Setting(value, CONFIGURED) for key, value in added.items()}
    found |= {key: Setting(value, "--conf") for key, value in given.items()}
    # The plugin comes last: it sees all that the user has set.
    added = plugin.settings(_values(found), spark_version())
    return found | {key: Setting(value, plugin.PLUGINS_KEY) for key, value in added.items()}


def of_session(spark: Any) -> dict[str, Setting]:
    """Collect the settings of a running session.

    Those of SQL and of Hydrofoil's operators are the session's own. All others are those that its
    SparkContext has, whatever the session was told.
    """
    pairs = spark._jsparkSession.sessionState().conf().getAllConfs().toSeq()
    listed = [pairs.apply(i) for i in range(pairs.size())]
    session = {str(pair._1()): str(pair._2()) for pair in listed}
    context = dict(spark.sparkContext.getConf().getAll())
    own = {key: value for key, value in session.items() if key.startswith(_OF_SESSIONS)}
    return {key: Setting(value, SESSION) for key, value in (context | own).items()}


def _values(settings: Settings) -> dict[str, str]:
    return {key: setting.value for key, setting in settings.items()}
