"""What all of LightGBM's estimators do: check what was asked, and say what ranks train."""

from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.ml.base.columns import Asked
from hydrofoil.ml.base.estimator import GangEstimator, Training
from hydrofoil.ml.lightgbm.names import ALIASES, camel
from hydrofoil.ml.lightgbm.params import LightGBMParams
from hydrofoil.ml.workers.of_lightgbm import Task, Trained, train


class LightGBMEstimator(GangEstimator, LightGBMParams):
    _model: Any = None
    _kind = ""

    def training(self, dataset: Any) -> Training:
        has_group = self.named("groupCol") is not None
        if has_group != (self._kind == "ranker"):
            name = type(self).__name__
            raise UsageError(
                f"{name} needs groupCol" if not has_group else f"{name} has no use for groupCol",
                hint="it says which rows are of one query, for LightGBMRanker",
            )
        if self.named("earlyStoppingRound") and self.named("validationIndicatorCol") is None:
            raise UsageError(
                "earlyStoppingRound needs rows to validate on",
                hint="set validationIndicatorCol to a boolean column that is true for them",
            )
        workers = self.getOrDefault(self.numTasks)
        if workers < 0:
            raise UsageError(f"numTasks={workers} has to be 0 or more")
        columns = Asked(
            self.getOrDefault(self.featuresCol),
            self.getOrDefault(self.labelCol),
            weight=self.named("weightCol"),
            valid=self.named("validationIndicatorCol"),
            margin=self.named("initScoreCol"),
            group=self.named("groupCol"),
            exact=True,
            sparse=bool(self.named("sparse")),
        )
        return Training(
            columns,
            train,
            {"task": self._task()},
            workers=workers or None,
            gpus=int(self.named("deviceType") in ("gpu", "cuda")),
            balance="rows" if columns.group is None else "key:group",
            allow_empty=True,
            as_it_is=True,
        )

    def _task(self) -> Task:
        params = {name: self.named(camel(name)) for name in ALIASES}
        names = self._features()
        categories = self.named("categoricalFeature")
        if categories is not None:
            unknown = [n for n in categories if isinstance(n, str) and n not in (names or [])]
            if unknown:
                raise UsageError(
                    f"the category {unknown[0]!r} is none of the features"
                    + (f" {names}" if names else ", which have no names"),
                    hint="give its number, or slotNames",
                )
        data = {"feature_name": names, "categorical_feature": categories}
        return Task(
            self._kind,
            {name: value for name, value in params.items() if value is not None},
            {name: value for name, value in data.items() if value is not None},
        )

    def model(self, trained: Trained) -> Any:
        return self._model(trained.text, trained.history, trained.best)
