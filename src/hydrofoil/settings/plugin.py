"""The one setting that turns all of Hydrofoil on: a plugin that Spark loads on the driver.

What it does is in the jar; here is what others need to know of it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from hydrofoil.counts import task_trace
from hydrofoil.process import hooks, switch
from hydrofoil.settings import jvm_operators
from hydrofoil.settings.for_workers import executor_key
from hydrofoil.settings.launch import DAEMON_KEY, SETTINGS, WHY_DIED

# Variables of the driver's that it gives the executors.
_PASSED_ON = (switch.VARIABLE, task_trace.VARIABLE, hooks.VARIABLE)
PLUGIN = "org.hydrofoil.spark.HydrofoilPlugin"
PLUGINS_KEY = "spark.plugins"


def is_named(present: Mapping[str, str]) -> bool:
    """Whether a session with these settings loads the plugin."""
    return PLUGIN in [item.strip() for item in present.get(PLUGINS_KEY, "").split(",")]


def settings(present: Mapping[str, str], spark: str | None) -> dict[str, str]:
    """Return what the plugin sets beside what the user has set; nothing where it is not named.

    Parameters
    ----------
    present : mapping
        The user's settings.
    spark : str, optional
        The version of Spark; None where it is not known.
    """
    if not is_named(present):
        return {}
    variables = {executor_key(name): os.environ.get(name) for name in _PASSED_ON}
    made = {key: value for key, value in variables.items() if value and key not in present}
    if switch.is_off():
        return made
    if present.get(DAEMON_KEY, SETTINGS[DAEMON_KEY]) == SETTINGS[DAEMON_KEY]:
        set_by_it = SETTINGS | WHY_DIED
        made |= {key: present.get(key, value) for key, value in set_by_it.items()}
    if spark is None or not spark.startswith("3."):
        made[jvm_operators.EXTENSIONS_KEY] = jvm_operators.with_extension(present)
    return {key: value for key, value in made.items() if present.get(key) != value}


def additions(present: Mapping[str, str], jar: Path | None = None) -> dict[str, str]:
    """Return the settings that load the plugin, beside what the user has set.

    Parameters
    ----------
    present : mapping
        The user's settings, to whose lists Hydrofoil's items are added.
    jar : Path, optional
        By default that of this installation, which has one.
    """
    plugins = [item for part in present.get(PLUGINS_KEY, "").split(",") if (item := part.strip())]
    made = jvm_operators.additions(present, jar)
    del made[jvm_operators.EXTENSIONS_KEY]
    return {**made, PLUGINS_KEY: ",".join(dict.fromkeys([*plugins, PLUGIN]))}
