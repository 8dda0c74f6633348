"""A program for spark-tensorflow-distributor and Petastorm, with other imports.

    pip install tensorflow && python mirrored_strategy.py

TensorFlow can be joined to other processes once in a process's life, so Spark must not give a
worker to a second gang: ``spark.python.worker.reuse`` is false.
"""

import tempfile

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil.gang.elsewhere.petastorm.spark import SparkDatasetConverter, make_spark_converter
from hydrofoil.gang.elsewhere.spark_tensorflow_distributor import MirroredStrategyRunner

WEIGHTS = [2.0, -1.0, 0.5]
ROWS = 2_000


def make_rows(spark: SparkSession) -> DataFrame:
    """Rows of 3 features, and a label that is linear in them."""
    waves = [F.sin(F.col("id") * (0.7 + n)) for n in range(3)]
    label = sum(weight * wave for weight, wave in zip(WEIGHTS, waves, strict=True))
    return spark.range(ROWS).select(F.array(*waves).alias("features"), label.alias("label"))


def train(converter, epochs):
    """What each rank does, within the scope of a strategy over all ranks."""
    import json
    import os

    import tensorflow as tf

    strategy = tf.distribute.get_strategy()
    weights = tf.Variable(tf.zeros(3))

    def step(features, label):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.linalg.matvec(features, weights) - label) ** 2)
        gradient = tape.gradient(loss, weights)
        weights.assign_sub(0.3 * tf.distribute.get_replica_context().all_reduce("MEAN", gradient))

    take_step = tf.function(lambda row: strategy.run(step, args=(row.features, row.label)))
    ranks = strategy.num_replicas_in_sync
    shard = {
        "cur_shard": json.loads(os.environ["TF_CONFIG"])["task"]["index"],
        "shard_count": ranks,
    }
    # A number of steps, and epochs without end: so all ranks make as many.
    steps = epochs * ROWS // 100 // ranks
    with converter.make_tf_dataset(batch_size=100, **shard) as dataset:
        for row in dataset.take(steps):
            take_step(row)
    return weights.numpy().tolist()


def main():
    builder = SparkSession.builder.appName("gang: mirrored strategy")
    spark = builder.config("spark.python.worker.reuse", "false").getOrCreate()
    with tempfile.TemporaryDirectory() as folder:  # On a cluster: storage that all hosts reach.
        spark.conf.set(SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF, f"file://{folder}")
        converter = make_spark_converter(make_rows(spark))
        runner = MirroredStrategyRunner(num_slots=2, use_gpu=False)
        weights = runner.run(train, converter=converter, epochs=20)
        converter.delete()
    return weights


if __name__ == "__main__":
    weights = main()
    print(weights)
