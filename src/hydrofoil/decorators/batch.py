"""`batch_udf`: inference in batches of a fixed size, with a model loaded once a process."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.decorators.batches import Batches, Shapes
from hydrofoil.decorators.checks import (
    check_is_called,
    check_picklable,
    positional,
    signature_of,
    takes_any,
)
from hydrofoil.decorators.function import SparkFunction
from hydrofoil.decorators.kinds import Kind
from hydrofoil.decorators.kinds import return_type as returned_type
from hydrofoil.decorators.local import arguments, as_arrow, returned
from hydrofoil.decorators.paths import explain
from hydrofoil.decorators.shared import Share, SharedBatches, Sharing, sharing
from hydrofoil.decorators.spark_types import hints_of, name_of
from hydrofoil.decorators.vectorized import spark_arrow_udf
from hydrofoil.errors import UsageError
from hydrofoil.values.arrays import Result
from hydrofoil.values.arrow_types import arrow_type


def batch_udf(
    make_predict_fn: Any = None,
    *,
    load: Callable[[], Any] | None = None,
    return_type: Any = None,
    batch_size: int,
    input_tensor_shapes: Shapes | None = None,
    max_models: int = 4,
    share: Share | None = None,
    batching: bool | None = None,
    max_wait_ms: float = 5.0,
    device: str | None = None,
    keep: float | str | None = None,
    threads: int | None = None,
) -> Any:
    """Make a Spark function that runs a model over batches of rows.

    It takes the arguments of ``pyspark.ml.functions.predict_batch_udf`` and can stand in for it:
    ``batch_udf(make_predict_fn, return_type=..., batch_size=...)``. Or it decorates a function
    whose first parameter is what ``load`` returned: ``@batch_udf(load=make_model, batch_size=64)``.

    The model sees batches of exactly ``batch_size`` rows, across the borders of Arrow batches, but
    for a task's last one. A column of numbers arrives as a one-dimensional array (with NaN for
    null), one of lists of one length as a two-dimensional one; a struct's fields are a column each,
    or one two-dimensional array where the function has one parameter. Arrays are read-only views
    of Spark's Arrow buffers where type and nulls allow.

    Parameters
    ----------
    make_predict_fn : callable
        Loads a model and returns the function from arrays to predictions.
    load : callable
        Returns the model, once in each worker process.
    return_type : DataType, DDL string or type hint
        Numbers are predicted as an array with a row for each row; array<...> as a two-dimensional
        array; a struct as a dict of arrays, or as a list with a dict for each row.
    batch_size : int
        Rows.
    input_tensor_shapes : list or dict, optional
        The shape of one row of each column, or of those that the dict has; None leaves it as it is.
    max_models : int
        How many models a worker process keeps; the one not used for longest goes first. Not for
        models that a host shares.
    share : {"host"}, optional
        The model is loaded once for all workers of the application on a host, by a process that
        they share, and not in each of them. It is known by what ``load`` is, pickled. Where the
        system is not Linux, each worker process loads its own.
    batching : bool, optional
        One process runs the batches of all tasks, and fills each from several of them; by default
        it does with a ``device``. Otherwise a process that is forked from the one that has loaded
        the model runs the batches of each worker, beside the others.
    max_wait_ms : float
        How long a batch that is not full waits for rows of other tasks, with ``batching``.
    device : {"cuda"}, optional
        The model sees the task's GPU alone, by Spark's resource addresses, and is loaded once for
        each GPU.
    keep : float or str, optional
        For how long a model stays that nobody uses: seconds, or "10min". By default as long as the
        application.
    threads : int, optional
        How many a batch may use: by default what ``OMP_NUM_THREADS`` says, which Spark sets to
        ``spark.task.cpus``; with ``batching``, the host's cores.

    Returns
    -------
    SparkFunction
        Or a decorator that makes one, with ``load``.

    Raises
    ------
    UsageError
        If the arguments contradict each other, there is no return type, or a function can't be
        pickled.
    """
    for name, value in (("batch_size", batch_size), ("max_models", max_models)):
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UsageError(f"{name}={value!r} is no positive number", hint=f"write {name}=64")
    shared = sharing(share, batching, max_wait_ms, device, keep, threads)
    make = functools.partial(
        _make,
        return_type=return_type,
        batch_size=batch_size,
        shapes=input_tensor_shapes,
        max_models=max_models,
        shared=shared,
    )
    if load is None:
        if not callable(make_predict_fn):
            raise UsageError(
                "batch_udf needs a function that loads the model",
                hint="write @batch_udf(load=make_model, ...), or batch_udf(make_predict_fn, ...)",
            )
        return make(make_predict_fn, None)
    if make_predict_fn is not None:
        raise UsageError(
            "batch_udf got both a function and load=",
            hint="with load=, use it as a decorator; without, give make_predict_fn alone",
        )
    return functools.partial(make, load)


def _make(
    load: Callable[[], Any],
    predict: Callable[..., Any] | None,
    *,
    return_type: Any,
    batch_size: int,
    shapes: Shapes | None,
    max_models: int,
    shared: Sharing | None,
) -> SparkFunction:
    function = load if predict is None else predict
    name = name_of(function)
    check_is_called(function)
    signature = signature_of(function)
    hint = None
    names: list[str] = []
    if predict is None:
        needed = [p for p in positional(signature) if p.default is p.empty]
        if needed:
            raise UsageError(
                f"{name}{signature} has to load a model without arguments",
                hint="bind them: functools.partial(make_predict_fn, path)",
            )
    else:
        names = [p.name for p in positional(signature)][1:]
        if not names and not takes_any(signature):
            raise UsageError(
                f"{name}{signature} takes no column",
                hint=f"write {name}(model, x), with a parameter for each column after the model",
            )
        hint = hints_of(predict).get("return")
    kind = Kind(iterator=False, aggregate=False, result=hint)
    declared = returned_type(function, signature, return_type, kind, (np.ndarray,))
    check_picklable(load)
    check_picklable(function)
    of = (load, predict, Result(name, declared, nan_is_null=True), batch_size, shapes, max_models)
    call = Batches(*of)
    sent = call if shared is None else SharedBatches(shared, *of)
    over_batches = Kind(iterator=True, aggregate=False)

    def local(*data: Any) -> Any:
        values, pandas = arguments(data, names, name)
        columns = [as_arrow(value) for value in values]
        batch = columns[0] if len(columns) == 1 else tuple(columns)
        # Where there are no rows there is no batch.
        parts = [pa.array([], arrow_type(declared)), *call(iter([batch]))]
        return returned(pa.concat_arrays(parts), pandas)

    return SparkFunction(
        lambda: spark_arrow_udf(sent, declared, over_batches),
        function,
        signature=_of_columns(signature) if names and not takes_any(signature) else None,
        explain=functools.partial(
            explain,
            f"{name}({', '.join(names) or '...'}) -> {declared.simpleString()}",
            [
                f"arguments: arrays of {batch_size} rows, across the borders of Arrow batches",
                f"model: loaded by {name_of(load)}() {shared or _in_worker(max_models)}",
            ],
        ),
        local=local,
    )


def _in_worker(max_models: int) -> str:
    return f"once a worker process, which keeps the last {max_models}"


def _of_columns(signature: inspect.Signature) -> inspect.Signature:
    """The signature without the model."""
    return signature.replace(parameters=list(signature.parameters.values())[1:])
