"""What the decorators return: Spark's function, with what Hydrofoil knows about it."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from hydrofoil.decorators.checks import check_call


def is_connect() -> bool:
    """Whether the session is, or is going to be, a Spark Connect client's."""
    from pyspark.sql.utils import is_remote

    return is_remote()


class SparkFunction:
    """A Python function for Spark's columns.

    Call it with columns or their names; register it with ``spark.udf.register``. It has the
    attributes of the functions that PySpark's own decorators return, by which PySpark knows them.

    Parameters
    ----------
    make : callable
        Returns what PySpark's decorator returns for the session that there is: decorators often run
        before there is one. It is called again where ``session_kind`` has changed.
    function : callable
        The user's function.
    signature : inspect.Signature, optional
        What calls are checked against; without it any number of columns will do.
    explain : callable
        Eval type to text; see `explain`.
    local : callable
        See `local`.
    session_kind : callable
        What the session has that PySpark's function depends on.
    at_once : bool
        Call ``make`` now too, so that PySpark's own checks run with the decorator's.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        function: Callable[..., Any],
        *,
        signature: inspect.Signature | None,
        explain: Callable[[int], str],
        local: Callable[..., Any],
        session_kind: Callable[[], Any] = is_connect,
        at_once: bool = True,
    ) -> None:
        functools.update_wrapper(self, function)
        self._make = make
        self._function = function
        self._signature = signature
        self._explain = explain
        self._local = local
        self._session_kind = session_kind
        self._made: dict[Any, Any] = {session_kind(): make()} if at_once else {}

    @property
    def _spark(self) -> Any:
        kind = self._session_kind()
        if kind not in self._made:
            self._made[kind] = self._make()
        return self._made[kind]

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
        return f"<Spark function {self.explain().splitlines()[0]}>"

    def explain(self) -> str:
        """Its types, how Spark calls it, and what runs it in a worker, as text."""
        return self._explain(self.evalType)

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
            lambda: self._make().asNondeterministic(),
            self._function,
            signature=self._signature,
            explain=self._explain,
            local=self._local,
            session_kind=self._session_kind,
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
