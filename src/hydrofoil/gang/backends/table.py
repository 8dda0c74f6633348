"""Which frameworks there are: a row each, made when a rank first asks for it."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from hydrofoil.gang.seams import Backend


def _make(module: str, name: str) -> Backend:
    backend: Any = getattr(import_module(f"hydrofoil.gang.backends.{module}"), name)
    made: Backend = backend()
    return made


# What ``ctx.<name>`` is -> what makes it.
BACKENDS: dict[str, Callable[[], Backend]] = {
    "jax": partial(_make, "jax", "JaxBackend"),
    "lightgbm": partial(_make, "lightgbm", "LightGBMBackend"),
    "numpy": partial(_make, "numpy", "NumpyBackend"),
    "tensorflow": partial(_make, "tensorflow", "TensorFlowBackend"),
    "torch": partial(_make, "torch", "TorchBackend"),
    "xgboost": partial(_make, "xgboost", "XGBoostBackend"),
}
