"""What `batch_udf` sends to workers: full batches of arrays for a model, and its predictions."""

import functools
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from hydrofoil.decorators.checks import positional, signature_of, takes_any
from hydrofoil.decorators.models import model
from hydrofoil.decorators.spark_types import name_of
from hydrofoil.values.arrays import Argument, Nulls, Result

Shapes = Sequence[Sequence[int] | None] | Mapping[int, Sequence[int]]


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
        """The function of arrays alone, and how many it takes; None where there is no one number.

        So it is with ``*args``, and with parameters that have defaults.
        """
        found = model(self.key, self.load, self.max_models)
        bound = self.predict is not None
        function = functools.partial(self.predict, found) if self.predict else found
        signature = signature_of(function)
        parameters = positional(signature)
        open_ended = takes_any(signature) or any(p.default is not p.empty for p in parameters)
        count = None if open_ended else len(parameters)
        if not bound and not callable(found):
            raise TypeError(f"{self.__name__}() returned {found!r} and no function of arrays")
        return function, count

    def _inputs(self, arrays: Sequence[pa.Array], expected: int | None) -> list[Any]:
        inputs: list[Any] = []
        for i, array in enumerate(arrays):
            nested = pa.types.is_list(array.type) or pa.types.is_large_list(array.type)
            # Of lists, elements may be null; a list that is null has no length.
            nulls: Nulls = "error" if nested and array.null_count else "nan"
            value = Argument(f"column {i}", nulls, "object", False)(array)
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
