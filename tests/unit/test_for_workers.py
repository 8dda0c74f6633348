"""Settings that workers read as variables have the same names in Python and in the plugin."""

import re
from pathlib import Path

from hydrofoil.settings.for_workers import VARIABLES, executor_key, passed_on

PLUGIN = Path(__file__).parents[2] / "jvm" / "plugin" / "HydrofoilDriver.scala"


def test_the_plugin_passes_the_same_settings_on() -> None:
    (array,) = re.findall(r"FOR_WORKERS =\s*Array\(([^)]*)\)", PLUGIN.read_text())
    assert re.findall(r'"([^"]+)"', array) == [*VARIABLES]


def test_each_variable_has_its_settings_name() -> None:
    for key, variable in VARIABLES.items():
        # As variableOf in the plugin makes it.
        words = re.sub(r"([A-Z])", r"_\1", key.removeprefix("spark."))
        assert variable == words.replace(".", "_").upper()


def test_what_is_set_is_passed_on() -> None:
    assert passed_on({"spark.hydrofoil.showValues": "off", "spark.app.name": "x"}) == {
        executor_key("HYDROFOIL_SHOW_VALUES"): "off"
    }
