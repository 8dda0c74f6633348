"""XGBoost's estimators: what they predict is what XGBoost predicts that has all rows at once.

Features have fewer values than there are bins, so trees differ by the order of sums alone.
"""

import inspect
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ml_rows import NAMES, column
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.errors import UsageError
from hydrofoil.gang import GangError, SlotError
from hydrofoil.ml.base.params import COLUMN_NAMES

# See tests/conftest.py.
ONE_IN = 2

xgboost = pytest.importorskip("xgboost")
theirs = pytest.importorskip("xgboost.spark", exc_type=ImportError)  # It needs scikit-learn.
ours = pytest.importorskip("hydrofoil.ml.xgboost")

TREES = {"n_estimators": 6, "max_depth": 3, "learning_rate": 0.5}


def alone(frame: pd.DataFrame, params: dict[str, Any], label: str, **columns: str) -> Any:
    """A booster that one process has trained on all rows, with its early stopping's best round."""
    given: dict[str, Any] = dict(params)
    rounds, stop = given.pop("n_estimators"), given.pop("early_stopping_rounds", None)
    held = frame.held if stop else np.zeros(len(frame), bool)

    def matrix(part: pd.DataFrame) -> Any:
        more = {argument: part[name].to_numpy() for argument, name in columns.items()}
        return xgboost.DMatrix(part[NAMES].to_numpy(), part[label], **more)

    evals = [(matrix(frame[held]), "validation")] if stop else []
    return xgboost.train(
        {**given, "nthread": 1},
        matrix(frame[~held]),
        rounds,
        evals=evals,
        early_stopping_rounds=stop,
        verbose_eval=False,
    )


def of_booster(booster: Any, frame: pd.DataFrame, margin: Any = None, **options: Any) -> Any:
    best = getattr(booster, "best_iteration", None) if booster.attr("best_iteration") else None
    rounds = (0, 0) if best is None else (0, best + 1)
    data = xgboost.DMatrix(frame[NAMES].to_numpy(), base_margin=margin)
    return booster.predict(data, iteration_range=rounds, **options)


@pytest.mark.parametrize("features", ["features", "array", NAMES], ids=["vector", "array", "list"])
def test_numbers_are_predicted(rows: DataFrame, frame: pd.DataFrame, features: Any) -> None:
    model = ours.SparkXGBRegressor(features_col=features, num_workers=2, **TREES).fit(rows)
    expected = of_booster(alone(frame, TREES, "label"), frame)
    assert column(model.transform(rows), "prediction") == pytest.approx(expected, abs=1e-5)
    assert {"f0", "f1", "f2"} <= set(model.get_feature_importances()) <= set(NAMES)
    assert set(model.training_summary.train_objective_history) == {"rmse"}


def test_rows_to_validate_on_stop_early_as_for_xgboost_spark(
    rows: DataFrame, frame: pd.DataFrame
) -> None:
    """With weights and margins, beside `xgboost.spark` itself."""
    params = {**TREES, "n_estimators": 60, "early_stopping_rounds": 2, "reg_lambda": 30.0}
    columns = {
        "validation_indicator_col": "held",
        "weight_col": "weight",
        "base_margin_col": "margin",
        "num_workers": 2,
    }
    mine = ours.SparkXGBRegressor(**params, **columns).fit(rows)
    other = theirs.SparkXGBRegressor(**params, **columns).fit(rows)
    history = mine.training_summary.validation_objective_history["rmse"]
    expected = other.training_summary.validation_objective_history["rmse"]
    assert len(history) < 60
    assert history == pytest.approx(expected, abs=1e-5)
    predicted = column(mine.transform(rows), "prediction")
    assert predicted == pytest.approx(column(other.transform(rows), "prediction"), abs=1e-5)
    one = alone(frame, params, "label", weight="weight", base_margin="margin")
    assert int(mine.get_booster().attr("best_iteration")) == one.best_iteration
    assert predicted == pytest.approx(of_booster(one, frame, frame.margin), abs=1e-4)


def test_two_classes_are_told_apart_as_by_xgboost_spark(rows: DataFrame) -> None:
    params = {**TREES, "label_col": "two", "weight_col": "weight", "num_workers": 2}
    mine = ours.SparkXGBClassifier(**params).fit(rows).transform(rows)
    other = theirs.SparkXGBClassifier(**params).fit(rows).transform(rows)
    assert mine.schema == other.schema
    for name in ("rawPrediction", "probability", "prediction"):
        assert column(mine, name) == pytest.approx(column(other, name), abs=1e-5), name


