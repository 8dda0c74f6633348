"""The client's questions, answered by Python on the server's host, without a slot of the cluster.

A table function may say by ``analyze`` which columns it has; Spark runs that in a Python process of
the driver's host. Here what it says is the answer, as a column's metadata. Each question is pickled
into a function of its own, the way by which gangs send functions and their secrets anyway.
"""

import base64
import pickle
from typing import Any

from hydrofoil.errors import UnsupportedError

_COLUMN = "answer"


def ask(spark: Any, what: str, *arguments: Any) -> Any:
    """Call ``answers.<what>(*arguments)`` on the server's host, and return what it returns.

    Raises
    ------
    HubGone
        The hub doesn't answer there.
    UnsupportedError
        The server can't run it.
    Exception
        Spark's own, if the server can't be reached or the session has ended.
    """
    from pyspark.sql.connect.dataframe import DataFrame
    from pyspark.sql.connect.functions import udtf

    class Ask:
        @staticmethod
        def analyze() -> Any:
            import base64
            import pickle

            from pyspark.sql.types import StringType, StructField, StructType
            from pyspark.sql.udtf import AnalyzeResult

            from hydrofoil.gang.connect import answers

            try:
                answer = (True, getattr(answers, what)(*arguments))
            except (answers.HubGone, OSError) as error:
                answer = (False, error)
            text = base64.b64encode(pickle.dumps(answer)).decode()
            column = StructField("answer", StringType(), True, {"answer": text})
            return AnalyzeResult(StructType([column]))

        def eval(self) -> Any:
            yield ("",)

    # PySpark's own call takes the thread's active session, which may be a different one.
    function: Any = udtf(Ask, useArrow=False)
    plan = function._build_common_inline_user_defined_table_function()
    try:
        [column] = DataFrame(plan, spark).schema.fields
    except Exception as error:
        raise _translated(error) from error
    well, answer = pickle.loads(base64.b64decode(column.metadata[_COLUMN]))
    if not well:
        raise answer
    return answer


def _translated(error: Exception) -> Exception:
    text = str(error)
    if "ModuleNotFoundError" in text and "hydrofoil" in text:
        return UnsupportedError(
            "gangs over Spark Connect need Hydrofoil where the server runs, too: "
            + _last_line(text),
            hint="install it for the server's Python (PYSPARK_DRIVER_PYTHON, PYSPARK_PYTHON or "
            "spark.pyspark.python), and start the server again",
        )
    if "FAILED_TO_ANALYZE" in text or "UDTF" in text:
        return UnsupportedError(
            f"this Spark Connect server can't run Python beside its driver: {_last_line(text)}",
            hint="gangs over Connect need table functions with analyze, of Spark 4.0 or newer; "
            "otherwise run the driver on the cluster, by spark-submit",
        )
    return error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.partition("JVM stacktrace")[0].splitlines()]
    errors = [line for line in lines if "Error" in line and not line.startswith("at ")]
    return (errors or lines or [text])[-1]
