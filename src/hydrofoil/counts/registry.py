"""Values of the driver's accumulators that workers add to without having been given them."""

from typing import Any


def value_of(number: int) -> Any:
    """What has been added to an accumulator of this process; None where there is none."""
    from pyspark.accumulators import _accumulatorRegistry

    registry: dict[Any, Any] = _accumulatorRegistry
    known = registry.get(number)
    return None if known is None else known._value


def register(number: int, value: Any, zero: Any) -> None:
    """Have workers' updates of an accumulator added to a value, in the place of any other.

    Parameters
    ----------
    number : int
        The accumulator's.
    zero : object
        What an update begins with.
    """
    from pyspark.accumulators import Accumulator, AddingAccumulatorParam

    # It registers itself.
    Accumulator(number, value, AddingAccumulatorParam(zero))
