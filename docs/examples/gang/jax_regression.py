"""Linear regression with JAX: one array over all ranks' devices, and a step that XLA splits.

pip install jax && python jax_regression.py
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
    joined = ctx.jax  # Before JAX makes any array: ranks are joined from here on.
    import jax
    import jax.numpy as jnp

    [rows] = ctx.data.numpy()
    features = joined.global_array(rows["features"])
    label = joined.global_array(rows["label"])

    @jax.jit
    def fit(features, label):
        def step(_, weights):
            error = features @ weights - label
            return weights - 0.5 * (features.T @ error) / len(label)

        return jax.lax.fori_loop(0, 200, step, jnp.zeros(3))

    weights = fit(features, label)
    return weights.addressable_data(0).tolist()  # The same in all ranks.


def main():
    spark = SparkSession.builder.appName("gang: jax").getOrCreate()
    # "exact": the parts of one array have one shape.
    return list(gang.run(train, make_rows(spark), num_tasks=2, balance="exact"))


if __name__ == "__main__":
    weights = main()
    print(weights)
