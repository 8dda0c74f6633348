"""`batch_udf`: inference in batches of a fixed size, with a model loaded once a process."""

import functools
import inspect
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.decorators.checks import check_picklable, positional, signature_of
from hydrofoil.decorators.function import SparkFunction
from hydrofoil.decorators.kinds import Kind
from hydrofoil.decorators.kinds import return_type as returned_type
from hydrofoil.decorators.local import arguments, as_arrow, returned
from hydrofoil.decorators.models import model
from hydrofoil.decorators.paths import explain
from hydrofoil.decorators.spark_types import hints_of, name_of
from hydrofoil.decorators.vectorized import spark_arrow_udf
from hydrofoil.errors import UsageError
from hydrofoil.values.arrays import Argument, Result

Shapes = Sequence[Sequence[int] | None] | Mapping[int, Sequence[int]]


def batch_udf(
    make_predict_fn: Any = None,
    *,
    load: Callable[[], Any] | None = None,
    return_type: Any = None,
    batch_size: int,
    input_tensor_shapes: Shapes | None = None,
    max_models: int = 4,
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
        How many models a worker process keeps; the one not used for longest goes first.

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
    make = functools.partial(
        _make,
        return_type=return_type,
        batch_size=batch_size,
        shapes=input_tensor_shapes,
        max_models=max_models,
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
) -> SparkFunction:
    function = load if predict is None else predict
    name = name_of(function)
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
        if not names and not _takes_any(signature):
            raise UsageError(
                f"{name}{signature} takes no column",
                hint=f"write {name}(model, x), with a parameter for each column after the model",
            )
        hint = hints_of(predict).get("return")
    kind = Kind(iterator=False, aggregate=False, result=hint)
    declared = returned_type(function, signature, return_type, kind, (np.ndarray,))
    check_picklable(load)
    check_picklable(function)
    call = Batches(
        load, predict, Result(name, declared, nan_is_null=True), batch_size, shapes, max_models
    )
    over_batches = Kind(iterator=True, aggregate=False)

    def local(*data: Any) -> Any:
        values, pandas = arguments(data, names, name)
        columns = [as_arrow(value) for value in values]
        batch = columns[0] if len(columns) == 1 else tuple(columns)
        return returned(pa.concat_arrays(list(call(iter([batch])))), pandas)

    return SparkFunction(
        lambda: spark_arrow_udf(call, declared, over_batches),
        function,
        signature=_of_columns(signature) if names and not _takes_any(signature) else None,
        explain=functools.partial(
            explain,
            f"{name}({', '.join(names) or '...'}) -> {declared.simpleString()}",
            [
                f"arguments: arrays of {batch_size} rows, across the borders of Arrow batches",
                f"model: loaded by {name_of(load)}() once a worker process, which keeps the last "
                f"{max_models}",
            ],
        ),
        local=local,
    )


def _takes_any(signature: inspect.Signature) -> bool:
    return any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values())


def _of_columns(signature: inspect.Signature) -> inspect.Signature:
    """The signature without the model."""
    return signature.replace(parameters=list(signature.parameters.values())[1:])


