"""The recording of one task: a line that names the format, a JSON header, the bytes the JVM sent.

A recording holds the task's data, its functions and its local properties: treat the file as you
would treat the data itself. It holds no environment variable outside of ``ENVIRONMENT``.
"""

import json
import os
import platform
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hydrofoil import private

MAGIC = b"hydrofoil recording 1\n"
SUFFIX = ".hfrec"

# The variables that change what a worker does. Whatever is not named here, secrets above all, is
# neither kept nor replayed.
ENVIRONMENT = (
    "ARROW_PRE_0_15_IPC_FORMAT",
    "LANG",
    "LC_ALL",
    "PYSPARK_ENABLE_NAMEDTUPLE_PATCH",
    "PYSPARK_EXECUTOR_MEMORY_MB",
    "PYSPARK_YM_INTERVAL_LEGACY",
    "PYTHONHASHSEED",
    "PYTHON_UDF_BATCH_SIZE",
    "SPARK_BUFFER_SIZE",
    "SPARK_HIDE_TRACEBACK",
    "SPARK_PIPELINED_UDF",
    "SPARK_PIPELINED_UDF_QUEUE_DEPTH",
    "SPARK_SIMPLIFIED_TRACEBACK",
    "SPARK_TRACEBACK_WITH_LOCALS",
    "TZ",
    "HYDROFOIL_ROWS",
)


class RecordingError(ValueError):
    """A file is not a recording that this version can read."""


@dataclass(frozen=True)
class Recording:
    """What the JVM sent the worker of one task.

    Attributes
    ----------
    spark, python : str
        Versions of PySpark and Python on the worker's side.
    pyarrow : str or None
        Version of pyarrow there, None if it is not installed.
    environment : dict of str
        The variables of ``ENVIRONMENT`` that were set.
    data : bytes
        Everything that the worker read, from the init message to the finish signal.
    failure : dict
        Of a task that failed: where, and what of its input was left out; see `kept`. Else empty.
    """

    spark: str
    python: str
    pyarrow: str | None
    environment: dict[str, str]
    data: bytes = field(repr=False)
    failure: dict[str, Any] = field(default_factory=dict)

    @property
    def spark_version(self) -> tuple[int, int]:
        """Major and minor version of Spark."""
        major, minor = self.spark.split(".")[:2]
        return int(major), int(minor)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the recording to a file; an existing one is replaced."""
        names = ("spark", "python", "pyarrow", "environment")
        header = {name: getattr(self, name) for name in names}
        if self.failure:
            header["failure"] = self.failure
        with open(path, "wb", opener=private.opener) as file:
            file.write(encode_header(header) + self.data)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Recording":
        """Read a recording.

        Raises
        ------
        RecordingError
            The file is no recording, was made by another version of the format, or is cut short.
        """
        content = Path(path).read_bytes()
        if not content.startswith(MAGIC):
            raise RecordingError(
                f"{os.fspath(path)} is not a recording of this version (it starts with "
                f"{content[: len(MAGIC)]!r}); make one with `hydrofoil record`"
            )
        try:
            start = len(MAGIC) + 4
            (length,) = struct.unpack(">I", content[len(MAGIC) : start])
            header = json.loads(content[start : start + length])
            return cls(data=content[start + length :], **header)
        except (struct.error, ValueError, TypeError) as error:
            raise RecordingError(
                f"the header of {os.fspath(path)} is damaged ({error}); record it again"
            ) from error


def make_header(environ: Mapping[str, str]) -> dict[str, Any]:
    """Describe this process: versions, and of ``environ`` what a replay must set again."""
    import pyspark

    try:
        pyarrow = version("pyarrow")
    except PackageNotFoundError:
        pyarrow = None
    return {
        "spark": pyspark.__version__,
        "python": platform.python_version(),
        "pyarrow": pyarrow,
        "environment": {name: environ[name] for name in ENVIRONMENT if name in environ},
    }


def encode_header(header: dict[str, Any]) -> bytes:
    """The bytes that stand before the recorded ones."""
    text = json.dumps(header, sort_keys=True).encode()
    return MAGIC + struct.pack(">I", len(text)) + text
