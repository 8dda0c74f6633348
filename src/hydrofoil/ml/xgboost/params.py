"""What XGBoost's estimators and models have in common: their parameters."""

import inspect
from collections.abc import Callable
from typing import Any

import xgboost
from pyspark.ml.param import Param, Params, TypeConverters

from hydrofoil.ml.base.params import WorkersParams, plain
from hydrofoil.ml.xgboost.names import ELSEWHERE


class XGBoostParams(WorkersParams):
    """What estimators and models have in common; XGBoost's own are added to each class."""

    base_margin_col: "Param[str]" = Param(
        Params._dummy(),
        "base_margin_col",
        "what predictions start from: a number, or an array with one for each class",
        typeConverter=TypeConverters.toString,
    )
    qid_col: "Param[str]" = Param(
        Params._dummy(),
        "qid_col",
        "the query that a row belongs to, for ranking",
        typeConverter=TypeConverters.toString,
    )
    pred_contrib_col: "Param[str]" = Param(
        Params._dummy(),
        "pred_contrib_col",
        "the column for each feature's contribution to a prediction; none unless given",
        typeConverter=TypeConverters.toString,
    )
    feature_names: "Param[Any]" = Param(
        Params._dummy(),
        "feature_names",
        "names of the features in the booster; those of the columns unless given",
        typeConverter=TypeConverters.toList,
    )
    enable_sparse_data_optim: "Param[bool]" = Param(
        Params._dummy(),
        "enable_sparse_data_optim",
        "whether vectors are fed as what they hold, without zeros, which then count as missing; "
        "needs missing=0.0",
        typeConverter=TypeConverters.toBoolean,
    )
    arbitrary_params_dict: "Param[dict[str, Any]]" = Param(
        Params._dummy(),
        "arbitrary_params_dict",
        "parameters of the booster that have none of their own here",
    )
    force_repartition: "Param[bool]" = Param(
        Params._dummy(),
        "force_repartition",
        "deal rows anew also if the DataFrame has an even partition for each worker",
        typeConverter=TypeConverters.toBoolean,
    )
    repartition_random_shuffle: "Param[bool]" = Param(
        Params._dummy(),
        "repartition_random_shuffle",
        "as force_repartition: rows are dealt in turn, which is even without chance",
        typeConverter=TypeConverters.toBoolean,
    )
    launch_tracker_on_driver: "Param[bool]" = Param(
        Params._dummy(),
        "launch_tracker_on_driver",
        "for xgboost.spark's sake: the tracker runs on rank 0",
        typeConverter=TypeConverters.toBoolean,
    )
    coll_cfg: "Param[Any]" = Param(
        Params._dummy(),
        "coll_cfg",
        "for xgboost.spark's sake: timeouts are gang_options, ports are free ones",
    )

    _sklearn: Any = None  # The class of XGBoost's whose parameters these are.

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(
            arbitrary_params_dict={},
            enable_sparse_data_optim=False,
            feature_names=None,
            force_repartition=False,
            repartition_random_shuffle=False,
            launch_tracker_on_driver=True,
            **defaults_of(self._sklearn),
        )

    def _rounds(self) -> int:
        return int(self.named("n_estimators"))


def defaults_of(sklearn: Any) -> dict[str, Any]:
    """XGBoost's parameters by name, with what its class has for them."""
    # Of signatures: to be made, these classes need scikit-learn, which nothing else here does.
    found = {
        name: one.default
        for cls in (xgboost.sklearn.XGBModel, sklearn)
        for name, one in inspect.signature(cls.__init__).parameters.items()
        if one.default is not one.empty
    }
    found["n_estimators"] = 100
    for name in ("device", *ELSEWHERE):
        found.pop(name, None)
    if issubclass(sklearn, xgboost.XGBClassifier):
        found["objective"] = None  # By the labels.
    # Of fit() and predict().
    verbose = inspect.signature(sklearn.fit).parameters["verbose"].default
    return {**found, "verbose": verbose, "xgb_model": None, "iteration_range": None}


def parameters_of(sklearn: Any) -> Callable[[Any], Any]:
    """A class decorator: gives an estimator or a model the parameters of XGBoost's class."""

    def add(cls: Any) -> Any:
        cls._sklearn = sklearn
        for name in defaults_of(sklearn):
            text = f"see {name} of xgboost.{sklearn.__name__}"
            param: Param[Any] = Param(Params._dummy(), name, text, typeConverter=plain)
            setattr(cls, name, param)
        return cls

    return add


def matrix_options(params: Any) -> dict[str, Any]:
    names = params.named("feature_names")
    features = params.getOrDefault(params.featuresCol)
    if names is None and not isinstance(features, str):
        # XGBoost's names can't have these.
        names = None if any(set(name) & set("[]<") for name in features) else list(features)
    found = {
        "missing": float(params.named("missing")),
        "feature_names": names,
        "feature_types": params.named("feature_types"),
        "feature_weights": params.named("feature_weights"),
        "enable_categorical": True if params.named("feature_types") is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}
