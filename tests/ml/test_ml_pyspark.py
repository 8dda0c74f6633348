"""Estimators among those of ``pyspark.ml``: pipelines, validators, saved and loaded elsewhere."""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from ml_rows import NAMES, column, make_rows
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.evaluation import RegressionEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.param import Param
from pyspark.ml.tuning import (
    CrossValidator,
    CrossValidatorModel,
    ParamGridBuilder,
    TrainValidationSplit,
)
from pyspark.sql import DataFrame, SparkSession

from hydrofoil.errors import UsageError

xgb = pytest.importorskip("hydrofoil.ml.xgboost")
lgbm = pytest.importorskip("hydrofoil.ml.lightgbm")


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> Any:
    made = make_rows(spark).cache()
    yield made
    made.unpersist()


@pytest.mark.slow
def test_pipelines_and_models_are_read_by_another_process(rows: DataFrame, tmp_path: Path) -> None:
    assembler = VectorAssembler(inputCols=NAMES, outputCol="together")
    stages = [
        assembler,
        xgb.SparkXGBRegressor(
            features_col="together",
            prediction_col="first",
            n_estimators=3,
            eval_metric=["rmse", "mae"],
            callbacks=[],
            gang_options={"timeout": 60},
        ),
        lgbm.LightGBMClassifier(
            featuresCol=["first", *NAMES], labelCol="three", numIterations=3, numTasks=2
        ),
    ]
    pipeline = Pipeline(stages=stages)
    model: Any = pipeline.fit(rows)
    pipeline.write().overwrite().save(f"{tmp_path}/pipeline")
    model.save(f"{tmp_path}/model")
    with pytest.raises(Exception, match="exists"):
        model.save(f"{tmp_path}/model")
    model.write().overwrite().save(f"{tmp_path}/model")
    found = column(model.transform(rows), "probability")
    again: Any = PipelineModel.load(f"{tmp_path}/model")
    assert (column(again.transform(rows), "probability") == found).all()
    assert again.stages[1].training_summary == model.stages[1].training_summary
    assert again.stages[1].uid == stages[1].uid
    assert [one.getOrDefault("gang_options") for one in again.stages[1:]] == [{"timeout": 60}, {}]
    rows.write.parquet(f"{tmp_path}/rows")
    program = Path(__file__).with_name("reading_app.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path)], stdout=subprocess.PIPE, check=True
    )
    other = json.loads(done.stdout.decode().strip().rpartition("\n")[2])
    assert other == {"probability": found.tolist(), "refitted": found.tolist()}


def test_a_model_is_not_read_as_another(rows: DataFrame, tmp_path: Path) -> None:
    estimator = xgb.SparkXGBRegressor(max_depth=2, missing=0.0, tweedie_variance_power=1.3)
    estimator.save(f"{tmp_path}/estimator")
    again = xgb.SparkXGBRegressor.load(f"{tmp_path}/estimator")
    values = {param.name: value for param, value in again.extractParamMap().items()}
    expected = {param.name: value for param, value in estimator.extractParamMap().items()}
    assert values == expected
    with pytest.raises(UsageError, match=r"SparkXGBRegressor\.load"):
        xgb.SparkXGBClassifier.load(f"{tmp_path}/estimator")


def test_a_grid_is_fitted_in_gangs_that_wait_for_each_other(
    rows: DataFrame, tmp_path: Path
) -> None:
    """Two threads, and gangs that need both slots each."""
    estimator = xgb.SparkXGBRegressor(n_estimators=2, num_workers=2, features_col="array")
    grid = ParamGridBuilder().addGrid(estimator.max_depth, [1, 3]).build()
    validator = CrossValidator(
        estimator=estimator,
        estimatorParamMaps=grid,
        evaluator=RegressionEvaluator(),
        numFolds=2,
        parallelism=2,
        seed=1,
    )
    model = validator.fit(rows)
    assert model.bestModel.getOrDefault("max_depth") == 3
    assert model.avgMetrics[0] > model.avgMetrics[1]
    model.save(f"{tmp_path}/validated")
    again = CrossValidatorModel.load(f"{tmp_path}/validated")
    found, expected = (column(one.transform(rows), "prediction") for one in (again, model))
    assert (found == expected).all()


def test_a_split_is_fitted_by_gangs_beside_each_other(rows: DataFrame) -> None:
    estimator = lgbm.LightGBMRegressor(numIterations=2, numTasks=1)
    grid = ParamGridBuilder().addGrid(estimator.numLeaves, [2, 15]).build()
    validator = TrainValidationSplit(
        estimator=estimator,
        estimatorParamMaps=grid,
        evaluator=RegressionEvaluator(),
        parallelism=2,
        seed=1,
    )
    best: Any = validator.fit(rows).bestModel
    assert best.getNumLeaves() == 15
    assert not [one for one in threading.enumerate() if one.name.startswith("hydrofoil-gang")]


def test_parameters_of_one_fit_are_not_the_estimators(rows: DataFrame) -> None:
    estimator = xgb.SparkXGBRegressor(n_estimators=1)
    first, second = estimator.fit(rows, [{estimator.max_depth: 1}, {estimator.max_depth: 2}])
    assert (first.getOrDefault("max_depth"), second.getOrDefault("max_depth")) == (1, 2)
    assert not estimator.isSet("max_depth")
    copied = first.copy({first.predictionCol: "other"})
    assert "other" in copied.transform(rows).columns
    assert "prediction" in first.transform(rows).columns
    assert isinstance(estimator.max_depth, Param)
