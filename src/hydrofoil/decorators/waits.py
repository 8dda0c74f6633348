"""`async_udf`: a function that waits for a service, with many calls in flight."""

import functools
import inspect
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hydrofoil.decorators.checks import check_picklable, is_async, is_function, signature_of
from hydrofoil.decorators.function import SparkFunction, is_connect
from hydrofoil.decorators.kinds import Kind
from hydrofoil.decorators.local import arguments as local_arguments
from hydrofoil.decorators.local import as_arrow, returned
from hydrofoil.decorators.paths import explain
from hydrofoil.decorators.rows_of_batches import Shape, shape_of
from hydrofoil.decorators.spark_types import hints_of, name_of
from hydrofoil.decorators.vectorized import spark_arrow_udf
from hydrofoil.errors import UsageError
from hydrofoil.reports.policy import OnError, Policy, policy_of
from hydrofoil.values.arrow_types import arrow_type
from hydrofoil.waiting.calls.batches import RowBatches
from hydrofoil.waiting.calls.function import Function
from hydrofoil.waiting.calls.generators import GeneratorBatches
from hydrofoil.waiting.calls.place import HubPlace
from hydrofoil.waiting.calls.values import Arguments, Results
from hydrofoil.waiting.hub import driver
from hydrofoil.waiting.options import RETRIES, Options, options_of

# Of functions that block, where nothing is said but how many at once.
BLOCKING = Options(retries=0, once=False)


def async_udf(
    f: Any = None,
    returnType: Any = None,
    *,
    concurrency: int | None = None,
    retries: int = RETRIES,
    backoff: float = 0.5,
    timeout: float | None = None,
    rate: str | float | None = None,
    tokens: str | float | None = None,
    cost: Callable[..., float] | None = None,
    max_in_flight: int | None = None,
    once: bool = True,
    remember: Any = None,
    retry_on: Callable[[BaseException], bool | None] | None = None,
    on_error: OnError | None = None,
    quarantine: str | None = None,
    max_errors: int | str | None = None,
) -> Any:
    """Make a Spark function of a function that waits, such as for a service.

    Many calls of a task are in flight at once. Results keep the order of rows.

    Parameters
    ----------
    f : callable
        An ``async def`` of values, with hints as for `hydrofoil.udf`; one that blocks, together
        with ``concurrency``, is called in threads; an async generator function gets an async
        iterator of batches and yields one for each. Parameters that are keyword-only are no
        columns: they are what a function decorated with ``@f.setup`` makes once a worker.
    returnType : DataType, DDL string or type hint, optional
        By default what the return hint says.
    concurrency : int, optional
        Most calls in flight in a task; by default ``max_in_flight``, and without it 100.
    retries : int
        How often a call is made again after an error that may pass: of the connection, or one that
        says by its status or class that the service is busy or broken, or `hydrofoil.TryAgain`.
    backoff : float
        Seconds before the first of these, doubled for each further one up to a minute, less up to
        a half by chance. What a service asks for by ``Retry-After`` is waited for.
    timeout : float, optional
        Seconds for each call.
    rate : str or float, optional
        Most calls of all tasks together, such as ``"600/min"``; evenly apart.
    tokens : str or float, optional
        The same for what calls cost.
    cost : callable, optional
        The cost of a call of its arguments.
    max_in_flight : int, optional
        Most calls in flight of all tasks together.
    once : bool
        Whether equal arguments are asked once a query. Answers are kept within bounds.
    remember : path, optional
        A file on the driver that keeps answers for later tasks, queries and applications.
    retry_on : callable, optional
        Error to whether to call again, or None to leave it to what is known.
    on_error, quarantine, max_errors : optional
        As for `hydrofoil.udf`, for calls that have failed for the last time.

    Returns
    -------
    WaitingFunction
        Or a decorator that makes one, where ``f`` is not a function.

    Raises
    ------
    UsageError
        If an option or hint is none that it can be, the function neither waits nor has
        ``concurrency``, or it can't be pickled.
    """
    policy = policy_of(on_error, quarantine, max_errors)
    given: dict[str, Any] = {
        "concurrency": concurrency,
        "retries": retries,
        "backoff": backoff,
        "timeout": timeout,
        "rate": rate,
        "tokens": tokens,
        "cost": cost,
        "max_in_flight": max_in_flight,
        "once": once,
        "remember": remember,
        "retry_on": retry_on,
    }
    options = options_of(**given)
    if not is_function(f):
        return functools.partial(
            async_udf,
            returnType=returnType if f is None else f,
            **given,
            on_error=on_error,
            quarantine=quarantine,
            max_errors=max_errors,
        )
    if inspect.isasyncgenfunction(f):
        _check_generator(f, given, policy)
    elif not is_async(f) and concurrency is None:
        raise UsageError(
            f"{name_of(f)}() is no async function, and its calls would wait for each other",
            hint="write async def, or give concurrency=, as many threads as call it at once",
        )
    return waiting_function(f, returnType, options, policy)


