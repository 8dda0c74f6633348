"""The examples, run as their users run them, on the tests' Spark."""

import importlib.util
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gang_cluster import two_workers
from pyspark.sql import SparkSession

from hydrofoil.gang.errors import RankCrashed

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples" / "gang"


def run(name: str, result: str) -> Any:
    # As a script: its functions travel by value, as those of anybody's __main__ do.
    return runpy.run_path(str(EXAMPLES / name), run_name="__main__")[result]


def test_ddp_reaches_the_loss_of_a_single_process(spark: SparkSession) -> None:
    losses = run("ddp.py", "losses")
    assert len(losses["ranks"]) == 2
    assert losses["alone"] < 0.2  # It has learned: the label's variance is 0.34.
    assert losses["ranks"] == [pytest.approx(losses["alone"], rel=1e-4)] * 2


@pytest.mark.slow
def test_ddp_and_trees_on_a_cluster_of_two_workers(tmp_path: Path) -> None:
    with two_workers(tmp_path) as cluster:
        # Two cores a rank: each executor has room for one.
        told = cluster.run("gang_examples.py", str(EXAMPLES), settings={"spark.task.cpus": "2"})
    assert told["executors"] == 2
    assert told["losses"]["ranks"] == [pytest.approx(told["losses"]["alone"], rel=1e-4)] * 2
    assert max(told["trees"]) < 1e-4


@pytest.mark.parametrize("name", ["xgboost_trees.py", "lightgbm_trees.py"])
def test_trees_predict_as_those_of_a_single_process(spark: SparkSession, name: str) -> None:
    predicted = run(name, "predicted")
    first, second = predicted["together"]
    np.testing.assert_array_equal(first, second)
    error = np.abs(predicted["alone"] - predicted["label"]).mean()
    assert error < 0.2  # It has learned: labels reach from -4 to 4.
    np.testing.assert_allclose(first, predicted["alone"], atol=1e-4)


def test_regression_without_a_framework(spark: SparkSession) -> None:
    weights = run("numpy_regression.py", "weights")
    for mine in weights["ranks"]:
        np.testing.assert_allclose(mine, weights["alone"], rtol=1e-9)
    np.testing.assert_allclose(weights["alone"], [2.0, -1.0, 0.5], atol=0.01)


@pytest.mark.parametrize("framework", ["jax", "tensorflow"])
def test_regression_with_frameworks_that_are_extras(spark: SparkSession, framework: str) -> None:
    if importlib.util.find_spec(framework) is None:  # An import would take the test's memory, too.
        pytest.skip(f"{framework} is an extra")
    weights = run(f"{framework}_regression.py", "weights")
    assert weights[0] == weights[1]
    np.testing.assert_allclose(weights[0], [2.0, -1.0, 0.5], atol=1e-3)


def test_a_training_goes_on_after_a_rank_has_died(spark: SparkSession) -> None:
    runs = run("resume.py", "runs")
    [failed] = runs["broken"].attempts
    assert isinstance(failed, RankCrashed) and failed.rank == 1
    for broken, whole in zip(runs["broken"], runs["whole"], strict=True):
        # At most the steps since the last checkpoint are lost: it died at step 25.
        assert (broken["attempt"], broken["resumed_at"]) == (1, 20)
        assert (whole["attempt"], whole["resumed_at"]) == (0, 0)
        np.testing.assert_array_equal(broken["line"], whole["line"])
