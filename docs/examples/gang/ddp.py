"""Train a small network on a DataFrame with DistributedDataParallel, and alone; compare.

    pip install torch && python ddp.py

Each step is over all rows: so both trainings take the same steps, and end at the same loss up to
the order in which numbers are added up. With batches, pass ``batch_size=`` and ``shuffle=True``.
"""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from hydrofoil import gang


def make_rows(spark: SparkSession) -> DataFrame:
    """2,000 rows of 8 features, and a label that isn't linear in them."""
    waves = [F.sin(F.col("id") * (0.37 + 0.61 * n)).cast("float") for n in range(8)]
    rows = spark.range(2_000).select(F.array(*waves).alias("features"))
    label = F.col("features")[0] * F.col("features")[1] - F.abs(F.col("features")[2])
    return rows.withColumn("label", label.cast("float"))


def make_model():
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))


def fit(model, batches, learning_rate):
    """Take a step for each batch; return the last loss."""
    import torch

    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    for features, label in batches:
        loss = torch.nn.functional.mse_loss(model(features).squeeze(1), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def train(ctx, epochs, learning_rate):
    """What each rank does."""
    model = ctx.torch.ddp(make_model())  # The process group is up from here on.
    device = ctx.torch.device
    loss = fit(
        model,
        (
            (batch["features"].to(device), batch["label"].to(device))
            for batch in ctx.data.torch(epochs=epochs)
        ),
        learning_rate,
    )
    return ctx.torch.all_reduce(loss, "mean")


def train_alone(rows: DataFrame, epochs, learning_rate):
    import numpy as np
    import torch

    frame = rows.toPandas()
    features = torch.from_numpy(np.stack(frame["features"].to_numpy()).astype("float32"))
    label = torch.from_numpy(frame["label"].to_numpy().astype("float32"))
    return fit(make_model(), ((features, label) for _ in range(epochs)), learning_rate)


def main():
    spark = SparkSession.builder.appName("gang: ddp").getOrCreate()
    rows = make_rows(spark)
    options = {"epochs": 100, "learning_rate": 0.1}
    # "exact": the mean of ranks' gradients is that of all rows where all have as many.
    result = gang.run(train, rows, num_tasks=2, args=options, balance="exact")
    return {"ranks": list(result), "alone": train_alone(rows, **options)}


if __name__ == "__main__":
    losses = main()
    print(losses)
