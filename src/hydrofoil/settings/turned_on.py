"""Whether settings turn Hydrofoil on for the workers, and off again."""

import os

from hydrofoil.process import switch
from hydrofoil.settings.launch import DAEMON_KEY, SETTINGS, WORKER_KEY
from hydrofoil.settings.plugin import PLUGINS_KEY
from hydrofoil.settings.sources import CONFIGURED, Settings

USE_DAEMON_KEY = "spark.python.use.daemon"
ENVIRONMENT_KEY = "spark.executorEnv."


def is_on(settings: Settings) -> bool:
    """Whether executors would start Hydrofoil's daemon, or its worker where there is no daemon."""
    key = deciding_key(settings)
    return key in settings and settings[key].value == SETTINGS[key]


def deciding_key(settings: Settings) -> str:
    """The setting that names the module which executors start."""
    return WORKER_KEY if _without_daemon(settings) else DAEMON_KEY


def is_off(settings: Settings, master: str) -> bool:
    """Whether a variable asks workers for stock PySpark."""
    given = variable(settings, master, switch.VARIABLE)
    return given is not None and given[0].strip().lower() == "off"


def variable(settings: Settings, master: str, name: str) -> tuple[str, str] | None:
    """Return a worker's variable and where it comes from."""
    setting = settings.get(ENVIRONMENT_KEY + name)
    if setting is not None:
        passed_on = setting.source in (CONFIGURED, PLUGINS_KEY)
        return setting.value, "environment" if passed_on else setting.source
    # Local workers inherit it. Others have only what a setting gives them.
    if name in os.environ and master.startswith("local"):
        return os.environ[name], "environment"
    return None


def _without_daemon(settings: Settings) -> bool:
    setting = settings.get(USE_DAEMON_KEY)
    return setting is not None and setting.value.strip().lower() == "false"
