"""LightGBM in a rank, and its models where they predict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hydrofoil.errors import UsageError
from hydrofoil.gang.backends.threads import threads
from hydrofoil.gang.errors import EmptyPartition
from hydrofoil.ml.workers.rows import (
    Rows,
    number_of_classes,
    of_margins,
    side_by_side,
    taken,
)
from hydrofoil.predictors.sent import Sent

# Objectives of several classes.
MULTICLASS = ("multiclass", "multiclassova", "softmax", "ova", "multiclass_ova", "ovr")


@dataclass(frozen=True)
class Task:
    """What is trained.

    Parameters
    ----------
    kind : {"classifier", "regressor", "ranker"}
    params : mapping
        Of LightGBM, by its own names.
    data : mapping
        Arguments of the data sets: ``feature_name``, ``categorical_feature``.
    """

    kind: str
    params: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """What rank 0 returns.

    Attributes
    ----------
    text : str
        The booster; with early stopping up to its best iteration.
    history : dict of str to list of float
        Each metric's value on the rows for validation.
    best : int
        The best iteration; 0 without early stopping.
    """

    text: str
    history: dict[str, list[float]]
    best: int


def train(ctx: Any, task: Task) -> Trained | None:
    """What each rank does; all end with the same trees."""
    import lightgbm

    rows, held_out = taken(ctx)
    if task.kind == "ranker":
        rows = rows.sorted_by_group()
    counts = ctx.all_gather(len(rows))
    if 0 in counts:
        raise EmptyPartition(
            f"rank {counts.index(0)} has no rows to train on, and LightGBM can't do without; "
            f"all have {counts}",
            hint="fewer numTasks; or more queries, which are each in one rank",
            rank=counts.index(0),
            ranks=[rank for rank, count in enumerate(counts) if not count],
            counts=counts,
        )
    if held_out is not None:
        # LightGBM's metrics are of a rank's own rows; ranks that see others would stop apart.
        held_out = gathered(ctx, held_out)
        if task.kind == "ranker":
            held_out = held_out.sorted_by_group()
    params = {"num_threads": threads(), "verbosity": -1, **task.params}
    if task.kind == "classifier":
        params.update(_classes(ctx, params, rows, held_out))
    data = lightgbm.Dataset(rows.features, **_of(rows, task.kind), **task.data)
    valid = {}
    history: dict[str, dict[str, list[float]]] = {}
    rounds = int(params.pop("num_iterations", 100))
    callbacks = [lightgbm.record_evaluation(history), _telling(ctx, rounds)]
    if held_out is not None:
        other = data.create_valid(held_out.features, **_of(held_out, task.kind))
        valid = {"valid_sets": [other], "valid_names": ["validation"]}
    booster = ctx.lightgbm.train(params, data, rounds, callbacks=callbacks, **valid)
    if ctx.rank:
        return None
    plain = {name: list(map(float, one)) for name, one in history.get("validation", {}).items()}
    return Trained(booster.model_to_string(), plain, max(int(booster.best_iteration), 0))


def _of(rows: Rows, kind: str) -> dict[str, Any]:
    """The arguments of a data set that come from columns."""
    return {
        "label": rows.label,
        "weight": rows.weight,
        "init_score": rows.margin,
        "group": rows.group_sizes() if kind == "ranker" else None,
    }


def _classes(
    ctx: Any, params: Mapping[str, Any], rows: Rows, held_out: Rows | None
) -> dict[str, Any]:
    """The objective that the labels of all ranks ask for, unless one is given."""
    objective = params.get("objective")
    if objective in ("cross_entropy", "cross_entropy_lambda", "xentropy", "xentlambda"):
        return {}  # Labels are probabilities.
    labels = rows.label if held_out is None else np.concatenate([rows.label, held_out.label])
    classes = max(ctx.all_gather(number_of_classes(labels)))
    classes = max(classes, int(params.get("num_class") or 0))
    if objective is None:
        objective = "binary" if classes <= 2 else "multiclass"
    if objective in MULTICLASS:
        return {"objective": objective, "num_class": max(classes, 2)}
    if classes > 2:
        raise UsageError(
            f"objective={objective!r} is for two classes, and a label is {classes - 1}",
            hint='leave it out, or use "multiclass"',
        )
    return {"objective": objective, "num_class": 1}


def _telling(ctx: Any, rounds: int) -> Any:
    """The callback that reports each round to the driver."""

    def tell(env: Any) -> None:
        newest = {f"{one[0]}_{one[1]}": float(one[2]) for one in env.evaluation_result_list or ()}
        ctx.report(step=env.iteration + 1, total=rounds, **newest)

    return tell


# --- Rows of all ranks ----------------------------------------------------------------------------


def gathered(ctx: Any, rows: Rows) -> Rows:
    """All ranks' rows in each of them, in the order of ranks. A collective."""
    if ctx.world_size == 1:
        return rows
    parts = (rows.label, rows.weight, rows.margin, rows.group)
    features = rows.features
    if isinstance(features, np.ndarray):
        whole = _whole(ctx, features)
    else:
        from scipy.sparse import csr_matrix

        lengths = _whole(ctx, np.diff(features.indptr).astype(np.int64))
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        values, places = _whole(ctx, features.data), _whole(ctx, features.indices.astype(np.int64))
        whole = csr_matrix((values, places, offsets), shape=(len(lengths), features.shape[1]))
    return Rows(whole, *(None if one is None else _whole(ctx, one) for one in parts))