def test_several_classes(rows: DataFrame, frame: pd.DataFrame) -> None:
    classifier = ours.SparkXGBClassifier(
        label_col="three", num_workers=2, pred_contrib_col="why", **TREES
    )
    model = classifier.fit(rows)
    found = model.transform(rows).cache()
    booster = alone(frame, {**TREES, "objective": "multi:softprob", "num_class": 3}, "three")
    expected = of_booster(booster, frame)
    assert column(found, "probability") == pytest.approx(expected, abs=1e-5)
    assert (column(found, "prediction") == expected.argmax(axis=1)).all()
    why = of_booster(booster, frame, pred_contribs=True)
    assert column(found, "why") == pytest.approx(why, abs=1e-4)


def test_queries_are_ranked(rows: DataFrame, frame: pd.DataFrame) -> None:
    params = {**TREES, "objective": "rank:pairwise", "lambdarank_pair_method": "topk"}
    ranker = ours.SparkXGBRanker(label_col="three", qid_col="query", num_workers=2, **params)
    assert ranker.getOrDefault("arbitrary_params_dict") == {"lambdarank_pair_method": "topk"}
    found = column(ranker.fit(rows).transform(rows), "prediction")
    expected = of_booster(alone(frame, params, "three", qid="query"), frame)
    assert found == pytest.approx(expected, abs=1e-4)


def test_zeros_of_sparse_vectors_are_missing(rows: DataFrame, frame: pd.DataFrame) -> None:
    sparse = {"enable_sparse_data_optim": True, "missing": 0.0}
    fits = [
        ours.SparkXGBRegressor(num_workers=2, **TREES, **options).fit(rows)
        for options in (sparse, {"missing": 0.0})
    ]
    found, expected = (column(model.transform(rows), "prediction") for model in fits)
    assert found == pytest.approx(expected, abs=1e-5)


def test_nulls_are_missing_values(rows: DataFrame, frame: pd.DataFrame) -> None:
    names = [f"n{place}" for place in range(4)]
    holes = rows.select(
        "*", *(F.when(F.col(f"f{i}") > -0.5, F.col(f"f{i}")).alias(f"n{i}") for i in range(4))
    )
    model = ours.SparkXGBRegressor(features_col=names, num_workers=2, **TREES).fit(holes)
    found = column(model.transform(holes), "prediction")
    with_nan = frame.copy()
    with_nan[NAMES] = with_nan[NAMES].where(with_nan[NAMES] > np.float32(-0.5))
    booster = alone(with_nan, TREES, "label")
    assert found == pytest.approx(of_booster(booster, with_nan), abs=1e-5)
    # A model of columns takes their array, too, nulls and all.
    packed = holes.select("id", F.array(*names).alias("features"))
    assert (column(model.transform(packed), "prediction") == found).all()


def test_categories(rows: DataFrame, frame: pd.DataFrame) -> None:
    coded = rows.withColumn("c", F.col("id") % 5).withColumn("label", (F.col("id") % 5) ** 2 % 3)
    model = ours.SparkXGBRegressor(
        features_col=["c", "f0"],
        feature_types=["c", "q"],
        num_workers=2,
        max_cat_to_onehot=1,
        **TREES,
    ).fit(coded)
    assert column(model.transform(coded), "prediction") == pytest.approx(
        (frame.id % 5) ** 2 % 3, abs=0.1
    )
    assert "c" in model.get_feature_importances()


def test_more_trees_for_a_model(rows: DataFrame) -> None:
    first = ours.SparkXGBRegressor(num_workers=2, **TREES).fit(rows)
    more = ours.SparkXGBRegressor(num_workers=2, xgb_model=first.get_booster(), **TREES).fit(rows)
    assert more.get_booster().num_boosted_rounds() == 2 * TREES["n_estimators"]


@pytest.mark.parametrize("name", ["SparkXGBClassifier", "SparkXGBRegressor", "SparkXGBRanker"])
def test_parameters_are_those_of_xgboost_spark(spark: SparkSession, name: str) -> None:
    keywords = set(inspect.signature(getattr(theirs, name).__init__).parameters)
    keywords -= {"self", "kwargs"}
    mine, other = getattr(ours, name)(), getattr(theirs, name)()
    assert [one for one in keywords if not mine.hasParam(COLUMN_NAMES.get(one, one))] == []
    lacking = {one.name for one in other.params} - {one.name for one in mine.params}
    assert lacking <= {"features_cols"}
    for one in other.params:
        if other.hasDefault(one) and one.name not in ("features_cols", "missing"):
            assert mine.getOrDefault(one.name) == other.getOrDefault(one.name), one.name
    assert "n_estimators" in mine.explainParams()


