"""Other projects' programs, and a torch estimator, on a cluster. Argument: a shared folder."""

import json
import sys

import torch
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import hydrofoil.gang.elsewhere.horovod.spark as horovod_spark
import hydrofoil.gang.elsewhere.horovod.torch as hvd
from hydrofoil.gang.elsewhere.petastorm.spark import SparkDatasetConverter, make_spark_converter
from hydrofoil.ml.torch import TorchEstimator, TorchModel

spark = SparkSession.builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")
spark.conf.set(SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF, f"file://{sys.argv[1]}/made")


class Wide(torch.nn.Module):
    """Of this program, and too large to go with a function."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(2, 600)
        self.second = torch.nn.Linear(600, 600)
        self.last = torch.nn.Linear(600, 1)

    def forward(self, features):
        hidden = torch.relu(self.second(torch.relu(self.first(features))))
        return self.last(hidden)


def train(converter):
    hvd.init()
    shard = {"cur_shard": hvd.rank(), "shard_count": hvd.size()}
    with converter.make_torch_dataloader(num_epochs=1, **shard) as loader:
        mine = sum(batch["label"].sum() for batch in loader)
    return hvd.rank(), hvd.local_size(), hvd.allreduce(mine, op=hvd.Sum).item()


df = spark.range(1000).select(
    F.array(F.sin("id"), F.cos("id")).alias("features"), F.sin("id").alias("label")
)
ranks = horovod_spark.run(train, args=[make_spark_converter(df, dtype=None)], num_proc=2)

torch.manual_seed(0)
estimator = TorchEstimator(
    Wide(),
    torch.nn.MSELoss(),
    torch.optim.Adam,
    optimizer_params={"lr": 1e-3},
    epochs=4,
    batch_size=50,
    num_workers=2,
)
model = estimator.fit(df)
model.write().save(f"{sys.argv[1]}/model")
again = TorchModel.load(f"{sys.argv[1]}/model")
error = again.transform(df).selectExpr("avg(abs(prediction - label)) as e").first()["e"]
told = {
    "ranks": ranks,
    "label": df.selectExpr("sum(label) as s").first()["s"],
    "losses": [entry["loss"] for entry in model.history],
    "error": error,
}
print()
print("GANG " + json.dumps(told))
spark.stop()
