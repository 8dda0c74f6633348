"""XGBoost's estimators and models of each kind, as users import them."""

from collections.abc import Callable
from typing import Any

import xgboost
from pyspark.ml.param.shared import HasProbabilityCol, HasRawPredictionCol

from hydrofoil.ml.xgboost.estimator import XGBoostEstimator
from hydrofoil.ml.xgboost.model import XGBoostModel
from hydrofoil.ml.xgboost.params import parameters_of


@parameters_of(xgboost.XGBRegressor)
class SparkXGBRegressorModel(XGBoostModel):
    """What `SparkXGBRegressor.fit` returns."""

    _kind = "regressor"


@parameters_of(xgboost.XGBRegressor)
class SparkXGBRegressor(XGBoostEstimator):
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


@parameters_of(xgboost.XGBRanker)
class SparkXGBRankerModel(XGBoostModel):
    """What `SparkXGBRanker.fit` returns."""

    _kind = "ranker"


@parameters_of(xgboost.XGBRanker)
class SparkXGBRanker(XGBoostEstimator):
    """Ranks the rows of queries; ``qid_col`` says which rows are of one.

    All rows of a query are in one rank. Parameters otherwise as of `SparkXGBRegressor`. A weight
    is a query's: all of its rows have the same.
    """

    _kind = "ranker"
    _model = SparkXGBRankerModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.setParams(**values)


@parameters_of(xgboost.XGBClassifier)
class SparkXGBClassifierModel(XGBoostModel, HasProbabilityCol, HasRawPredictionCol):
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


@parameters_of(xgboost.XGBClassifier)
class SparkXGBClassifier(XGBoostEstimator, HasProbabilityCol, HasRawPredictionCol):
    """Predicts classes, whose labels are whole numbers from 0 on.

    Adds ``rawPrediction`` and ``probability``, vectors with an element for each class, and
    ``prediction``. Parameters otherwise as of `SparkXGBRegressor`.
    """

    _kind = "classifier"
    _model = SparkXGBClassifierModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.setParams(**values)
