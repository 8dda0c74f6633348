"""LightGBM's estimators, with the names of SynapseML's, and every parameter of LightGBM's own."""

from hydrofoil.ml.lightgbm.kinds import (
    LightGBMClassificationModel,
    LightGBMClassifier,
    LightGBMRanker,
    LightGBMRankerModel,
    LightGBMRegressionModel,
    LightGBMRegressor,
)

__all__ = [
    "LightGBMClassificationModel",
    "LightGBMClassifier",
    "LightGBMRanker",
    "LightGBMRankerModel",
    "LightGBMRegressionModel",
    "LightGBMRegressor",
]
