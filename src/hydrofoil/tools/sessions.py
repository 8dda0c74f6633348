"""The session that a question is about, and what its settings say of its workers."""

from typing import Any

from hydrofoil.errors import UsageError
from hydrofoil.settings import turned_on
from hydrofoil.settings.launch import STOCK
from hydrofoil.settings.sources import of_session


def classic(spark: Any, what: str) -> Any:
    """Return the session, or the active one, if its driver is this process.

    Raises
    ------
    UsageError
        There is none, or it is one of Spark Connect.
    """
    from pyspark.sql import SparkSession

    found = SparkSession.getActiveSession() if spark is None else spark
    if found is None:
        raise UsageError(f"{what}: no Spark session is active", hint="give it one: spark=...")
    if not hasattr(found, "_jsparkSession"):
        raise UsageError(
            f"{what} was asked of a Spark Connect session, whose plans and workers are the "
            "server's",
            hint="df.explain() shows the JVM's operators, Hydrofoil's and LeftToSpark among them; "
            "HYDROFOIL_TRACE=1 in the environment of the server's executors has their workers log "
            "each function's path",
        )
    return found


def why_stock(spark: Any) -> str:
    """Why all workers of a session run stock PySpark, by its settings; empty if they don't."""
    settings = of_session(spark)
    if not turned_on.is_on(settings):
        key = turned_on.deciding_key(settings)
        value = settings[key].value if key in settings else STOCK[key]
        return f"{key} is {value}, which is not Hydrofoil's"
    if turned_on.is_off(settings, spark.sparkContext.master):
        return "HYDROFOIL=off is in the workers' environment"
    return ""
