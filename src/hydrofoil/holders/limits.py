"""The settings of models that a host shares, as workers and keepers get them."""

import sys

from hydrofoil.deaths import limits

MEMORY_KEY = "spark.hydrofoil.models.memory"
MEMORY = "HYDROFOIL_MODELS_MEMORY"
LINGER_KEY = "spark.hydrofoil.models.linger"
LINGER = "HYDROFOIL_MODELS_LINGER"

# Executors that are replaced come back within it.
_LINGER_S = 20.0


def most_memory() -> int | None:
    """Bytes that the models of an application may have on a host; None is any number."""
    most = limits.asked(MEMORY, limits.byte_count, _warn)
    return None if most is None else int(most)


def linger_s() -> float:
    """For how many seconds models stay when the last executor of the host has ended."""
    asked = limits.asked(LINGER, limits.seconds, _warn)
    return _LINGER_S if asked is None else asked


def _warn(message: str) -> None:
    print(f"hydrofoil: {message}", file=sys.stderr, flush=True)
