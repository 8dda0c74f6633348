"""Models of scikit-learn: estimators and pipelines, and what has their methods."""

from collections.abc import Sequence
from typing import Any

from hydrofoil.predictors.adapter import Adapter, methods_type


class Sklearn(Adapter):
    name = "scikit-learn"
    package = "scikit-learn"
    modules = ("sklearn",)
    suffixes = (".joblib", ".pkl", ".pickle")

    def read(self, path: str) -> Any:
        import joblib

        return joblib.load(path)

    def features(self, model: Any) -> list[str] | None:
        names = getattr(model, "feature_names_in_", None)
        return None if names is None else [str(name) for name in names]

    def takes_text(self, model: Any) -> bool:
        return self.features(model) is not None

    def result_type(self, model: Any, method: str) -> str:
        return methods_type(model, method, "double")

    def predict(self, model: Any, method: str, inputs: list[Any], names: Sequence[str]) -> Any:
        known = self.features(model)
        if known is None:
            return getattr(model, method)(inputs[0])
        import pandas as pd

        # It was trained on columns with names, and looks for these.
        frame = pd.DataFrame(inputs[0], columns=list(names) if len(names) == len(known) else known)
        return getattr(model, method)(frame)
