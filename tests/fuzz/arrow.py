"""Arrow's values, compared."""

import pyarrow as pa


def same(one: pa.Array, other: pa.Array) -> bool:
    """Whether two arrays are equal; what is no number is equal to itself."""
    if one.type != other.type:
        return False
    if one.equals(other):
        return True
    try:
        return str(one.to_pylist()) == str(other.to_pylist())
    except (OverflowError, ValueError):  # Python has no such date.
        return printed(one) == printed(other)


def printed(array: pa.Array) -> str:
    """All of an array's values, and what is below nulls."""
    text: str = array.to_string(window=10_000, container_window=10_000)
    return text
