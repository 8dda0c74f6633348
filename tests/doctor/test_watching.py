"""Settings by which workers are watched: values that are none, and those that reach nobody."""

import pytest

from hydrofoil.settings.plugin import PLUGIN, PLUGINS_KEY
from hydrofoil.settings.sources import Setting
from hydrofoil.tools.checkup.finding import Level
from hydrofoil.tools.checkup.watching import check

SLOW = "spark.hydrofoil.slowRow"
MEMORY = "spark.hydrofoil.worker.memory"
VARIABLE = "spark.executorEnv.HYDROFOIL_WORKER_MEMORY"
DAEMON = "spark.python.daemon.module"
WHY = "spark.python.worker.faulthandler.enabled"


@pytest.mark.parametrize(
    ("conf", "master", "found"),
    [
        ({}, "yarn", []),
        ({VARIABLE: "2g", MEMORY: "2g"}, "local[2]", [(MEMORY, Level.OK)]),
        ({MEMORY: "2g"}, "yarn", [(MEMORY, Level.WARNING)]),
        ({MEMORY: "2g", PLUGINS_KEY: PLUGIN}, "yarn", [(MEMORY, Level.OK)]),
        ({MEMORY: "2g", PLUGINS_KEY: PLUGIN}, "local[2]", [(MEMORY, Level.WARNING)]),
        ({VARIABLE: "much"}, "yarn", [(MEMORY, Level.WARNING)]),
        ({SLOW: "soon", PLUGINS_KEY: PLUGIN}, "yarn", [(SLOW, Level.WARNING)]),
        ({DAEMON: "hydrofoil.daemon", WHY: "false"}, "yarn", [("why workers die", Level.NOTE)]),
        ({WHY: "false"}, "yarn", []),
    ],
)
def test_what_is_found(conf: dict[str, str], master: str, found: list[tuple[str, Level]]) -> None:
    settings = {key: Setting(value, "spark-defaults.conf") for key, value in conf.items()}
    assert [(each.check, each.level) for each in check(settings, master)] == found
