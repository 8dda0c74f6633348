"""A small local Spark for comparisons."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hydrofoil.errors import UsageError

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
    # Hundreds of queries that each run once are not worth the JVM's second compiler.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def local_session(
    conf: Mapping[str, str] | None = None, path: Sequence[str] = ()
) -> "SparkSession":
    """Start Spark on this host, with two cores.

    Parameters
    ----------
    conf : mapping, optional
        Settings of Spark, which come before those of `CONF`.
    path : sequence of str
        Folders that workers find modules in, too.

    Raises
    ------
    UsageError
        If there is no Java that Spark could start.
    """
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java", path=f"{home}/bin" if home else None) is None:
        raise UsageError(
            "Java is missing",
            "install a Java runtime, version 17 or newer (such as the package "
            "openjdk-17-jre-headless), or set JAVA_HOME",
        )
    from pyspark.sql import SparkSession

    # Workers run this very Python, or they would not find Hydrofoil.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    already = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([*path, *filter(None, [already])])
    builder = SparkSession.builder.master("local[2]").appName("hydrofoil parity")
    for key, value in {**CONF, **(conf or {})}.items():
        builder = builder.config(key, value)
    spark: SparkSession = builder.getOrCreate()
    # Errors are compared by the hundred; the driver would log each with its JVM stack.
    spark.sparkContext.setLogLevel("OFF")
    return spark
