"""An estimator, and other projects' calls, of a Spark Connect client. Arguments: server, folder."""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from hydrofoil.gang.elsewhere.horovod import spark as horovod
from hydrofoil.gang.elsewhere.petastorm.spark import SparkDatasetConverter, make_spark_converter
from hydrofoil.ml.xgboost import SparkXGBRegressor, SparkXGBRegressorModel

url, folder = sys.argv[1:]
spark = SparkSession.builder.remote(url).getOrCreate()
df = spark.range(200).select(F.col("id").cast("double").alias("x"), (F.col("id") * 2).alias("y"))
estimator = SparkXGBRegressor(features_col=["x"], label_col="y", num_workers=2, n_estimators=20)
model = estimator.fit(df)
told = {"predicted": [row.prediction for row in model.transform(df).collect()]}
path = f"{folder}/model"
model.save(path)
try:
    model.save(path)
except Exception as error:
    told["again"] = str(error)
model.write().overwrite().save(path)
again = SparkXGBRegressorModel.load(path)
told["loaded"] = [row.prediction for row in again.transform(df).collect()]


def place():
    """What Horovod tells a rank."""
    import hydrofoil.gang.elsewhere.horovod.torch as hvd

    hvd.init()
    return [hvd.rank(), hvd.size()]


told["places"] = horovod.run(place)
spark.conf.set(SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF, f"file://{folder}")
converter = make_spark_converter(df)
told["rows"] = len(converter)
converter.delete()
spark.stop()
print()
print("GANG", json.dumps(told), flush=True)
