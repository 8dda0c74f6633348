"""What all of LightGBM's models do: predict in batches, be saved, give their booster."""

import json
import re
from collections.abc import Callable
from typing import Any

import lightgbm

from hydrofoil.ml.base.model import GangModel, predicted
from hydrofoil.ml.lightgbm.params import LightGBMParams
from hydrofoil.ml.workers.of_lightgbm import Load, Predict
from hydrofoil.predictors.sent import Sent


class LightGBMModel(GangModel, LightGBMParams):
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
