"""Arrow's values, compared."""

import pyarrow as pa


def text(array: pa.Array) -> str:
    """All of an array's values: equal texts are equal values, also of what is no number or date."""
    printed: str = array.to_string(window=10_000, container_window=10_000)
    return f"{array.type}: {printed}"
