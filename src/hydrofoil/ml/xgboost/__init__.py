"""XGBoost's estimators, with the names of ``xgboost.spark``: switching is an import."""

from hydrofoil.ml.xgboost.kinds import (
    SparkXGBClassifier,
    SparkXGBClassifierModel,
    SparkXGBRanker,
    SparkXGBRankerModel,
    SparkXGBRegressor,
    SparkXGBRegressorModel,
)
from hydrofoil.ml.xgboost.model import XGBoostTrainingSummary

__all__ = [
    "SparkXGBClassifier",
    "SparkXGBClassifierModel",
    "SparkXGBRanker",
    "SparkXGBRankerModel",
    "SparkXGBRegressor",
    "SparkXGBRegressorModel",
    "XGBoostTrainingSummary",
]