class Batches:
    """Batches of Arrow arrays to arrays of predictions; what is sent to workers.

    Each has a key of its own, by which a worker process finds its model again.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        predict: Callable[..., Any] | None,
        result: Result,
        batch_size: int,
        shapes: Shapes | None,
        max_models: int,
    ) -> None:
        self.key = uuid.uuid4().hex
        self.load = load
        self.predict = predict
        self.result = result
        self.batch_size = batch_size
        self.shapes = dict(enumerate(shapes)) if isinstance(shapes, Sequence) else shapes
        self.max_models = max_models
        function = load if predict is None else predict
        self.__name__ = name_of(function)
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def __call__(self, batches: Any) -> Iterator[pa.Array]:
        function, expected = self._function()
        # Of rows that don't fill a batch yet.
        waiting: list[list[Any]] = []
        rows = 0
        for batch in batches:
            arrays = batch if isinstance(batch, tuple) else (batch,)
            inputs = self._inputs(arrays, expected)
            count, at = len(arrays[0]), 0
            predictions = Predictions(self.result)
            while rows + count - at >= self.batch_size:
                until = at + self.batch_size - rows
                waiting.append([one[at:until] for one in inputs])
                predictions.add(function(*_joined(waiting)), self.batch_size)
                waiting, rows, at = [], 0, until
            if at < count:
                waiting.append([one[at:] for one in inputs])
                rows += count - at
            if predictions.rows:
                yield predictions.column()
        if rows:
            predictions = Predictions(self.result)
            predictions.add(function(*_joined(waiting)), rows)
            yield predictions.column()

    def _function(self) -> tuple[Callable[..., Any], int | None]:
        """The function of arrays alone, and how many it takes; None for any number."""
        found = model(self.key, self.load, self.max_models)
        bound = self.predict is not None
        function = functools.partial(self.predict, found) if self.predict else found
        signature = signature_of(function)
        count = None if _takes_any(signature) else len(positional(signature))
        if not bound and not callable(found):
            raise TypeError(f"{self.__name__}() returned {found!r} and no function of arrays")
        return function, count

    def _inputs(self, arrays: Sequence[pa.Array], expected: int | None) -> list[Any]:
        inputs: list[Any] = []
        for i, array in enumerate(arrays):
            nested = pa.types.is_list(array.type) or pa.types.is_large_list(array.type)
            value = Argument(f"column {i}", "error" if nested else "nan", "object", False)(array)
            if not isinstance(value, dict):
                inputs.append(value)
            elif expected == 1 and len(arrays) == 1:
                inputs.append(np.column_stack(list(value.values())))
            else:
                inputs.extend(value.values())
        if expected is not None and len(inputs) != expected:
            raise ValueError(
                f"{self.__name__}() was given {len(inputs)} columns and takes {expected}; for one "
                "array of several columns pass array(...) or struct(...) of them"
            )
        if self.shapes is not None:
            if any(i >= len(inputs) for i in self.shapes):
                raise ValueError(
                    f"input_tensor_shapes has {len(self.shapes)} shapes for {len(inputs)} columns"
                )
            for i, shape in self.shapes.items():
                if shape:
                    inputs[i] = self._shaped(inputs[i], shape, i)
        return inputs

    def _shaped(self, values: Any, shape: Sequence[int], i: int) -> Any:
        try:
            return values.reshape((len(values), *shape))
        except ValueError:
            raise ValueError(
                f"column {i} of {self.__name__}() has rows of shape {values.shape[1:]}, which "
                f"can't have the shape {tuple(shape)} that input_tensor_shapes says"
            ) from None


def _joined(parts: list[list[Any]]) -> list[Any]:
    if len(parts) == 1:
        return parts[0]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


class Predictions:
    """What a model returned for some batches, as one column.

    Values are copied at once: a model may use its memory again.
    """

    def __init__(self, result: Result) -> None:
        self.result = result
        self.rows = 0
        self.parts: dict[str, list[Any]] = {}

    def add(self, predicted: Any, rows: int) -> None:
        """Append the predictions for a batch of so many rows.

        Raises
        ------
        ValueError
            If there is a different number of them, or other fields than declared.
        """
        fields = self.result.fields
        if not fields:
            self._add("", predicted, rows)
        else:
            if isinstance(predicted, list) and all(isinstance(one, Mapping) for one in predicted):
                predicted = {name: [one[name] for one in predicted] for name in predicted[0]}
            if not isinstance(predicted, Mapping) or set(predicted) != set(fields):
                found = list(predicted) if isinstance(predicted, Mapping) else type(predicted)
                raise ValueError(
                    f"{self.result.name}() returned {found}, and its type has the fields "
                    f"{list(fields)}; return a dict with an array for each"
                )
            for name in fields:
                self._add(name, predicted[name], rows)
        self.rows += rows

    def _add(self, name: str, predicted: Any, rows: int) -> None:
        values = np.array(predicted)
        if values.ndim == 0 or len(values) != rows:
            raise ValueError(
                f"{self.result.name}() returned {'one value' if values.ndim == 0 else len(values)} "
                f"for {rows} rows"
            )
        made = self.result.fields[name] if name else self.result
        if made.element is not None and values.ndim != 2:
            raise ValueError(
                f"{made.name}() returned {values.ndim} dimensions, and array<...> needs two"
            )
        self.parts.setdefault(name, []).append(values)

    def column(self) -> pa.Array:
        """All that was added."""
        joined = {
            name: parts[0] if len(parts) == 1 else np.concatenate(parts)
            for name, parts in self.parts.items()
        }
        return self.result(joined if self.result.fields else joined[""], self.rows)
