"""A query's result as one pyarrow table, on all versions of Spark."""

from typing import Any

import pyarrow as pa

from hydrofoil._cext.frames import Frame
from hydrofoil.driver import frames, paths
from hydrofoil.driver.readers import arrow_schema_of, is_connect
from hydrofoil.errors import UsageError
from hydrofoil.spark.versions import installed_version


def to_table(frame: Any, call: str) -> pa.Table:
    """Run a query, and take its result as record batches.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    call : str
        The function that the program called.

    Raises
    ------
    UsageError
        If it is of a Spark Connect client that has no record batches to give.
    """
    version = installed_version()
    if version is None or is_connect(frame):
        if not hasattr(type(frame), "toArrow"):
            raise UsageError(
                f"{call} can't take the record batches of this DataFrame",
                hint="use Spark 4.0 or newer: Spark Connect's client of 3.5 has no toArrow",
            )
        return frame.toArrow()
    collected = frames.collect(frame, call, version)
    paths.took(call, paths.FAST, "", collected.count())
    if not collected.schema_message:
        return arrow_schema_of(frame).empty_table()
    schema = pa.ipc.read_schema(pa.py_buffer(collected.schema_message))
    return pa.Table.from_batches(
        [_record_batch(each, schema) for each in collected.batches], schema
    )


def columns_of(table: pa.Table) -> dict[str, pa.Array]:
    """The table's columns, each in one piece.

    Raises
    ------
    UsageError
        If two have the same name.
    """
    names = table.column_names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(
            f"several columns have the name {twice[0]!r}, and arrays are given by names",
            hint="rename one of them with df.withColumnRenamed or df.toDF",
        )
    return {
        name: column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
        for name, column in zip(names, table.columns, strict=True)
    }


def _record_batch(batch: Any, schema: pa.Schema) -> pa.RecordBatch:
    if isinstance(batch, Frame):
        return pa.ipc.read_record_batch(pa.py_buffer(batch.message()), schema)
    return batch
