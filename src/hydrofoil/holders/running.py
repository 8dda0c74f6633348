"""Running a batch: a worker's function on its arrays, and what is sent back of its end."""

import functools
import inspect
import os
import pickle
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any

from hydrofoil.holders.errors import OutOfDeviceMemory

_HERE = os.path.dirname(__file__)
# Functions that a process keeps unpickled.
_KEPT = 64
# How libraries call it, besides MemoryError.
_CLASSES = ("OutOfMemoryError", "CudaError", "ResourceExhaustedError")
_WORDS = ("out of memory", "failed to allocate memory", "resource_exhausted", "bad allocation")


class Functions:
    """The functions of batches, by the hashes of their pickles; those used last.

    Parameters
    ----------
    model : object
        What ``load`` returned.
    name : str
        Of that function.
    """

    def __init__(self, model: Any, name: str) -> None:
        self._model = model
        self._name = name
        self._kept: OrderedDict[str, Callable[..., Any]] = OrderedDict()

    def add(self, key: str, pickled: bytes) -> int | None:
        """Keep a function, and return how many arrays it takes; None where there is no one number.

        Parameters
        ----------
        key : str
        pickled : bytes
            What takes the model and arrays; nothing, where the model itself takes arrays.

        Raises
        ------
        TypeError
            If the model does not.
        """
        if key not in self._kept:
            if not pickled and not callable(self._model):
                raise TypeError(
                    f"{self._name}() returned {self._model!r} and no function of arrays"
                )
            while len(self._kept) >= _KEPT:
                self._kept.popitem(last=False)
            self._kept[key] = (
                functools.partial(pickle.loads(pickled), self._model) if pickled else self._model
            )
        self._kept.move_to_end(key)
        return _takes(self._kept[key])

    def of(self, key: str) -> Callable[..., Any] | None:
        """The function of arrays; None where it has to be added again."""
        return self._kept.get(key)


def _takes(function: Callable[..., Any]) -> int | None:
    parameters = inspect.signature(function).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    columns = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    # What has a default may be given or not.
    return None if any(p.default is not p.empty for p in columns) else len(columns)


def answer_to(functions: Functions, what: str, *values: Any) -> tuple[Any, ...]:
    """The answer to a worker's message: how many arrays a function takes, or a batch's result."""
    try:
        if what == "function":
            key, pickled = values
            return "takes", functions.add(key, bytes(pickled))
        key, arrays, rows, *_ = values
        function = functions.of(key)
        if function is None:
            return ("unknown",)
        return "result", run(function, arrays, rows), rows
    except Exception as error:
        return failure(error)


def run(function: Callable[..., Any], arrays: Sequence[Any], rows: int) -> Any:
    """What the function returns for a batch. One that a device has no memory for is halved once.

    Raises
    ------
    OutOfDeviceMemory
        If that does not help, or there is one row.
    """
    try:
        return plain(function(*arrays))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        first = error
    half = -(-rows // 2)
    _give_back()
    try:
        if rows < 2:
            raise first
        parts = [plain(function(*(one[at : at + half] for one in arrays))) for at in (0, half)]
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        _give_back()
        tried = f"a batch of {rows} rows, and for {half}" if rows > 1 else "a batch of one row"
        raise OutOfDeviceMemory(
            f"there is too little memory for {tried}: {type(first).__name__}: {first}",
            hint=f"write batch_size={max(1, half // 2)}, or choose a smaller model",
        ) from first
    return joined(parts)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a library says that a device, or this process, has no memory left."""
    if isinstance(error, MemoryError) or type(error).__name__ in _CLASSES:
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _WORDS)


def _give_back() -> None:
    """Return memory to the device that torch keeps for itself."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def plain(result: Any) -> Any:
    """A result with arrays in place of tensors and lists, where they are columns."""
    import numpy as np

    if isinstance(result, Mapping):
        return {name: plain(value) for name, value in result.items()}
    if isinstance(result, list) and all(isinstance(one, Mapping) for one in result):
        return [{name: plain(value) for name, value in one.items()} for one in result]
    if hasattr(result, "detach") and hasattr(result, "cpu"):
        result = result.detach().cpu()
        if str(result.dtype) == "torch.bfloat16":  # NumPy has none.
            result = result.float()
    return np.asarray(result)


def joined(parts: Sequence[Any]) -> Any:
    """Results of consecutive rows as one."""
    import numpy as np

    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, Mapping):
        return {name: joined([part[name] for part in parts]) for name in first}
    if isinstance(first, list):
        return [one for part in parts for one in part]
    return np.concatenate(parts)


def cut(result: Any, start: int, end: int) -> Any:
    """Some consecutive rows of a result."""
    if isinstance(result, Mapping):
        return {name: value[start:end] for name, value in result.items()}
    return result[start:end]


def count(result: Any) -> set[int]:
    """How many rows a result has: one number, unless its columns differ; -1 for a scalar."""
    if isinstance(result, Mapping):
        return set().union(*map(count, result.values()))
    if getattr(result, "ndim", 1) == 0:
        return {-1}
    return {len(result)}


def failure(error: BaseException) -> tuple[Any, ...]:
    """The message by which an error goes to a worker: itself, if it can, and its traceback."""
    text = "".join(traceback.format_exception(type(error), error, _users(error))).rstrip()
    cause, error.__cause__, error.__context__ = error.__cause__, None, None
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)
    except Exception:
        name = type(error).__qualname__
        pickled = pickle.dumps(RuntimeError(f"{name}: {error}"))
    finally:
        error.__cause__ = cause
    return "failed", pickled, text


def _users(error: BaseException) -> TracebackType | None:
    """The traceback from the first call that is not of this package; all of it, if none is."""
    found = error.__traceback__
    while found is not None and found.tb_frame.f_code.co_filename.startswith(_HERE):
        found = found.tb_next
    return found or error.__traceback__