def waiting_function(
    function: Any, declared: Any, options: Options, policy: Policy | None
) -> "WaitingFunction":
    """What `async_udf` returns for a function whose options have been checked."""
    signature = signature_of(function)
    of_columns = _of_columns(signature)
    needs = [p.name for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY]
    name = name_of(function)
    if not of_columns.parameters:
        raise UsageError(
            f"{name}() takes no column, and needs one to know how many rows there are",
            hint="add a parameter, and pass it any column",
        )
    over_batches = inspect.isasyncgenfunction(function)
    shape = shape_of(function, of_columns, hints_of(function), declared, over_batches=over_batches)
    check_picklable(function)
    check_picklable(options.cost or name_of)
    check_picklable(options.retry_on or name_of)
    module = getattr(function, "__module__", "") or ""
    call = WaitingCall(
        Function(
            function,
            is_async(function),
            name,
            f"{module}.{getattr(function, '__qualname__', name)}",
            uuid.uuid4().hex,
            options,
        ),
        shape,
        policy,
    )
    return WaitingFunction(call, function, of_columns, needs)


def _check_generator(f: Any, given: dict[str, Any], policy: Policy | None) -> None:
    defaults = {"retries": RETRIES, "backoff": 0.5, "once": True}
    told = [name for name, value in given.items() if value != defaults.get(name)]
    if policy is not None:
        told.append("on_error")
    if told:
        raise UsageError(
            f"{told[0]}= is for functions that are called for each row, and {name_of(f)}() gets "
            "batches",
            hint="write an async def of one row, or leave it out",
        )


