"""XGBoost's estimators, with the names of ``xgboost.spark``: switching is an import."""

import inspect
import json
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xgboost
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasProbabilityCol, HasRawPredictionCol

from hydrofoil.errors import UsageError
from hydrofoil.ml.base.columns import Asked
from hydrofoil.ml.base.estimator import GangEstimator, Training
from hydrofoil.ml.base.model import GangModel, predicted
from hydrofoil.ml.base.params import (
    COLUMN_NAMES,
    WorkersParams,
    plain,
    set_by_keyword,
    unknown_name,
)
from hydrofoil.ml.workers.of_xgboost import Load, Predict, Task, Trained, train
from hydrofoil.predictors.sent import Sent

__all__ = [
    "SparkXGBClassifier",
    "SparkXGBClassifierModel",
    "SparkXGBRanker",
    "SparkXGBRankerModel",
    "SparkXGBRegressor",
    "SparkXGBRegressorModel",
    "XGBoostTrainingSummary",
]

# Parameters of XGBoost's classes that its booster does not know.
_NOT_BOOSTERS = (
    "callbacks",
    "early_stopping_rounds",
    "feature_types",
    "feature_weights",
    "importance_type",
    "missing",
    "n_estimators",
)
# Those of `xgboost.train` that have no parameter of their own.
_OF_TRAIN = ("custom_metric", "maximize")
# What a gang knows better, and what a column says; with what to write instead.
_ELSEWHERE = {
    "base_margin": "base_margin_col",
    "base_margin_eval_set": "base_margin_col and validation_indicator_col",
    "enable_categorical": 'feature_types=["c", "q", ...], which says it of each feature',
    "eval_group": "qid_col and validation_indicator_col",
    "eval_qid": "qid_col and validation_indicator_col",
    "eval_set": "validation_indicator_col",
    "evals": "validation_indicator_col",
    "evals_result": "the model's training_summary",
    "group": "qid_col",
    "n_jobs": "spark.task.cpus, or gang_options",
    "nthread": "spark.task.cpus",
    "output_margin": "raw_prediction_col",
    "qid": "qid_col",
    "sample_weight": "weight_col",
    "sample_weight_eval_set": "weight_col and validation_indicator_col",
    "validate_features": "nothing: features have the order of features_col",
}
# Parameters of some objectives or updaters alone, that others do not use.
_OF_SOME = {
    "aft_loss_distribution",
    "aft_loss_distribution_scale",
    "expectile_alpha",
    "extmem_single_page",
    "feature_selector",
    "huber_slope",
    "lambdarank_bias_norm",
    "lambdarank_normalization",
    "lambdarank_num_pair_per_sample",
    "lambdarank_pair_method",
    "lambdarank_score_normalization",
    "lambdarank_unbiased",
    "max_cached_hist_node",
    "ndcg_exp_gain",
    "normalize_type",
    "one_drop",
    "process_type",
    "quantile_alpha",
    "rate_drop",
    "refresh_leaf",
    "sample_type",
    "scale_pos_weight",
    "sketch_ratio",
    "skip_drop",
    "top_k",
    "tweedie_variance_power",
    "updater",
}


@dataclass
class XGBoostTrainingSummary:
    """Each metric's value in each round.

    Attributes
    ----------
    train_objective_history, validation_objective_history : dict of str to list of float
    """

    train_objective_history: dict[str, list[float]] = field(default_factory=dict)
    validation_objective_history: dict[str, list[float]] = field(default_factory=dict)


class _XGBoostParams(WorkersParams):
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
            **_defaults(self._sklearn),
        )

    def _rounds(self) -> int:
        return int(self.named("n_estimators"))


def _defaults(sklearn: Any) -> dict[str, Any]:
    """XGBoost's parameters by name, with what its class has for them."""
    # Of signatures: to be made, these classes need scikit-learn, which nothing else here does.
    found = {
        name: one.default
        for cls in (xgboost.sklearn.XGBModel, sklearn)
        for name, one in inspect.signature(cls.__init__).parameters.items()
        if one.default is not one.empty
    }
    found["n_estimators"] = 100
    for name in ("device", *_ELSEWHERE):
        found.pop(name, None)
    if issubclass(sklearn, xgboost.XGBClassifier):
        found["objective"] = None  # By the labels.
    # Of fit() and predict().
    verbose = inspect.signature(sklearn.fit).parameters["verbose"].default
    return {**found, "verbose": verbose, "xgb_model": None, "iteration_range": None}


