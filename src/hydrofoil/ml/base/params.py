"""Parameters that all estimators and models have, and how they are set by keyword."""

import difflib
from collections.abc import Mapping
from typing import Any

import numpy as np
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import (
    HasFeaturesCol,
    HasLabelCol,
    HasPredictionCol,
    HasValidationIndicatorCol,
    HasWeightCol,
)

from hydrofoil.errors import UsageError

# Arguments of `gang.run` that an estimator has no parameter for.
GANG_OPTIONS = (
    "backoff",
    "balance",
    "env",
    "max_restarts",
    "on_progress",
    "progress",
    "progress_timeout",
    "retry_on",
    "share_devices",
    "spool",
    "start_timeout",
    "timeout",
    "wait_for_slots",
)


def one_or_several(value: Any) -> Any:
    """A column's name, or a list of names."""
    if isinstance(value, str):
        return value
    return TypeConverters.toListString(value)


def plain(value: Any) -> Any:
    """NumPy's scalars and arrays as Python's, so that JSON has them; anything else as it is."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def gang_options(value: Any) -> dict[str, Any]:
    """Further arguments of `gang.run`, checked by name."""
    if not isinstance(value, Mapping):
        raise TypeError(f"gang_options={value!r} is no dict")
    unknown = sorted(set(value) - set(GANG_OPTIONS))
    if unknown:
        raise UsageError(
            f"gang_options has {unknown[0]!r}",
            hint=f"it takes these arguments of gang.run: {', '.join(GANG_OPTIONS)}",
        )
    return dict(value)


class GangParams(
    HasFeaturesCol, HasLabelCol, HasPredictionCol, HasWeightCol, HasValidationIndicatorCol
):
    """The columns, and how a gang is run."""

    featuresCol: "Param[Any]" = Param(
        Params._dummy(),
        "featuresCol",
        "features: a column of vectors or arrays, or a list of columns of numbers",
        typeConverter=one_or_several,
    )
    gang_options: "Param[dict[str, Any]]" = Param(
        Params._dummy(),
        "gang_options",
        f"further arguments of gang.run, a dict: {', '.join(GANG_OPTIONS)}",
        typeConverter=gang_options,
    )

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(gang_options={})

    def named(self, name: str) -> Any:
        """A parameter's value; None where it has none, or is the empty string."""
        if not self.hasParam(name):
            return None
        param = self.getParam(name)
        value = self.getOrDefault(param) if self.isDefined(param) else None
        return None if isinstance(value, str) and not value else value


class WorkersParams(GangParams):
    """``num_workers`` and ``device``, as ``xgboost.spark`` calls them."""

    num_workers: "Param[int]" = Param(
        Params._dummy(),
        "num_workers",
        "ranks to train in, each in a slot of Spark's",
        typeConverter=TypeConverters.toInt,
    )
    device: "Param[str]" = Param(
        Params._dummy(),
        "device",
        "cpu, or cuda (gpu is the same): a GPU for each rank",
        typeConverter=TypeConverters.toString,
    )

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(num_workers=1, device="cpu")

    def gpus(self) -> int:
        """GPUs a rank."""
        return int(self.named("device") in ("cuda", "gpu"))

    def device_of_tasks(self, spark: Any) -> str | None:
        """``cuda`` where a GPU was asked for, and Spark gives each task one."""
        if not self.gpus():
            return None
        try:
            amount = spark.sparkContext.getConf().get("spark.task.resource.gpu.amount", "0")
        except Exception:
            return None  # A client's session has no context.
        return "cuda" if float(amount) else None

    def check_workers(self) -> None:
        """Raise `UsageError` for a number of ranks or a device that can't be."""
        if (workers := self.named("num_workers")) < 1:
            raise UsageError(f"num_workers={workers} has to be 1 or more")
        device = self.named("device")
        if device not in (None, "cpu", "cuda", "gpu"):
            raise UsageError(
                f"device={device!r} is neither 'cpu' nor 'cuda'",
                hint="which GPU a rank has is Spark's to say: a number can't be given",
            )


# As users of `xgboost.spark` write what `pyspark.ml` calls otherwise.
COLUMN_NAMES = {
    "features_col": "featuresCol",
    "label_col": "labelCol",
    "weight_col": "weightCol",
    "prediction_col": "predictionCol",
    "probability_col": "probabilityCol",
    "raw_prediction_col": "rawPredictionCol",
    "validation_indicator_col": "validationIndicatorCol",
}


def unknown_name(owner: str, name: str, known: Any) -> UsageError:
    """The error for a parameter that there is not, with those of names like it."""
    close = difflib.get_close_matches(name, sorted(known), n=3)
    return UsageError(
        f"{owner} has no parameter {name!r}",
        hint=f"did you mean {' or '.join(close)}?" if close else "see explainParams()",
    )


def set_by_keyword(params: GangParams, values: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Set parameters; those whose value is None are left as they are by default.

    Parameters
    ----------
    params : GangParams
    values : mapping
        By keyword.
    names : mapping of str to str
        Parameters' names by keywords that differ.

    Raises
    ------
    UsageError
        There is no such parameter, or its value is of a wrong type.
    """
    for keyword, value in values.items():
        name = names.get(keyword, keyword)
        if not params.hasParam(name):
            raise unknown_name(
                type(params).__name__, keyword, [*names, *(one.name for one in params.params)]
            )
        if value is None:
            continue
        try:
            params._set(**{name: value})
        except TypeError as error:
            raise UsageError(f"{keyword}={value!r}: {error}") from error
