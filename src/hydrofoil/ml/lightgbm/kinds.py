"""LightGBM's estimators and models of each kind, as users import them."""

from typing import Any

from pyspark.ml.param.shared import HasProbabilityCol, HasRawPredictionCol

from hydrofoil.ml.lightgbm.estimator import LightGBMEstimator
from hydrofoil.ml.lightgbm.model import LightGBMModel
from hydrofoil.ml.lightgbm.params import add_methods


@add_methods
class LightGBMRegressionModel(LightGBMModel):
    """What `LightGBMRegressor.fit` returns."""

    _kind = "regressor"


@add_methods
class LightGBMRegressor(LightGBMEstimator):
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


@add_methods
class LightGBMRankerModel(LightGBMModel):
    """What `LightGBMRanker.fit` returns."""

    _kind = "ranker"


@add_methods
class LightGBMRanker(LightGBMEstimator):
    """Ranks the rows of queries; ``groupCol`` says which rows are of one.

    All rows of a query are in one rank. Parameters otherwise as of `LightGBMRegressor`.
    """

    _kind = "ranker"
    _model = LightGBMRankerModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self._setDefault(objective="lambdarank")
        self.setParams(**values)


@add_methods
class LightGBMClassificationModel(LightGBMModel, HasProbabilityCol, HasRawPredictionCol):
    """What `LightGBMClassifier.fit` returns."""

    _kind = "classifier"


@add_methods
class LightGBMClassifier(LightGBMEstimator, HasProbabilityCol, HasRawPredictionCol):
    """Predicts classes, whose labels are whole numbers from 0 on.

    Adds ``rawPrediction`` and ``probability``, vectors with an element for each class, and
    ``prediction``. Parameters otherwise as of `LightGBMRegressor`.
    """

    _kind = "classifier"
    _model = LightGBMClassificationModel

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.setParams(**values)
