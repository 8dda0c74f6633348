"""Schemas of Arrow streams, as the tasks of one query have them in common.

To parse one, or to write it, takes longer than a small task's rows. Schemas and types don't change.
"""

from functools import lru_cache

import pyarrow as pa

# Of a worker's last queries.
_MOST = 16


@lru_cache(_MOST)
def parsed(message: bytes) -> pa.Schema:
    """The schema of a stream's schema message."""
    return pa.ipc.read_schema(pa.py_buffer(message))


def message_of(types: list[pa.DataType]) -> bytes:
    """The schema message of an answer with columns of these types."""
    if is_flat(types):
        return _flat_message(tuple(types))
    return _written(types)


def is_flat(types: list[pa.DataType]) -> bool:
    """Whether types that are equal are the same: nested ones may have other names within."""
    return not any([kind.num_fields for kind in types])


@lru_cache(_MOST)
def _flat_message(types: tuple[pa.DataType, ...]) -> bytes:
    return _written(types)


def _written(types: list[pa.DataType] | tuple[pa.DataType, ...]) -> bytes:
    schema = pa.schema([(f"_{i}", kind) for i, kind in enumerate(types)])
    written: bytes = schema.serialize().to_pybytes()
    return written
