"""An application that knows nothing of Hydrofoil and prints which worker it got."""

import json
import sys

from pyspark.sql import SparkSession
from pyspark.sql.functions import udf


def look(_):
    import sys

    return json.dumps({"argv": sys.argv, "hydrofoil": "hydrofoil.worker" in sys.modules})


spark = SparkSession.builder.getOrCreate()
seen = json.loads(spark.range(1).select(udf(look, "string")("id")).head()[0])
print("SEEN", json.dumps(seen | {"arguments": sys.argv[1:]}), flush=True)
spark.stop()