def _of(sklearn: Any) -> Callable[[Any], Any]:
    """A class decorator: gives an estimator or a model the parameters of XGBoost's class."""

    def add(cls: Any) -> Any:
        cls._sklearn = sklearn
        for name in _defaults(sklearn):
            text = f"see {name} of xgboost.{sklearn.__name__}"
            param: Param[Any] = Param(Params._dummy(), name, text, typeConverter=plain)
            setattr(cls, name, param)
        return cls

    return add


class _XGBoostEstimator(GangEstimator, _XGBoostParams):
    _model: Any = None
    _kind = ""

    def setParams(self, **values: Any) -> Any:
        """Set parameters by keyword: of `xgboost.spark`, of XGBoost, or of its booster.

        Raises
        ------
        UsageError
            There is no such parameter, or it is one that a column or the gang has.
        """
        own: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name, value in values.items():
            if name in ("features_cols", "arbitrary_params_dict", *COLUMN_NAMES.values()):
                known = {camel: snake for snake, camel in COLUMN_NAMES.items()}
                raise UsageError(
                    f"{name}= is no keyword of {type(self).__name__}",
                    hint=f"write {known.get(name, 'features_col')}="
                    if name != "arbitrary_params_dict"
                    else "write its parameters as keywords",
                )
            if name in _ELSEWHERE:
                raise UsageError(
                    f"{type(self).__name__} takes no {name}=", hint=f"use {_ELSEWHERE[name]}"
                )
            mine = self.hasParam(COLUMN_NAMES.get(name, name))
            (own if mine or name in COLUMN_NAMES else others)[name] = value
        set_by_keyword(self, own, COLUMN_NAMES)
        if others:
            self._check_known(others)
            more = {name: plain(value) for name, value in others.items()}
            self._set(arbitrary_params_dict={**self.named("arbitrary_params_dict"), **more})
        return self

    def _check_known(self, values: dict[str, Any]) -> None:
        names = {name for name in values if name not in (*_OF_TRAIN, "num_class")}
        unknown = sorted(names & _unused(names) - _OF_SOME)
        if unknown:
            known = [*_OF_SOME, *COLUMN_NAMES, *(one.name for one in self.params)]
            raise unknown_name(type(self).__name__, unknown[0], known)

    def set_device(self, value: str) -> Any:
        """Set where ranks train: ``cpu``, ``cuda`` or ``gpu``."""
        return self.setParams(device=value)

    def set_coll_cfg(self, value: Any) -> Any:
        """Accepted for `xgboost.spark`'s sake; see the parameter."""
        return self.setParams(coll_cfg=value)

    def training(self, dataset: Any) -> Training:
        self._check()
        sparse = bool(self.named("enable_sparse_data_optim"))
        columns = Asked(
            self.getOrDefault(self.featuresCol),
            self.getOrDefault(self.labelCol),
            weight=self.named("weightCol"),
            valid=self.named("validationIndicatorCol"),
            margin=self.named("base_margin_col"),
            group=self.named("qid_col"),
            sparse=sparse,
        )
        return Training(
            columns,
            train,
            {"task": self._task()},
            workers=self.named("num_workers"),
            gpus=self.gpus(),
            balance="rows" if columns.group is None else "key:group",
            allow_empty=True,
            as_it_is=not (
                self.getOrDefault(self.force_repartition)
                or self.getOrDefault(self.repartition_random_shuffle)
            ),
        )

    def model(self, trained: Trained) -> Any:
        summary = XGBoostTrainingSummary(
            trained.history.get("training", {}), trained.history.get("validation", {})
        )
        booster = xgboost.Booster(model_file=bytearray(trained.raw))
        return self._model(booster, summary)

    def _task(self) -> Task:
        extra = dict(self.named("arbitrary_params_dict"))
        options = {name: extra.pop(name) for name in _OF_TRAIN if name in extra}
        options |= {
            "early_stopping_rounds": self.named("early_stopping_rounds"),
            "xgb_model": self.named("xgb_model"),
            "callbacks": self.named("callbacks"),
            # Values of rounds come to the driver; printing them, too, has to be asked for.
            "verbose_eval": self.named("verbose") if self.isSet("verbose") else False,
        }
        mine = set(_defaults(self._sklearn)) - {*_NOT_BOOSTERS, "verbose", "xgb_model"}
        params = {name: self.named(name) for name in mine - {"iteration_range"}}
        params |= extra
        return Task(
            self._kind,
            {name: value for name, value in params.items() if value is not None},
            self._rounds(),
            _matrix_options(self),
            {name: value for name, value in options.items() if value is not None},
        )

    def _check(self) -> None:
        self.check_workers()
        name = type(self).__name__
        if self.named("tree_method") == "exact":
            raise UsageError(
                "tree_method='exact' needs all rows in one place, and ranks have parts of them",
                hint="use 'hist' or 'approx'",
            )
        objective, metric = self.named("objective"), self.named("eval_metric")
        if objective is not None and not isinstance(objective, str):
            raise UsageError(f"objective={objective!r}: has to be the name of one of XGBoost's")
        metrics = metric if isinstance(metric, list | tuple) else [metric or ""]
        if not all(isinstance(one, str) for one in metrics):
            raise UsageError(
                f"eval_metric={metric!r}: has to be the name of one of XGBoost's, or several",
                hint="a function is custom_metric=",
            )
        if self.named("early_stopping_rounds") and self.named("validationIndicatorCol") is None:
            raise UsageError(
                "early_stopping_rounds needs rows to validate on",
                hint="set validation_indicator_col to a boolean column that is true for them",
            )
        if self.named("enable_sparse_data_optim") and self.named("missing") != 0.0:
            raise UsageError(
                f"enable_sparse_data_optim with missing={self.named('missing')}: what a sparse "
                "vector does not hold is missing to XGBoost, and zero to Spark",
                hint="write missing=0.0 if zeros are missing values; or leave it out",
            )
        if self.named("xgb_model") is not None and not isinstance(
            self.named("xgb_model"), xgboost.Booster
        ):
            raise UsageError(f"xgb_model={self.named('xgb_model')!r}: has to be a xgboost.Booster")
        has_group = self.named("qid_col") is not None
        if has_group != (self._kind == "ranker"):
            raise UsageError(
                f"{name} needs qid_col" if not has_group else f"{name} has no use for qid_col",
                hint="it says which rows are of one query, for SparkXGBRanker",
            )
        if self._kind == "classifier" and objective is not None:
            raise UsageError(
                f"objective={objective!r}: {name} takes it from the labels",
                hint="leave it out; of two classes it is binary:logistic, else multi:softprob",
            )


