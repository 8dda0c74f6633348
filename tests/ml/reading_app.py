"""Reads what another process has saved, predicts with it, and fits it again."""

import json
import sys

from ml_rows import column
from pyspark.ml import Pipeline, PipelineModel
from pyspark.sql import SparkSession

folder = sys.argv[1]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .getOrCreate()
)
rows = spark.read.parquet(f"{folder}/rows")
model = PipelineModel.load(f"{folder}/model")
refitted = Pipeline.load(f"{folder}/pipeline").fit(rows)
found = {
    "probability": column(model.transform(rows), "probability").tolist(),
    "refitted": column(refitted.transform(rows), "probability").tolist(),
}
print(json.dumps(found))
spark.stop()
