"""Hydrofoil: the fastest way to run Python on Spark.

Importing this package is free: no Spark, no pandas, no side effect. Each public name is imported
from its module when it is first used.
"""

from typing import TYPE_CHECKING

from hydrofoil.lazy import importer
from hydrofoil.version import __version__

if TYPE_CHECKING:
    from hydrofoil.decorators.aggregate import aggregate, group_by
    from hydrofoil.decorators.batch import batch_udf
    from hydrofoil.decorators.numpy import numpy_udf
    from hydrofoil.decorators.row import udf
    from hydrofoil.decorators.torch import torch_udf
    from hydrofoil.decorators.vectorized import arrow_udf, pandas_udf
    from hydrofoil.decorators.waits import async_udf
    from hydrofoil.driver.calls import collect, create_dataframe, iterate, to_numpy, to_torch
    from hydrofoil.driver.switch import disable, enable
    from hydrofoil.predictors.api import inference
    from hydrofoil.predictors.generating import generate
    from hydrofoil.reports.failed import failed_rows
    from hydrofoil.reports.logs import log
    from hydrofoil.settings.launch import configure, session
    from hydrofoil.tools.advice.advise import advise
    from hydrofoil.tools.checkup.session import doctor
    from hydrofoil.tools.paths.functions import explain
    from hydrofoil.tools.paths.query import last_query
    from hydrofoil.values.arrays import Masked, Ragged
    from hydrofoil.waiting.calls.failing import TryAgain
    from hydrofoil.waiting.made import waiting_calls

# Public name -> the module that defines it.
_PUBLIC = {
    "Masked": "hydrofoil.values.arrays",
    "Ragged": "hydrofoil.values.arrays",
    "TryAgain": "hydrofoil.waiting.calls.failing",
    "advise": "hydrofoil.tools.advice.advise",
    "aggregate": "hydrofoil.decorators.aggregate",
    "arrow_udf": "hydrofoil.decorators.vectorized",
    "async_udf": "hydrofoil.decorators.waits",
    "batch_udf": "hydrofoil.decorators.batch",
    "collect": "hydrofoil.driver.calls",
    "configure": "hydrofoil.settings.launch",
    "create_dataframe": "hydrofoil.driver.calls",
    "disable": "hydrofoil.driver.switch",
    "doctor": "hydrofoil.tools.checkup.session",
    "enable": "hydrofoil.driver.switch",
    "explain": "hydrofoil.tools.paths.functions",
    "failed_rows": "hydrofoil.reports.failed",
    "generate": "hydrofoil.predictors.generating",
    "group_by": "hydrofoil.decorators.aggregate",
    "inference": "hydrofoil.predictors.api",
    "iterate": "hydrofoil.driver.calls",
    "last_query": "hydrofoil.tools.paths.query",
    "log": "hydrofoil.reports.logs",
    "numpy_udf": "hydrofoil.decorators.numpy",
    "pandas_udf": "hydrofoil.decorators.vectorized",
    "session": "hydrofoil.settings.launch",
    "to_numpy": "hydrofoil.driver.calls",
    "to_torch": "hydrofoil.driver.calls",
    "torch_udf": "hydrofoil.decorators.torch",
    "udf": "hydrofoil.decorators.row",
    "waiting_calls": "hydrofoil.waiting.made",
}

__all__ = [
    "Masked",
    "Ragged",
    "TryAgain",
    "__version__",
    "advise",
    "aggregate",
    "arrow_udf",
    "async_udf",
    "batch_udf",
    "collect",
    "configure",
    "create_dataframe",
    "disable",
    "doctor",
    "enable",
    "explain",
    "failed_rows",
    "generate",
    "group_by",
    "inference",
    "iterate",
    "last_query",
    "log",
    "numpy_udf",
    "pandas_udf",
    "session",
    "to_numpy",
    "to_torch",
    "torch_udf",
    "udf",
    "waiting_calls",
]


if not TYPE_CHECKING:  # A type checker would take any name for a public one.
    __getattr__ = importer(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
