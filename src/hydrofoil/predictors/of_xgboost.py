"""Models of XGBoost: boosters, and those with scikit-learn's methods."""

import json
from collections.abc import Sequence
from typing import Any

from hydrofoil.predictors.adapter import Adapter, methods_type


class XGBoost(Adapter):
    name = "XGBoost"
    package = "xgboost"
    modules = ("xgboost",)
    suffixes = (".ubj", ".json", ".xgb")
    takes_device = True

    def read(self, path: str) -> Any:
        import xgboost

        return xgboost.Booster(model_file=path)

    def prepared(self, model: Any, device: str | None) -> Any:
        if device is not None:
            if hasattr(model, "get_booster"):
                model.set_params(device=device)
            else:
                model.set_param({"device": device})
        return model

    def features(self, model: Any) -> list[str] | None:
        if hasattr(model, "get_booster"):
            model = model.get_booster()
        return model.feature_names  # type: ignore[no-any-return]

    def result_type(self, model: Any, method: str) -> str:
        if hasattr(model, "get_booster"):
            return methods_type(model, method, "float")
        learner = json.loads(model.save_config())["learner"]
        targets = int(learner["learner_model_param"].get("num_target", "1"))
        is_row = learner["objective"]["name"] == "multi:softprob" or targets > 1
        return "array<float>" if is_row else "float"

    def predict(self, model: Any, method: str, inputs: list[Any], names: Sequence[str]) -> Any:
        [matrix] = inputs
        if hasattr(model, "get_booster") or method != "predict":
            return getattr(model, method)(matrix)
        return model.inplace_predict(matrix, validate_features=False)
