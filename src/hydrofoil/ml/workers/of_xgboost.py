"""XGBoost in a rank, and its models where they predict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.threads import threads
from hydrofoil.ml.workers.rows import Rows, number_of_classes, of_margins, side_by_side, taken
from hydrofoil.predictors.sent import Sent

_PIECE = 1 << 16  # Rows.
_QUANTILE = (None, "auto", "hist")  # Tree methods that work on bins.


@dataclass(frozen=True)
class Task:
    """What is trained.

    Parameters
    ----------
    kind : {"classifier", "regressor", "ranker"}
    params : mapping
        Of the booster.
    rounds : int
    matrix : mapping
        Arguments of the matrices: ``missing``, ``feature_names``, ``feature_types`` and the like.
    options : mapping
        Further arguments of ``xgboost.train``.
    """

    kind: str
    params: Mapping[str, Any]
    rounds: int
    matrix: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """What rank 0 returns.

    Attributes
    ----------
    raw : bytes
        The booster, as UBJSON.
    history : dict
        By ``training`` and ``validation``, each metric's value in each round.
    """

    raw: bytes
    history: dict[str, dict[str, list[float]]]


def train(ctx: Any, task: Task) -> Trained | None:
    """What each rank does; all end with the same trees."""
    import xgboost

    rows, held_out = taken(ctx)
    params = dict(task.params)
    if task.kind == "classifier":
        params.update(_classes(ctx, params, rows, held_out))
    elif task.kind == "ranker":
        rows, held_out = rows.sorted_by_group(), held_out and held_out.sorted_by_group()
    boosting = ctx.xgboost  # Ranks are joined from here on: they find their bins together.
    on_gpu = ctx.device != "cpu"
    by_bins = (
        params.get("tree_method") in _QUANTILE
        and params.get("booster") != "gblinear"
        and not on_gpu  # There the bins are made of what is on the GPU.
    )
    matrix = {"nthread": threads(), **task.matrix}
    if by_bins and "max_bin" in params:
        matrix["max_bin"] = params["max_bin"]
    kind = _binned if by_bins else xgboost.DMatrix
    data = kind(rows.features, **_of(rows, task.kind), **matrix)
    evals = [(data, "training")]
    if held_out is not None:
        reference = {"ref": data} if by_bins else {}
        other = kind(held_out.features, **_of(held_out, task.kind), **matrix, **reference)
        evals.append((other, "validation"))
    history: dict[str, Any] = {}
    options = dict(task.options)
    callbacks = [*(options.pop("callbacks", None) or []), _telling(xgboost, ctx, task.rounds)]
    booster = boosting.train(
        params,
        data,
        num_boost_round=task.rounds,
        evals=evals,
        evals_result=history,
        callbacks=callbacks,
        **options,
    )
    if ctx.rank:
        return None
    plain = {
        name: {one: list(map(float, v)) for one, v in m.items()} for name, m in history.items()
    }
    return Trained(bytes(booster.save_raw("ubj")), plain)


def _binned(features: Any, **options: Any) -> Any:
    """A matrix of bins.

    XGBoost looks for them a fifth faster where a feature's values lie side by side, as in a data
    frame's columns. Rows are turned piece by piece, so that they never lie in memory twice.
    """
    import pandas as pd
    import xgboost

    whole_only = {"qid", "feature_types", "feature_weights"}  # Not a piece's.
    if not isinstance(features, np.ndarray) or whole_only & options.keys():
        return xgboost.QuantileDMatrix(features, **options)
    names = [f"f{place}" for place in range(features.shape[1])]
    whole = {
        name: options.pop(name)
        for name in ("missing", "nthread", "max_bin", "ref")
        if name in options
    }
    given_names = options.pop("feature_names", None)

    class Pieces(xgboost.DataIter):
        def __init__(self) -> None:
            self.at = 0
            super().__init__(release_data=True)

        def next(self, input_data: Any) -> bool:
            part = slice(self.at, self.at + _PIECE)
            self.at = part.stop
            turned = np.ascontiguousarray(features[part].T).T
            if part.start and not len(turned):
                return False
            input_data(
                data=pd.DataFrame(turned, columns=names, copy=False),
                **{name: of_rows[part] for name, of_rows in options.items()},
            )
            return True

        def reset(self) -> None:
            self.at = 0

    data = xgboost.QuantileDMatrix(Pieces(), **whole)
    data.feature_types = None
    data.feature_names = given_names
    return data


def _of(rows: Rows, kind: str) -> dict[str, Any]:
    """The arguments of a matrix that come from columns."""
    found: dict[str, Any] = {"label": rows.label}
    if kind == "ranker":
        found["qid"] = rows.group
    if rows.weight is not None:
        found["weight"] = rows.group_weights() if kind == "ranker" else rows.weight
    if rows.margin is not None:
        found["base_margin"] = rows.margin
    return found


def _classes(
    ctx: Any, params: Mapping[str, Any], rows: Rows, held_out: Rows | None
) -> dict[str, Any]:
    """The objective that the labels of all ranks ask for."""
    labels = rows.label if held_out is None else np.concatenate([rows.label, held_out.label])
    classes = max(ctx.all_gather(number_of_classes(labels)))
    if params.get("num_class") is not None:
        if int(params["num_class"]) < classes:
            raise UsageError(
                f"num_class={params['num_class']}, and a label is {classes - 1}",
                hint="labels are 0 to num_class - 1",
            )
        classes = int(params["num_class"])
    if classes <= 2:
        return {"objective": "binary:logistic", "num_class": None}
    return {"objective": "multi:softprob", "num_class": classes}


def _telling(xgboost: Any, ctx: Any, rounds: int) -> Any:
    """The callback that reports each round to the driver."""

    class Telling(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            newest = {
                f"{data}_{metric}": values[-1]
                for data, metrics in evals_log.items()
                for metric, values in metrics.items()
                if isinstance(values[-1], float)
            }
            ctx.report(step=epoch + 1, total=rounds, **newest)
            return False

    return Telling()


# --- Predicting -----------------------------------------------------------------------------------


class Load:
    """Loads a booster where it predicts."""

    def __init__(self, sent: Sent, device: str | None) -> None:
        self.sent = sent
        self.device = device
        self.__name__ = "XGBoost model"

    def __call__(self) -> Any:
        import xgboost

        booster = xgboost.Booster(model_file=bytearray(self.sent.read()))
        if self.device is not None:
            booster.set_param({"device": self.device})
        return booster


class Predict:
    """A booster's predictions for arrays.

    Parameters
    ----------
    fields : sequence of str
        Of ``prediction``, ``raw``, ``probability`` and ``contributions``.
    classifies : bool
    rounds : (int, int)
        The trees that count: of these rounds; (0, 0) stands for all.
    missing : float
    margin : bool
        Whether the last array is what predictions start from.
    matrix : mapping
        ``feature_types`` and the like, for what only a matrix can be asked.
    """

    def __init__(
        self,
        fields: Sequence[str],
        classifies: bool,
        rounds: tuple[int, int],
        missing: float,
        margin: bool,
        matrix: Mapping[str, Any],
    ) -> None:
        self.fields = list(fields)
        self.classifies = classifies
        self.rounds = rounds
        self.missing = missing
        self.margin = margin
        self.matrix = dict(matrix)
        self.__name__ = "XGBoost"

    def __call__(self, booster: Any, *arrays: Any) -> Any:
        columns, margin = (arrays[:-1], arrays[-1]) if self.margin else (arrays, None)
        features = side_by_side(columns)
        found: dict[str, Any] = {}
        if self.classifies:
            raw, probability = of_margins(self._predict(booster, features, margin, True))
            found["raw"], found["probability"] = raw, probability
            found["prediction"] = probability.argmax(axis=1).astype(np.float64)
        elif "prediction" in self.fields:
            found["prediction"] = self._predict(booster, features, margin, False)
        if "contributions" in self.fields:
            found["contributions"] = self._contributions(booster, features, margin)
        return {name: found[name].astype(np.float64) for name in self.fields}

    def _predict(self, booster: Any, features: Any, base: Any, margin: bool) -> Any:
        if not _in_place(booster):
            return booster.predict(
                self._matrix(features, base),
                output_margin=margin,
                iteration_range=self.rounds,
                validate_features=False,
            )
        return booster.inplace_predict(
            features,
            iteration_range=self.rounds,
            predict_type="margin" if margin else "value",
            missing=self.missing,
            base_margin=base,
            validate_features=False,
        )

    def _contributions(self, booster: Any, features: Any, base: Any) -> Any:
        found = booster.predict(
            self._matrix(features, base),
            pred_contribs=True,
            iteration_range=self.rounds,
            validate_features=False,
            strict_shape=True,
        )
        return found.reshape(len(found), -1)

    def _matrix(self, features: Any, base: Any) -> Any:
        import xgboost

        return xgboost.DMatrix(features, base_margin=base, missing=self.missing, **self.matrix)


def _in_place(booster: Any) -> bool:
    kind: Any = getattr(booster, "hydrofoil_in_place", None)
    if kind is None:
        import json

        config = json.loads(booster.save_config())
        kind = config["learner"]["gradient_booster"]["name"] != "gblinear"
        booster.hydrofoil_in_place = kind
    return bool(kind)
