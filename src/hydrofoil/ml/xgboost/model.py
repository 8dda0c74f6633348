"""What all of XGBoost's models do: predict in batches, be saved, tell of their training."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import xgboost

from hydrofoil.ml.base.model import GangModel, predicted
from hydrofoil.ml.workers.of_xgboost import Load, Predict
from hydrofoil.ml.xgboost.params import XGBoostParams, matrix_options
from hydrofoil.predictors.sent import Sent


@dataclass
class XGBoostTrainingSummary:
    """Each metric's value in each round.

    Attributes
    ----------
    train_objective_history, validation_objective_history : dict of str to list of float
    """

    train_objective_history: dict[str, list[float]] = field(default_factory=dict)
    validation_objective_history: dict[str, list[float]] = field(default_factory=dict)


class XGBoostModel(GangModel, XGBoostParams):
    """Predicts; made by an estimator's ``fit``, or by `load`."""

    _kind = ""

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
        matrix = matrix_options(self)
        matrix.pop("feature_weights", None)
        matrix.pop("missing")
        device = self.device_of_tasks(dataset.sparkSession)
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

    def _rounds_to_use(self) -> tuple[int, int]:
        given = self.named("iteration_range")
        if given is not None:
            return int(given[0]), int(given[1])
        best = self._booster.attr("best_iteration")
        return (0, 0) if best is None else (0, int(best) + 1)