def _matrix_options(params: Any) -> dict[str, Any]:
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


_PROBING = threading.Lock()  # What catches warnings is the whole process's.


def _unused(names: set[str]) -> set[str]:
    """Those that XGBoost says it does not use."""
    with _PROBING, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        data = xgboost.DMatrix(np.zeros((1, 1)), label=[0.0])
        probed = {**dict.fromkeys(names, 1), "validate_parameters": True, "nthread": 1}
        try:
            xgboost.Booster(probed, cache=[data]).save_config()
        except xgboost.core.XGBoostError:
            return set()  # It knows one well enough to find fault with its value.
    text = " ".join(str(one.message) for one in heard)
    return {name for name in names if f'"{name}"' in text}


class _XGBoostModel(GangModel, _XGBoostParams):
    """Predicts; made by an estimator's ``fit``, or by `load`."""

    def __init__(
        self, booster: Any = None, training_summary: XGBoostTrainingSummary | None = None
    ) -> None:
        super().__init__()
        self._booster = booster
        self.training_summary = training_summary

    def get_booster(self) -> Any:
        """The ``xgboost.Booster``."""
        return self._booster

    def get_feature_importances(self, importance_type: str = "weight") -> dict[str, Any]:
        """How much features count, by their names.

        Parameters
        ----------
        importance_type : str
            ``weight``, ``gain``, ``cover``, ``total_gain`` or ``total_cover``.
        """
        found: dict[str, Any] = self._booster.get_score(importance_type=importance_type)
        return found

    def parts(self) -> dict[str, bytes]:
        summary = None if self.training_summary is None else vars(self.training_summary)
        return {
            "booster": bytes(self._booster.save_raw("ubj")),
            "summary": json.dumps(summary).encode(),
        }

    def put_together(self, parts: dict[str, bytes]) -> None:
        self._booster = xgboost.Booster(model_file=bytearray(parts["booster"]))
        summary = json.loads(parts["summary"])
        self.training_summary = None if summary is None else XGBoostTrainingSummary(**summary)

    def _outputs(self) -> tuple[dict[str, str], dict[str, Callable[[Any], Any]]]:
        """The fields' types, and the columns that are made of them."""
        from pyspark.ml.functions import array_to_vector

        types, outputs = {}, {}
        if name := self.named("predictionCol"):
            types["prediction"] = "double"
            outputs[name] = lambda fields: fields["prediction"]
        if name := self.named("pred_contrib_col"):
            types["contributions"] = "array<double>"
            outputs[name] = lambda fields: array_to_vector(fields["contributions"])
        return types, outputs

    def _transform(self, dataset: Any) -> Any:
        columns, _ = self.feature_columns(dataset)
        base = self.named("base_margin_col")
        types, outputs = self._outputs()
        matrix = _matrix_options(self)
        matrix.pop("feature_weights", None)
        matrix.pop("missing")
        device = self._device(dataset.sparkSession)
        raw = bytes(self._booster.save_raw("ubj"))
        predict = Predict(
            list(types),
            self._kind == "classifier",
            self._rounds_to_use(),
            float(self.named("missing")),
            base is not None,
            matrix,
        )
        return predicted(
            dataset,
            [*columns, *self.margin_column(dataset, base)],
            Load(Sent(dataset.sparkSession, raw), device),
            predict,
            types,
            outputs,
            device=device,
        )

    _kind = ""

    def _rounds_to_use(self) -> tuple[int, int]:
        given = self.named("iteration_range")
        if given is not None:
            return int(given[0]), int(given[1])
        best = self._booster.attr("best_iteration")
        return (0, 0) if best is None else (0, int(best) + 1)

    def _device(self, spark: Any) -> str | None:
        """``cuda`` where Spark gives each task a GPU."""
        if not self.gpus():
            return None
        try:
            amount = spark.sparkContext.getConf().get("spark.task.resource.gpu.amount", "0")
        except Exception:
            return None  # A client's session does not tell.
        return "cuda" if float(amount) else None


