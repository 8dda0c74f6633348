"""LightGBM's estimators, with the names of SynapseML's, and every parameter of LightGBM's own."""

import json
import re
from collections.abc import Callable
from typing import Any

import lightgbm
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasProbabilityCol, HasRawPredictionCol

from hydrofoil.errors import UsageError
from hydrofoil.ml.base.columns import Asked
from hydrofoil.ml.base.estimator import GangEstimator, Training
from hydrofoil.ml.base.model import GangModel, predicted
from hydrofoil.ml.base.params import (
    COLUMN_NAMES,
    GangParams,
    one_or_several,
    plain,
    set_by_keyword,
)
from hydrofoil.ml.workers.of_lightgbm import Load, Predict, Task, Trained, train
from hydrofoil.predictors.sent import Sent

__all__ = [
    "LightGBMClassificationModel",
    "LightGBMClassifier",
    "LightGBMRanker",
    "LightGBMRankerModel",
    "LightGBMRegressionModel",
    "LightGBMRegressor",
]

# LightGBM's parameters that are a column's or the gang's to say, or of its command line.
_NOT_HERE = re.compile(
    "categorical_feature|config|convert_model.*|data|group_column|header|ignore_column|input_model|"
    "is_provide_training_metric|label_column|local_listen_port|machine.*|metric_freq|num_iteration_"
    "predict|num_machines|output_.*|parser_config_file|pre_partition|precise_float_parser|pred_.*|"
    "predict_.*|save.*|snapshot_freq|start_iteration_predict|task|two_round|valid|weight_column"
)
# SynapseML's parameters that have another name here; what they were made for is not needed.
_ELSEWHERE = {
    "chunkSize": "rows come as Arrow batches: leave it out",
    "dataTransferMode": "rows come as Arrow batches: leave it out",
    "defaultListenPort": "ports are free ones: leave it out",
    "driverListenPort": "set spark.hydrofoil.gang.port",
    "matrixType": "write sparse=True for vectors that are mostly zeros",
    "numBatches": "train in one go: leave it out",
    "passThroughArgs": "write parameters as keywords",
    "repartitionByGroupingColumn": "a query is in one rank always: leave it out",
    "useBarrierExecutionMode": "gangs always start together: leave it out",
    "useSingleDatasetMode": "ranks have a data set each: leave it out",
}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _aliases() -> dict[str, list[str]]:
    """LightGBM's parameters, with the other names of each, as the library itself tells."""
    from lightgbm.basic import _ConfigAliases

    found: dict[str, list[str]] = _ConfigAliases._get_all_param_aliases()
    return {name: list(others) for name, others in found.items() if not _NOT_HERE.fullmatch(name)}


_ALIASES = _aliases()
# Each name's parameter here.
_NAMES = {other: _camel(name) for name, others in _ALIASES.items() for other in (name, *others)} | {
    "parallelism": "treeLearner",
    "num_workers": "numTasks",
    "num_tasks": "numTasks",
    "categorical_feature": "categoricalFeature",
    "group_col": "groupCol",
    "init_score_col": "initScoreCol",
    "qid_col": "groupCol",
    "feature_name": "slotNames",
}
_LEARNERS = {"data_parallel": "data", "voting_parallel": "voting", "feature_parallel": "feature"}


def _own(name: str) -> "Param[Any]":
    text = f"see {name} of LightGBM's parameters"
    return Param(Params._dummy(), _camel(name), text, typeConverter=plain)


def _column(name: str, text: str) -> "Param[str]":
    return Param(Params._dummy(), name, text, typeConverter=TypeConverters.toString)


