"""Hydrofoil: the fastest way to run Python on Spark.

Importing this package is free: no Spark, no pandas, no side effect. Each public name is imported
from its module when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydrofoil.checkup.session import doctor
    from hydrofoil.decorators.aggregate import aggregate, group_by
    from hydrofoil.decorators.arrays import Masked, Ragged
    from hydrofoil.decorators.batch import batch_udf
    from hydrofoil.decorators.numpy import numpy_udf
    from hydrofoil.decorators.row import udf
    from hydrofoil.decorators.torch import torch_udf
    from hydrofoil.decorators.vectorized import arrow_udf, pandas_udf
    from hydrofoil.launch import configure, session
    from hydrofoil.paths.functions import explain
    from hydrofoil.paths.query import last_query

__version__ = "0.1.0"

# Public name -> the module that defines it.
_PUBLIC = {
    "Masked": "hydrofoil.decorators.arrays",
    "Ragged": "hydrofoil.decorators.arrays",
    "aggregate": "hydrofoil.decorators.aggregate",
    "arrow_udf": "hydrofoil.decorators.vectorized",
    "batch_udf": "hydrofoil.decorators.batch",
    "configure": "hydrofoil.launch",
    "doctor": "hydrofoil.checkup.session",
    "explain": "hydrofoil.paths.functions",
    "group_by": "hydrofoil.decorators.aggregate",
    "last_query": "hydrofoil.paths.query",
    "numpy_udf": "hydrofoil.decorators.numpy",
    "pandas_udf": "hydrofoil.decorators.vectorized",
    "session": "hydrofoil.launch",
    "torch_udf": "hydrofoil.decorators.torch",
    "udf": "hydrofoil.decorators.row",
}

__all__ = [
    "Masked",
    "Ragged",
    "__version__",
    "aggregate",
    "arrow_udf",
    "batch_udf",
    "configure",
    "doctor",
    "explain",
    "group_by",
    "last_query",
    "numpy_udf",
    "pandas_udf",
    "session",
    "torch_udf",
    "udf",
]


if not TYPE_CHECKING:  # A type checker would take any name for a public one.

    def __getattr__(name: str) -> Any:
        try:
            module = _PUBLIC[name]
        except KeyError:
            raise AttributeError(f"module 'hydrofoil' has no attribute {name!r}") from None
        return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted(__all__)
