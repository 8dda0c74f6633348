"""Means over ranks: what their arrays are added up as, and what becomes of the sum."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def addend(array: "NDArray[Any]") -> "NDArray[Any]":
    """The array in a type that a sum of many does not overflow where they don't, as NumPy's mean.

    Integers and booleans as float64, float16 as float32, all others as they are.
    """
    import numpy as np

    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    return array.astype(np.float32) if array.dtype.itemsize == 2 else array


def divided(total: "NDArray[Any]", ranks: int, array: "NDArray[Any]") -> "NDArray[Any]":
    """The mean that a sum of addends stands for; ``array`` is one of those that were asked for.

    Of its type; of integers and booleans it is float64.
    """
    import numpy as np

    mean = np.asarray(total / ranks)
    return mean if array.dtype.kind in "biu" else mean.astype(array.dtype, copy=False)