class _LightGBMParams(GangParams):
    """What estimators and models have in common."""

    numTasks: "Param[int]" = Param(
        Params._dummy(),
        "numTasks",
        "ranks to train in, each in a slot of Spark's; 0 is as many as there are slots",
        typeConverter=TypeConverters.toInt,
    )
    groupCol = _column("groupCol", "the query that a row belongs to, for ranking")
    initScoreCol = _column(
        "initScoreCol",
        "what training starts from: a number, or an array with one for each class. LightGBM does "
        "not add it to predictions",
    )
    leafPredictionCol = _column("leafPredictionCol", "the column for the leaves that a row is in")
    featuresShapCol = _column(
        "featuresShapCol", "the column for each feature's contribution to a prediction"
    )
    categoricalFeature: "Param[Any]" = Param(
        Params._dummy(),
        "categoricalFeature",
        "features that are categories, by number or name; they hold whole numbers from 0 on",
        typeConverter=TypeConverters.toList,
    )
    slotNames: "Param[Any]" = Param(
        Params._dummy(),
        "slotNames",
        "names of the features; those of the columns unless given",
        typeConverter=one_or_several,
    )
    sparse: "Param[bool]" = Param(
        Params._dummy(),
        "sparse",
        "whether vectors are fed as what they hold, without zeros",
        typeConverter=TypeConverters.toBoolean,
    )

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(numTasks=0, sparse=False)

    def setParams(self, **values: Any) -> Any:
        """Set parameters by keyword: in SynapseML's manner, or by LightGBM's own names.

        Raises
        ------
        UsageError
            There is no such parameter.
        """
        given: dict[str, Any] = {}
        for name, value in values.items():
            if name in _ELSEWHERE:
                raise UsageError(f"{type(self).__name__} takes no {name}", hint=_ELSEWHERE[name])
            if name in ("categoricalSlotIndexes", "categoricalSlotNames"):
                before = given.get("categoricalFeature", [])
                given["categoricalFeature"] = [*before, *(value or [])]
                continue
            name = self._name_of(name)
            if name == "treeLearner":
                value = _LEARNERS.get(value, value)
            given[name] = value
        set_by_keyword(self, given, {})
        return self

    def _name_of(self, keyword: str) -> str:
        if self.hasParam(keyword):
            return keyword
        found = COLUMN_NAMES.get(keyword) or _NAMES.get(keyword) or _NAMES.get(_snake(keyword))
        return found or keyword

    def _features(self) -> list[str] | None:
        """The features' names, if they have some that LightGBM can have."""
        names = self.named("slotNames")
        columns = self.getOrDefault(self.featuresCol)
        if names is None and not isinstance(columns, str):
            # A model is kept as text, in which these mean something.
            names = None if any(set(name) & set('[]{}",: ') for name in columns) else columns
        return None if names is None else list(names)


for _name in _ALIASES:
    if not hasattr(_LightGBMParams, _camel(_name)):
        setattr(_LightGBMParams, _camel(_name), _own(_name))


def _add_methods(cls: Any) -> Any:
    """A class decorator: ``setNumLeaves`` and ``getNumLeaves``, and so on for each parameter."""

    def setter(name: str) -> Callable[[Any, Any], Any]:
        def set_value(self: Any, value: Any) -> Any:
            return self.setParams(**{name: value})

        set_value.__doc__ = f"Set ``{name}``."
        return set_value

    def getter(name: str) -> Callable[[Any], Any]:
        def get_value(self: Any) -> Any:
            return self.getOrDefault(name)

        get_value.__doc__ = f"The value of ``{name}``."
        return get_value

    names = [name for name in dir(cls) if isinstance(getattr(cls, name), Param)]
    for name in [*names, "categoricalSlotIndexes", "categoricalSlotNames"]:
        title = name[:1].upper() + name[1:]
        for prefix, make in (("set", setter), ("get", getter)):
            if not hasattr(cls, prefix + title) and (prefix == "set" or name in names):
                method = make(name)
                method.__name__ = prefix + title
                setattr(cls, prefix + title, method)
    return cls


