"""How many threads a rank may use: ranks share a host's cores, and frameworks take all they see."""

import os


def threads() -> int:
    """Return what Spark allows the task, by the variable it sets; 1 where it sets none."""
    value = os.environ.get("OMP_NUM_THREADS", "")
    return int(value) if value.isdigit() and int(value) > 0 else 1
