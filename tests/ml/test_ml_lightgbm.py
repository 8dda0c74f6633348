"""LightGBM's estimators: what they predict is what LightGBM predicts that has all rows at once.

Features have fewer values than there are bins. Leaves may have one row: LightGBM estimates how many
a leaf has from sums, whose order is another one in ranks.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from ml_rows import NAMES, column
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang
from hydrofoil.errors import UsageError

lightgbm = pytest.importorskip("lightgbm")
ours = pytest.importorskip("hydrofoil.ml.lightgbm")

TREES = {
    "num_iterations": 5,
    "num_leaves": 7,
    "learning_rate": 0.3,
    "min_data_in_bin": 1,
    "min_data_in_leaf": 1,
}


def alone(frame: pd.DataFrame, params: dict[str, Any], label: str, **columns: str) -> Any:
    """A booster that one process has trained on all rows."""
    stops = "early_stopping_round" in params
    held = frame.held if stops else np.zeros(len(frame), bool)

    def of(part: pd.DataFrame) -> dict[str, Any]:
        return {"label": part[label], **{to: part[name] for to, name in columns.items()}}

    train, valid = frame[~held], frame[held]
    data = lightgbm.Dataset(train[NAMES].to_numpy(), **of(train))
    sets = [data.create_valid(valid[NAMES].to_numpy(), **of(valid))] if stops else []
    return lightgbm.train({**params, "verbosity": -1, "num_threads": 1}, data, valid_sets=sets)


def test_numbers_are_predicted(rows: DataFrame, frame: pd.DataFrame) -> None:
    """With weights and scores to start from, by setters."""
    estimator = ours.LightGBMRegressor(**TREES).setWeightCol("weight").setInitScoreCol("margin")
    model = estimator.setNumTasks(2).setLeafPredictionCol("leaf").fit(rows)
    booster = alone(frame, TREES, "label", weight="weight", init_score="margin")
    found = model.transform(rows)
    X = frame[NAMES].to_numpy()
    assert column(found, "prediction") == pytest.approx(booster.predict(X), abs=1e-6)
    assert (column(found, "leaf") == booster.predict(X, pred_leaf=True)).all()
    assert model.getFeatureImportances() == list(booster.feature_importance())


def test_two_classes_stop_early(rows: DataFrame, frame: pd.DataFrame) -> None:
    """Ranks see different rows for validation, and have to stop in the same round."""
    more = {"num_iterations": 60, "early_stopping_round": 2, "learning_rate": 0.6, "max_depth": 2}
    model = ours.LightGBMClassifier(
        **TREES | more,
        featuresCol=NAMES,
        labelCol="two",
        validationIndicatorCol="held",
        featuresShapCol="why",
        numTasks=2,
    ).fit(rows)
    booster = alone(frame, {**TREES, **more, "objective": "binary"}, "two")
    assert model.getBoosterBestIteration() == booster.best_iteration < 60
    found, X = model.transform(rows), frame[NAMES].to_numpy()
    expected = booster.predict(X)
    assert column(found, "probability")[:, 1] == pytest.approx(expected, abs=1e-6)
    raw = booster.predict(X, raw_score=True)
    assert column(found, "rawPrediction") == pytest.approx(np.column_stack([-raw, raw]), abs=1e-5)
    assert column(found, "why").sum(axis=1) == pytest.approx(raw, abs=1e-5)
    assert (column(found, "prediction") == (expected > 0.5)).all()
    assert model.getBooster().feature_name() == NAMES


@pytest.mark.parametrize("objective", [None, "multiclassova"])
def test_several_classes(rows: DataFrame, frame: pd.DataFrame, objective: str | None) -> None:
    classifier = ours.LightGBMClassifier(**TREES, labelCol="three", objective=objective, numTasks=2)
    found = column(classifier.fit(rows).transform(rows), "probability")
    params = {**TREES, "objective": objective or "multiclass", "num_class": 3}
    expected = alone(frame, params, "three").predict(frame[NAMES].to_numpy())
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_queries_are_ranked(rows: DataFrame, frame: pd.DataFrame, sparse: bool) -> None:
    """Queries' names are text. The order of a query's rows counts, for at first all scores tie."""
    named = rows.withColumn("query", F.concat(F.lit("q"), "query"))
    ranker = ours.LightGBMRanker(
        **TREES, labelCol="three", groupCol="query", numTasks=2, sparse=sparse
    )
    found = column(ranker.fit(named).transform(rows), "prediction")
    sizes = frame.groupby("query").size()
    data = lightgbm.Dataset(frame[NAMES].to_numpy(), frame.three, group=sizes)
    params = {**TREES, "objective": "lambdarank", "verbosity": -1, "num_threads": 1}
    expected = lightgbm.train(params, data).predict(frame[NAMES].to_numpy())
    assert found == pytest.approx(expected, abs=1e-4)


def test_categories_and_doubles(rows: DataFrame, frame: pd.DataFrame) -> None:
    """Doubles stay such: these have one float."""
    near = rows.withColumn("d", 1.0 + (F.col("id") % 5) * 1e-12).withColumn("c", F.col("id") % 6)
    near = near.withColumn("label", F.col("id") % 5 + 10 * (F.col("c") == 3).cast("int"))
    model = ours.LightGBMRegressor(
        numIterations=30,
        learningRate=0.5,
        minDataInLeaf=1,
        minDataInBin=1,
        minDataPerGroup=1,
        catSmooth=0,
        featuresCol=["d", "c"],
        categoricalSlotNames=["c"],
        numTasks=2,
    ).fit(near)
    label = frame.id % 5 + 10 * (frame.id % 6 == 3)
    assert column(model.transform(near), "prediction") == pytest.approx(label, abs=0.1)
    assert "num_cat=1" in model.getNativeModel()


def test_lightgbms_own_text(rows: DataFrame, tmp_path: Path) -> None:
    model = ours.LightGBMRegressor(numIterations=2).fit(rows)
    model.saveNativeModel(f"{tmp_path}/text")
    again = ours.LightGBMRegressionModel.loadNativeModelFromFile(f"{tmp_path}/text")
    found, expected = (column(one.transform(rows), "prediction") for one in (again, model))
    assert (found == expected).all()


def test_names_of_parameters(spark: SparkSession) -> None:
    one = ours.LightGBMRegressor(
        n_estimators=3, numLeaves=4, boostingType="dart", parallelism="voting_parallel", lambda_l1=1
    )
    assert one.getNumIterations() == 3
    assert (one.getNumLeaves(), one.getBoosting(), one.getTreeLearner()) == (4, "dart", "voting")
    assert one.getLambdaL1() == 1
    assert one.setCategoricalSlotIndexes([2]).getCategoricalFeature() == [2]
    with pytest.raises(UsageError, match="did you mean numLeaves"):
        ours.LightGBMRegressor(numLeafs=4)
    with pytest.raises(UsageError, match="always start together"):
        ours.LightGBMRegressor(useBarrierExecutionMode=True)


@pytest.mark.parametrize(
    ("kind", "params", "match"),
    [
        ("Regressor", {"groupCol": "query"}, "has no use for groupCol"),
        ("Ranker", {"labelCol": "three"}, "needs groupCol"),
        ("Regressor", {"earlyStoppingRound": 2}, "rows to validate on"),
        ("Regressor", {"categoricalSlotNames": ["z"]}, "'z' is none of the features"),
        ("Classifier", {}, "a class is a whole number"),
        ("Classifier", {"labelCol": "three", "objective": "binary"}, "is for two classes"),
    ],
)
def test_mistakes(rows: DataFrame, kind: str, params: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        getattr(ours, f"LightGBM{kind}")(numTasks=1, **params).fit(rows)


def test_a_rank_without_a_query(rows: DataFrame) -> None:
    ranker = ours.LightGBMRanker(labelCol="three", groupCol="query", numTasks=2)
    with pytest.raises(gang.EmptyPartition, match="more queries"):
        ranker.fit(rows.where("query = 1"))
