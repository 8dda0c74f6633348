"""Saving and loading: parameters as ``pyspark.ml`` writes them, everything else as rows of bytes.

Both are written by Spark, so a path is wherever its file systems reach. ``<path>/metadata`` is
text, ``<path>/parts`` Parquet. Only public methods of sessions and DataFrames are used but for
``overwrite()`` of a classic session, which asks the JVM to delete what is there.
"""

import json
import os
import pickle
import time
from typing import Any

from pyspark.ml.util import MLReadable, MLReader, MLWritable, MLWriter
from pyspark.sql import SparkSession

from hydrofoil.errors import UsageError

_PIECE = 8 << 20  # Bytes in a row.
_PARAM = "param:"  # In front of the names of parameters that JSON can't have.


class Saved(MLReadable[Any], MLWritable):
    """What can be saved: the parameters, and whatever `parts` says."""

    def parts(self) -> dict[str, bytes]:
        """What is to be saved beside the parameters."""
        return {}

    def put_together(self, parts: dict[str, bytes]) -> None:
        """Take what was saved."""

    def write(self) -> "Writer":
        """The writer: ``write().overwrite().save(path)``."""
        return Writer(self)

    @classmethod
    def read(cls) -> "Reader":
        """The reader: ``read().load(path)``, or `load`."""
        return Reader(cls)


class Writer(MLWriter):
    """Writes one of `Saved`."""

    def __init__(self, instance: Any) -> None:
        super().__init__()
        self.instance = instance
        self._mode = "error"

    def _handleOverwrite(self, path: str) -> None:
        # A Connect client can delete nothing but what it writes in its place.
        if type(_session(self)).__module__.startswith("pyspark.sql.connect"):
            self._mode = "overwrite"
        else:
            super()._handleOverwrite(path)

    def saveImpl(self, path: str) -> None:
        instance = self.instance
        spark = _session(self)
        values, parts = {}, dict(instance.parts())
        for param, value in instance._paramMap.items():
            try:
                json.dumps(value)
            except TypeError:
                parts[_PARAM + param.name] = _pickled(param.name, value)
            else:
                values[param.name] = value
        metadata = {
            "class": _class_name(type(instance)),
            "timestamp": int(time.time() * 1000),
            "sparkVersion": spark.version,
            "uid": instance.uid,
            "paramMap": values,
            "defaultParamMap": {
                param.name: value for param, value in instance._defaultParamMap.items()
            },
            "parts": sorted(parts),
        }
        text = json.dumps(metadata, separators=(",", ":"))
        frame = spark.createDataFrame([(text,)], "value string")
        self._written(frame, path, "metadata")
        if parts:
            rows = [
                (name, place, data[start : start + _PIECE])
                for name, data in parts.items()
                for place, start in enumerate(range(0, max(len(data), 1), _PIECE))
            ]
            frame = spark.createDataFrame(rows, "name string, place int, data binary")
            self._written(frame, path, "parts")

    def _written(self, frame: Any, path: str, folder: str) -> None:
        writer = frame.coalesce(1).write.mode(self._mode)
        save = writer.text if folder == "metadata" else writer.parquet
        save(os.path.join(path, folder))


class Reader(MLReader[Any]):
    """Reads one of `Saved`."""

    def __init__(self, cls: type[Any]) -> None:
        super().__init__()
        self.cls = cls

    def load(self, path: str) -> Any:
        """What was saved under a path.

        Raises
        ------
        UsageError
            It is of another class, or has parameters that this one lacks.
        """
        spark = _session(self)
        metadata = json.loads(spark.read.text(os.path.join(path, "metadata")).first()[0])
        if metadata["class"] != _class_name(self.cls):
            raise UsageError(
                f"{path} has a {metadata['class']}, and {self.cls.__name__}.load was called",
                hint=f"call {metadata['class'].rpartition('.')[2]}.load",
            )
        parts: dict[str, bytes] = {}
        if metadata["parts"]:
            rows = spark.read.parquet(os.path.join(path, "parts")).collect()
            for row in sorted(rows, key=lambda row: (row["name"], row["place"])):
                parts[row["name"]] = parts.get(row["name"], b"") + bytes(row["data"])
        instance = self.cls()
        values = dict(metadata["paramMap"])
        for name in [name for name in parts if name.startswith(_PARAM)]:
            values[name.removeprefix(_PARAM)] = pickle.loads(parts.pop(name))
        defaults = metadata["defaultParamMap"]
        lacking = sorted(name for name in values if not instance.hasParam(name))
        if lacking:
            raise UsageError(
                f"{path} was saved with the parameter {lacking[0]!r}, which "
                f"{self.cls.__name__} does not have here",
                hint="the library here is of another version than where it was saved",
            )
        instance._setDefault(**{n: v for n, v in defaults.items() if instance.hasParam(n)})
        instance._set(**values)
        instance._resetUid(metadata["uid"])
        instance.put_together(parts)
        return instance


def _session(of: Any) -> Any:
    """The session that a reader or writer was given, or the active one, a client's too."""
    return getattr(of, "_sparkSession", None) or SparkSession.active()


def _class_name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _pickled(name: str, value: Any) -> bytes:
    from pyspark import cloudpickle

    try:
        data: bytes = cloudpickle.dumps(value)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise UsageError(
            f"the parameter {name}={value!r} can't be saved: {error}", hint="leave it out"
        ) from error
    return data
