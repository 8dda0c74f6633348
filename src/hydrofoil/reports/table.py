"""The table of quarantined rows: a folder of Parquet files, written by the driver.

One file for each partition's task, by the session's Hadoop file systems. A partition that is
computed again has its file replaced.
"""

import io
import uuid
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("function", pa.string()),
        ("file", pa.string()),
        ("line", pa.int32()),
        ("error", pa.string()),
        ("message", pa.string()),
        ("traceback", pa.string()),
        ("partition", pa.int32()),
        ("row", pa.int64()),
        ("arguments", pa.string()),
        ("application", pa.string()),
        ("query", pa.int64()),
        ("stage", pa.int32()),
        ("time", pa.timestamp("us", "UTC")),
    ]
)


def as_parquet(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """Rows as one Parquet file."""
    columns = list(zip(*rows, strict=True))
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    sink = io.BytesIO()
    # What Spark writes itself, and so can read everywhere.
    pq.write_table(pa.Table.from_arrays(arrays, schema=SCHEMA), sink, compression="snappy")
    return sink.getvalue()


class Folder:
    """A folder of any file system that the session knows."""

    def __init__(self, context: Any, path: str) -> None:
        from pyspark import SparkContext

        jvm: Any = SparkContext._jvm
        self._jvm = jvm
        self._conf: Any = context.hadoopConfiguration()
        self._folder = jvm.org.apache.hadoop.fs.Path(path)
        self._files = self._folder.getFileSystem(self._conf)

    def put(self, name: str, content: bytes) -> None:
        """Write a file, or replace it: nobody sees it half written."""
        final, draft = self._path(name), self._path(f"_{name}.{uuid.uuid4().hex}")
        stream = self._files.create(draft, True)
        try:
            stream.write(content)
        finally:
            stream.close()
        self._rename(draft, final)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._files.delete(self._path(name), False)

    def _path(self, name: str) -> Any:
        made: Any = self._jvm.org.apache.hadoop.fs.Path(self._folder, name)
        return made

    def _rename(self, draft: Any, final: Any) -> None:
        fs = self._jvm.org.apache.hadoop.fs
        try:
            whole = fs.FileContext.getFileContext(self._files.getUri(), self._conf)
            rename = self._options(getattr(fs, "Options$Rename").OVERWRITE)
            whole.rename(self._files.makeQualified(draft), self._files.makeQualified(final), rename)
        except Exception:
            # A file system that has no such call.
            self._files.delete(final, False)
            if not self._files.rename(draft, final):
                raise

    def _options(self, option: Any) -> Any:
        from pyspark import SparkContext

        gateway = SparkContext._gateway
        assert gateway is not None
        made = gateway.new_array(option.getDeclaringClass(), 1)
        made[0] = option
        return made
