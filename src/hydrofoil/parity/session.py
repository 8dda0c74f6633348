"""A small local Spark for comparisons."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Small queries spend their time on planning and compiling; none of this changes what workers do.
CONF = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def local_session(master: str = "local[2]", path: Sequence[str] = ()) -> "SparkSession":
    """Start Spark on this host.

    Parameters
    ----------
    master : str
        A local master.
    path : sequence of str
        Folders that workers find modules in, too.
    """
    from pyspark.sql import SparkSession

    # Workers run this very Python, or they would not find Hydrofoil.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    already = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([*path, *filter(None, [already])])
    builder = SparkSession.builder.master(master).appName("hydrofoil parity")
    for key, value in CONF.items():
        builder = builder.config(key, value)
    spark: SparkSession = builder.getOrCreate()
    # Errors are compared by the hundred; the driver would log each with its JVM stack.
    spark.sparkContext.setLogLevel("OFF")
    return spark
