"""`torch_udf`: `numpy_udf` with torch tensors, which share memory with the arrays."""

import functools
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count
from typing import Any

import numpy as np

from hydrofoil.decorators.checks import is_function
from hydrofoil.decorators.numpy import check_choice, over_arrays
from hydrofoil.decorators.spark_types import describe, name_of
from hydrofoil.decorators.vectorized import Plan
from hydrofoil.errors import UsageError
from hydrofoil.values.arrays import Masked, Nulls, Ragged


def torch_udf(f: Any = None, returnType: Any = None, *, nulls: Nulls = "propagate") -> Any:
    """Make a Spark function of a function of torch tensors.

    As `numpy_udf`, with a tensor on the CPU in place of each array: over Spark's Arrow buffers
    where type and nulls allow, and results are sent from a tensor's memory. Tensors can't be
    read-only, so an argument that was changed in place raises. Torch has no dates and times:
    timestamps and intervals are int64 in microseconds, dates int64 in days, and so are results of
    these types. It has no strings, binary and decimals either.

    Parameters
    ----------
    f : callable
        Takes a tensor for each column (`Ragged` of tensors, for a parameter with that hint), or one
        iterator of them (of tuples, for several columns) and returns one. Results are as for
        `numpy_udf`, with tensors on any device; gradients are left out.
    returnType : DataType, DDL string or type hint, optional
        By default what ``Annotated[torch.Tensor, "double"]`` in the return hint says.
    nulls : {"propagate", "mask", "nan", "error"}
        As for `numpy_udf`.

    Returns
    -------
    SparkFunction
        Or a decorator that makes one, where ``f`` is not a function.

    Raises
    ------
    UsageError
        As for `numpy_udf`; or if torch is not installed.
    """
    check_choice("nulls", nulls, Nulls)
    if not is_function(f):
        return functools.partial(torch_udf, returnType=returnType if f is None else f, nulls=nulls)
    try:
        import torch
    except ImportError:
        raise UsageError(
            "torch_udf needs torch, which is not installed",
            hint="pip install torch, here and on the executors; or use @hydrofoil.numpy_udf",
        ) from None
    plan = Plan(
        f, returnType, (torch.Tensor, Ragged, Masked, dict), "a torch_udf", any_is_column=True
    )
    if plan.kind.aggregate:
        raise UsageError(
            f"{plan.name}() returns {describe(plan.kind.result)}, and a torch_udf returns a tensor",
            hint='write Annotated[torch.Tensor, "double"]; for aggregates use @hydrofoil.aggregate',
        )
    times = _TIMES.get(type(plan.return_type).__name__)
    of_tensors = EachOfTensors if plan.kind.iterator else OfTensors
    call = of_tensors(f, times, plan.names)
    return over_arrays(plan, call, nulls, "object")


# Spark type -> what its int64 stand for in NumPy.
_TIMES = {
    "TimestampType": "datetime64[us]",
    "TimestampNTZType": "datetime64[us]",
    "DayTimeIntervalType": "timedelta64[us]",
    "DateType": "datetime64[D]",
}


class OfTensors:
    """A function of tensors as one of NumPy arrays; what is sent to workers.

    Parameters
    ----------
    function : callable
    times : str, optional
        The dtype that int64 in results stand for.
    names : sequence of str
        Of the parameters, for messages.
    """

    def __init__(self, function: Any, times: str | None, names: Sequence[str] = ()) -> None:
        self.function = function
        self.times = times
        self.names = list(names)
        self.__name__ = name_of(function)
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    def __call__(self, *arrays: Any, **named: Any) -> Any:
        tensors = self.tensors(arrays)
        by_name = {name: as_tensor(array, f"parameter {name!r}") for name, array in named.items()}
        result = self.function(*tensors, **by_name)
        for tensor in (*tensors, *by_name.values()):
            self.check_unchanged(tensor)
        return self.result(result)

    def tensors(self, arrays: Sequence[Any]) -> list[Any]:
        """Tensors over the arrays' memory."""
        further = map("column {}".format, count(len(self.names)))
        places = chain(map("parameter {!r}".format, self.names), further)
        return [as_tensor(array, place) for array, place in zip(arrays, places, strict=False)]

    def result(self, value: Any) -> Any:
        """What the function returned, with arrays in the place of tensors."""
        if self.times is not None and isinstance(value, Masked):
            return Masked(self.result(value.values), as_array(value.mask))
        array = as_array(value)
        if self.times is not None and getattr(array, "dtype", None) == np.int64:
            return array.view(self.times)
        return array

    def check_unchanged(self, value: Any) -> None:
        """Raise if a tensor over Spark's memory was written to."""
        if isinstance(value, dict):
            value = tuple(value.values())
        if isinstance(value, tuple):
            for one in value:
                self.check_unchanged(one)
        elif value._version:
            raise ValueError(
                f"{self.__name__}() changed an argument in place, which is Spark's memory; "
                "write x = x.clone() before, or an operation that returns a new tensor"
            )


class EachOfTensors(OfTensors):
    """The same for functions of iterators."""

    def __call__(self, batches: Any) -> Iterator[Any]:
        for result in self.function(self._tensors(batches)):
            yield self.result(result)

    def _tensors(self, batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            # A tuple of columns, which Masked and Ragged are not.
            if type(batch) is tuple:
                tensors: Any = tuple(self.tensors(batch))
            else:
                [tensors] = self.tensors([batch])
            yield tensors
            self.check_unchanged(tensors)


def as_tensor(value: Any, where: str) -> Any:
    """An array as a tensor over its memory; Masked, Ragged and dicts with tensors in them.

    ``where`` is what the array is, for messages.

    Raises
    ------
    TypeError
        If torch has no such dtype.
    """
    import torch
    from torch.utils.dlpack import from_dlpack

    if isinstance(value, Masked | Ragged):
        return type(value)(*(as_tensor(one, where) for one in value))
    if isinstance(value, dict):
        return {name: as_tensor(one, f"{where}, field {name!r}") for name, one in value.items()}
    if value.dtype.kind in "mM":
        value = value.view(np.int64)
    elif value.dtype.kind not in "biuf":
        raise TypeError(
            f"{where}: torch has no tensors of {value.dtype}, as which strings, binary and "
            "decimals arrive; cast the column, or use @hydrofoil.numpy_udf"
        )
    try:
        return from_dlpack(value)
    except (BufferError, RuntimeError, TypeError):
        # NumPy before 2.1 exports no read-only arrays by DLPack.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.from_numpy(value)


def as_array(value: Any) -> Any:
    """A result with arrays over the tensors' memory, which is copied where it is on a device."""
    import torch

    if isinstance(value, Masked | Ragged):
        return type(value)(*map(as_array, value))
    if isinstance(value, Mapping):
        return {name: as_array(one) for name, one in value.items()}
    if not isinstance(value, torch.Tensor):
        return value
    value = value.detach().cpu()
    if value.dtype is torch.bfloat16:  # NumPy has none.
        value = value.to(torch.float32)
    return value.resolve_conj().resolve_neg().numpy()
