"""Other projects' calls of a Spark Connect client. Arguments: server, folder."""

import json
import sys

from pyspark.sql import SparkSession

from hydrofoil.gang.elsewhere.horovod import spark as horovod
from hydrofoil.gang.elsewhere.petastorm.spark import SparkDatasetConverter, make_spark_converter

url, folder = sys.argv[1:]
spark = SparkSession.builder.remote(url).getOrCreate()
told = {}


def place():
    """What Horovod tells a rank."""
    import hydrofoil.gang.elsewhere.horovod.torch as hvd

    hvd.init()
    return [hvd.rank(), hvd.size()]


told["places"] = horovod.run(place)
spark.conf.set(SparkDatasetConverter.PARENT_CACHE_DIR_URL_CONF, f"file://{folder}")
converter = make_spark_converter(spark.range(200))
told["rows"] = len(converter)
converter.delete()
spark.stop()
print()
print("GANG", json.dumps(told), flush=True)
