"""The libraries whose models `hydrofoil.inference` knows, and which of them a model is of."""

import os
from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.predictors.adapter import Adapter
from hydrofoil.predictors.of_lightgbm import LightGBM
from hydrofoil.predictors.of_onnx import Onnx
from hydrofoil.predictors.of_sklearn import Sklearn
from hydrofoil.predictors.of_torch import Torch
from hydrofoil.predictors.of_xgboost import XGBoost

# Those whose models have classes of scikit-learn's above theirs come before it.
ADAPTERS: tuple[Adapter, ...] = (Onnx(), XGBoost(), LightGBM(), Torch(), Sklearn())


def adapter_of(model: Any) -> Adapter:
    """The adapter of a model's class, or of a file by the end of its name.

    Raises
    ------
    UsageError
        There is none.
    """
    if isinstance(model, str | os.PathLike):
        path = os.fspath(model)
        for adapter in ADAPTERS:
            if str(path).lower().endswith(adapter.suffixes):
                return adapter
        known = ", ".join(suffix for adapter in ADAPTERS for suffix in adapter.suffixes)
        raise UsageError(
            f"{path} ends like no model's file; those known are {known}",
            hint="load it, and pass the model itself",
        )
    for adapter in ADAPTERS:
        if adapter.is_of(model):
            return adapter
    names = ", ".join(adapter.name for adapter in ADAPTERS)
    raise UsageError(
        f"a {type(model).__module__}.{type(model).__name__} is no model of {names}",
        hint="write a function of arrays with @hydrofoil.batch_udf(load=...)",
    )


def named(name: str) -> Adapter:
    """The adapter of this name."""
    return next(adapter for adapter in ADAPTERS if adapter.name == name)
