"""Models of LightGBM: boosters, and those with scikit-learn's methods."""

from collections.abc import Sequence
from typing import Any

from hydrofoil.predictors.adapter import Adapter, methods_type, with_names


class LightGBM(Adapter):
    name = "LightGBM"
    package = "lightgbm"
    modules = ("lightgbm",)
    suffixes = (".txt", ".lgb")

    def read(self, path: str) -> Any:
        import lightgbm

        return lightgbm.Booster(model_file=path)

    def features(self, model: Any) -> list[str] | None:
        is_booster = not hasattr(model, "feature_name_")
        names = list(model.feature_name() if is_booster else model.feature_name_)
        # What it calls those that had no names.
        return None if names == [f"Column_{i}" for i in range(len(names))] else names

    def result_type(self, model: Any, method: str) -> str:
        if hasattr(model, "booster_"):
            return methods_type(model, method, "double")
        return "array<double>" if model.num_model_per_iteration() > 1 else "double"

    def predict(self, model: Any, method: str, inputs: list[Any], names: Sequence[str]) -> Any:
        matrix = inputs[0]
        if hasattr(model, "booster_") and hasattr(model, "feature_names_in_"):
            matrix = with_names(model, matrix, names)
        return getattr(model, method)(matrix)
