"""What all of XGBoost's estimators do: check what was asked, and say what ranks train."""

from typing import Any

import xgboost

from hydrofoil.errors import UsageError
from hydrofoil.ml.base.columns import Asked
from hydrofoil.ml.base.estimator import GangEstimator, Training
from hydrofoil.ml.base.params import COLUMN_NAMES, plain, set_by_keyword, unknown_name
from hydrofoil.ml.workers.of_xgboost import Task, Trained, train
from hydrofoil.ml.xgboost.model import XGBoostTrainingSummary
from hydrofoil.ml.xgboost.names import ELSEWHERE, NOT_BOOSTERS, OF_SOME, OF_TRAIN, unused
from hydrofoil.ml.xgboost.params import XGBoostParams, defaults_of, matrix_options


class XGBoostEstimator(GangEstimator, XGBoostParams):
    _model: Any = None
    _kind = ""

    def setParams(self, **values: Any) -> Any:
        """Set parameters by keyword: of `xgboost.spark`, of XGBoost, or of its booster.

        Raises
        ------
        UsageError
            There is no such parameter, or it is one that a column or the gang has.
        """
        own: dict[str, Any] = {}
        others: dict[str, Any] = {}
        for name, value in values.items():
            if name in ("features_cols", "arbitrary_params_dict", *COLUMN_NAMES.values()):
                known = {camel: snake for snake, camel in COLUMN_NAMES.items()}
                raise UsageError(
                    f"{name}= is no keyword of {type(self).__name__}",
                    hint=f"write {known.get(name, 'features_col')}="
                    if name != "arbitrary_params_dict"
                    else "write its parameters as keywords",
                )
            if name in ELSEWHERE:
                raise UsageError(
                    f"{type(self).__name__} takes no {name}=", hint=f"use {ELSEWHERE[name]}"
                )
            mine = self.hasParam(COLUMN_NAMES.get(name, name))
            (own if mine or name in COLUMN_NAMES else others)[name] = value
        set_by_keyword(self, own, COLUMN_NAMES)
        if others:
            self._check_known(others)
            more = {name: plain(value) for name, value in others.items()}
            self._set(arbitrary_params_dict={**self.named("arbitrary_params_dict"), **more})
        return self

    def _check_known(self, values: dict[str, Any]) -> None:
        names = {name for name in values if name not in (*OF_TRAIN, "num_class")}
        unknown = sorted(names & unused(names) - OF_SOME)
        if unknown:
            known = [*OF_SOME, *COLUMN_NAMES, *(one.name for one in self.params)]
            raise unknown_name(type(self).__name__, unknown[0], known)

    def set_device(self, value: str) -> Any:
        """Set where ranks train: ``cpu``, ``cuda`` or ``gpu``."""
        return self.setParams(device=value)

    def set_coll_cfg(self, value: Any) -> Any:
        """Accepted for `xgboost.spark`'s sake; see the parameter."""
        return self.setParams(coll_cfg=value)

    def training(self, dataset: Any) -> Training:
        self._check()
        sparse = bool(self.named("enable_sparse_data_optim"))
        columns = Asked(
            self.getOrDefault(self.featuresCol),
            self.getOrDefault(self.labelCol),
            weight=self.named("weightCol"),
            valid=self.named("validationIndicatorCol"),
            margin=self.named("base_margin_col"),
            group=self.named("qid_col"),
            sparse=sparse,
        )
        return Training(
            columns,
            train,
            {"task": self._task()},
            workers=self.named("num_workers"),
            gpus=self.gpus(),
            balance="rows" if columns.group is None else "key:group",
            allow_empty=True,
            as_it_is=not (
                self.getOrDefault(self.force_repartition)
                or self.getOrDefault(self.repartition_random_shuffle)
            ),
        )

    def model(self, trained: Trained) -> Any:
        summary = XGBoostTrainingSummary(
            trained.history.get("training", {}), trained.history.get("validation", {})
        )
        booster = xgboost.Booster(model_file=bytearray(trained.raw))
        return self._model(booster, summary)

    def _task(self) -> Task:
        extra = dict(self.named("arbitrary_params_dict"))
        options = {name: extra.pop(name) for name in OF_TRAIN if name in extra}
        options |= {
            "early_stopping_rounds": self.named("early_stopping_rounds"),
            "xgb_model": self.named("xgb_model"),
            "callbacks": self.named("callbacks"),
            # Values of rounds come to the driver; printing them, too, has to be asked for.
            "verbose_eval": self.named("verbose") if self.isSet("verbose") else False,
        }
        mine = set(defaults_of(self._sklearn)) - {*NOT_BOOSTERS, "verbose", "xgb_model"}
        params = {name: self.named(name) for name in mine - {"iteration_range"}}
        params |= extra
        return Task(
            self._kind,
            {name: value for name, value in params.items() if value is not None},
            self._rounds(),
            matrix_options(self),
            {name: value for name, value in options.items() if value is not None},
        )

    def _check(self) -> None:
        self.check_workers()
        name = type(self).__name__
        if self.named("tree_method") == "exact":
            raise UsageError(
                "tree_method='exact' needs all rows in one place, and ranks have parts of them",
                hint="use 'hist' or 'approx'",
            )
        objective, metric = self.named("objective"), self.named("eval_metric")
        if objective is not None and not isinstance(objective, str):
            raise UsageError(f"objective={objective!r}: has to be the name of one of XGBoost's")
        metrics = metric if isinstance(metric, list | tuple) else [metric or ""]
        if not all(isinstance(one, str) for one in metrics):
            raise UsageError(
                f"eval_metric={metric!r}: has to be the name of one of XGBoost's, or several",
                hint="a function is custom_metric=",
            )
        if self.named("early_stopping_rounds") and self.named("validationIndicatorCol") is None:
            raise UsageError(
                "early_stopping_rounds needs rows to validate on",
                hint="set validation_indicator_col to a boolean column that is true for them",
            )
        if self.named("enable_sparse_data_optim") and self.named("missing") != 0.0:
            raise UsageError(
                f"enable_sparse_data_optim with missing={self.named('missing')}: what a sparse "
                "vector does not hold is missing to XGBoost, and zero to Spark",
                hint="write missing=0.0 if zeros are missing values; or leave it out",
            )
        if self.named("xgb_model") is not None and not isinstance(
            self.named("xgb_model"), xgboost.Booster
        ):
            raise UsageError(f"xgb_model={self.named('xgb_model')!r}: has to be a xgboost.Booster")
        has_group = self.named("qid_col") is not None
        if has_group != (self._kind == "ranker"):
            raise UsageError(
                f"{name} needs qid_col" if not has_group else f"{name} has no use for qid_col",
                hint="it says which rows are of one query, for SparkXGBRanker",
            )
        if self._kind == "classifier" and objective is not None:
            raise UsageError(
                f"objective={objective!r}: {name} takes it from the labels",
                hint="leave it out; of two classes it is binary:logistic, else multi:softprob",
            )
