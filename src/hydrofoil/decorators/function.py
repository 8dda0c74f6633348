"""What the decorators return: Spark's function, with what Hydrofoil knows about it."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from hydrofoil.decorators.checks import check_call


class SparkFunction:
    """A Python function for Spark's columns.

    Call it with columns or their names; register it with ``spark.udf.register``. It has the
    attributes of the functions that PySpark's own decorators return, by which PySpark knows them.

    Parameters
    ----------
    spark : callable
        What PySpark's decorator returned.
    function : callable
        The user's function.
    signature : inspect.Signature, optional
        What calls are checked against; without it any number of columns will do.
    explanation : str
        See `explain`.
    local : callable
        See `local`.
    """

    def __init__(
        self,
        spark: Any,
        function: Callable[..., Any],
        *,
        signature: inspect.Signature | None,
        explanation: str,
        local: Callable[..., Any],
    ) -> None:
        functools.update_wrapper(self, function)
        self._spark = spark
        self._function = function
        self._signature = signature
        self._explanation = explanation
        self._local = local

    def __call__(self, *columns: Any, **named: Any) -> Any:
        """The column of results for columns, given as `Column` or by name.

        Raises
        ------
        UsageError
            If their number or names don't fit the function's parameters.
        """
        if self._signature is not None:
            check_call(self._function, self._signature, columns, named)
        return self._spark(*columns, **named)

    def __reduce__(self) -> Any:
        # In a worker it is the plain function, so that functions can call one another.
        return _itself, (self._function,)

    def __repr__(self) -> str:
        return f"<Spark function {self._explanation.splitlines()[0]}>"

    def explain(self) -> str:
        """Its types, how Spark calls it, and what runs it in a worker, as text."""
        return self._explanation

    def local(self, *data: Any) -> Any:
        """Run it without Spark.

        Parameters
        ----------
        data : pandas or Arrow objects, NumPy arrays or lists
            A value for each parameter, or one data frame or table with a column for each: by the
            parameters' names if it has those, else by position.

        Returns
        -------
        pandas or Arrow object
            pandas' for pandas' objects, Arrow's otherwise.
        """
        return self._local(*data)

    def asNondeterministic(self) -> "SparkFunction":
        """The same function, which Spark then neither moves nor calls twice for one value."""
        return SparkFunction(
            self._spark.asNondeterministic(),
            self._function,
            signature=self._signature,
            explanation=self._explanation,
            local=self._local,
        )

    @property
    def func(self) -> Callable[..., Any]:
        """What Spark sends to workers."""
        return self._spark.func  # type: ignore[no-any-return]

    @property
    def returnType(self) -> Any:
        """The Spark type of the results."""
        return self._spark.returnType

    @property
    def evalType(self) -> int:
        """PySpark's code for the kind of function."""
        return self._spark.evalType  # type: ignore[no-any-return]

    @property
    def deterministic(self) -> bool:
        """Whether Spark may move and repeat calls."""
        return self._spark.deterministic  # type: ignore[no-any-return]

    @property
    def _unwrapped(self) -> Any:
        return self._spark._unwrapped


def _itself(function: Any) -> Any:
    return function
