"""Settings that daemons and workers read as environment variables, since they see none of Spark's.

`hydrofoil.configure` and the plugin pass each setting on as ``spark.executorEnv``.
"""

from collections.abc import Mapping

from hydrofoil.deaths import limits
from hydrofoil.failures import kept, shown
from hydrofoil.holders import limits as holders
from hydrofoil.process import inner

INNER_KEY = "spark.hydrofoil.daemon.inner"
VARIABLES = {
    # The daemon of somebody else's that Hydrofoil's wraps.
    INNER_KEY: inner.VARIABLE,
    "spark.hydrofoil.showValues": shown.VARIABLE,
    "spark.hydrofoil.keepFailedBatches": kept.VARIABLE,
    "spark.hydrofoil.failures.folder": kept.FOLDER_VARIABLE,
    limits.SLOW_ROW_KEY: limits.SLOW_ROW,
    limits.MEMORY_KEY: limits.MEMORY,
    holders.MEMORY_KEY: holders.MEMORY,
    holders.LINGER_KEY: holders.LINGER,
}


def executor_key(variable: str) -> str:
    """The Spark setting that gives executors a variable."""
    return f"spark.executorEnv.{variable}"


def passed_on(present: Mapping[str, object]) -> dict[str, str]:
    """The settings that pass on what the user has set, for executors that are still to start."""
    return {
        executor_key(variable): str(present[key])
        for key, variable in VARIABLES.items()
        if key in present
    }