def test_what_xgboost_does_not_know_is_refused(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="max_depht") as error:
        ours.SparkXGBRegressor(max_depht=3)
    assert "max_depth" in str(error.value)
    with pytest.raises(UsageError, match="weight_col"):
        ours.SparkXGBRegressor(sample_weight=[1.0])
    # Of an objective that is not set yet.
    assert ours.SparkXGBRegressor(tweedie_variance_power=1.2, huber_slope=2.0)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"features_col": "nope"}, "no column 'nope'"),
        ({"features_col": "f0"}, r"give a list: \['f0'\]"),
        ({"features_col": ["features", "f0"]}, "alone, not in a list"),
        ({"label_col": "held_text"}, "has to be a number"),
        ({"validation_indicator_col": "two"}, "make it boolean"),
        ({"early_stopping_rounds": 2}, "needs rows to validate on"),
        ({"qid_col": "query"}, "has no use for qid_col"),
        ({"enable_sparse_data_optim": True}, "missing=0.0"),
        ({"tree_method": "exact"}, "all rows in one place"),
        ({"num_workers": 0}, "1 or more"),
        ({"device": "cuda:1"}, "neither 'cpu' nor 'cuda'"),
        ({"eval_metric": len}, "custom_metric="),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_mistakes_are_told_before_anything_runs(
    rows: DataFrame, params: dict[str, Any], match: str
) -> None:
    with pytest.raises(UsageError, match=match):
        ours.SparkXGBRegressor(**params).fit(rows.withColumn("held_text", F.lit("x")))


def test_a_rank_may_have_no_rows(rows: DataFrame, frame: pd.DataFrame) -> None:
    """Of one query, which is in one rank; and the other rank has none for validation either."""
    params = {**TREES, "objective": "rank:pairwise", "lambdarank_pair_method": "topk"}
    columns = {"label_col": "three", "qid_col": "query", "validation_indicator_col": "held"}
    some = rows.where("query = 1")
    found = ours.SparkXGBRanker(num_workers=2, **params, **columns).fit(some).transform(some)
    alike = ours.SparkXGBRanker(num_workers=1, **params, **columns).fit(some).transform(some)
    assert column(found, "prediction") == pytest.approx(column(alike, "prediction"), abs=1e-4)


def test_more_ranks_than_slots(rows: DataFrame) -> None:
    with pytest.raises(SlotError, match="needs 3 slots"):
        ours.SparkXGBRegressor(num_workers=3).fit(rows)


def test_a_rank_without_a_gpu(rows: DataFrame) -> None:
    assert ours.SparkXGBRegressor(device="gpu").training(rows).gpus == 1
    assert ours.SparkXGBRegressor().training(rows).gpus == 0
    with pytest.raises(GangError, match=r"need 1 GPU\(s\) each"):
        ours.SparkXGBRegressor(device="cuda").fit(rows)


@pytest.mark.parametrize(
    ("classifies", "change", "match"),
    [
        (True, {"label": "id % 3 - 1"}, "a label is -1"),
        (True, {"label": "id / 2"}, r"a label is \d+\.5"),
        (True, {"label": "double('Infinity')"}, "a label is inf, and a class is a whole number"),
        (False, {"label": "if(id > 4, 1, null)"}, "label is null or NaN in"),
        (False, {"features": "array(f0, f1)"}, ""),
        (False, {"held": "false"}, "no row is for validation"),
        (False, {"array": "if(id % 9 > 0, array, array(f0))"}, "differ in their number of"),
        (False, {"array": "if(id > 4, array, null)"}, "'array' is null in a row"),
    ],
    ids=[
        "negative",
        "fraction",
        "infinite",
        "null",
        "fine",
        "no validation",
        "ragged",
        "null array",
    ],
)
def test_rows_that_can_not_be_trained_on(
    rows: DataFrame, classifies: bool, change: dict[str, str], match: str
) -> None:
    kind = ours.SparkXGBClassifier if classifies else ours.SparkXGBRegressor
    features = "array" if "array" in change else "features"
    more = {"validation_indicator_col": "held"} if "held" in change else {}
    estimator = kind(features_col=features, num_workers=2, n_estimators=1, **more)
    changed = rows.withColumns({name: F.expr(text) for name, text in change.items()})
    if not match:
        assert estimator.fit(changed).transform(changed).count() == rows.count()
        return
    with pytest.raises((UsageError, GangError), match=match):
        estimator.fit(changed)