class _LightGBMEstimator(GangEstimator, _LightGBMParams):
    _model: Any = None
    _kind = ""

    def training(self, dataset: Any) -> Training:
        has_group = self.named("groupCol") is not None
        if has_group != (self._kind == "ranker"):
            name = type(self).__name__
            raise UsageError(
                f"{name} needs groupCol" if not has_group else f"{name} has no use for groupCol",
                hint="it says which rows are of one query, for LightGBMRanker",
            )
        if self.named("earlyStoppingRound") and self.named("validationIndicatorCol") is None:
            raise UsageError(
                "earlyStoppingRound needs rows to validate on",
                hint="set validationIndicatorCol to a boolean column that is true for them",
            )
        workers = self.getOrDefault(self.numTasks)
        if workers < 0:
            raise UsageError(f"numTasks={workers} has to be 0 or more")
        columns = Asked(
            self.getOrDefault(self.featuresCol),
            self.getOrDefault(self.labelCol),
            weight=self.named("weightCol"),
            valid=self.named("validationIndicatorCol"),
            margin=self.named("initScoreCol"),
            group=self.named("groupCol"),
            exact=True,
            sparse=bool(self.named("sparse")),
        )
        return Training(
            columns,
            train,
            {"task": self._task()},
            workers=workers or None,
            gpus=int(self.named("deviceType") in ("gpu", "cuda")),
            balance="rows" if columns.group is None else "key:group",
            allow_empty=True,
            as_it_is=True,
        )

    def _task(self) -> Task:
        params = {name: self.named(_camel(name)) for name in _ALIASES}
        names = self._features()
        categories = self.named("categoricalFeature")
        if categories is not None:
            unknown = [n for n in categories if isinstance(n, str) and n not in (names or [])]
            if unknown:
                raise UsageError(
                    f"the category {unknown[0]!r} is none of the features"
                    + (f" {names}" if names else ", which have no names"),
                    hint="give its number, or slotNames",
                )
        data = {"feature_name": names, "categorical_feature": categories}
        return Task(
            self._kind,
            {name: value for name, value in params.items() if value is not None},
            {name: value for name, value in data.items() if value is not None},
        )

    def model(self, trained: Trained) -> Any:
        return self._model(trained.text, trained.history, trained.best)


