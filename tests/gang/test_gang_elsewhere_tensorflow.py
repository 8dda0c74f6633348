"""TensorFlow's peers over gangs, where TensorFlow is: `make test-frameworks`."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from hydrofoil.errors import UsageError
from hydrofoil.gang.elsewhere.petastorm.spark import (
    SparkDatasetConverter,
    make_spark_converter,
)
from hydrofoil.gang.elsewhere.spark_tensorflow_distributor import MirroredStrategyRunner

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "gang" / "mirrored_strategy.py"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="tensorflow is an extra"
)


def test_the_example_learns() -> None:
    """In a program of its own: its workers must not have used TensorFlow before."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"},
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    weights = json.loads(done.stdout.splitlines()[-1])
    np.testing.assert_allclose(weights, [2.0, -1.0, 0.5], atol=1e-3)


def custom(scale: float) -> Any:
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    return strategy.num_replicas_in_sync * scale, json.loads(os.environ["TF_CONFIG"])["task"]


def test_a_custom_strategy_in_local_mode() -> None:
    runner = MirroredStrategyRunner(
        num_slots=1, local_mode=True, use_gpu=False, use_custom_strategy=True
    )
    assert runner.run(custom, scale=2.0) == (2.0, {"type": "worker", "index": 0})


def test_a_dataset_of_a_converter(spark: SparkSession, tmp_path: Path) -> None:
    import tensorflow as tf

    spark.conf.set(SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF, f"file://{tmp_path}")
    df = spark.range(50).select(
        "id", F.array(F.col("id") * 1.0, F.lit(1.0)).alias("pair"), F.lit("tea").alias("text")
    )
    converter = make_spark_converter(df)
    with converter.make_tf_dataset(num_epochs=2, shuffle_row_groups=False) as dataset:
        batches = list(dataset)
    assert [len(batch.id) for batch in batches] == [32, 32, 32, 4]
    assert tf.concat([batch.id for batch in batches], 0).numpy().tolist() == [*range(50)] * 2
    assert batches[0].pair.shape == (32, 2) and batches[0].pair.dtype == tf.float32
    assert batches[0].text[0].numpy() == b"tea"
    with converter.make_tf_dataset(5, num_epochs=1, cur_shard=1, shard_count=2) as dataset:
        seen = tf.concat([batch.id for batch in dataset], 0).numpy()
    assert sorted(seen) == [*range(25, 50)] and seen.tolist() != sorted(seen)
    empty = make_spark_converter(spark.range(0).select("id"))
    with pytest.raises(UsageError, match="no rows"), empty.make_tf_dataset():
        pass
    spark.conf.unset(SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF)
