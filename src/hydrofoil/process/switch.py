"""The environment variable that turns Hydrofoil off in a process without changing anything else."""

import os

VARIABLE = "HYDROFOIL"


def is_off() -> bool:
    """Whether ``HYDROFOIL=off`` asks this process for stock PySpark (upper or lower case)."""
    return os.environ.get(VARIABLE, "").strip().lower() == "off"