# --- The classes ----------------------------------------------------------------------------------


@_of(xgboost.XGBRegressor)
class SparkXGBRegressorModel(_XGBoostModel):
    """What `SparkXGBRegressor.fit` returns."""

    _kind = "regressor"


@_of(xgboost.XGBRegressor)
class SparkXGBRegressor(_XGBoostEstimator):
    """Predicts numbers.

    Parameters are those of ``xgboost.spark.SparkXGBRegressor``: columns, ``num_workers``,
    ``device``, all of ``xgboost.XGBRegressor``'s, and of the booster; and ``gang_options``, a dict
    of further arguments of `gang.run`. See docs/estimators.md.

    Raises
    ------
    UsageError
        There is no such parameter.
    """

    _kind = "regressor"
    _model = SparkXGBRegressorModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.setParams(**values)


@_of(xgboost.XGBRanker)
class SparkXGBRankerModel(_XGBoostModel):
    """What `SparkXGBRanker.fit` returns."""

    _kind = "ranker"


@_of(xgboost.XGBRanker)
class SparkXGBRanker(_XGBoostEstimator):
    """Ranks the rows of queries; ``qid_col`` says which rows are of one.

    All rows of a query are in one rank. Parameters otherwise as of `SparkXGBRegressor`. A weight
    is a query's: all of its rows have the same.
    """

    _kind = "ranker"
    _model = SparkXGBRankerModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.setParams(**values)


@_of(xgboost.XGBClassifier)
class SparkXGBClassifierModel(_XGBoostModel, HasProbabilityCol, HasRawPredictionCol):
    """What `SparkXGBClassifier.fit` returns."""

    _kind = "classifier"

    def _outputs(self) -> tuple[dict[str, str], dict[str, Callable[[Any], Any]]]:
        from pyspark.ml.functions import array_to_vector
        from pyspark.sql import functions

        types: dict[str, str] = {}
        outputs: dict[str, Callable[[Any], Any]] = {}
        if name := self.named("rawPredictionCol"):
            types["raw"] = "array<double>"
            outputs[name] = lambda fields: array_to_vector(fields["raw"])
        if name := self.named("predictionCol"):
            types["prediction"] = "double"
            outputs[name] = lambda fields: fields["prediction"]
        if name := self.named("probabilityCol"):
            types["probability"] = "array<double>"
            outputs[name] = lambda fields: array_to_vector(fields["probability"])
        if name := self.named("pred_contrib_col"):
            types["contributions"] = "array<double>"
            width = int(self._booster.num_features()) + 1

            def by_class(fields: Any) -> Any:
                flat = fields["contributions"]
                starts = functions.sequence(
                    functions.lit(1), functions.size(flat), functions.lit(width)
                )
                return functions.transform(starts, lambda at: functions.slice(flat, at, width))

            outputs[name] = by_class
        return types, outputs


@_of(xgboost.XGBClassifier)
class SparkXGBClassifier(_XGBoostEstimator, HasProbabilityCol, HasRawPredictionCol):
    """Predicts classes, whose labels are whole numbers from 0 on.

    Adds ``rawPrediction`` and ``probability``, vectors with an element for each class, and
    ``prediction``. Parameters otherwise as of `SparkXGBRegressor`.
    """

    _kind = "classifier"
    _model = SparkXGBClassifierModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.setParams(**values)