def _whole(ctx: Any, part: Any) -> Any:
    """All ranks' parts of an array, one below the other: a sum with zeros in others' places."""
    shapes = ctx.all_gather((part.shape[1:], len(part)))
    counts = [count for _, count in shapes]
    # Of an array of no rows the width may not be known.
    inner = next((shape for shape, count in shapes if count), part.shape[1:])
    start = sum(counts[: ctx.rank])
    whole = np.zeros((sum(counts), *inner), part.dtype)
    if len(part):
        whole[start : start + len(part)] = part
    return ctx.all_reduce(whole) if len(whole) else whole


# --- Predicting -----------------------------------------------------------------------------------


class Load:
    """Loads a booster where it predicts."""

    def __init__(self, sent: Sent) -> None:
        self.sent = sent
        self.__name__ = "LightGBM model"

    def __call__(self) -> Any:
        import lightgbm

        return lightgbm.Booster(model_str=self.sent.read().decode())


class Predict:
    """A booster's predictions for arrays.

    Parameters
    ----------
    fields : sequence of str
        Of ``prediction``, ``raw``, ``probability``, ``leaves`` and ``contributions``.
    classifies : bool
    objective : str
        As the booster's text has it: its name, and perhaps ``sigmoid:2``.
    """

    def __init__(self, fields: Sequence[str], classifies: bool, objective: str) -> None:
        self.fields = list(fields)
        self.classifies = classifies
        self.objective, _, rest = objective.partition(" ")
        given = dict(one.split(":") for one in rest.split() if ":" in one)
        self.sigmoid = float(given.get("sigmoid", 1.0))
        self.__name__ = "LightGBM"

    def __call__(self, booster: Any, *arrays: Any) -> Any:
        features = side_by_side(arrays)
        found: dict[str, Any] = {}
        if self.classifies:
            found["raw"], found["probability"] = self._classes(booster, features)
            found["prediction"] = found["probability"].argmax(axis=1)
        elif "prediction" in self.fields:
            found["prediction"] = booster.predict(features)
        if "leaves" in self.fields:
            leaves = booster.predict(features, pred_leaf=True)
            found["leaves"] = leaves.reshape(len(features), -1)
        if "contributions" in self.fields:
            contributions = booster.predict(features, pred_contrib=True)
            found["contributions"] = contributions.reshape(len(features), -1)
        return {name: found[name].astype(np.float64) for name in self.fields}

    def _classes(self, booster: Any, features: Any) -> tuple[Any, Any]:
        raw = booster.predict(features, raw_score=True)
        if self.objective == "binary":
            both, _ = of_margins(raw)
            return both, of_margins(self.sigmoid * raw)[1]
        if self.objective == "multiclass":
            return of_margins(raw)
        probability = booster.predict(features)
        if raw.ndim == 1:
            raw = np.column_stack([-raw, raw])
            probability = np.column_stack([1.0 - probability, probability])
        return raw, probability
