"""Models of scikit-learn: estimators and pipelines, and what has their methods."""

from collections.abc import Sequence
from typing import Any

from hydrofoil.predictors.adapter import Adapter, methods_type, names_in, with_names


class Sklearn(Adapter):
    name = "scikit-learn"
    package = "scikit-learn"
    modules = ("sklearn",)
    suffixes = (".joblib", ".pkl", ".pickle")

    def read(self, path: str) -> Any:
        import joblib

        return joblib.load(path)

    def features(self, model: Any) -> list[str] | None:
        return names_in(model)

    def takes_text(self, model: Any) -> bool:
        return names_in(model) is not None

    def result_type(self, model: Any, method: str) -> str:
        return methods_type(model, method, "double")

    def predict(self, model: Any, method: str, inputs: list[Any], names: Sequence[str]) -> Any:
        return getattr(model, method)(with_names(model, inputs[0], names))