class _LightGBMModel(GangModel, _LightGBMParams):
    """Predicts; made by an estimator's ``fit``, by `load`, or of LightGBM's own text."""

    _kind = ""

    def __init__(
        self, text: str = "", history: dict[str, list[float]] | None = None, best: int = 0
    ) -> None:
        super().__init__()
        self._text = text
        self._booster: Any = None
        self.evals_result = history or {}
        self._best = best

    def getBooster(self) -> Any:
        """The ``lightgbm.Booster``."""
        if self._booster is None:
            self._booster = lightgbm.Booster(model_str=self._text)
        return self._booster

    get_booster = getBooster

    def getBoosterBestIteration(self) -> int:
        """The best iteration; 0 without early stopping."""
        return self._best

    def getFeatureImportances(self, importance_type: str = "split") -> list[float]:
        """How much each feature counts: ``split`` or ``gain``."""
        return [float(one) for one in self.getBooster().feature_importance(importance_type)]

    def getNativeModel(self) -> str:
        """The booster as LightGBM's own text."""
        return self._text

    def saveNativeModel(self, path: str, overwrite: bool = True) -> None:
        """Write LightGBM's own text as a folder of one text file, by Spark.

        Parameters
        ----------
        path : str
        overwrite : bool
        """
        from pyspark.sql import SparkSession

        rows = SparkSession.active().createDataFrame([(self._text,)], "value string")
        rows.coalesce(1).write.mode("overwrite" if overwrite else "error").text(path)

    @classmethod
    def loadNativeModelFromString(cls, text: str, **values: Any) -> Any:
        """The model of a booster's text; parameters by keyword."""
        return cls(text).setParams(**values)

    @classmethod
    def loadNativeModelFromFile(cls, path: str, **values: Any) -> Any:
        """The model of what `saveNativeModel`, or LightGBM where Spark reads it, has written."""
        from pyspark.sql import SparkSession

        [row] = SparkSession.active().read.text(path, wholetext=True).collect()
        return cls.loadNativeModelFromString(row[0], **values)

    def parts(self) -> dict[str, bytes]:
        more = {"history": self.evals_result, "best": self._best}
        return {"booster": self._text.encode(), "more": json.dumps(more).encode()}

    def put_together(self, parts: dict[str, bytes]) -> None:
        self._text, self._booster = parts["booster"].decode(), None
        more = json.loads(parts["more"])
        self.evals_result, self._best = more["history"], more["best"]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_booster": None}

    def _outputs(self) -> tuple[dict[str, str], dict[str, Callable[[Any], Any]]]:
        """The fields' types, and the columns that are made of them."""
        from pyspark.ml.functions import array_to_vector

        types: dict[str, str] = {}
        outputs: dict[str, Callable[[Any], Any]] = {}
        for param, field in (
            ("rawPredictionCol", "raw"),
            ("probabilityCol", "probability"),
            ("leafPredictionCol", "leaves"),
            ("featuresShapCol", "contributions"),
        ):
            if name := self.named(param):
                types[field] = "array<double>"
                outputs[name] = lambda fields, field=field: array_to_vector(fields[field])  # type: ignore[misc]
        if name := self.named("predictionCol"):
            types["prediction"] = "double"
            outputs[name] = lambda fields: fields["prediction"]
        return types, outputs

    def _transform(self, dataset: Any) -> Any:
        columns, _ = self.feature_columns(dataset, exact=True)
        types, outputs = self._outputs()
        found = re.search(r"^objective=(.*)$", self._text, re.MULTILINE)
        predict = Predict(list(types), self._kind == "classifier", found[1] if found else "")
        load = Load(Sent(dataset.sparkSession, self._text.encode()))
        return predicted(dataset, columns, load, predict, types, outputs)


# --- The classes ----------------------------------------------------------------------------------


@_add_methods
class LightGBMRegressionModel(_LightGBMModel):
    """What `LightGBMRegressor.fit` returns."""

    _kind = "regressor"


@_add_methods
class LightGBMRegressor(_LightGBMEstimator):
    """Predicts numbers.

    Parameters are LightGBM's, in SynapseML's manner (``numLeaves=31``, ``setNumLeaves(31)``) or by
    its own names and their aliases (``num_leaves=31``); the columns, ``numTasks``, and
    ``gang_options``, a dict of further arguments of `gang.run`. See docs/estimators.md.

    Raises
    ------
    UsageError
        There is no such parameter.
    """

    _kind = "regressor"
    _model = LightGBMRegressionModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.setParams(**values)


@_add_methods
class LightGBMRankerModel(_LightGBMModel):
    """What `LightGBMRanker.fit` returns."""

    _kind = "ranker"


@_add_methods
class LightGBMRanker(_LightGBMEstimator):
    """Ranks the rows of queries; ``groupCol`` says which rows are of one.

    All rows of a query are in one rank. Parameters otherwise as of `LightGBMRegressor`.
    """

    _kind = "ranker"
    _model = LightGBMRankerModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self._setDefault(objective="lambdarank")
        self.setParams(**values)


@_add_methods
class LightGBMClassificationModel(_LightGBMModel, HasProbabilityCol, HasRawPredictionCol):
    """What `LightGBMClassifier.fit` returns."""

    _kind = "classifier"


@_add_methods
class LightGBMClassifier(_LightGBMEstimator, HasProbabilityCol, HasRawPredictionCol):
    """Predicts classes, whose labels are whole numbers from 0 on.

    Adds ``rawPrediction`` and ``probability``, vectors with an element for each class, and
    ``prediction``. Parameters otherwise as of `LightGBMRegressor`.
    """

    _kind = "classifier"
    _model = LightGBMClassificationModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.setParams(**values)
