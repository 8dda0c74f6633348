"""How PySpark's ``udf`` decides whether a function's rows travel as Arrow record batches.

PySpark decides when it makes the function, by what a setting is in the session that there is: the
setting's default is the version's, and only PySpark knows it.
"""

from typing import Any
from weakref import WeakKeyDictionary

from hydrofoil.evals.eval_types import EvalType
from hydrofoil.settings.sessions import current_session

# Kinds of plain functions, whose rows travel pickled or as Arrow record batches.
ROW_KINDS = frozenset((EvalType.SQL_BATCHED_UDF, EvalType.SQL_ARROW_BATCHED_UDF))


class RowTransport:
    """Whether the rows of one function travel as Arrow record batches; decided once a session.

    What is decided stays, as for PySpark's own functions, when the setting changes later. Without a
    session nothing is decided: a function is often made before there is one.

    Parameters
    ----------
    asked : bool, optional
        What the user has asked for; None leaves it to the session.
    """

    def __init__(self, asked: bool | None) -> None:
        self._asked = asked
        self._decided: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

    def is_arrow(self) -> bool:
        """The decision for the session that there is now."""
        if self._asked is not None:
            return self._asked
        session = current_session()
        if session is None:
            return _pyspark_says_arrow()
        if session not in self._decided:
            self._decided[session] = _pyspark_says_arrow()
        return self._decided[session]


def _pyspark_says_arrow() -> bool:
    # PySpark is asked with a function that has no hints: where there are hints it first takes them,
    # from Spark 4.1 on, for those of a function of pandas Series, and warns that they are none.
    from pyspark.sql.functions import udf
    from pyspark.sql.types import IntegerType

    asked: Any = udf(_without_hints, IntegerType())
    return asked.evalType == EvalType.SQL_ARROW_BATCHED_UDF  # type: ignore[no-any-return]


def _without_hints(value):  # type: ignore[no-untyped-def]
    return value