def _of_columns(signature: inspect.Signature) -> inspect.Signature:
    """The signature without what is set up."""
    kept = [p for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
    return signature.replace(parameters=kept)


class WaitingCall:
    """What is sent to workers: an iterator of batches to one of results."""

    # What becomes of errors is decided within.
    __hydrofoil_on_error__ = True
    # It returns arrays of exactly the declared type.
    over_arrays = True

    def __init__(self, function: Function, shape: Shape, policy: Policy | None) -> None:
        self.function = function
        self.shape = shape
        self.policy = policy
        self.__wrapped__ = function.function
        self.__name__ = function.name
        self.__doc__ = function.function.__doc__
        self.__module__ = function.function.__module__

    def __call__(self, batches: Any) -> Any:
        return self.runner()(batches)

    def runner(self) -> Any:
        """What runs a task."""
        shape = self.shape
        results = Results(shape.result, shape.convert_result)
        arguments = Arguments(shape.types, shape.converters, *shape.further)
        if not shape.over_batches:
            return RowBatches(self.function, arguments, results, self.policy)
        return GeneratorBatches(
            self.function,
            None if shape.of_arrays else arguments,
            results,
            several=shape.several,
        )

    def __getstate__(self) -> dict[str, Any]:
        # On the driver, when Spark first takes it.
        state = dict(self.__dict__)
        function = self.function
        if function.hub is None:
            state["function"] = _with_hub(function)
        return state


def _with_hub(function: Function) -> Function:
    from pyspark import TaskContext

    if TaskContext.get() is not None:
        return function
    hub = None if is_connect() else driver.hub()
    if hub is None:
        if function.options.needs_hub and is_connect():
            raise UsageError(
                f"{function.name}() has limits that all tasks share, or remembers answers, and a "
                "Spark Connect client has no driver beside it that could keep them",
                hint="leave out rate=, tokens=, max_in_flight= and remember=, and bound each task "
                "by concurrency=; or run it in a session without Spark Connect",
            )
        return function
    hub.register(function.key, function.name, function.options)
    return replace(function, hub=HubPlace(hub.address, hub.secret, function.key))


class WaitingFunction(SparkFunction):
    """A Spark function of a function that waits; see `async_udf`."""

    def __init__(
        self,
        call: WaitingCall,
        function: Any,
        signature: inspect.Signature,
        needs: list[str],
        *,
        deterministic: bool = True,
    ) -> None:
        self._call = call
        self._needs = needs
        shape = call.shape

        def make() -> Any:
            made = spark_arrow_udf(call, shape.result, Kind(iterator=True, aggregate=False))
            return made if deterministic else made.asNondeterministic()

        super().__init__(
            make,
            function,
            signature=None if shape.over_batches else signature,
            explain=functools.partial(explain, shape.head, [*shape.notes, *_said(call)]),
            local=self._run_locally,
            session_kind=lambda: (is_connect(), driver.application()),
        )

    def setup(self, make: Callable[[], Any]) -> Callable[[], Any]:
        """Have workers give the function, by keyword, what another makes; a decorator.

        Parameters
        ----------
        make : callable
            Without parameters; its name is that of the keyword-only parameter. A function, or a
            generator function that yields once and then tears down; either may be async. It runs
            once a worker, which keeps what it has made for later tasks.

        Raises
        ------
        UsageError
            The function has no such parameter, or it can't be pickled.
        """
        name = name_of(make)
        if name not in self._needs:
            raise UsageError(
                f"{self._call.function.name}() has no keyword-only parameter {name!r} to set up",
                hint=f"write def {self._call.function.name}(..., *, {name})",
            )
        check_picklable(make)
        self._call.function.setups[name] = make
        self._made.clear()
        return make

    def __call__(self, *columns: Any, **named: Any) -> Any:
        self._check_setups()
        # Here, because what is raised when it is pickled is no UsageError any more.
        _with_hub(self._call.function)
        if named and self._signature is not None:
            columns = self._by_position(columns, named)
            named = {}
        return super().__call__(*columns, **named)

    def asNondeterministic(self) -> "WaitingFunction":
        """The same function, which Spark then neither moves nor calls twice for one value."""
        signature = _of_columns(signature_of(self._function))
        return WaitingFunction(
            self._call, self._function, signature, self._needs, deterministic=False
        )

    def _by_position(self, columns: Any, named: Any) -> tuple[Any, ...]:
        assert self._signature is not None
        try:
            bound = self._signature.bind(*columns, **named)
        except TypeError:
            return super().__call__(*columns, **named)  # type: ignore[no-any-return]
        left = [name for name in self._signature.parameters if name not in bound.arguments]
        if bound.kwargs and not left:
            raise UsageError(
                f"{self._call.function.name}() was called with {', '.join(bound.kwargs)} by name, "
                "and gets its columns by position",
                hint="give it a parameter for each, or take *args",
            )
        if bound.kwargs:
            raise UsageError(
                f"{self._call.function.name}() was called without {left[0]!r} and with "
                f"{', '.join(bound.kwargs)}, which come behind it",
                hint="pass a column for each parameter up to the last one",
            )
        return bound.args

    def _check_setups(self) -> None:
        setups = self._call.function.setups
        parameters = inspect.signature(self._function).parameters
        missing = [
            name
            for name in self._needs
            if name not in setups and parameters[name].default is inspect.Parameter.empty
        ]
        if missing:
            name = self._call.function.name
            raise UsageError(
                f"{name}() takes {missing[0]!r} by keyword alone, and nothing sets that up",
                hint=f"decorate a function def {missing[0]}() with @{name}.setup",
            )

    def _run_locally(self, *data: Any) -> Any:
        self._check_setups()
        shape = self._call.shape
        names = list(shape.names)
        values, pandas = local_arguments(data, names, self._call.function.name)
        arrays = [
            as_arrow(v, None if t is None or t.typeName() in _NESTED else arrow_type(t))
            for v, t in zip(values, [*shape.types, *[None] * len(values)], strict=False)
        ]
        import pyarrow as pa

        parts = [as_arrow(one) for one in self._call(iter([tuple(arrays)]))]
        result = arrow_type(shape.result)
        return returned(pa.concat_arrays([pa.array([], result), *parts]), pandas)


_NESTED = ("struct", "array", "map")


def _said(call: WaitingCall) -> list[str]:
    """What `explain` says of how it is called."""
    function = call.function
    options = function.options
    if call.shape.over_batches:
        return ["calls: one async generator a task, in an event loop that a worker keeps"]
    kind = "in an event loop that a worker keeps" if function.is_async else "in threads"
    lines = [f"calls: up to {options.concurrency} in flight a task, {kind}"]
    limits = []
    if options.rate is not None:
        limits.append(f"{options.rate:g} calls a second")
    if options.tokens is not None:
        limits.append(f"a cost of {options.tokens:g} a second")
    if options.max_in_flight is not None:
        limits.append(f"{options.max_in_flight} in flight")
    if limits:
        lines.append(f"limits of all tasks together: {', '.join(limits)}")
    if options.remember is not None:
        lines.append(f"answers: remembered in {options.remember} on the driver")
    elif options.once:
        lines.append("answers: equal arguments are asked once a query")
    return lines
