"""Linear regression with TensorFlow's MultiWorkerMirroredStrategy.

    pip install tensorflow && python tensorflow_regression.py

TensorFlow can be joined to other processes once in a process's life, so Spark must not give a
worker to a second gang: ``spark.python.worker.reuse`` is false.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang

WEIGHTS = [2.0, -1.0, 0.5]


def make_rows(spark: SparkSession) -> DataFrame:
    """2,000 rows of 3 features, and a label that is linear in them."""
    waves = [F.sin(F.col("id") * (0.7 + n)) for n in range(3)]
    label = sum(weight * wave for weight, wave in zip(WEIGHTS, waves, strict=True))
    return spark.range(2_000).select(
        F.array(*waves).cast("array<float>").alias("features"), label.cast("float").alias("label")
    )


def train(ctx):
    """What each rank does."""
    strategy = ctx.tensorflow.strategy()  # Before any tensor: ranks are joined from here on.
    import tensorflow as tf

    [rows] = ctx.data.numpy()
    features, label = tf.constant(rows["features"]), tf.constant(rows["label"])
    with strategy.scope():
        weights = tf.Variable(tf.zeros(3))

    def step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((tf.linalg.matvec(features, weights) - label) ** 2)
        gradient = tape.gradient(loss, weights)
        replicas = tf.distribute.get_replica_context()
        weights.assign_sub(0.3 * replicas.all_reduce("MEAN", gradient))

    take_step = tf.function(lambda: strategy.run(step))
    for _ in range(200):
        take_step()
    return weights.numpy().tolist()


def main():
    builder = SparkSession.builder.appName("gang: tensorflow")
    spark = builder.config("spark.python.worker.reuse", "false").getOrCreate()
    # "exact": the mean of ranks' gradients is that of all rows where all have as many.
    return list(gang.run(train, make_rows(spark), num_tasks=2, balance="exact"))


if __name__ == "__main__":
    weights = main()
    print(weights)
