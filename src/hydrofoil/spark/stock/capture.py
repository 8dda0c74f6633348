"""What is noted of one task's functions while stock's worker reads them and sets them up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hydrofoil._cext.rows import Replay
from hydrofoil.evals.eval_types import EvalType
from hydrofoil.evals.udf import Udf

# The functions that one function of stock's `chain` calls, as an attribute of it.
CHAIN = "__hydrofoil_chain__"

# Eval types whose plans have stock's function judge or convert results that are known already, and
# so let it find a `Replay` in the place of a user's function.
_REPLAYED = frozenset((EvalType.SQL_ARROW_BATCHED_UDF, EvalType.SQL_SCALAR_PANDAS_UDF))


@dataclass(frozen=True)
class Wrapped:
    """A function of stock's around a user's, and what it was given, by its parameters' names."""

    wrapper: Callable[..., Any]
    given: Mapping[str, Any]

    def around(self, function: Callable[..., Any]) -> Any:
        """What stock makes of another function in the user's place."""
        return self.wrapper(**{**self.given, "f": function})


class Capture:
    """What stock's reading of one task's UDFs goes through, noted on the way.

    Parameters
    ----------
    names_alone : bool
        Stock's code is going to run the task, so nothing else is noted or exchanged.
    """

    def __init__(self, eval_type: int, *, names_alone: bool = False) -> None:
        self.eval_type = eval_type
        self.names_alone = names_alone
        self.udfs: list[Udf] = []
        self.replays: list[Replay] = []
        # What stock has made of each UDF.
        self.prepared: list[Any] = []
        # The first function of each command that was read, and its name.
        self.names: list[str] = []
        self.functions: list[Any] = []
        # Of the UDF that is being read: its type, what stock guards against StopIteration, and
        # stock's function around it.
        self.return_type: Any = None
        self.guarded: Any = None
        self.wrapped: Wrapped | None = None
        self.unknown: Exception | None = None

    def begin(self) -> None:
        """Begin with the next UDF."""
        self.guarded = self.wrapped = None

    def wrap(self, wrapper: Callable[..., Any], given: dict[str, Any]) -> Any:
        """What a function of stock's makes of a user's, with a `Replay` in its place if needed."""
        self.wrapped = wrapped = Wrapped(wrapper, given)
        guarded = self.guarded
        if self.eval_type in _REPLAYED:
            made = wrapped.around(self._replay(given["f"]))
        else:
            made = wrapper(**given)
        # Some guard what they have made, too.
        self.guarded = guarded
        return made

    def note(self, prepared: Any, info: Any) -> Any:
        """Describe a UDF.

        Parameters
        ----------
        prepared : tuple
            What stock has made of it. Where nothing is around the function it stands first, then
            the places of its arguments, and for groups, at last, how many it takes.
        info : UDFInfo or None
            What stock's worker was told of it, where that is parsed.

        Returns
        -------
        tuple
            What stock is to find in the place of ``prepared``.
        """
        if self.wrapped is not None:
            given = self.wrapped.given
            function = given["f"]
            arguments = given["args_offsets"] if "args_offsets" in given else prepared[0]
            keywords = given.get("kwargs_offsets", {})
            arity = len(given["argspec"].args) if "argspec" in given else 0
        else:
            function, arguments, third, last = (
                prepared if len(prepared) == 4 else (None, None, None, None)
            )
            arity = last if isinstance(last, int) else 0
            keywords = third if isinstance(third, Mapping) else {}
        if info is not None:
            arguments, keywords = info.args, info.kwargs
        # Where stock turns StopIteration into an error for each call, rows are called without.
        if self.eval_type == EvalType.SQL_BATCHED_UDF:
            function = self.guarded
        if function is None:
            raise LookupError("PySpark's worker has made no function of a UDF")
        # What stock puts around a function has a different name.
        named = function if self.guarded is None else self.guarded
        self.udfs.append(
            Udf(
                function=function,
                chain=functions_of(named),
                arguments=list(arguments or ()),
                keywords=dict(keywords),
                return_type=self.return_type,
                arity=arity,
            )
        )
        if self.wrapped is None and self.eval_type in _REPLAYED:
            return (self._replay(function), *prepared[1:])
        return prepared

    def _replay(self, function: Callable[..., Any]) -> Replay:
        replay = Replay(function)
        self.replays.append(replay)
        return replay


def functions_of(function: Any) -> tuple[Any, ...]:
    """The functions that stock's chained ``function`` calls, or just itself."""
    functions: tuple[Any, ...] = getattr(function, CHAIN, (function,))
    return functions
